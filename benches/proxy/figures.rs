//! All rounds of a run, and what they say together.

use std::collections::BTreeMap;

use crate::green::Seen;
use crate::measure::Measured;
use crate::memory::Used;
use crate::targets::{Copies, Kind};

/// What was measured.
#[derive(Default)]
pub(crate) struct Figures {
    rounds: BTreeMap<Kind, Vec<Measured>>,
    memory: BTreeMap<Kind, Vec<Used>>,
    pub(crate) copies: Copies,
    /// What broken candidates did to the baseline's users.
    pub(crate) green: Vec<Seen>,
}

/// Several values of one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max })
    }
}

impl Figures {
    pub(crate) fn push(&mut self, kind: Kind, measured: Measured) {
        self.rounds.entry(kind).or_default().push(measured);
    }

    pub(crate) fn push_memory(&mut self, kind: Kind, used: Used) {
        self.memory.entry(kind).or_default().push(used);
    }

    /// Whether `kind` was measured.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.rounds.contains_key(&kind)
    }

    fn rounds(&self, kind: Kind) -> &[Measured] {
        self.rounds.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// A figure of `kind` over the rounds, as it is or less the same round's figure of the engine by itself.
    pub(crate) fn values(&self, kind: Kind, figure: Figure) -> Vec<f64> {
        let direct = self.rounds(Kind::Direct).iter();
        let pairs = self.rounds(kind).iter().zip(direct);
        pairs.filter_map(|(measured, direct)| figure.read(measured, direct)).collect()
    }

    /// The figure of `kind` over that of `peer`, round by round.
    pub(crate) fn ratio(&self, kind: Kind, peer: Kind, figure: Figure) -> Option<Spread> {
        let theirs = self.values(peer, figure);
        Spread::of(self.values(kind, figure).into_iter().zip(theirs).map(|(ours, theirs)| ours / theirs))
    }

    /// A figure of memory over the fresh processes.
    pub(crate) fn memory(&self, kind: Kind, read: fn(&Used) -> f64) -> Option<Spread> {
        Spread::of(self.memory.get(&kind)?.iter().map(read))
    }
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    RequestsPerS,
    RequestsPerCpuS,
    AddedP50,
    AddedP99,
    AddedTtftP50,
    AddedTtftP99,
    FrameCpu,
}

impl Figure {
    pub(crate) const ALL: [Self; 7] = [
        Self::RequestsPerS,
        Self::RequestsPerCpuS,
        Self::AddedP50,
        Self::AddedP99,
        Self::AddedTtftP50,
        Self::AddedTtftP99,
        Self::FrameCpu,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RequestsPerS => "requests/s, 1 KiB answers, 32 connections",
            Self::RequestsPerCpuS => "requests per CPU second of the proxy",
            Self::AddedP50 => "added latency p50, 1 connection (µs)",
            Self::AddedP99 => "added latency p99 (µs)",
            Self::AddedTtftP50 => "added time to first token p50 (µs)",
            Self::AddedTtftP99 => "added time to first token p99 (µs)",
            Self::FrameCpu => "CPU per streamed event (µs)",
        }
    }

    pub(crate) const fn decimals(self) -> usize {
        match self {
            Self::FrameCpu => 2,
            _ => 0,
        }
    }

    fn read(self, measured: &Measured, direct: &Measured) -> Option<f64> {
        match self {
            Self::RequestsPerS => Some(measured.requests_per_s),
            Self::RequestsPerCpuS => measured.requests_per_cpu_s,
            Self::AddedP50 => Some(measured.latency.us_p50 - direct.latency.us_p50),
            Self::AddedP99 => Some(measured.latency.us_p99 - direct.latency.us_p99),
            Self::AddedTtftP50 => Some(measured.ttft.us_p50 - direct.ttft.us_p50),
            Self::AddedTtftP99 => Some(measured.ttft.us_p99 - direct.ttft.us_p99),
            Self::FrameCpu => measured.frame_cpu_us,
        }
    }
}
