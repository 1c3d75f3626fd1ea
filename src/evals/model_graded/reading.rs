//! What the model that grades said.

use crate::domain::Arm;

/// Whose answer is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::evals) enum Preference {
    Baseline,
    Tie,
    Candidate,
}

impl Preference {
    /// The word for it, as it is written down.
    pub(in crate::evals) const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Tie => "tie",
            Self::Candidate => "candidate",
        }
    }

    const fn of(arm: Arm) -> Self {
        match arm {
            Arm::Baseline => Self::Baseline,
            Arm::Candidate => Self::Candidate,
        }
    }
}

/// Whom `text` prefers, where the answer of `first` was shown as A: `[[A]]`, `[[B]]`, or `[[C]]` for neither. `None` when it
/// says none of them, or more than one.
pub(in crate::evals) fn preferred(text: &str, first: Arm) -> Option<Preference> {
    let marks = [
        ("[[A]]", Preference::of(first)),
        ("[[B]]", Preference::of(first.other())),
        ("[[C]]", Preference::Tie),
    ];
    let mut said = marks.into_iter().filter(|(mark, _)| text.contains(mark));
    match (said.next(), said.next()) {
        (Some((_, preference)), None) => Some(preference),
        _ => None,
    }
}

/// What both orders say together: one that is not said twice is a tie.
pub(in crate::evals) fn agreed(one: Preference, other: Preference) -> Preference {
    if one == other { one } else { Preference::Tie }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_verdict_is_read_and_none_or_two_are_not() {
        let read = |text: &str| preferred(text, Arm::Candidate).map(Preference::as_str);
        assert_eq!(read("A is right.\n[[A]]"), Some("candidate"));
        assert_eq!(read("[[B]]"), Some("baseline"));
        assert_eq!(read("Both are. [[C]] Again: [[C]]"), Some("tie"));
        for text in ["", "A", "[A]", "[[D]]", "[[A]] or [[B]]", "[[a]]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn who_is_preferred_in_one_order_only_ties() {
        let all = [Preference::Baseline, Preference::Tie, Preference::Candidate];
        for (one, other) in all.into_iter().flat_map(|one| all.map(|other| (one, other))) {
            let expected = if one == other { one } else { Preference::Tie };
            assert_eq!(agreed(one, other), expected, "{one:?} {other:?}");
        }
    }
}
