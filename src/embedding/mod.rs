//! Texts as points on a sphere: what graders call alike, and what the semantic cache looks up.
//!
//! One embedder, built in: [`Embedder`] hashes runs of tokens. It needs no weights, is the same on every machine, and measures
//! likeness of wording.
//!
//! Absent on purpose: weights, networks, and the decision what is alike enough.

mod ngrams;

pub use ngrams::{DIMENSIONS, Embedder, EmbedderError, Embedding};
