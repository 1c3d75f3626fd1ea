//! `equals`, `contains`, `contains-any`, `contains-all`, `icontains`, `starts_with`, all `@promptfoo`: the plain text asserts.
//!
//! As promptfoo's asserts of these names (`starts-with` there): texts are compared as they are, without trimming, and case
//! counts except for `icontains`. Where promptfoo compares with an object, `json_match@1` does.

/// How texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRule {
    /// The same text.
    Equals,
    /// One of the texts is in the answer.
    Contains,
    /// All of them are.
    ContainsAll,
    /// One of the texts is in the answer, in whatever case.
    ContainsAnyCase,
    /// The answer begins with one of the texts.
    StartsWith,
}

/// Compares an answer with texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextMatch {
    /// How.
    pub rule: TextRule,
    /// With what; empty: with the references of the case.
    pub values: Vec<String>,
}

impl TextMatch {
    /// 1 or 0; `None` when there is nothing to compare with. Only `equals` compares with the empty text: in every other
    /// way it would be found in each answer.
    #[must_use]
    pub fn score(&self, output: &str, references: &[String]) -> Option<f64> {
        let expected = if self.values.is_empty() { references } else { &self.values };
        let mut texts =
            expected.iter().filter(|text| self.rule == TextRule::Equals || !text.is_empty()).peekable();
        texts.peek()?;
        let holds = match self.rule {
            TextRule::Equals => texts.any(|text| output == text),
            TextRule::Contains => texts.any(|text| output.contains(text.as_str())),
            TextRule::ContainsAll => texts.all(|text| output.contains(text.as_str())),
            TextRule::ContainsAnyCase => {
                let output = output.to_lowercase();
                texts.any(|text| output.contains(&text.to_lowercase()))
            }
            TextRule::StartsWith => texts.any(|text| output.starts_with(text.as_str())),
        };
        Some(f64::from(u8::from(holds)))
    }
}

#[cfg(test)]
mod tests {
    use super::TextRule::{Contains, ContainsAll, ContainsAnyCase, Equals, StartsWith};
    use super::*;

    fn check(rule: TextRule, output: &str, texts: &[&str], expected: Option<f64>) {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        let of_case = TextMatch { rule, values: Vec::new() };
        assert_eq!(of_case.score(output, &texts), expected, "{rule:?} {output:?} {texts:?}");
        let of_suite = TextMatch { rule, values: texts.clone() };
        assert!(texts.is_empty() || of_suite.score(output, &["else".to_owned()]) == expected);
    }

    /// Each was put to promptfoo 0.121.20 too.
    #[test]
    fn texts_are_compared_as_the_oracle_compares_them() {
        check(Equals, "Paris", &["Paris"], Some(1.0));
        check(Equals, "Paris ", &["Paris"], Some(0.0));
        check(Equals, "paris", &["Paris"], Some(0.0));
        check(Contains, "in Paris, France", &["Paris"], Some(1.0));
        check(Contains, "in paris", &["Paris"], Some(0.0));
        check(Contains, "in Lyon", &["Paris", "Lyon"], Some(1.0));
        check(ContainsAll, "Paris and Lyon", &["Lyon", "Paris"], Some(1.0));
        check(ContainsAll, "Paris", &["Lyon", "Paris"], Some(0.0));
        check(ContainsAnyCase, "in pARIS", &["Paris"], Some(1.0));
        check(ContainsAnyCase, "ÉTÉ", &["été"], Some(1.0));
        check(StartsWith, "Paris it is", &["Paris"], Some(1.0));
        check(StartsWith, " Paris it is", &["Paris"], Some(0.0));
        check(StartsWith, "Pari", &["Paris"], Some(0.0));
    }

    #[test]
    fn nothing_to_compare_with_is_no_score() {
        for rule in [Equals, Contains, ContainsAll, ContainsAnyCase, StartsWith] {
            check(rule, "Paris", &[], None);
        }
        check(Contains, "Paris", &[""], None);
        check(ContainsAll, "Paris", &["", "Paris"], Some(1.0));
        check(Equals, "", &[""], Some(1.0));
    }
}
