//! Kinds of requests, and the differences of one test by them: what people look at to see where a difference comes from.

use crate::stats::{History, StatsError};

/// A pseudo-metric in pairs: 1 where the client asked for a stream, 0 where it asked for one piece.
pub const STREAMED: &str = "streamed";

/// Bytes of a client's request from which it counts as medium: some 500 tokens of English.
const MEDIUM_FROM_BYTES: f64 = 2_000.0;

/// From here on it counts as long: some 4,000 tokens.
const LONG_FROM_BYTES: f64 = 16_000.0;

/// A kind of request. A pair is of one kind by its answer and of one by its prompt, where its record says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stratum {
    /// The answer came as a stream.
    Streamed,
    /// The answer came in one piece.
    Whole,
    /// The request is shorter than 2,000 bytes.
    Short,
    /// From 2,000 bytes on.
    Medium,
    /// From 16,000 bytes on.
    Long,
}

impl Stratum {
    /// All of them: by the answer, then by the prompt.
    pub const ALL: [Self; 5] = [Self::Streamed, Self::Whole, Self::Short, Self::Medium, Self::Long];

    /// The word used in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Streamed => "streamed",
            Self::Whole => "whole",
            Self::Short => "short",
            Self::Medium => "medium",
            Self::Long => "long",
        }
    }

    /// The kinds that `self` is one of: together they are all pairs, each once.
    #[must_use]
    pub const fn beside(self) -> &'static [Self] {
        match self {
            Self::Streamed | Self::Whole => &[Self::Streamed, Self::Whole],
            Self::Short | Self::Medium | Self::Long => &[Self::Short, Self::Medium, Self::Long],
        }
    }

    pub(super) fn of_stream(streamed: f64) -> Self {
        if streamed > 0.0 { Self::Streamed } else { Self::Whole }
    }

    pub(super) fn of_bytes(bytes: f64) -> Self {
        match bytes {
            bytes if bytes >= LONG_FROM_BYTES => Self::Long,
            bytes if bytes >= MEDIUM_FROM_BYTES => Self::Medium,
            _ => Self::Short,
        }
    }
}

/// What is known of one pair: its kind by answer and by prompt.
pub(super) type Kinds = [Option<Stratum>; 2];

/// The differences of one test: of all pairs, and of each kind of request. Merging is exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breakdown {
    all: History,
    strata: [History; Stratum::ALL.len()],
}

impl Breakdown {
    pub(super) fn update(&mut self, d: f64, kinds: Kinds) -> Result<(), StatsError> {
        self.all.update(d)?;
        kinds.into_iter().flatten().try_for_each(|stratum| self.strata[stratum as usize].update(d))
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        self.all.merge(&other.all)?;
        self.strata.iter_mut().zip(&other.strata).try_for_each(|(mine, theirs)| mine.merge(theirs))
    }

    /// Of all pairs.
    #[must_use]
    pub const fn all(&self) -> &History {
        &self.all
    }

    /// Of one kind.
    #[must_use]
    pub const fn of(&self, stratum: Stratum) -> &History {
        &self.strata[stratum as usize]
    }

    /// Whether pairs of this kind were seen, and of another one beside it: otherwise a kind says nothing that the
    /// whole does not.
    #[must_use]
    pub fn tells(&self, stratum: Stratum) -> bool {
        let seen = stratum.beside().iter().filter(|kind| self.of(**kind).pairs() > 0).count();
        seen > 1 && self.of(stratum).pairs() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_of_one_kind_on_each_side() {
        let sizes = [0.0, 1_999.0, 2_000.0, 15_999.0, 16_000.0, 1e9].map(Stratum::of_bytes);
        use Stratum::{Long, Medium, Short, Streamed, Whole};
        assert_eq!(sizes, [Short, Short, Medium, Medium, Long, Long]);
        assert_eq!([1.0, 0.0].map(Stratum::of_stream), [Streamed, Whole]);
        for (at, stratum) in Stratum::ALL.into_iter().enumerate() {
            assert!(stratum as usize == at && stratum.beside().contains(&stratum));
        }
    }

    #[test]
    fn a_kind_that_all_pairs_are_of_tells_nothing() {
        let mut seen = Breakdown::default();
        let mut add = |stream, bytes| {
            seen.update(0.5, [Some(stream), bytes]).unwrap();
            Stratum::ALL.map(|stratum| seen.tells(stratum))
        };
        assert_eq!(add(Stratum::Streamed, Some(Stratum::Short)), [false; 5]);
        assert_eq!(add(Stratum::Streamed, Some(Stratum::Long)), [false, false, true, false, true]);
        assert_eq!(add(Stratum::Whole, None), [true, true, true, false, true]);
        assert_eq!((seen.all().pairs(), seen.of(Stratum::Streamed).pairs()), (3, 2));
    }
}
