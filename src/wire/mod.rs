//! The wire: OpenAI-shaped requests and answers, and the event-stream observer.
//!
//! Codecs only: bytes and times come in as arguments, records go out. The observer works on a copy
//! of what the relay sends; when it cannot follow, the observation ends and the relay goes on.
//!
//! Absent on purpose: sockets, clocks, the decision what an answer means for a rollout.

mod answer;
mod live_grader;
mod verdict;

pub use answer::{Answer, Usage};
pub use live_grader::{LiveGrader, LiveGraderError};
#[cfg(test)]
pub(crate) use verdict::fixture;
pub use verdict::{
    CheckRecord, CheckWord, FlipsRecord, MetricRecord, NeedsRecord, VerdictError, VerdictRecord,
};
