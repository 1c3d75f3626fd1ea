//! Why a verdict is what it is: data first, and a sentence that carries the numbers.

use std::fmt;

use super::shown::LEVEL;
use super::{Bounds, Opinion, Pace, Question, SliceJudgment, Strata, Worst};
use crate::domain::{LatencyLimit, MetricName};
use crate::evidence::{Aspect, Strand};

/// In which unit a reason writes its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Hundredths of a share: a difference of 0.01 is one point.
    Points,
    /// A relative change: 0.05 is 5 %.
    Percent,
}

impl Unit {
    pub(super) fn write(self, f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
        write!(f, "{} {}", Short(value * 100.0), self.as_str())
    }

    fn write_range(self, f: &mut fmt::Formatter<'_>, (low, high): (f64, f64)) -> fmt::Result {
        write!(f, "{} to {} {}", Short(low * 100.0), Short(high * 100.0), self.as_str())
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Percent => "%",
        }
    }
}

/// What a test has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Pairs, of which the interval is.
    pub pairs: u64,
    /// Users, at their first request under a split (or of the candidate alone, where a limit is asked about).
    pub users: u64,
}

impl Seen {
    pub(super) fn of(strand: &Strand) -> Self {
        let (pairs, users) = (strand.history().pairs(), strand.users());
        match strand.aspect() {
            Aspect::Limit(_) => Self { pairs: 0, users: pairs },
            _ => Self { pairs, users },
        }
    }

    /// What the interval leaves out, said where it is shown.
    const fn whose_interval(self) -> &'static str {
        if self.pairs > 0 && self.users > 0 { " by pairs alone" } else { "" }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pairs, self.users) {
            (pairs, 0) => write!(f, "{pairs} pairs"),
            (0, users) => write!(f, "{users} users"),
            (pairs, users) => write!(f, "{pairs} pairs and {users} users"),
        }
    }
}

/// A number with as many digits as people read.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0);
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// How sure a test is that errs with this probability.
struct Sure(f64);

impl fmt::Display for Sure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", Short((1.0 - self.0) * 100.0))
    }
}

/// The interval of pairs as a harm, behind `lead`; nothing where there is none.
fn write_interval(
    f: &mut fmt::Formatter<'_>,
    lead: &str,
    interval: Option<&Bounds>,
    unit: Unit,
    seen: Seen,
) -> fmt::Result {
    let Some(interval) = interval else { return Ok(()) };
    f.write_str(lead)?;
    unit.write_range(f, interval.ends())?;
    write!(f, " at {}{} at every look", Sure(1.0 - LEVEL), seen.whose_interval())
}

/// One reason. Its `Display` is the sentence people read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// The metric passed: "worse by the margin or more" is refuted.
    WithinMargin {
        /// The metric.
        metric: MetricName,
        /// The worse end of the interval of the difference, as a harm.
        worst: Worst,
        /// The margin.
        margin: f64,
        /// How the numbers are written.
        unit: Unit,
        /// What it took.
        seen: Seen,
        /// Probability that a release which is worse by the margin is ever passed.
        alpha: f64,
    },
    /// The metric failed: "worse by at most the margin" is refuted.
    BeyondMargin {
        /// The metric.
        metric: MetricName,
        /// Estimated harm difference of pairs; `None` without pairs.
        worse_by: Option<f64>,
        /// The same of users under a split.
        worse_by_users: Option<f64>,
        /// Interval of the harm of pairs.
        interval: Option<Bounds>,
        /// The margin.
        margin: f64,
        /// How the numbers are written.
        unit: Unit,
        /// What it took.
        seen: Seen,
        /// Probability that a release within its margins is ever called worse.
        alpha: f64,
        /// What was asked: golden cases have looks, and no rollout.
        question: Question,
        /// Whether it lasted, where that can be told.
        opinion: Option<Opinion>,
        /// The difference by kind of request.
        strata: Strata,
    },
    /// Not decided.
    NotEnough {
        /// The metric.
        metric: MetricName,
        /// What was seen so far.
        seen: Seen,
        /// Interval of the harm of pairs.
        interval: Option<Bounds>,
        /// The margin.
        margin: f64,
        /// How the numbers are written.
        unit: Unit,
        /// Records still needed if the present trend holds, when a number can be given.
        needed: Option<u64>,
        /// How fast they come, where whoever asks said so.
        pace: Option<Pace>,
        /// The difference by kind of request.
        strata: Strata,
    },
    /// A latency keeps its absolute limit for the candidate's own users.
    WithinLimit {
        /// The metric.
        metric: MetricName,
        /// The limit.
        limit: LatencyLimit,
        /// Users it was seen for.
        users: u64,
        /// Probability that a limit which is not kept is ever passed.
        alpha: f64,
    },
    /// Latency cannot speak for the candidate: the arms hardly ever worked under the same conditions.
    NotComparable {
        /// The metric.
        metric: MetricName,
        /// What they differed in: requests in flight, or prompt tokens to read.
        what: &'static str,
        /// What was seen at the baseline, from the 10th to the 90th percentile.
        baseline: (f64, f64),
        /// What was seen at the candidate.
        candidate: (f64, f64),
    },
    /// Latency cannot speak at all: this process was too busy to read the clock in time.
    LateTimers {
        /// The metric.
        metric: MetricName,
        /// Pairs and users whose times say nothing.
        late: u64,
        /// All of them.
        measured: u64,
    },
    /// Nothing was measured.
    NoData {
        /// The metric.
        metric: MetricName,
    },
    /// A fixed sample: what one look at all cases says.
    Golden {
        /// The metric.
        metric: MetricName,
        /// Estimated harm difference; positive is worse.
        worse_by: f64,
        /// Its interval, as a harm.
        interval: (f64, f64),
        /// The margin.
        margin: f64,
        /// How the numbers are written.
        unit: Unit,
        /// Cases.
        cases: u64,
        /// Probability of error of each end of the interval.
        alpha: f64,
        /// Exact McNemar p of no difference, where answers are right or wrong.
        mcnemar_p: Option<f64>,
    },
    /// A slice of a fixed sample failed.
    Slice {
        /// The metric.
        metric: MetricName,
        /// The slice.
        slice: SliceJudgment,
        /// The margin.
        margin: f64,
        /// How the numbers are written.
        unit: Unit,
    },
    /// Too many halves were lost.
    Missing {
        /// The metric.
        metric: MetricName,
        /// Missing halves.
        missing: u64,
        /// Pairs in all.
        pairs: u64,
        /// The largest share tolerated.
        missing_max: f64,
    },
    /// A trust check raised an alarm.
    Check {
        /// The check.
        name: &'static str,
        /// What it said.
        text: String,
    },
    /// Anything the variants above do not say.
    Note(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithinMargin { .. } => self.write_within(f),
            Self::BeyondMargin { .. } => self.write_beyond(f),
            Self::NotEnough { .. } => self.write_not_enough(f),
            Self::WithinLimit { metric, limit, users, alpha } => write!(
                f,
                "{metric}: {limit} is kept ({}, at every look) for {users} users at their own load",
                Sure(*alpha)
            ),
            Self::NotComparable { metric, what, baseline, candidate } => write!(
                f,
                "{metric}: not comparable: the baseline had {} to {} {what}, the candidate {} to {}",
                baseline.0, baseline.1, candidate.0, candidate.1
            ),
            Self::LateTimers { metric, late, measured } => write!(
                f,
                "{metric}: not comparable: timers of this process ran late in {late} of {measured} measurements, so \
                 that its clock tells how busy the machine is"
            ),
            Self::NoData { metric } => write!(f, "{metric}: nothing was measured, and no data is not a pass"),
            Self::Golden { .. } => self.write_golden(f),
            Self::Slice { metric, slice, margin, unit } => {
                write!(f, "{metric} in slice {:?}: worse by ", slice.name)?;
                unit.write(f, slice.difference.unwrap_or_default().abs())?;
                f.write_str(", more than the margin of ")?;
                unit.write(f, *margin)?;
                write!(f, " ({} cases, p = {:.4} over all slices)", slice.cases, slice.p_fail)?;
                f.write_str(if slice.gates { "" } else { "; shown, and gates nothing" })
            }
            Self::Missing { metric, missing, pairs, missing_max } => write!(
                f,
                "{metric}: {missing} of {pairs} pairs lack a half, more than {} %",
                Short(missing_max * 100.0)
            ),
            Self::Check { name, text } => write!(f, "{name}: {text}"),
            Self::Note(text) => f.write_str(text),
        }
    }
}

impl Reason {
    fn write_within(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::WithinMargin { metric, worst, margin, unit, seen, alpha } = self else { return Ok(()) };
        let worst = worst.harm();
        let words = if worst <= 0.0 { "better by at least" } else { "worse by at most" };
        write!(f, "{metric}: {words} ")?;
        unit.write(f, worst.abs())?;
        write!(f, " ({}{}, at every look), within the margin of ", Sure(*alpha), seen.whose_interval())?;
        unit.write(f, *margin)?;
        write!(f, " ({seen})")
    }

    fn write_beyond(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::BeyondMargin { metric, worse_by, worse_by_users, interval, margin, unit, seen, .. } = self
        else {
            return Ok(());
        };
        // Whichever of the two is worse carries the failure.
        let by_users = worse_by_users.filter(|users| worse_by.is_none_or(|pairs| *users > pairs));
        let lead = by_users.or(*worse_by).unwrap_or_default();
        write!(f, "{metric}: worse by ")?;
        unit.write(f, lead)?;
        f.write_str(if by_users.is_some() { " by users under a split" } else { "" })?;
        f.write_str(match lead > *margin {
            true => ", more than the margin of ",
            // A fault that came late, or is seen at some loads alone, is little of the average.
            false => " on average, and in part of the evidence by more than the margin of ",
        })?;
        unit.write(f, *margin)?;
        self.write_proof(f)?;
        write!(f, " ({seen}")?;
        write_interval(f, ", ", interval.as_ref(), *unit, *seen)?;
        f.write_str(")")?;
        self.write_carrier(f)
    }

    fn write_proof(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::BeyondMargin { alpha, question, .. } = self else { return Ok(()) };
        let over = match question {
            Question::WarmUp => "in the warm-up",
            Question::Golden | Question::Compare => "over all looks",
            Question::Mirror | Question::Ramp => "over the whole rollout",
        };
        write!(f, ": proven at {} % {over}", Short(alpha * 100.0))
    }

    /// How a failure is spread over time and over kinds of requests.
    fn write_carrier(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::BeyondMargin { opinion, strata, .. } = self else { return Ok(()) };
        opinion.map_or(Ok(()), |opinion| write!(f, "; {opinion}"))?;
        write!(f, "{strata}")
    }

    fn write_not_enough(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::NotEnough { metric, seen, interval, margin, unit, needed, pace, strata } = self else {
            return Ok(());
        };
        write!(f, "{metric}: not decided after {seen} (")?;
        write_interval(f, "worse by ", interval.as_ref(), *unit, *seen)?;
        f.write_str(if interval.is_some() { ", margin " } else { "margin " })?;
        unit.write(f, *margin)?;
        match needed {
            Some(needed) => {
                let time = pace.map_or_else(String::new, |pace| pace.clause(*needed));
                write!(f, "); about {needed} more if the trend holds{time}{strata}")
            }
            None => write!(f, "), and no trend toward passing{strata}"),
        }
    }

    fn write_golden(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Golden { metric, worse_by, interval: (low, high), margin, unit, cases, alpha, mcnemar_p } =
            self
        else {
            return Ok(());
        };
        let fails = low > margin;
        let (limit, text) = match (fails, *high <= 0.0, *worse_by > 0.0) {
            (true, ..) => (*low, ", at least "),
            (_, true, _) => (*high, ", at least "),
            (_, _, true) => (*high, ", at most "),
            _ => (*high, ", worse by at most "),
        };
        write!(f, "{metric}: ")?;
        if *worse_by == 0.0 {
            f.write_str("no difference")?;
        } else {
            f.write_str(if *worse_by > 0.0 { "worse by " } else { "better by " })?;
            unit.write(f, worse_by.abs())?;
        }
        f.write_str(text)?;
        unit.write(f, limit.abs())?;
        write!(f, " ({} %, one look), ", Short(100.0 * (1.0 - alpha)))?;
        f.write_str(match (fails, high < margin) {
            (true, _) => "more than the margin of ",
            (_, true) => "within the margin of ",
            _ => "not decided against the margin of ",
        })?;
        unit.write(f, *margin)?;
        write!(f, " ({cases} cases")?;
        match mcnemar_p {
            Some(p) if *p < 1e-4 => f.write_str(", McNemar p < 0.0001)"),
            Some(p) => write!(f, ", McNemar p = {p:.4})"),
            None => f.write_str(")"),
        }
    }
}

#[cfg(test)]
mod tests;
