//! Single cases on the page: pairs worth reading, and the table of all.

use serde::Serialize;

use crate::domain::MetricKind;
use crate::report::diff::{Piece, pieces, whole};
use crate::report::{CaseRow, Example, number};

/// Letters of each text of an example.
pub(super) const EXAMPLE_LETTERS_MAX: usize = 2_000;

/// A difference of scores that is none.
const EQUAL: f64 = 1e-9;

#[derive(Serialize)]
pub(super) struct CaseCells<'a> {
    id: &'a str,
    tags: &'a [String],
    question: &'a str,
    baseline: String,
    candidate: String,
    change: String,
    kind: &'static str,
}

#[derive(Serialize)]
pub(super) struct ExampleRow {
    id: String,
    note: String,
    question: String,
    baseline: Option<Vec<Piece>>,
    candidate: Option<Vec<Piece>>,
}

impl ExampleRow {
    pub(super) fn of(example: &Example) -> Self {
        let Example { id, note, question, baseline, candidate } = example;
        let (baseline, candidate) = (baseline.as_deref().map(cut), candidate.as_deref().map(cut));
        let (baseline, candidate) = match (&baseline, &candidate) {
            (Some(left), Some(right)) => {
                let (left, right) = pieces(left, right);
                (Some(left), Some(right))
            }
            (left, right) => (left.as_deref().map(whole), right.as_deref().map(whole)),
        };
        Self { id: id.clone(), note: note.clone(), question: cut(question), baseline, candidate }
    }
}

impl<'a> CaseCells<'a> {
    pub(super) fn of(case: &'a CaseRow) -> Self {
        let score = |score: Option<f64>| score.map_or_else(|| "lost".to_owned(), number::digits);
        let change = case.baseline.zip(case.candidate).map(|(baseline, candidate)| candidate - baseline);
        let kind = match (change, case.baseline, case.candidate) {
            (Some(change), ..) if change.abs() < EQUAL => "same",
            (Some(change), ..) if change > 0.0 => "better",
            (None, None, _) => "better",
            _ => "worse",
        };
        Self {
            id: &case.id,
            tags: &case.tags,
            question: &case.question,
            baseline: score(case.baseline),
            candidate: score(case.candidate),
            change: change
                .filter(|change| change.abs() >= EQUAL)
                .map_or_else(String::new, |change| number::difference(MetricKind::Score, change)),
            kind,
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(EXAMPLE_LETTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
