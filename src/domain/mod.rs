//! The words every other floor speaks: slots and arms, shares, ids, times, and how an answer ended.
//!
//! Absent on purpose: statistics, traffic rules, serialisation, IO. Nothing here knows a wire format;
//! what is stored or sent has its own record type at the edge.

mod answer_rule;
mod arm;
mod ids;
mod metric;
mod outcome;
mod shape;
mod share;
mod timing;
mod vector_source;

pub use answer_rule::{AnswerRule, LengthRange};
pub use arm::{Arm, Slot};
pub use ids::{MetricName, PolicyDigest, ReleaseId, RequestId, RolloutId};
pub use metric::{LatencyLimit, MetricKind, Tail};
pub use outcome::{Finish, Missing, Outcome};
pub use shape::Shape;
pub use share::{Share, ShareError};
pub use timing::{Clocks, Timestamp};
pub use vector_source::VectorSource;
