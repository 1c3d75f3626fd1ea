//! `bleu@sacrebleu-13a`: n-gram precision of one answer against all its references.
//!
//! Papineni et al., "BLEU", 2002, as `sacrebleu.sentence_bleu` computes it: tokenizer 13a, case kept, exponential smoothing,
//! orders up to 4 or to what the answer has (`effective_order`), the reference length nearest to the answer's. The mean of
//! such scores over a suite is not the corpus BLEU, which adds up counts before it divides and is told beside it.

use std::collections::HashMap;
use std::ops::AddAssign;

use regex::{Error, Regex};

use super::tokens::{as_f64, counts, words};

const ORDERS: usize = 4;

/// The rules of tokenizer 13a, in order: other punctuation; a stop or comma not after a digit; one not before a digit; a
/// dash after a digit.
const RULES: [(&str, &str); 4] = [
    (r"([\x7b-\x7e\x5b-\x60\x20-\x26\x28-\x2b\x3a-\x40/])", " ${1} "),
    (r"([^0-9])([.,])", "${1} ${2} "),
    (r"([.,])([^0-9])", " ${1} ${2}"),
    (r"([0-9])(-)", "${1} ${2} "),
];

/// Sentence BLEU.
#[derive(Clone, Debug)]
pub struct Bleu {
    rules: Vec<(Regex, &'static str)>,
}

/// What BLEU is computed from. Those of a corpus are the sums of those of its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BleuCounts {
    /// Words of the answer.
    output: usize,
    /// Words of the reference that is nearest in length.
    reference: usize,
    /// n-grams of the answer that a reference has too, by order.
    shared: [usize; ORDERS],
    /// n-grams of the answer, by order.
    total: [usize; ORDERS],
}

impl Bleu {
    /// The grader.
    ///
    /// # Errors
    /// Never in practice: the patterns are constants, and a test compiles them.
    pub fn new() -> Result<Self, Error> {
        let rules = RULES.into_iter().map(|(pattern, to)| Ok((Regex::new(pattern)?, to)));
        Ok(Self { rules: rules.collect::<Result<_, Error>>()? })
    }

    /// BLEU of `output` against all `references` at once, in [0, 1]; 0 without references.
    #[must_use]
    pub fn score(&self, output: &str, references: &[String]) -> f64 {
        self.counts(output, references).score()
    }

    /// What one answer adds to the counts of a corpus.
    #[must_use]
    pub fn counts(&self, output: &str, references: &[String]) -> BleuCounts {
        let output = self.tokenize(output);
        let references: Vec<String> = references.iter().map(|text| self.tokenize(text)).collect();
        let output: Vec<&str> = words(&output).collect();
        let references: Vec<Vec<&str>> = references.iter().map(|text| words(text).collect()).collect();
        let nearest =
            references.iter().map(Vec::len).min_by_key(|length| (length.abs_diff(output.len()), *length));
        let mut all =
            BleuCounts { output: output.len(), reference: nearest.unwrap_or(0), ..BleuCounts::default() };
        for order in 0..ORDERS {
            let mut most: HashMap<&[&str], usize> = HashMap::new();
            for (gram, count) in references.iter().flat_map(|words| counts(words.windows(order + 1))) {
                let most = most.entry(gram).or_default();
                *most = count.max(*most);
            }
            let grams = counts(output.windows(order + 1));
            all.total[order] = grams.values().sum();
            all.shared[order] = super::tokens::overlap(&grams, &most);
        }
        all
    }

    fn tokenize(&self, text: &str) -> String {
        let text = text.trim_end_matches(super::tokens::is_space);
        let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
        let text =
            text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
        let padded = format!(" {text} ");
        self.rules.iter().fold(padded, |text, (rule, to)| rule.replace_all(&text, *to).into_owned())
    }
}

impl AddAssign for BleuCounts {
    fn add_assign(&mut self, more: Self) {
        self.output += more.output;
        self.reference += more.reference;
        let orders = self.shared.iter_mut().zip(more.shared);
        let orders = orders.chain(self.total.iter_mut().zip(more.total));
        orders.for_each(|(sum, more)| *sum += more);
    }
}

impl BleuCounts {
    /// BLEU of all of it, in [0, 1]: of a corpus `sacrebleu.corpus_bleu` / 100.
    #[must_use]
    pub fn score(self) -> f64 {
        if self.shared.iter().all(|shared| *shared == 0) {
            return 0.0;
        }
        let (mut smoothed, mut log_sum, mut orders) = (1.0, 0.0, 0.0);
        for (shared, total) in self.shared.into_iter().zip(self.total).filter(|(_, total)| *total > 0) {
            let shared = if shared > 0 {
                as_f64(shared)
            } else {
                smoothed /= 2.0;
                smoothed
            };
            log_sum += (shared / as_f64(total)).ln();
            orders += 1.0;
        }
        let is_short = self.output < self.reference;
        let brevity = if is_short { 1.0 - as_f64(self.reference) / as_f64(self.output) } else { 0.0 };
        (brevity + log_sum / orders).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, references: &[&str], expected: f64) {
        let references: Vec<String> = references.iter().map(ToString::to_string).collect();
        let score = Bleu::new().unwrap().score(output, &references);
        assert!((score - expected).abs() < 1e-12, "{output:?}: {score}, not {expected}");
        assert!((0.0..=1.0).contains(&score), "{output:?}: {score}");
    }

    /// The example of the oracle's README: answers and two references each.
    const CORPUS: [(&str, [&str; 2]); 3] = [
        ("The dog bit the man.", ["The dog bit the man.", "The dog had bit the man."]),
        ("It wasn't surprising.", ["It was not unexpected.", "No one was surprised."]),
        ("The man had just bitten him.", ["The man bit him first.", "The man had bitten the dog."]),
    ];

    #[test]
    fn the_published_corpus_score_follows_from_the_counts() {
        let (bleu, mut sum) = (Bleu::new().unwrap(), BleuCounts::default());
        for (output, references) in CORPUS {
            sum += bleu.counts(output, &references.map(str::to_owned));
        }
        assert!((sum.score() - 0.485_308_270_099_298_65).abs() < 1e-12, "{}", sum.score());
    }

    /// Values of `sacrebleu.sentence_bleu`, version 2.6.0.
    #[test]
    fn one_answer_scores_as_the_oracle_says() {
        for ((output, references), expected) in
            CORPUS.into_iter().zip([1.0, 0.147_940_156_747_764_5, 0.290_715_368_484_109_67])
        {
            check(output, &references, expected);
        }
        check("cat", &["cat"], 1.0);
        check("cat sat", &["the cat sat on the mat"], 0.135_335_283_236_612_76);
        check("", &["cat"], 0.0);
        check("dog", &["cat"], 0.0);
        check("dog", &[], 0.0);
        let costs = "It costs $3.50, i.e. 1,000-fold (or \"more\")!";
        check(costs, &["It costs $3.50 - i.e. 1,000 fold, or more!"], 0.360_720_967_396_278_2);
        check("a &amp; b &lt;c&gt; x-\ny <skipped>z", &["a & b <c> xy z"], 1.0);
        let the = "the the the the the the the";
        check(the, &["the cat is on the mat", "there is a cat on the mat"], 0.078_098_498_423_006_37);
        let comio = "El niño comió 2-3 manzanas; ¿no?  ";
        check(comio, &["El niño comió 2-3 peras ; ¿no?"], 0.658_037_006_476_246_1);
        check("x\x1cy z w", &["x y z w"], 1.0);
    }

    #[test]
    fn texts_are_cut_as_tokenizer_13a_cuts_them() {
        let bleu = Bleu::new().unwrap();
        let cut = |text: &str| words(&bleu.tokenize(text)).collect::<Vec<_>>().join(" ");
        for (text, expected) in [
            ("Hello, world! 3.5 and 1,000.", "Hello , world ! 3.5 and 1,000 ."),
            ("it's (a) [b] {c}", "it's ( a ) [ b ] { c }"),
            ("5-6 and a-b -7", "5 - 6 and a-b -7"),
            ("&quot;a&quot; &amp;lt; b", "\" a \" < b"),
            ("x.y,z .5 5. ,", "x . y , z . 5 5 . ,"),
            ("a/b\\c_d^e`f~g|h", "a / b \\ c _ d ^ e ` f ~ g | h"),
            ("end-\nof line\nnext", "endof line next"),
        ] {
            assert_eq!(cut(text), expected);
        }
    }
}
