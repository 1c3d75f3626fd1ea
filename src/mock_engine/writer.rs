//! An answer in the form of its route.

use super::items::{self, ItemWriter};
use super::render::{self, ChunkWriter};
use super::request::{Endpoint, EngineRequest};
use super::script::Plan;

/// An answer in one piece.
pub(super) fn whole(endpoint: Endpoint, plan: &Plan, model: &str) -> String {
    match endpoint {
        Endpoint::Chat | Endpoint::Completions => render::whole(endpoint, plan, model),
        Endpoint::Responses => items::whole(plan, model),
    }
}

/// Writes one answer, step by step.
#[derive(Debug)]
pub(super) enum Writer {
    Choices(ChunkWriter),
    Items(ItemWriter),
}

impl Writer {
    pub(super) fn new(endpoint: Endpoint, request: &EngineRequest, plan: &Plan, model: &str) -> Self {
        match endpoint {
            Endpoint::Chat | Endpoint::Completions => {
                Self::Choices(ChunkWriter::new(endpoint, request, plan, model))
            }
            Endpoint::Responses => Self::Items(ItemWriter::new(model)),
        }
    }

    /// What comes before the first token.
    pub(super) fn begin(&mut self, plan: &Plan, out: &mut Vec<u8>) {
        match self {
            Self::Choices(writer) => writer.role(out),
            Self::Items(writer) => writer.begin(plan, out),
        }
    }

    pub(super) fn text(&mut self, plan: &Plan, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Choices(writer) => writer.text(text, out),
            Self::Items(writer) => writer.text(plan, text, out),
        }
    }

    /// What comes after the last token.
    pub(super) fn end(&mut self, plan: &Plan, out: &mut Vec<u8>) {
        match self {
            Self::Choices(writer) => writer.end(plan, out),
            Self::Items(writer) => writer.end(plan, out),
        }
    }
}
