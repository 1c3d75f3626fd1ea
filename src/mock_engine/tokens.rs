//! A toy tokenizer: up to five letters with the space before them, else one character, is a token.

use super::seed::content_hash;

const LETTERS_MAX: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Space,
    Other,
}

/// Where each token of the text ends, in bytes. Joined, the tokens are the text.
pub(super) fn token_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::with_capacity(text.len() / 3 + 1);
    let (mut previous, mut letters) = (Class::Other, 0);
    for (at, char) in text.char_indices() {
        let class = match char {
            ' ' => Class::Space,
            char if char.is_ascii_alphabetic() => Class::Letter,
            _ => Class::Other,
        };
        let joins = class == Class::Letter
            && (previous == Class::Space || (previous == Class::Letter && letters < LETTERS_MAX));
        letters = if joins { letters + 1 } else { usize::from(class == Class::Letter) };
        if at > 0 && !joins {
            ends.push(at);
        }
        previous = class;
    }
    if !text.is_empty() {
        ends.push(text.len());
    }
    ends
}

/// Token ids below 32,000: equal pieces have equal ids.
pub(super) fn token_ids(text: &str) -> Vec<u64> {
    let mut start = 0;
    token_ends(text)
        .into_iter()
        .map(|end| content_hash(&text[std::mem::replace(&mut start, end)..end]) % 32_000)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut start = 0;
        let pieces: Vec<&str> =
            token_ends(text).into_iter().map(|end| &text[std::mem::replace(&mut start, end)..end]).collect();
        assert_eq!(pieces, expected);
        assert_eq!(token_ids(text).len(), expected.len());
    }

    #[test]
    fn pieces_are_the_text() {
        check("", &[]);
        check(
            "She makes 13 * 2 = $26",
            &["She", " makes", " ", "1", "3", " ", "*", " ", "2", " ", "=", " ", "$", "2", "6"],
        );
        check("multiplication  é\n", &["multi", "plica", "tion", " ", " ", "é", "\n"]);
    }

    #[test]
    fn equal_pieces_have_equal_ids() {
        let ids = token_ids("no no");
        assert_ne!(ids[0], ids[1]);
        assert_eq!(token_ids(" no no")[0], token_ids(" no no")[1]);
    }
}
