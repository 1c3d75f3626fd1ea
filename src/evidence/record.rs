//! The records that evidence is made of, and that are stored.

use crate::domain::{Arm, MetricName, Share};

/// One metric of one pair. `None` is a missing half: it is judged as the worst case, never dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Halves {
    /// The baseline's value.
    pub baseline: Option<f64>,
    /// The candidate's value.
    pub candidate: Option<f64>,
}

/// One prompt answered by both arms.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Position in the evidence, from 1, without gaps: the order of judging is the order of storing.
    pub seq: u64,
    /// The request or case the pair belongs to; unique within the evidence.
    pub id: String,
    /// Every metric this pair speaks of. A metric that does not apply (TPOT of a one-token answer) is
    /// absent; one that applies and was lost has a missing half.
    pub metrics: Vec<(MetricName, Halves)>,
}

/// One sticky key's first finished request under a traffic split.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Position in the evidence, shared with pairs.
    pub seq: u64,
    /// The request that was counted for its key.
    pub id: String,
    /// Where the key was assigned.
    pub arm: Arm,
    /// The candidate's share when it was assigned: the known probability π.
    pub share: Share,
    /// Values of the metrics, in their own units.
    pub metrics: Vec<(MetricName, f64)>,
}

/// One entry of the evidence.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Both arms answered one prompt.
    Pair(Pair),
    /// One arm answered one key's first request.
    Arrival(Arrival),
}

impl Record {
    /// Position in the evidence.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Pair(pair) => pair.seq,
            Self::Arrival(arrival) => arrival.seq,
        }
    }

    /// The request or case it belongs to.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Pair(pair) => &pair.id,
            Self::Arrival(arrival) => &arrival.id,
        }
    }
}
