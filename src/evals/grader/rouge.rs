//! `rouge1@rouge_score`, `rouge2`, `rougeL`, `rougeLsum`: F-measures of shared n-grams and of longest common subsequences.
//!
//! Lin, "ROUGE: a Package for Automatic Evaluation of Summaries", 2004, as Google's `rouge_score` computes it, without
//! or with its stemmer: runs of `a` to `z` and digits are words, and everything else, also every other letter, separates them. For a
//! text in another script it has nothing to say. `rougeLsum` takes each line for a sentence.

use std::borrow::Cow;
use std::collections::HashMap;

use super::porter::stem;
use super::tokens::{counts, f1, overlap, ratio};

/// Which ROUGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rouge {
    /// Shared words.
    One,
    /// Shared pairs of words.
    Two,
    /// The longest common subsequence of words.
    L,
    /// The union of longest common subsequences, line by line.
    LSum,
}

/// What of a word is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RougeWords {
    /// All of it.
    #[default]
    Whole,
    /// Its stem by Porter's algorithm, where it has more than three letters.
    Stemmed,
}

impl Rouge {
    /// The F-measure of `output` against `reference`, in [0, 1]; 0 when either has no words.
    #[must_use]
    pub fn score(self, of: RougeWords, output: &str, reference: &str) -> f64 {
        let (output, reference) = (output.to_lowercase(), reference.to_lowercase());
        let mut numbers = HashMap::new();
        let [output, reference] = [&output, &reference].map(|text| lines(text, of, &mut numbers));
        match self {
            Self::One => grams(&output.concat(), &reference.concat(), 1),
            Self::Two => grams(&output.concat(), &reference.concat(), 2),
            Self::L => longest(&output.concat(), &reference.concat()),
            Self::LSum => by_line(&output, &reference),
        }
    }
}

/// The words of each line, as numbers: equal words have equal ones. Comparing texts is too slow for tables of them.
fn lines<'t>(lower: &'t str, of: RougeWords, numbers: &mut HashMap<Cow<'t, str>, usize>) -> Vec<Vec<usize>> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut number = |word: &'t str| {
        let next = numbers.len();
        let word = match of {
            RougeWords::Stemmed if word.len() > 3 => Cow::Owned(stem(word)),
            _ => Cow::Borrowed(word),
        };
        *numbers.entry(word).or_insert(next)
    };
    let lines = lower.split('\n').map(|line| line.split(|c| !is_word(c)).filter(|word| !word.is_empty()));
    lines.map(|words| words.map(&mut number).collect()).collect()
}

fn measure(shared: usize, output: usize, reference: usize) -> f64 {
    f1(ratio(shared, output), ratio(shared, reference))
}

fn grams(output: &[usize], reference: &[usize], size: usize) -> f64 {
    let shared = overlap(&counts(output.windows(size)), &counts(reference.windows(size)));
    let total = |words: &[usize]| (words.len() + 1).saturating_sub(size);
    measure(shared, total(output), total(reference))
}

fn longest(output: &[usize], reference: &[usize]) -> f64 {
    measure(Common::new(reference, output).indices().len(), output.len(), reference.len())
}

fn by_line(output: &[Vec<usize>], reference: &[Vec<usize>]) -> f64 {
    let mut left = [counts(output.iter().flatten()), counts(reference.iter().flatten())];
    let totals = [output, reference].map(|lines| lines.iter().map(Vec::len).sum());
    let mut hits = 0;
    for line in reference {
        let mut found: Vec<usize> =
            output.iter().flat_map(|other| Common::new(line, other).indices()).collect();
        found.sort_unstable();
        found.dedup();
        // A word is hit as often as both texts still have it, so that no line is counted twice.
        for word in found.into_iter().map(|index| &line[index]) {
            let [output, reference] = &mut left;
            if let (Some(one @ 1..), Some(other @ 1..)) = (output.get_mut(word), reference.get_mut(word)) {
                *one -= 1;
                *other -= 1;
                hits += 1;
            }
        }
    }
    measure(hits, totals[0], totals[1])
}

/// The table of common subsequences, kept as one bit a cell: whether the way back leads along `right`.
struct Common<'w> {
    left: &'w [usize],
    right: &'w [usize],
    along_right: Vec<u64>,
}

impl<'w> Common<'w> {
    fn new(left: &'w [usize], right: &'w [usize]) -> Self {
        let mut along_right = vec![0; (left.len() * right.len()).div_ceil(64)];
        let (mut above, mut row) = (vec![0_u32; right.len() + 1], vec![0; right.len() + 1]);
        for (i, word) in left.iter().enumerate() {
            for (j, other) in right.iter().enumerate() {
                let is_along = row[j] > above[j + 1];
                row[j + 1] = if word == other { above[j] + 1 } else { above[j + 1].max(row[j]) };
                let cell = i * right.len() + j;
                along_right[cell / 64] |= u64::from(is_along) << (cell % 64);
            }
            std::mem::swap(&mut above, &mut row);
        }
        Self { left, right, along_right }
    }

    /// Where in `left` one longest common subsequence stands, from its end: the one that the oracle finds.
    fn indices(&self) -> Vec<usize> {
        let (mut i, mut j) = (self.left.len(), self.right.len());
        let mut found = Vec::new();
        while i > 0 && j > 0 {
            let cell = (i - 1) * self.right.len() + j - 1;
            if self.left[i - 1] == self.right[j - 1] {
                found.push(i - 1);
                i -= 1;
                j -= 1;
            } else if self.along_right[cell / 64] >> (cell % 64) & 1 == 1 {
                j -= 1;
            } else {
                i -= 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Rouge; 4] = [Rouge::One, Rouge::Two, Rouge::L, Rouge::LSum];

    fn check(reference: &str, output: &str, expected: [f64; 4]) {
        check_words(RougeWords::Whole, reference, output, expected);
    }

    fn check_words(of: RougeWords, reference: &str, output: &str, expected: [f64; 4]) {
        for (rouge, expected) in ALL.into_iter().zip(expected) {
            let score = rouge.score(of, output, reference);
            assert!((score - expected).abs() < 1e-12, "{rouge:?} {output:?}: {score}, not {expected}");
        }
    }

    /// Cases of the oracle's own tests, `rouge_scorer_test.py` of version 0.1.2.
    #[test]
    fn the_published_cases_hold() {
        check("testing one two", "testing", [0.5, 0.0, 0.5, 0.5]);
        check("testing one two", "testing one", [0.8, 2.0 / 3.0, 0.8, 0.8]);
        check("testing one two", "testing two", [0.8, 0.0, 0.8, 0.8]);
        check("first text", "text first", [1.0, 0.0, 0.5, 0.5]);
        check("testing one two", "", [0.0; 4]);
        check("w1 w2 w3 w4 w5", "/", [0.0; 4]);
        check(
            "w1 w2 w3 w4 w5",
            "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5",
            [8.0 / 15.0, 2.0 / 13.0, 8.0 / 15.0, 8.0 / 15.0],
        );
        let (target, prediction) = ("First sentence.\nSecond Sentence.", "Second sentence.\nFirst Sentence.");
        check(target, prediction, [1.0, 2.0 / 3.0, 0.5, 1.0]);
        check(&target.replace('\n', " "), &prediction.replace('\n', " "), [1.0, 2.0 / 3.0, 0.5, 0.5]);
    }

    /// Values computed with rouge_score 0.1.2 and `use_stemmer`; the first is a case of its own tests.
    #[test]
    fn stems_are_compared_as_the_oracle_compares_them() {
        let check =
            |reference, output, expected| check_words(RougeWords::Stemmed, reference, output, expected);
        let (one, two, eight) = (0.888_888_888_888_889, 0.571_428_571_428_571_5, 0.823_529_411_764_706);
        check("the friends had a meeting", "the friend had meetings", [one, two, one, one]);
        check(
            "The quick brown fox jumps over the lazy dogs",
            "The quickest brown foxes jumped over lazy dog.",
            [eight, 0.533_333_333_333_333_3, eight, eight],
        );
        check(
            "He was running happily; skies cleared.\nNobody agreed.",
            "He runs happy, the sky clears\nnobody agrees",
            [0.75, 0.428_571_428_571_428_55, 0.75, 0.75],
        );
    }

    /// Values computed with rouge_score 0.1.2.
    #[test]
    fn words_lines_and_ties_are_those_of_the_oracle() {
        check(
            "The quick brown fox jumps over the lazy dog",
            "The quick brown dog jumps on the log.",
            [
                0.705_882_352_941_176_5,
                0.266_666_666_666_666_66,
                0.588_235_294_117_647_1,
                0.588_235_294_117_647_1,
            ],
        );
        check(
            "It's 3.14, não é?\nSecond line here.",
            "Second line.\nIt is 3.14 here",
            [0.75, 0.285_714_285_714_285_75, 0.5, 0.75],
        );
        check(
            "the cat sat on the mat\nthe dog ran off\n\nno one saw it",
            "the cat the dog sat\non the mat no dog ran\nit saw one",
            [
                0.928_571_428_571_428_6,
                0.461_538_461_538_461_56,
                0.642_857_142_857_142_9,
                0.785_714_285_714_285_7,
            ],
        );
        check(
            "a b a b c\nb c a d",
            "b a b a\nc b c d d a",
            [
                0.947_368_421_052_631_6,
                0.470_588_235_294_117_64,
                0.736_842_105_263_157_7,
                0.631_578_947_368_421,
            ],
        );
    }
}
