//! The control task on a paused clock: whole rollouts, crashes, and a store that fails.

mod crashes;
mod rollouts;
mod store_lost;
mod world;
