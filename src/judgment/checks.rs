//! Trust checks: whether the evidence may be believed at all.

use super::{Check, CheckState, Policy};
use crate::evidence::{Assigned, Snapshot};
use crate::stats::{SAMPLE_RATIO_ALARM, SAMPLE_RATIO_CONCENTRATION, sample_ratio_log_bayes_factor};

/// Pairs before a share of missing halves means anything.
const MISSING_FROM_PAIRS: u64 = 100;

/// The same for copies that are dropped.
const DROPS_ALARM: f64 = SAMPLE_RATIO_ALARM;

/// One late pair in so many is worth a word.
const LATE_TO_TELL: u64 = 10;

/// ln 1000: a false alarm stops every verdict, so it is as rare as the sample ratio's.
const NULL_DRIFT_ALARM: f64 = SAMPLE_RATIO_ALARM;

/// All checks, in the order they are shown.
pub(super) fn all(snapshot: &Snapshot, policy: &Policy) -> Vec<Check> {
    vec![
        Check { name: "missing", state: missing(snapshot, policy) },
        Check { name: "sample_ratio", state: sample_ratio(snapshot.assigned()) },
        Check { name: "null_drift", state: null_drift(snapshot) },
        Check { name: "mirror_drops", state: mirror_drops(snapshot) },
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

/// Copies are dropped by chance. Where long requests lose theirs more often, what is left speaks of short ones.
fn mirror_drops(snapshot: &Snapshot) -> CheckState {
    let drops = snapshot.drops();
    let (log_e, dropped) = (drops.log_e(), drops.dropped_copies());
    if log_e < DROPS_ALARM {
        return CheckState::Ok;
    }
    CheckState::Alarm(format!(
        "whether a copy is dropped depends on the length of its request: log e-value {log_e:.1} over {dropped} dropped \
         and {} sent, alarm at {DROPS_ALARM:.1}",
        drops.copies()
    ))
}

/// The proxy's process reads its clock in time. Where it does not, latencies are left out pair by pair, which voids
/// them and nothing else: so it is said, and is no alarm.
fn scheduling(snapshot: &Snapshot) -> CheckState {
    let (late, pairs) = (snapshot.late(), snapshot.pairs());
    if LATE_TO_TELL * late <= pairs {
        return CheckState::Ok;
    }
    let text = format!("timers ran late in {late} of {pairs} pairs, whose latencies are left out");
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

/// More than `missing_max` of a metric's pairs lack a half.
#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
fn missing(snapshot: &Snapshot, policy: &Policy) -> CheckState {
    if snapshot.pairs() < MISSING_FROM_PAIRS {
        return CheckState::Unknown(format!("{} of {MISSING_FROM_PAIRS} pairs", snapshot.pairs()));
    }
    let worst = snapshot
        .metrics()
        .iter()
        .filter(|metric| metric.pairs() >= MISSING_FROM_PAIRS)
        .find(|metric| metric.missing() as f64 > policy.missing_max * metric.pairs() as f64);
    worst.map_or(CheckState::Ok, |metric| {
        CheckState::Alarm(format!(
            "{} of {} pairs of {} lack a half, more than {} %",
            metric.missing(),
            metric.pairs(),
            metric.spec().name,
            policy.missing_max * 100.0
        ))
    })
}
