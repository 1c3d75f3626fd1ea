//! Which kinds of requests a difference comes from. It is shown and not tested: no verdict asks for it.

use std::fmt;

use super::Unit;
use super::bounds::Sequence;
use super::shown::LEVEL;
use crate::evidence::Stratum;

/// One test by kind of request, worked out when it is read: a look that nobody reads costs nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strata(Option<Source>);

#[derive(Clone, Debug, PartialEq)]
struct Source {
    sequence: Sequence,
    unit: Unit,
    towards_good: bool,
}

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StratumShown {
    /// Which.
    pub stratum: Stratum,
    /// Its pairs.
    pub pairs: u64,
    /// Candidate − baseline over them, in the metric's unit.
    pub difference: f64,
    /// Interval of the difference, at the level of the metric's own; each kind's holds by itself.
    pub interval: (f64, f64),
}

impl Strata {
    /// Those of `sequence`, written in `unit`; `towards_good`: the metric's unit rises where harm falls.
    pub(super) const fn of(sequence: Sequence, unit: Unit, towards_good: bool) -> Self {
        Self(Some(Source { sequence, unit, towards_good }))
    }

    /// Every kind that tells more than the whole: pairs of another kind beside it were seen as well.
    #[must_use]
    pub fn all(&self) -> Vec<StratumShown> {
        let Some(source) = &self.0 else { return Vec::new() };
        let told = Stratum::ALL.into_iter().filter(|stratum| source.sequence.tells(*stratum));
        told.filter_map(|stratum| source.in_unit(stratum)).collect()
    }
}

impl Source {
    fn in_unit(&self, stratum: Stratum) -> Option<StratumShown> {
        let shown = self.as_harm(stratum)?;
        let (low, high) = shown.interval;
        Some(match self.towards_good {
            true => StratumShown { difference: -shown.difference, interval: (-high, -low), ..shown },
            false => shown,
        })
    }

    fn as_harm(&self, stratum: Stratum) -> Option<StratumShown> {
        let sequence = self.sequence.within(stratum);
        let difference = sequence.mean_harm()?;
        Some(StratumShown { stratum, pairs: sequence.pairs(), difference, interval: sequence.harms(LEVEL) })
    }

    /// The kind that carries the harm, as a harm: it is worse in its own right, by more than any kind beside it is on
    /// average, and none of those is.
    fn carrier(&self) -> Option<StratumShown> {
        Stratum::ALL.into_iter().find_map(|stratum| self.carries(stratum))
    }

    fn carries(&self, stratum: Stratum) -> Option<StratumShown> {
        let told = self.sequence.tells(stratum);
        let average = |kind: Stratum| self.sequence.within(kind).mean_harm();
        let harm = average(stratum).filter(|harm| told && *harm > 0.0)?;
        let others = || stratum.beside().iter().copied().filter(|kind| *kind != stratum);
        let most = others().filter_map(average).fold(0.0, f64::max);
        // Most kinds are out by their averages, before anything is inverted.
        let shown = (harm > most).then(|| self.as_harm(stratum)).flatten()?;
        let alone = || others().filter_map(|kind| self.as_harm(kind)).all(|other| other.interval.0 <= 0.0);
        (shown.interval.0 > most && alone()).then_some(shown)
    }
}

/// The kind that carries a difference, behind a reason; nothing where none does.
impl fmt::Display for Strata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(source) = &self.0 else { return Ok(()) };
        let Some(StratumShown { stratum, pairs, difference, interval }) = source.carrier() else {
            return Ok(());
        };
        write!(f, "; worse only in {}: by ", named(stratum))?;
        source.unit.write(f, difference)?;
        f.write_str(", at least ")?;
        source.unit.write(f, interval.0)?;
        write!(f, " ({pairs} pairs; shown, not tested)")
    }
}

const fn named(stratum: Stratum) -> &'static str {
    match stratum {
        Stratum::Streamed => "streamed answers",
        Stratum::Whole => "answers in one piece",
        Stratum::Short => "short prompts",
        Stratum::Medium => "medium prompts",
        Stratum::Long => "long prompts",
    }
}

#[cfg(test)]
mod tests;
