//! Texts for engines without recorded answers: seeded by the question, so that it is always answered alike.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const WORDS: [&str; 32] = [
    "the", "a", "model", "answer", "number", "total", "each", "gives", "then", "we", "add", "take", "from",
    "half", "more", "cost", "hours", "day", "so", "that", "makes", "left", "first", "next", "times", "sum",
    "with", "and", "per", "week", "all", "price",
];
const SENTENCES: std::ops::RangeInclusive<u32> = 2..=8;
const SENTENCE_WORDS: std::ops::RangeInclusive<u32> = 5..=14;

/// Two to eight sentences without meaning.
pub(super) fn made_up_text(seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sentences: Vec<String> = (0..rng.random_range(SENTENCES)).map(|_| sentence(&mut rng)).collect();
    sentences.join(" ")
}

fn sentence(rng: &mut impl Rng) -> String {
    let words: Vec<&str> =
        (0..rng.random_range(SENTENCE_WORDS)).map(|_| WORDS[rng.random_range(0..WORDS.len())]).collect();
    words.join(" ") + "."
}
