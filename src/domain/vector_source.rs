//! Where vectors of texts come from.

use std::path::PathBuf;

/// What makes vectors of questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VectorSource {
    /// Hashed runs of tokens.
    BuiltIn,
    /// A static table of word vectors in this folder.
    Folder(PathBuf),
    /// A server that answers `/v1/embeddings`.
    Server {
        /// Its address, `http://HOST:PORT`.
        url: String,
        /// The model's name there.
        model: String,
    },
}
