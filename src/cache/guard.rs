//! The lexical guard: two questions that sound alike may still ask for different things.
//!
//! No embedding tells "on" from "off", or 15 from 50. So an answer to one question is given to another only when
//! 1. both hold the same *signs*, in the same order: numbers, units, dates, negation, identifiers, names, what stands in
//!    quotation marks, words that have an opposite (`guard/words.rs`), and what is, was, will, can or should be, who does it to
//!    whom, this or that;
//! 2. their other words are the same, or differ so much that it is another sentence. One to three words changed in the same
//!    frame ([`FRAME_EDITS`]; in long texts every tenth) is how one asks for something else: "boil an egg", "boil a potato".
//!
//! Other function words, politeness and the frames of questions (`guard/phrases.rs`) do not count. The guard errs on the side of asking the engine.

mod phrases;
mod words;

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use phrases::{Token, asked, tokens};
use words::{FIRST_PERSON, FUNCTION, GRAMMAR, MARKED, NEGATION, SECOND_PERSON};

/// Words changed, added or left out up to which two texts are one frame with another filling.
const FRAME_EDITS: usize = 3;

/// In longer texts, one edit for so many words.
const WORDS_PER_EDIT: usize = 10;

/// Words compared; the guard lets nothing pass that is longer.
const WORDS_MAX: usize = 512;

/// What of a question must be the same, as hashes: no text is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Signs {
    signs: Vec<u64>,
    words: Vec<u64>,
}

/// What stands in quotation marks.
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#""([^"]*)"|“([^”]*)”|`([^`]*)`|«([^»]*)»|(?:^|\s)'([^']+)'(?:\W|$)"#).ok());

enum Kind {
    Sign(String),
    Word(String),
    Nothing,
}

impl Signs {
    /// The signs of a question.
    pub(super) fn of(text: &str) -> Self {
        let tokens = asked(&tokens(text));
        // Who asks says nothing until somebody else is spoken of beside.
        let has_second = tokens.iter().any(|token| SECOND_PERSON.contains(&token.lower.as_str()));
        Self::read(text, &tokens, |lower| match lower {
            _ if SECOND_PERSON.contains(&lower) => Some("second"),
            _ if FIRST_PERSON.contains(&lower) => Some(if has_second { "first" } else { "" }),
            _ => GRAMMAR.iter().find(|(_, words)| words.contains(&lower)).map(|(sign, _)| *sign),
        })
    }

    /// The signs of an answer, whose wording is free: without tense, mood and person.
    pub(super) fn of_answer(text: &str) -> Self {
        Self::read(text, &tokens(text), |lower| {
            let is_grammar = GRAMMAR.iter().any(|(_, words)| words.contains(&lower));
            let is_person = FIRST_PERSON.contains(&lower) || SECOND_PERSON.contains(&lower);
            (is_grammar || is_person).then_some("")
        })
    }

    /// `grammar` gives the sign of a word that has its meaning from grammar, the empty one for nothing.
    fn read<'s>(text: &str, tokens: &[Token<'_>], grammar: impl Fn(&str) -> Option<&'s str>) -> Self {
        let mut signs = Self::default();
        if let Some(quoted) = QUOTED.as_ref() {
            for found in quoted.captures_iter(text) {
                let inside = found.iter().skip(1).flatten().next().map_or("", |part| part.as_str());
                signs.signs.push(hash(&format!("quoted {inside}")));
            }
        }
        for token in tokens {
            match kind(token, &grammar) {
                Kind::Sign(sign) => signs.signs.push(hash(&sign)),
                Kind::Word(word) => signs.words.push(hash(&word)),
                Kind::Nothing => {}
            }
        }
        signs
    }

    /// Whether the answer to one may be given to the other.
    pub(super) fn permits(&self, other: &Self) -> bool {
        if self.signs != other.signs {
            return false;
        }
        let longest = self.words.len().max(other.words.len());
        let edits_min = FRAME_EDITS.max(longest / WORDS_PER_EDIT);
        self.words == other.words || (longest <= WORDS_MAX && edits(&self.words, &other.words) > edits_min)
    }

    /// Whether the guard can tell it from others: longer questions are not worth keeping.
    pub(super) const fn is_short(&self) -> bool {
        self.signs.len() <= WORDS_MAX && self.words.len() <= WORDS_MAX
    }

    /// Memory that they take.
    pub(super) const fn bytes(&self) -> usize {
        (self.signs.len() + self.words.len()) * size_of::<u64>()
    }

    /// Whether both hold the same signs, in any order: for answers, whose wording is free.
    pub(super) fn same_signs(&self, other: &Self) -> bool {
        let sorted = |signs: &[u64]| {
            let mut signs = signs.to_vec();
            signs.sort_unstable();
            signs
        };
        sorted(&self.signs) == sorted(&other.signs)
    }
}

fn kind<'s>(token: &Token<'_>, grammar: &impl Fn(&str) -> Option<&'s str>) -> Kind {
    let Token { bare, lower, begins } = token;
    let lower = lower.as_str();
    if lower.is_empty() {
        return Kind::Nothing;
    }
    if NEGATION.contains(&lower) {
        return Kind::Sign("not".to_owned());
    }
    if lower.chars().any(|c| c.is_numeric()) {
        return Kind::Sign(lower.replace(',', ""));
    }
    if is_identifier(bare) {
        return Kind::Sign((*bare).to_owned());
    }
    match grammar(lower) {
        Some("") => return Kind::Nothing,
        Some(sign) => return Kind::Sign(format!("grammar {sign}")),
        None => {}
    }
    if MARKED.iter().any(|line| line.split(' ').any(|word| word == lower)) {
        return Kind::Sign(lower.to_owned());
    }
    if FUNCTION.contains(&lower) {
        return Kind::Nothing;
    }
    if !begins && bare.starts_with(char::is_uppercase) {
        return Kind::Sign(lower.to_owned());
    }
    Kind::Word(lower.to_owned())
}

/// A name of a program's: signs inside, capitals inside, or capitals only.
fn is_identifier(bare: &str) -> bool {
    let inner = bare.get(1..bare.len().saturating_sub(1)).unwrap_or_default();
    let signs = bare
        .contains(['_', '\\', '@', '#', '=', '<', '>', '&', '|', '*', '^', '~', '%', '$', '€', '£', '+'])
        || inner.contains(['/', '.', ':', '(']);
    let capitals = bare.chars().skip(1).any(char::is_uppercase);
    signs || capitals
}

/// Words inserted, deleted or replaced from one to the other (Levenshtein).
fn edits(one: &[u64], other: &[u64]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, word) in one.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, with) in other.iter().enumerate() {
            let next = (diagonal + usize::from(word != with)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row.last().copied().unwrap_or_default()
}

fn hash(text: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(text.as_bytes()).as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
pub(super) mod polarity;
#[cfg(test)]
mod tests;
