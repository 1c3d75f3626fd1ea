//! The built-in embedder: runs of up to three tokens, hashed into a vector.
//!
//! Tokens come from a real tokenizer of the `tokenizers` crate: a byte-level BPE with 2,000 entries in `tokenizer.json`, trained on
//! the 1,319 questions of `datasets/gsm8k/cases.jsonl` (MIT); `ngrams/tests.rs` trains it anew and compares. Byte-level means that
//! every text has tokens; other languages merely get shorter ones. A run of n tokens (n = 1, 2, 3) adds ±1 to one of
//! [`DIMENSIONS`] places, both chosen by its hash (feature hashing with signs: Weinberger et al., *Feature Hashing for Large Scale
//! Multitask Learning*, ICML 2009). Counts enter as √count, so that a word said ten times does not drown the rest.
//!
//! It measures likeness of wording, not of meaning: "it is" and "it is not" are close to each other.

use tokenizers::Tokenizer;

/// Usual length of a vector: several times the distinct runs of a usual answer, so that few share a place.
pub const DIMENSIONS: usize = 2_048;

/// Longest run of tokens.
const RUN_MAX: usize = 3;

/// The tokenizer and its vocabulary, in the format of the `tokenizers` crate.
const TOKENIZER: &str = include_str!("ngrams/tokenizer.json");

/// Makes vectors of texts.
#[derive(Clone, Debug)]
pub struct Embedder {
    tokenizer: Tokenizer,
    dimensions: usize,
}

/// An embedder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the embedder cannot be read: {0}")]
pub struct EmbedderError(String);

impl EmbedderError {
    pub(super) const fn new(what: String) -> Self {
        Self(what)
    }
}

/// A text as a point on the unit sphere; the zero vector for a text without tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedder {
    /// The embedder that is shipped.
    ///
    /// # Errors
    /// Never in practice: the vocabulary is compiled in, and a test reads it.
    pub fn built_in() -> Result<Self, EmbedderError> {
        let tokenizer: Tokenizer = TOKENIZER.parse().map_err(|error| EmbedderError(format!("{error}")))?;
        Ok(Self { tokenizer, dimensions: DIMENSIONS })
    }

    /// The same with shorter vectors, in which more runs share a place; at least one place.
    #[must_use]
    pub fn with_dimensions(self, dimensions: usize) -> Self {
        Self { dimensions: dimensions.max(1), ..self }
    }

    /// Names everything that a vector depends on.
    #[must_use]
    pub fn id(&self) -> String {
        format!("ngrams:{}:{}", self.dimensions, blake3::hash(TOKENIZER.as_bytes()).to_hex())
    }

    /// The vector of `text`. A text that the tokenizer refuses has no tokens.
    #[must_use]
    pub fn embed(&self, text: &str) -> Embedding {
        let encoding = self.tokenizer.encode_fast(text, false);
        let tokens = encoding.map(|encoding| encoding.get_ids().to_vec()).unwrap_or_default();
        Embedding::of_tokens(&tokens, self.dimensions)
    }
}

impl Embedding {
    fn of_tokens(tokens: &[u32], dimensions: usize) -> Self {
        let mut places = vec![0.0_f32; dimensions];
        for run in (1..=RUN_MAX).flat_map(|n| tokens.windows(n)) {
            let hash = hash(run);
            let place = usize::try_from(hash >> 32).unwrap_or(0) % dimensions;
            places[place] += if hash & 1 == 0 { 1.0 } else { -1.0 };
        }
        for place in &mut places {
            *place = place.abs().sqrt().copysign(*place);
        }
        Self::normalised(places)
    }

    /// The point in the direction of `values`, filled up with zeros or projected to `dimensions`. `None` where they have no
    /// direction.
    ///
    /// The projection is of random signs, the same for all: it keeps the cosine c of two vectors up to an error with standard
    /// deviation (1 - c²) / √`dimensions`, whatever they were trained for (Achlioptas, Database-friendly random projections,
    /// JCSS 2003). To cut them would keep it for vectors alone that were trained to be cut.
    #[must_use]
    pub fn of_values(values: &[f32], dimensions: usize) -> Option<Self> {
        let mut kept =
            if values.len() > dimensions { projected(values, dimensions) } else { values.to_vec() };
        kept.resize(dimensions, 0.0);
        let length = kept.iter().map(|value| value * value).sum::<f32>();
        (length.is_finite() && length > 0.0).then(|| Self::normalised(kept))
    }

    /// The point of the sphere in the direction of `values`; where they have none, the zero vector.
    pub(super) fn normalised(mut values: Vec<f32>) -> Self {
        let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        if norm > 0.0 {
            values.iter_mut().for_each(|value| *value /= norm);
        }
        Self(values)
    }

    /// The coordinates.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Cosine of the angle to `other`, negative ones cut to 0, in [0, 1]. 0 when either text has no tokens.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f64 {
        let dot: f64 = self.0.iter().zip(&other.0).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        dot.clamp(0.0, 1.0)
    }
}

/// The sums of `values` under as many patterns of signs as there are to be `dimensions`.
fn projected(values: &[f32], dimensions: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f32; dimensions];
    for (at, value) in values.iter().enumerate() {
        for (block, sums) in sums.chunks_mut(64).enumerate() {
            let signs =
                hash(&[u32::try_from(at).unwrap_or(u32::MAX), u32::try_from(block).unwrap_or(u32::MAX)]);
            for (bit, sum) in sums.iter_mut().enumerate() {
                *sum += if signs >> bit & 1 == 0 { *value } else { -*value };
            }
        }
    }
    sums
}

/// FNV-1a over the token ids with a final mix (Steele, Lea, Flood 2014, `SplitMix64`): the same on every machine and in
/// every version, since scores must be.
fn hash(run: &[u32]) -> u64 {
    let bytes = run.iter().flat_map(|token| token.to_le_bytes());
    let fnv = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests;
