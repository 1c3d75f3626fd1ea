//! What the process shows of itself: clock, logs, metrics.
//!
//! [`Clock`] is the only place where time is read; everything below takes time as an argument.
//!
//! Absent on purpose: prompts, answers and keys. They are never logged and never a label.

mod clock;
mod logs;

pub use clock::{Clock, ManualClock, RuntimeClock, SystemClock};
pub use logs::{LogFilterError, start_logs};
