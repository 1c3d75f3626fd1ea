//! The shell: what was typed, what it means, and one exit code.
//!
//! Two layers. The `args` structs are what was typed, one struct per command, parsed by clap; [`Context`] is what
//! the global flags mean on this terminal. A command is one file with its `Args` and
//! `async fn run(args, &Context) -> Result<Exit, Failure>`; it is registered by one `mod` line here, and one variant
//! and one arm in `command.rs`. A command that is not built is not registered.
//!
//! Two tiers of error. What is wrong in the user's world ends with 2 (usage, configuration) or 4 (infrastructure,
//! unusable evidence) and names a remedy; anything else is a bug in goldgate and ends with 70. Errors are printed
//! once, in `main`.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | pass, promoted, done |
//! | 1 | regression proven, rolled back |
//! | 2 | usage or configuration |
//! | 3 | inconclusive |
//! | 4 | invalid run |
//! | 70 | internal error |
//!
//! Absent on purpose: decisions. Every surface renders one verdict object, and the exit code is its word.

mod arm;
mod command;
mod compare;
mod completions;
mod context;
mod demo;
mod descriptors;
mod eval;
mod exit;
mod failure;
mod gate;
mod golden_cases;
mod golden_page;
mod harness;
mod init;
mod judge;
mod margin;
mod mock_engine;
mod number;
mod on_inconclusive;
mod output;
mod plan;
mod progress;
mod release;
mod report;
mod rollout;
mod serve;
mod simulate;
mod sources;
mod timeline;
mod verdict;

pub use command::run;
pub use context::{ColorChoice, Context, GitHub, GlobalArgs};
pub use exit::Exit;
pub use failure::{Blame, Failure};
pub use output::{Format, Output};
