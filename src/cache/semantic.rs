//! Answers to questions that are alike: the same partition, near enough, nearer than any other, and past the guard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::guard::Signs;
use super::question::Item;
use super::remote::Remote;
use super::store::Entries;
use super::trust::{Trust, Use};
use super::vectors::DIMENSIONS;
use super::{CacheError, CacheKey};
use crate::domain::{ReleaseId, VectorSource};
use crate::embedding::{Embedder, EmbedderError, Embedding, Table};
use crate::telemetry::Clock;

/// Answers nearer than this, with the same signs, say the same.
const ANSWERS_ALIKE: f64 = 0.85;

/// What may be answered by something alike, and how alike it must be.
#[derive(Clone, Debug, PartialEq)]
pub struct SemanticOptions {
    /// What makes vectors of questions.
    pub vectors: VectorSource,
    /// Prompt templates whose questions may.
    pub templates: Vec<String>,
    /// Whether requests that bring messages of their own may.
    pub messages: bool,
    /// Least cosine.
    pub similarity_min: f64,
    /// Least difference to the next nearest question.
    pub gap_min: f64,
    /// Every so many hits one is asked anyway.
    pub audit_every: u64,
    /// Largest rate of false hits, in (0, 1).
    pub false_hits_max: f64,
}

/// The tier.
#[derive(Debug)]
pub(super) struct Semantic {
    options: SemanticOptions,
    embedder: Vectoriser,
    pub(super) embedder_id: String,
    trust: Mutex<BTreeMap<Scope, Trust>>,
}

#[derive(Debug)]
enum Vectoriser {
    Hashed(Box<Embedder>),
    Table(Box<Table>),
    Remote(Box<Remote>),
}

impl From<EmbedderError> for CacheError {
    fn from(error: EmbedderError) -> Self {
        Self::Embedder(error.to_string())
    }
}

impl Vectoriser {
    fn open(source: &VectorSource, clock: Arc<dyn Clock>) -> Result<Self, CacheError> {
        Ok(match source {
            VectorSource::BuiltIn => {
                Self::Hashed(Box::new(Embedder::built_in()?.with_dimensions(DIMENSIONS)))
            }
            VectorSource::Folder(folder) => Self::Table(Box::new(Table::open(folder)?)),
            VectorSource::Server { url, model } => Self::Remote(Box::new(Remote::open(url, model, clock)?)),
        })
    }

    fn id(&self) -> String {
        match self {
            Self::Hashed(embedder) => embedder.id(),
            Self::Table(table) => table.id().to_owned(),
            Self::Remote(remote) => remote.id(),
        }
    }

    async fn embed(&self, text: &str) -> Option<Embedding> {
        match self {
            Self::Hashed(embedder) => Some(embedder.embed(text)),
            Self::Table(table) => Some(table.embed(text, DIMENSIONS)),
            Self::Remote(remote) => remote.embed(text, DIMENSIONS).await,
        }
    }
}

/// A release and one of its templates; the empty one stands for messages.
type Scope = (ReleaseId, String);

/// A question, ready to be looked up and remembered.
#[derive(Clone, Debug)]
pub struct Placed {
    pub(super) partition: CacheKey,
    vector: Embedding,
    signs: Signs,
    template: String,
}

/// An answer to a question that is alike.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) key: CacheKey,
    pub(super) similarity: f32,
}

/// What audits say of one template.
#[derive(Clone, Debug, PartialEq)]
pub struct SemanticStats {
    /// The release.
    pub release: ReleaseId,
    /// The template; empty for messages.
    pub template: String,
    /// Hits that were asked anyway.
    pub audits: u64,
    /// Those whose answer was another.
    pub false_hits: u64,
    /// Upper bound on the rate of false hits, 95 %, at all times.
    pub false_rate_max: f64,
    /// Whether hits are served.
    pub serves: bool,
}

impl Semantic {
    pub(super) fn new(options: SemanticOptions, clock: Arc<dyn Clock>) -> Result<Self, CacheError> {
        let embedder = Vectoriser::open(&options.vectors, clock)?;
        Ok(Self { options, embedder_id: embedder.id(), embedder, trust: Mutex::default() })
    }

    /// Whether a request by this template, or by messages, may be answered by something alike.
    pub(super) fn is_for(&self, template: Option<&str>) -> bool {
        match template {
            Some(template) => self.options.templates.iter().any(|known| known == template),
            None => self.options.messages,
        }
    }

    /// `None`: there is no vector of the text.
    pub(super) async fn place(
        &self,
        partition: CacheKey,
        text: &str,
        template: Option<&str>,
    ) -> Option<Placed> {
        let vector = self.embedder.embed(text).await?;
        let template = template.unwrap_or_default().to_owned();
        Some(Placed { partition, vector, signs: Signs::of(text), template })
    }

    /// The answer that may stand for the one asked for. A store that does not answer knows of none.
    pub(super) async fn nearest(&self, entries: &dyn Entries, placed: &Placed) -> Option<Candidate> {
        let SemanticOptions { similarity_min, gap_min, .. } = self.options;
        #[expect(clippy::cast_possible_truncation, reason = "a cosine")]
        let (least, gap) = (similarity_min as f32, gap_min as f32);
        let near = entries.nearest(&placed.partition, placed.vector.values(), least - gap).await.ok()??;
        let fits = near.similarity >= least && near.gap >= gap && near.item.signs.permits(&placed.signs);
        fits.then_some(Candidate { key: near.item.key, similarity: near.similarity })
    }

    /// What to do with an answer that was found.
    pub(super) fn next(&self, placed: &Placed) -> Use {
        let SemanticOptions { false_hits_max, audit_every, .. } = self.options;
        lock(&self.trust).entry(placed.scope()).or_default().next(false_hits_max, audit_every)
    }

    /// Takes the result of an audit: what would have been served, and what the engine answered.
    pub(super) async fn audit(&self, placed: &Placed, served: &str, asked: &str) {
        let vectors = (self.embedder.embed(served).await, self.embedder.embed(asked).await);
        // Without vectors nothing is known of the audit, and it counts for nothing.
        let (Some(served_vector), Some(asked_vector)) = vectors else { return };
        let cosine = served_vector.cosine(&asked_vector);
        let same = cosine >= ANSWERS_ALIKE && Signs::of_answer(served).same_signs(&Signs::of_answer(asked));
        self.note(placed, !same);
    }

    pub(super) fn note(&self, placed: &Placed, is_false: bool) {
        lock(&self.trust).entry(placed.scope()).or_default().note(is_false);
    }

    pub(super) fn stats(&self) -> Vec<SemanticStats> {
        let of = |((release, template), trust): (&Scope, &Trust)| SemanticStats {
            release: release.clone(),
            template: template.clone(),
            audits: trust.audits,
            false_hits: trust.false_hits,
            false_rate_max: trust.false_rate_max(),
            serves: trust.false_rate_max() <= self.options.false_hits_max,
        };
        lock(&self.trust).iter().map(of).collect()
    }
}

impl Placed {
    /// Remembers whose question `key` answers. A store that does not answer remembers nothing.
    pub(super) async fn learn(&self, entries: &dyn Entries, key: CacheKey) {
        if self.signs.is_short() {
            let item = Item { key, signs: self.signs.clone() };
            let _ = entries.learn(&self.partition, self.vector.values(), item).await;
        }
    }

    /// Forgets the question that `key` answered: the answer is gone.
    pub(super) async fn forget(&self, entries: &dyn Entries, key: &CacheKey) {
        // A store that does not answer offers it again, and it is looked for in vain once more.
        let _ = entries.forget(&self.partition, key).await;
    }

    fn scope(&self) -> Scope {
        (self.partition.namespace().release.clone(), self.template.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
