//! The wire: OpenAI-shaped requests and answers, and the event-stream observer.
//!
//! Codecs only: bytes and times come in as arguments, records go out. The walk of a request:
//! [`RequestHead`] is read beside the body, [`splice`] changes single fields and leaves every other byte;
//! then [`ResponseObserver`] watches a copy of what the relay sends back and ends in an [`Answer`], by way
//! of [`EventParser`] and [`StreamObserver`] for a stream, or [`read_json_answer`] for one body. When an
//! observer cannot follow, the observation ends and the relay goes on. [`told_as_stream`] and [`told_as_body`] tell a
//! whole answer in the other shape. [`VerdictRecord`] is the verdict as
//! it is written down; [`read_pairs`], [`read_scores`] and [`read_results`] read what is judged offline.
//!
//! How an answer ended is decided in `observer.rs` and `json_answer.rs`, and stated at their heads.
//!
//! Absent on purpose: sockets, clocks, the decision what an answer means for a rollout, answers of
//! the embeddings route, second and further choices of one answer.

mod alike;
mod answer;
mod chunk;
mod degenerate;
mod digest;
mod error;
mod fields;
mod items;
mod json_answer;
mod lenient;
mod live_grader;
mod margins;
mod observer;
mod pairs;
mod policy;
mod question;
mod reading;
mod replay;
mod request;
mod response;
mod results;
mod rows;
mod scores;
mod splice;
mod sse;
mod verdict;
pub(crate) mod words;

pub use answer::{Answer, Form, Usage};
pub use degenerate::degenerate;
pub use digest::{answer_digest, says_something};
pub use error::ErrorBody;
pub use fields::Fields;
pub use json_answer::read_json_answer;
pub use live_grader::{LiveGrader, LiveGraderError};
pub use margins::{AtMarginRecord, AtMarginsRecord};
pub use observer::{End, StreamObserver};
pub use pairs::{PairRows, read_pairs};
pub use policy::PolicyRecord;
pub use question::LastQuestion;
pub use replay::{tells_usage, told_as_body, told_as_stream, without_shape};
pub use request::{Asked, RequestError, RequestHead};
pub use response::ResponseObserver;
pub use results::{ResultsAsk, read_results};
pub use rows::RowFault;
pub use scores::{ScoreRow, read_scores};
pub use splice::{Edit, splice};
pub use sse::{Event, EventParser, EventTooLarge};
#[cfg(test)]
pub(crate) use verdict::fixture;
pub use verdict::{
    AlphaRecord, CheckRecord, CheckWord, FlipsRecord, MetricRecord, NeedsRecord, NoiseRecord, SliceRecord,
    SourceRecord, StratumRecord, VerdictError, VerdictRecord,
};
