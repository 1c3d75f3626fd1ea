//! An engine made of scripts: OpenAI- and vLLM-shaped, with recorded answers, seeded timing and faults.
//!
//! The walk of a request: `routes` finds the route, `request` reads the body, `script` decides everything
//! that will happen ([`Recorded`] has the answer, [`Timing`] the pace, [`Fault`]s the trouble), and `stream`
//! or one whole body acts it out. A decision depends on the seed, on what is asked, and on how often it was
//! asked before; not on other requests. So a run can be repeated although its requests overlap. What does
//! depend on the others is the pace: token gaps grow with the engine's own requests in flight, as they do
//! under continuous batching.
//!
//! Which answer is given, the first that applies:
//! 1. the header `x-goldgate-case` names a recorded answer;
//! 2. the last user text is a known question, white space aside;
//! 3. it contains known questions (a template wraps it): the longest;
//! 4. no question is known to it: with recorded answers, one fixed sentence that says so, which is what a
//!    template that lost its question brings about; without any, a seeded text made up from the question.
//!
//! A request that must call a function (`tool_choice`) gets a call with the question as its argument instead.
//!
//! The Responses route remembers nothing: `store`, `background` and the ids of earlier responses are read over.
//!
//! Absent on purpose: a queue (everything is admitted at once), several choices, logprobs, embeddings,
//! TLS. Token counts come from a toy tokenizer that agrees with itself and with no real one.

mod engine;
mod fault;
mod generator;
mod items;
mod metrics;
mod options;
mod pace;
mod recorded;
mod render;
mod request;
mod routes;
mod script;
mod seed;
mod server;
mod stream;
mod tokens;
mod writer;

pub use fault::{Fault, FaultError};
pub use options::{Options, Timing};
pub use recorded::Recorded;
pub use server::{Running, start};

#[cfg(test)]
mod tests;
