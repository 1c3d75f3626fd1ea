//! Trust checks: whether the evidence may be believed at all.

use super::{Check, CheckState, MetricJudgment, Policy, Question, Verdict};
use crate::evidence::{Assigned, MetricEvidence, Snapshot};
use crate::stats::{
    BernoulliLimit, SAMPLE_RATIO_ALARM, SAMPLE_RATIO_CONCENTRATION, Side, StatsError, concentration_for,
    sample_ratio_log_bayes_factor,
};

/// Pairs from which on a share of what is lost means something by itself; before that it must be more than chance.
const SHARE_FROM_PAIRS: u64 = 100;

/// Above this ln E, chance alone has not lost so many: in one of a thousand runs it would, at any look.
const LOST_ALARM: f64 = SAMPLE_RATIO_ALARM;

/// The same for copies that are dropped.
const DROPS_ALARM: f64 = SAMPLE_RATIO_ALARM;

/// One late measurement in so many is worth a word.
const LATE_TO_TELL: u64 = 10;

/// ln 1000: a false alarm stops every verdict, so it is as rare as the sample ratio's.
const NULL_DRIFT_ALARM: f64 = SAMPLE_RATIO_ALARM;

/// All checks, in the order they are shown, of evidence that says `metrics` of the candidate.
pub(super) fn all(
    snapshot: &Snapshot,
    policy: &Policy,
    metrics: &[MetricJudgment],
    question: Question,
) -> Vec<Check> {
    vec![
        Check { name: "missing", state: missing(snapshot, policy, metrics, question) },
        Check { name: "sample_ratio", state: sample_ratio(snapshot.assigned()) },
        Check { name: "null_drift", state: null_drift(snapshot) },
        Check { name: "mirror_drops", state: mirror_drops(snapshot, policy) },
        Check { name: "scheduling", state: scheduling(snapshot) },
    ]
}

/// The split sends the candidate its share of sticky keys: a filter that loses one arm's users would make
/// the arms' users different. Evidence under several shares multiplies.
fn sample_ratio(assigned: &[Assigned]) -> CheckState {
    if assigned.is_empty() {
        return CheckState::Unknown("no client was split yet".to_owned());
    }
    let log_bayes_factor = |one: &Assigned| {
        let keys = one.baseline + one.candidate;
        let share = one.share.fraction();
        sample_ratio_log_bayes_factor(one.candidate, keys, share, SAMPLE_RATIO_CONCENTRATION)
    };
    match assigned.iter().map(log_bayes_factor).sum::<Result<f64, _>>() {
        Ok(log_e) if log_e < SAMPLE_RATIO_ALARM => CheckState::Ok,
        Ok(log_e) => {
            let seen = assigned.iter().map(|one| {
                format!(
                    "{} of {} keys where {} was set",
                    one.candidate,
                    one.baseline + one.candidate,
                    one.share
                )
            });
            let seen: Vec<_> = seen.collect();
            CheckState::Alarm(format!(
                "the candidate got {}: log Bayes factor {log_e:.1}, alarm at {SAMPLE_RATIO_ALARM:.1}",
                seen.join(", ")
            ))
        }
        Err(error) => CheckState::Alarm(format!("the split cannot be checked: {error}")),
    }
}

/// Copies are dropped by chance. Where long requests lose theirs more often, what is left speaks of short ones; where
/// many are dropped, of the moments in which a candidate that hangs had let go of its places.
fn mirror_drops(snapshot: &Snapshot, policy: &Policy) -> CheckState {
    let drops = snapshot.drops();
    let (log_e, dropped, sent) = (drops.log_e(), drops.dropped_copies(), drops.copies());
    if log_e >= DROPS_ALARM {
        return CheckState::Alarm(format!(
            "whether a copy is dropped depends on the length of its request: log e-value {log_e:.1} over {dropped} \
             dropped and {sent} sent, alarm at {DROPS_ALARM:.1}"
        ));
    }
    if !too_many(dropped, dropped + sent, policy.missing_max) {
        return CheckState::Ok;
    }
    CheckState::Alarm(format!(
        "{dropped} of {} copies found no room, more than {} %: the candidate is slow to let go of its places, or more is \
         copied than it can answer",
        dropped + sent,
        policy.missing_max * 100.0
    ))
}

/// The proxy's process reads its clock in time. Where it does not, latencies are left out pair by pair, which voids
/// them and nothing else: so it is said, and is no alarm.
fn scheduling(snapshot: &Snapshot) -> CheckState {
    let (late, measured) = (snapshot.late(), snapshot.pairs() + snapshot.arrivals());
    if LATE_TO_TELL * late <= measured {
        return CheckState::Ok;
    }
    let text = format!("timers ran late in {late} of {measured} measurements, whose latencies are left out");
    CheckState::Unknown(text)
}

/// The baseline does not differ from itself: a copy that fares otherwise than its original compares how
/// requests are sent, not releases.
fn null_drift(snapshot: &Snapshot) -> CheckState {
    let drift = snapshot.null_drift();
    if drift.pairs() == 0 {
        return CheckState::Unknown("no request was copied back to its own arm".to_owned());
    }
    let log_e = drift.log_e();
    if log_e < NULL_DRIFT_ALARM {
        return CheckState::Ok;
    }
    CheckState::Alarm(format!(
        "copies to the same arm fail more or less often than their originals: log e-value {log_e:.1} over {} pairs, \
         alarm at {NULL_DRIFT_ALARM:.1}",
        drift.pairs()
    ))
}

/// More than `missing_max` of a metric's pairs lack a half: then nobody knows how they would have fared. But where users
/// see the candidate, and none but it loses halves, each of them is harm already, and what that proves stands: a
/// candidate that loses its users' answers is sent back, and not held in front of them.
fn missing(
    snapshot: &Snapshot,
    policy: &Policy,
    judged: &[MetricJudgment],
    question: Question,
) -> CheckState {
    let max = policy.missing_max;
    let beyond = |metric: &&MetricEvidence| too_many(metric.missing(), metric.pairs(), max);
    let Some(worst) = snapshot.metrics().iter().find(beyond) else {
        return match snapshot.pairs() {
            pairs if pairs < SHARE_FROM_PAIRS => {
                CheckState::Unknown(format!("{pairs} of {SHARE_FROM_PAIRS} pairs"))
            }
            _ => CheckState::Ok,
        };
    };
    let (lost, pairs, name) = (worst.missing(), worst.pairs(), &worst.spec().name);
    let text = format!("{lost} of {pairs} pairs of {name} lack a half, more than {} %", max * 100.0);
    let excused = |metric: &MetricEvidence| too_many(metric.lost_baseline(), metric.pairs(), max);
    let is_proven = question == Question::Ramp && judged.iter().any(|metric| metric.verdict == Verdict::Fail);
    if is_proven && !snapshot.metrics().iter().any(excused) {
        return CheckState::Unknown(format!(
            "{text}: the candidate's, which count as harm and prove a failure"
        ));
    }
    CheckState::Alarm(text)
}

/// Whether more than `max` of `all` are lost: by their share where there are enough for one, and before that where the
/// losses refute "each is lost with probability at most `max`" at every look (an e-process).
#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
fn too_many(lost: u64, all: u64, max: f64) -> bool {
    if all >= SHARE_FROM_PAIRS {
        return lost as f64 > max * all as f64;
    }
    lost_log_e(lost, all, max).is_ok_and(|log_e| log_e >= LOST_ALARM)
}

fn lost_log_e(lost: u64, all: u64, max: f64) -> Result<f64, StatsError> {
    // Twice the error rate: the test is one-sided.
    let concentration = concentration_for(SHARE_FROM_PAIRS as f64, 2.0 * (-LOST_ALARM).exp())?;
    let mut limit = BernoulliLimit::new(Side::Abort, max, concentration)?;
    limit.add(lost, all)?;
    Ok(limit.log_e())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pairs_that_lose_half_are_too_few_to_be_chance_and_one_lost_is_not() {
        let check = |lost, all, expected| assert_eq!(too_many(lost, all, 0.02), expected, "{lost} of {all}");
        check(0, 0, false);
        check(1, 1, false);
        check(1, 40, false);
        check(3, 60, false);
        check(30, 60, true);
        check(5, 8, true);
        check(2, 100, false);
        check(3, 100, true);
    }

    #[test]
    fn losses_at_the_limit_raise_an_alarm_within_a_hundred_pairs_as_rarely_as_promised() {
        // P(ever too many within 99 pairs) when each is lost with probability 2 %, by recursion over the losses.
        let (mut alive, mut alarmed) = (vec![1.0], 0.0);
        for all in 1..SHARE_FROM_PAIRS {
            let mut next = vec![0.0; alive.len() + 1];
            for (lost, chance) in alive.iter().enumerate() {
                next[lost] += 0.98 * chance;
                next[lost + 1] += 0.02 * chance;
            }
            for (lost, chance) in next.iter_mut().enumerate().filter(|(_, chance)| **chance > 1e-12) {
                if too_many(lost as u64, all, 0.02) {
                    alarmed += std::mem::take(chance);
                }
            }
            alive = next;
        }
        assert!(alarmed <= 0.001, "{alarmed}");
    }
}
