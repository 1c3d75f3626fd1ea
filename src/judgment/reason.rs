//! Why a verdict is what it is: data first, and a sentence that carries the numbers.

use std::fmt;

use super::{Opinion, Question, SliceJudgment, Strata, Worst};
use crate::domain::{LatencyLimit, MetricName};

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
        match self {
            Self::Points => write!(f, "{} points", Short(value * 100.0)),
            Self::Percent => write!(f, "{} %", Short(value * 100.0)),
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
        /// Pairs it took.
        pairs: u64,
    },
    /// The metric failed: "worse by at most the margin" is refuted.
    BeyondMargin {
        /// The metric.
        metric: MetricName,
        /// Estimated harm difference.
        worse_by: f64,
        /// The margin.
        margin: f64,
        /// How the numbers are written.
        unit: Unit,
        /// Pairs it took.
        pairs: u64,
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
        /// Pairs so far.
        pairs: u64,
        /// Pairs still needed if the present trend holds, when a number can be given.
        needed: Option<u64>,
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
        /// Pairs whose times say nothing.
        late: u64,
        /// All pairs.
        pairs: u64,
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
            Self::WithinMargin { metric, worst, margin, unit, pairs } => {
                write!(f, "{metric}: ")?;
                let worst = worst.harm();
                if worst <= 0.0 {
                    f.write_str("better by at least ")?
                } else {
                    f.write_str("worse by at most ")?
                }
                unit.write(f, worst.abs())?;
                f.write_str(" (95 %, at every look), within the margin of ")?;
                unit.write(f, *margin)?;
                write!(f, " ({pairs} pairs)")
            }
            Self::BeyondMargin { .. } => self.write_beyond(f),
            Self::NotEnough { metric, pairs, needed: Some(needed), strata } => write!(
                f,
                "{metric}: not decided after {pairs} pairs; about {needed} more if the trend holds{strata}"
            ),
            Self::NotEnough { metric, pairs, needed: None, strata } => {
                write!(f, "{metric}: not decided after {pairs} pairs, and no trend toward passing{strata}")
            }
            Self::WithinLimit { metric, limit, users } => {
                write!(
                    f,
                    "{metric}: {limit} is kept (95 %, at every look) for {users} users at their own load"
                )
            }
            Self::NotComparable { metric, what, baseline, candidate } => write!(
                f,
                "{metric}: not comparable: the baseline had {} to {} {what}, the candidate {} to {}",
                baseline.0, baseline.1, candidate.0, candidate.1
            ),
            Self::LateTimers { metric, late, pairs } => write!(
                f,
                "{metric}: not comparable: timers of this process ran late in {late} of {pairs} pairs, so that its \
                 clock tells how busy the machine is"
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
    fn write_beyond(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::BeyondMargin { metric, worse_by, margin, unit, pairs, alpha, question, opinion, strata } =
            self
        else {
            return Ok(());
        };
        write!(f, "{metric}: worse by ")?;
        unit.write(f, *worse_by)?;
        f.write_str(", more than the margin of ")?;
        unit.write(f, *margin)?;
        let over = match question {
            Question::Golden | Question::Compare => "over all looks",
            Question::Mirror | Question::Ramp => "over the whole rollout",
        };
        write!(f, ": proven at {} % {over} ({pairs} pairs)", Short(alpha * 100.0))?;
        opinion.map_or(Ok(()), |opinion| write!(f, "; {opinion}"))?;
        write!(f, "{strata}")
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
mod tests {
    use super::*;

    #[test]
    fn sentences_carry_number_margin_and_pairs() {
        let within = |worst: f64| Reason::WithinMargin {
            metric: "error".into(),
            worst: worst.into(),
            margin: 0.01,
            unit: Unit::Points,
            pairs: 612,
        };
        let check = |reason: Reason, expected: &str| assert_eq!(reason.to_string(), expected);
        check(
            within(0.0031),
            "error: worse by at most 0.31 points (95 %, at every look), within the margin of 1 points (612 pairs)",
        );
        check(
            within(-0.02),
            "error: better by at least 2 points (95 %, at every look), within the margin of 1 points (612 pairs)",
        );
        check(
            Reason::BeyondMargin {
                metric: "ttft_ms:p99".into(),
                worse_by: 0.0312,
                margin: 0.005,
                unit: Unit::Points,
                pairs: 890,
                alpha: 0.01,
                question: Question::Mirror,
                opinion: None,
                strata: Strata::default(),
            },
            "ttft_ms:p99: worse by 3.12 points, more than the margin of 0.5 points: proven at 1 % over the whole rollout (890 pairs)",
        );
        check(
            Reason::NotEnough {
                metric: "error".into(),
                pairs: 40,
                needed: Some(410),
                strata: Strata::default(),
            },
            "error: not decided after 40 pairs; about 410 more if the trend holds",
        );
    }
}
