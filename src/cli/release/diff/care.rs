//! How much care a change asks for.

/// Ordered, so that the largest one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Care {
    /// Nothing that answers changed.
    None,
    /// Answers should stay the same.
    Same,
    /// Answers are worded otherwise; the engine is known.
    Fast,
    /// Everything may be different.
    Full,
}

impl Care {
    pub(super) const fn of(section: &str) -> Self {
        match section.as_bytes() {
            b"ops" | b"eval" => Self::None,
            b"numerics" => Self::Same,
            b"prompts" | b"sampling" => Self::Fast,
            // Parsers and schemas decide what comes out of every answer.
            _ => Self::Full,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Same => "same_answers",
            Self::Fast => "fast",
            Self::Full => "full",
        }
    }

    /// What to do about it.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::None => {
                "no canary: nothing that can change an answer differs; name the new lock in the slot that serves"
            }
            Self::Same => {
                "the answers should be the same: require disagreement in [judge], smoke suite, then mirror and a short ramp"
            }
            Self::Fast => {
                "smoke and gate suites of the changed prompts; a short mirror and a fast ramp will do"
            }
            Self::Full => "every suite, the whole mirror window and the whole ramp",
        }
    }

    /// The stages of a rollout that will do, as goldgate.toml has them; `None`: it needs none.
    pub(super) const fn stages(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Same | Self::Fast => Some(
                "[rollout]\nmirror = { min = \"2m\", max = \"10m\" }\nramp = [\"10%\", \"100%\"]\n\
                 dwell = { min = \"5m\", max = \"10m\" }\n",
            ),
            Self::Full => Some(
                "[rollout]\nmirror = { min = \"5m\", max = \"10m\" }\nramp = [\"1%\", \"25%\", \"75%\", \"100%\"]\n\
                 dwell = { min = \"10m\", max = \"20m\" }\n",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    #[test]
    fn the_largest_change_decides_and_an_unknown_one_is_large() {
        let care = |sections: &[&str]| sections.iter().map(|section| Care::of(section)).max();
        assert_eq!(care(&["ops"]), Some(Care::None));
        assert_eq!(care(&["ops", "numerics"]), Some(Care::Same));
        assert_eq!(care(&["prompts", "sampling"]), Some(Care::Fast));
        assert_eq!(care(&["prompts", "tokenizer"]), Some(Care::Full));
        assert_eq!(care(&["interface"]), Some(Care::Full));
        assert_eq!(care(&["something_new"]), Some(Care::Full));
    }

    #[test]
    fn what_is_suggested_is_a_configuration() {
        let slot = "version = 1\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n";
        let plan = |care: Care| {
            let text = format!("{slot}{}", care.stages().unwrap_or_default());
            Config::parse("goldgate.toml", &text, Path::new(""), []).unwrap().rollout.plan
        };
        assert_eq!(Care::None.stages(), None);
        assert_eq!(plan(Care::Full), plan(Care::None), "the default is for the largest change");
        assert!(plan(Care::Fast).ramp.shares().len() < plan(Care::Full).ramp.shares().len());
        assert!(plan(Care::Same).mirror.min() < plan(Care::Full).mirror.min());
    }
}
