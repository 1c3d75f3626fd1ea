//! The cache's other look-ups: for a question that is alike, and for one that another client just asked.

use std::ops::Range;
use std::sync::Arc;

use super::flights::Turn;
use super::semantic::{Placed, Semantic, SemanticOptions, SemanticStats};
use super::trust::Use;
use super::{Cache, CacheError, CacheKey, Entry, Hit, Request, Ticket};

/// A request whose question may be answered by an answer to one that is alike.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The request as its release sends it.
    pub request: Request<'a>,
    /// Where the question stands in its body.
    pub range: Range<usize>,
    /// The question.
    pub text: &'a str,
    /// The prompt template that it was made by.
    pub template: Option<&'a str>,
}

/// What was found.
#[derive(Debug)]
pub enum Alike {
    /// An answer to serve, with the cosine of the two questions.
    Serve(Hit, f32),
    /// Ask the engine, and then compare its answer with the one that would have been served.
    Audit(Placed, Arc<Entry>),
    /// Ask the engine, and then remember the question.
    Miss(Placed),
    /// The tier is not for this request.
    Off,
}

impl Cache {
    /// Lets questions be answered by answers to others that are alike.
    ///
    /// # Errors
    /// An embedder that cannot be read.
    pub fn with_semantic(mut self, options: SemanticOptions) -> Result<Self, CacheError> {
        self.semantic = Some(Semantic::new(options, Arc::clone(&self.clock))?);
        Ok(self)
    }

    /// Whether requests by this template, or by messages, may be answered by something alike.
    #[must_use]
    pub fn answers_alike(&self, template: Option<&str>) -> bool {
        self.semantic.as_ref().is_some_and(|semantic| semantic.is_for(template))
    }

    /// Looks for the answer to a question that is alike, in the room of `ticket`.
    pub async fn look_alike(&self, ticket: &Ticket, question: &Question<'_>) -> Alike {
        let Some(semantic) = self.semantic.as_ref().filter(|semantic| semantic.is_for(question.template))
        else {
            return Alike::Off;
        };
        let (namespace, left_out) = (ticket.key.namespace(), Some(question.range.clone()));
        let partition = CacheKey::new(namespace, &question.request, left_out, &semantic.embedder_id);
        let Some(placed) = semantic.place(partition, question.text, question.template).await else {
            return Alike::Off;
        };
        let Some(candidate) = semantic.nearest(&*self.entries, &placed).await else {
            return Alike::Miss(placed);
        };
        // The entry itself is read from the store, so that whatever became unreadable is not served from here.
        let Some(hit) = self.read(&candidate.key).await else {
            placed.forget(&*self.entries, &candidate.key).await;
            return Alike::Miss(placed);
        };
        match semantic.next(&placed) {
            Use::Serve => {
                self.count(&hit.entry.facts.release, |counts| counts.semantic += 1);
                Alike::Serve(hit, candidate.similarity)
            }
            Use::Audit => Alike::Audit(placed, hit.entry),
        }
    }

    /// Remembers the question that the answer of `ticket` answers.
    pub async fn learn(&self, placed: &Placed, ticket: &Ticket) {
        placed.learn(&*self.entries, ticket.key.clone()).await;
    }

    /// Takes the result of an audit: the texts that would have been served and that the engine answered.
    pub async fn audit(&self, placed: &Placed, served: &str, asked: &str) {
        if let Some(semantic) = &self.semantic {
            semantic.audit(placed, served, asked).await;
        }
    }

    /// Takes the result of an audit whose answer is no answer to compare: too long, cut at the limit, a call, nothing at all.
    pub fn audit_differs(&self, placed: &Placed) {
        if let Some(semantic) = &self.semantic {
            semantic.note(placed, true);
        }
    }

    /// What audits say, by release and template.
    #[must_use]
    pub fn semantic_stats(&self) -> Vec<SemanticStats> {
        self.semantic.as_ref().map(Semantic::stats).unwrap_or_default()
    }

    /// Whose turn it is to ask for the answer of `ticket`.
    #[must_use]
    pub fn turn(&self, ticket: &Ticket) -> Turn {
        self.flights.turn((ticket.key.digest, ticket.sequence), self.entry_bytes_max())
    }
}

#[cfg(test)]
mod tests;
