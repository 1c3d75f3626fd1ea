//! Worlds that traffic comes from. In each the truth is known, because the candidate's harm is made by hand.

use std::fmt;
use std::str::FromStr;

/// What the traffic is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum World {
    /// Every answer fails with the same small chance.
    Independent,
    /// Failures come in bursts that both arms share.
    Bursts,
    /// The chance of failing grows over the run.
    Drifting,
    /// Most prompts never fail, a few often do, and those are where the candidate is worse.
    HardPrompts,
    /// Both arms are down for a while.
    SharedOutage,
    /// Times to first token with stragglers of infinite variance.
    HeavyTails,
    /// As [`World::HeavyTails`], and the candidate is slow while its cache is cold.
    ColdCache,
    /// Clients are split, not copied: users whose numbers of requests have a heavy tail.
    StickyUsers,
    /// Copies of long prompts mostly find no room, and long prompts are where the candidate is worse.
    DroppedCopies,
    /// Long prompts are too long to be copied, and they are where the candidate is worse.
    UncopiedPrompts,
    /// Copies of long prompts are sent and their answers get lost.
    LostCopies,
    /// Each arm has bursts of failures of its own, as often one as the other.
    Flapping,
    /// The candidate has next to nothing to do, and looks fast.
    IdleCandidate,
    /// The candidate has more to do than the baseline, and looks slow.
    CrowdedCandidate,
    /// Some of the candidate's answers take ten times as long, and all others as long as ever. Their share is a tenth of
    /// the slowdown that is asked for: 5 % make half a point.
    SlowTail,
    /// More of the candidate's answers are worded as no other answer is.
    OtherWording,
    /// The candidate's answers are longer.
    LongerAnswers,
    /// The candidate gives one answer to some of the prompts, whatever they ask.
    RepeatedAnswers,
    /// Clients are split as in [`World::StickyUsers`], and some of the baseline's requests are copied besides.
    Mixed,
    /// Users as in [`World::Mixed`] from the mirror over 1, 25 and 75 % of them to all.
    WholeRollout,
}

/// A name that is no world's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no world is called {0:?}")]
pub struct UnknownWorld(String);

impl World {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Independent,
        Self::Bursts,
        Self::Drifting,
        Self::HardPrompts,
        Self::SharedOutage,
        Self::HeavyTails,
        Self::ColdCache,
        Self::StickyUsers,
        Self::DroppedCopies,
        Self::UncopiedPrompts,
        Self::LostCopies,
        Self::Flapping,
        Self::IdleCandidate,
        Self::CrowdedCandidate,
        Self::SlowTail,
        Self::OtherWording,
        Self::LongerAnswers,
        Self::RepeatedAnswers,
        Self::Mixed,
        Self::WholeRollout,
    ];

    /// The word used on the command line and in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Bursts => "bursts",
            Self::Drifting => "drifting",
            Self::HardPrompts => "hard-prompts",
            Self::SharedOutage => "shared-outage",
            Self::HeavyTails => "heavy-tails",
            Self::ColdCache => "cold-cache",
            Self::StickyUsers => "sticky-users",
            Self::DroppedCopies => "dropped-copies",
            Self::UncopiedPrompts => "uncopied-prompts",
            Self::LostCopies => "lost-copies",
            Self::Flapping => "flapping",
            Self::IdleCandidate => "idle-candidate",
            Self::CrowdedCandidate => "crowded-candidate",
            Self::SlowTail => "slow-tail",
            Self::OtherWording => "other-wording",
            Self::LongerAnswers => "longer-answers",
            Self::RepeatedAnswers => "repeated-answers",
            Self::Mixed => "mixed",
            Self::WholeRollout => "whole-rollout",
        }
    }

    /// Whether clients are split at some time, so that users are counted.
    #[must_use]
    pub const fn splits(self) -> bool {
        matches!(self, Self::StickyUsers | Self::Mixed | Self::WholeRollout)
    }

    /// The metric that the candidate is worse in.
    #[must_use]
    pub const fn metric(self) -> &'static str {
        match self {
            Self::HeavyTails
            | Self::ColdCache
            | Self::IdleCandidate
            | Self::CrowdedCandidate
            | Self::SlowTail => "ttft_ms",
            Self::OtherWording => "disagreement",
            Self::LongerAnswers => "length",
            Self::RepeatedAnswers => "sameness",
            _ => "error",
        }
    }

    /// Why the promise on failing says nothing here; `None` where it holds.
    #[must_use]
    pub const fn fails_rightly(self) -> Option<&'static str> {
        match self {
            Self::ColdCache => {
                Some("slow while cold is slow: the candidate is to be warmed before it is judged")
            }
            Self::LostCopies => Some("a lost answer counts as the worst one"),
            Self::Flapping => {
                Some("while only the candidate has a burst it is worse: see the second opinion")
            }
            _ => None,
        }
    }

    /// Why the promise on passing says nothing here; `None` where it holds.
    #[must_use]
    pub const fn passes_blindly(self) -> Option<&'static str> {
        match self {
            Self::DroppedCopies => Some(
                "harm in copies that are not sent is not in the pairs; held once drops are seen to follow length",
            ),
            Self::UncopiedPrompts => Some(
                "harm in prompts that are never copied is in no pair: a split sees it, a mirror does not",
            ),
            Self::Flapping => Some("while only the baseline has a burst the candidate is better"),
            Self::SlowTail => Some("tails are guards: they may fail a release, and need not pass"),
            _ => None,
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for World {
    type Err = UnknownWorld;

    fn from_str(text: &str) -> Result<Self, UnknownWorld> {
        let found = Self::ALL.into_iter().find(|world| world.as_str() == text);
        found.ok_or_else(|| UnknownWorld(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for world in World::ALL {
            assert_eq!(world.to_string().parse(), Ok(world));
        }
        assert_eq!("calm".parse::<World>().unwrap_err().to_string(), "no world is called \"calm\"");
    }
}
