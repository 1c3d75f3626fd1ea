//! How often the shipped judge is wrong, and how soon it is right: simulated through the path that decides rollouts,
//! from requests to the verdict and the rollout that hears it, in the worlds of `goldgate::simulation`.
//!
//! A test fails when a rate lies above its budget by more than Monte-Carlo error. Runs are numbered under one seed, so
//! it fails always or never. `CALIBRATION_RUNS=20000 cargo test --release --test calibration -- --nocapture` prints
//! tighter rates; the record of a long run is `benches/record/operating-characteristics.md`.

#[cfg(test)]
mod detection;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod promises;
#[cfg(test)]
#[path = "../../benches/operating-characteristics/rules.rs"]
mod rules;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod setting;
