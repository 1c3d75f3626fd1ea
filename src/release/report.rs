//! What a running engine says of itself, and what of it is not what a release was locked to.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What an engine told of itself; `None` and empty: it has no way to tell. Digests are BLAKE3 in hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineReport {
    /// Version or build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Digest of the chat template's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template: Option<String>,
    /// `system_fingerprint` of its answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Sampling parameters that it takes where a request says nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sampling: BTreeMap<String, String>,
    /// Digest of the token ids of twenty fixed conversations: chat template and tokenizer together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<String>,
    /// What it says of its weights: a version, or their number and size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Each of these conversations begins with the same token twice. Told once and not kept: the tokens are.
    #[serde(skip)]
    pub begins_twice: bool,
}

/// The digest of a chat template's text, without the newline at its end, which rendering leaves out too.
#[must_use]
pub fn chat_template_digest(text: &[u8]) -> String {
    blake3::hash(text.strip_suffix(b"\n").unwrap_or(text)).to_hex().to_string()
}

/// One thing that is not what it was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub what: String,
    /// As it was locked.
    pub locked: String,
    /// As the engine has it; `None`: it does not tell any more.
    pub told: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} was locked, and the engine ", self.what, short(&self.locked))?;
        match &self.told {
            Some(told) => write!(f, "has {}", short(told)),
            None => f.write_str("does not tell"),
        }
    }
}

/// Enough of a digest to tell two apart; everything else as it is.
fn short(text: &str) -> &str {
    let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest { &text[..12] } else { text }
}

impl EngineReport {
    /// What the engine has no way to tell, so that another one in its place would not be noticed by it.
    #[must_use]
    pub fn untold(&self) -> Vec<&'static str> {
        let Self { build, chat_template, fingerprint, sampling, tokens, weights, begins_twice: _ } = self;
        let all = [
            ("its build", build.is_none()),
            ("its chat template", chat_template.is_none()),
            ("a lasting fingerprint", fingerprint.is_none()),
            ("its sampling defaults", sampling.is_empty()),
            ("the tokens of conversations", tokens.is_none()),
            ("its weights", weights.is_none()),
        ];
        all.into_iter().filter(|(_, is_untold)| *is_untold).map(|(what, _)| what).collect()
    }

    /// What `told` has otherwise than this report; of what this report leaves out nothing is asked.
    #[must_use]
    pub fn differences(&self, told: &Self) -> Vec<Difference> {
        let Self { build, chat_template, fingerprint, sampling, tokens, weights, begins_twice: _ } = self;
        let mut all = Vec::new();
        let mut compare = |what: String, locked: Option<&String>, told: Option<&String>| {
            if let Some(locked) = locked.filter(|locked| Some(*locked) != told) {
                all.push(Difference { what, locked: locked.clone(), told: told.cloned() });
            }
        };
        let named = str::to_owned;
        compare(named("build"), build.as_ref(), told.build.as_ref());
        compare(named("chat template"), chat_template.as_ref(), told.chat_template.as_ref());
        compare(named("fingerprint"), fingerprint.as_ref(), told.fingerprint.as_ref());
        for (name, value) in sampling {
            compare(format!("sampling default {name}"), Some(value), told.sampling.get(name));
        }
        compare(named("tokens of fixed conversations"), tokens.as_ref(), told.tokens.as_ref());
        compare(named("weights"), weights.as_ref(), told.weights.as_ref());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> EngineReport {
        let text = |text: &str| Some(text.to_owned());
        EngineReport {
            build: text("b1"),
            chat_template: text("c1"),
            fingerprint: text("f1"),
            sampling: BTreeMap::from([("top_k".to_owned(), "40".to_owned())]),
            tokens: text("t1"),
            weights: text("w1"),
            begins_twice: false,
        }
    }

    #[test]
    fn every_field_that_was_locked_must_be_told_alike() {
        let check = |change: fn(&mut EngineReport), expected: &str| {
            let mut other = full();
            change(&mut other);
            let said: Vec<_> = full().differences(&other).iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), usize::from(!expected.is_empty()), "{said:?}");
            assert!(said.iter().all(|said| said.contains(expected)), "{said:?} {expected}");
        };
        check(|_| {}, "");
        check(|told| told.build = None, "build: b1 was locked, and the engine does not tell");
        check(
            |told| told.chat_template = Some("c2".into()),
            "chat template: c1 was locked, and the engine has c2",
        );
        check(|told| told.fingerprint = Some("f2".into()), "and the engine has f2");
        check(|told| told.sampling = BTreeMap::new(), "sampling default top_k");
        check(|told| told.tokens = Some("t2".into()), "tokens of fixed conversations");
        check(|told| told.weights = Some("w2".into()), "weights");
    }

    #[test]
    fn digests_are_shown_in_short() {
        let digest = |text: &[u8]| Some(chat_template_digest(text));
        let of = |text: &[u8]| EngineReport { chat_template: digest(text), ..EngineReport::default() };
        let said = of(b"a").differences(&of(b"b"))[0].to_string();
        let [a, b] = [digest(b"a"), digest(b"b")].map(Option::unwrap);
        let expected = format!("chat template: {} was locked, and the engine has {}", &a[..12], &b[..12]);
        assert_eq!(said, expected);
    }

    #[test]
    fn what_an_engine_does_not_tell_is_named() {
        assert_eq!(full().untold(), [""; 0]);
        assert_eq!(EngineReport::default().untold().len(), 6);
        let told = EngineReport { tokens: None, ..full() };
        assert_eq!(told.untold(), ["the tokens of conversations"]);
    }

    #[test]
    fn of_what_was_not_locked_nothing_is_asked() {
        assert_eq!(EngineReport::default().differences(&full()), []);
    }
}
