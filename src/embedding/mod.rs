//! Texts as points on a sphere: what graders call alike, and what the semantic cache looks up.
//!
//! Two embedders. [`Embedder`], built in, hashes runs of tokens: it needs no weights, is the same on every machine, and measures
//! likeness of wording. [`Table`] reads a static table of word vectors from a folder, and knows words that mean the same.
//!
//! Absent on purpose: weights of our own, networks, and the decision what is alike enough.

mod ngrams;
mod table;

pub use ngrams::{DIMENSIONS, Embedder, EmbedderError, Embedding};
pub use table::Table;
