//! Two answers word by word: what only one of them says.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// Below this likeness two texts are simply two texts, and marking nearly every word would help nobody.
const LIKENESS_MIN: f64 = 0.25;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Piece {
    text: String,
    /// Whether the other text lacks it.
    own: bool,
}

/// Both texts in pieces.
pub(super) fn pieces(baseline: &str, candidate: &str) -> (Vec<Piece>, Vec<Piece>) {
    let diff = TextDiff::from_words(baseline, candidate);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => {
                add(&mut left, change.value(), false);
                add(&mut right, change.value(), false);
            }
            ChangeTag::Delete => add(&mut left, change.value(), true),
            ChangeTag::Insert => add(&mut right, change.value(), true),
        }
    }
    if likeness(&left, &right) < LIKENESS_MIN {
        return (whole(baseline), whole(candidate));
    }
    (left, right)
}

/// The share of letters that are in both; white space is in nearly all texts.
#[expect(clippy::cast_precision_loss, reason = "letters of two answers")]
fn likeness(left: &[Piece], right: &[Piece]) -> f64 {
    let letters = |piece: &Piece| piece.text.chars().filter(|letter| !letter.is_whitespace()).count();
    let all = || left.iter().chain(right);
    let (total, own) =
        (all().map(letters).sum::<usize>(), all().filter(|piece| piece.own).map(letters).sum::<usize>());
    if total == 0 { 1.0 } else { 1.0 - own as f64 / total as f64 }
}

/// A text in one piece.
pub(super) fn whole(text: &str) -> Vec<Piece> {
    vec![Piece { text: text.to_owned(), own: false }]
}

fn add(pieces: &mut Vec<Piece>, text: &str, own: bool) {
    match pieces.last_mut() {
        Some(last) if last.own == own => last.text.push_str(text),
        _ => pieces.push(Piece { text: text.to_owned(), own }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is marked stands in brackets.
    fn check(baseline: &str, candidate: &str, expected: [&str; 2]) {
        let (left, right) = pieces(baseline, candidate);
        let shown = |pieces: Vec<Piece>| {
            let piece =
                |piece: &Piece| if piece.own { format!("[{}]", piece.text) } else { piece.text.clone() };
            pieces.iter().map(piece).collect::<String>()
        };
        assert_eq!([shown(left), shown(right)], expected);
    }

    #[test]
    fn words_that_only_one_answer_has_are_marked() {
        check("the answer is 42 .", "the answer is 41 .", ["the answer is [42] .", "the answer is [41] ."]);
        check("a b c d", "a b c d e", ["a b c d", "a b c d[ e]"]);
        check("same", "same", ["same", "same"]);
        check("", "new words", ["", "new words"]);
        check("nothing in common here", "quite other text", ["nothing in common here", "quite other text"]);
    }

    #[test]
    fn no_letter_is_lost() {
        let (baseline, candidate) = ("a\n b\t— c\u{301} d e f", "a\n b\t— x d e g");
        let (left, right) = pieces(baseline, candidate);
        let text = |pieces: Vec<Piece>| pieces.into_iter().map(|piece| piece.text).collect::<String>();
        assert_eq!((text(left).as_str(), text(right).as_str()), (baseline, candidate));
    }
}
