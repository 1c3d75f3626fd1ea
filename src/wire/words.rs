//! Core types as the words of documents: the core itself knows no serialisation.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

/// One module per type, for `#[serde(with = "…")]`: writes `as_str`, reads any of the listed values.
macro_rules! words {
    ($module:ident, $what:literal, $type:ty, [$($value:ident),+]) => {
        pub(crate) mod $module {
            use super::*;

            const ALL: &[$type] = &[$(<$type>::$value),+];

            pub(crate) fn serialize<S: Serializer>(
                value: &$type,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(value.as_str())
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$type, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                ALL.iter().copied().find(|value| value.as_str() == word).ok_or_else(|| {
                    let known: Vec<_> = ALL.iter().map(|value| value.as_str()).collect();
                    D::Error::custom(format!(concat!("unknown ", $what, " {:?}, expected one of {}"), word, known.join(", ")))
                })
            }
        }
    };
}

words!(verdict, "verdict", crate::judgment::Verdict, [Pass, Inconclusive, Fail, Invalid]);
words!(question, "question", crate::judgment::Question, [WarmUp, Golden, Mirror, Ramp, Compare]);
words!(kind, "metric kind", crate::domain::MetricKind, [Event, Harm, Score, Latency, Disagreement, Length]);
words!(arm, "arm", crate::domain::Arm, [Baseline, Candidate]);
