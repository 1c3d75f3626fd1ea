//! The control task on a paused clock: whole rollouts, crashes, and a store that fails.

mod crashes;
mod mirror_share;
mod rollouts;
mod store_lost;
mod warm_ups;
mod world;
