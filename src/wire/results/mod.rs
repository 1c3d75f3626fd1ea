//! Result files of other tools, read as rows of scores. Which tool wrote a file is seen from what is in it.
//!
//! Every format gives the same rows: an id, what was asked as a digest, and values by metric. An answer that ended in
//! an error keeps its row, and its values are lost. Whatever cannot be read is refused at its place; nothing is skipped
//! but metrics that nobody asked for.
//!
//! Absent on purpose: totals that the tools computed (they are computed again, from the rows), and formats without a
//! row for every case.

mod format;
mod guidellm;
mod inspect;
mod item;
mod lm_eval;
mod openai_evals;
mod promptfoo;
mod vllm;

#[cfg(test)]
mod tests;

pub use format::{ResultsAsk, read_results};
