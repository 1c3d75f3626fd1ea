//! How often the shipped judge is wrong, and how soon it is right: simulated through the path that decides rollouts,
//! from pairs to the verdict, with a look every fifty pairs.
//!
//! `CALIBRATION_RUNS=20000 cargo test --release --test calibration -- --nocapture` prints the table of a long run.

#[cfg(test)]
mod rates;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod worlds;
