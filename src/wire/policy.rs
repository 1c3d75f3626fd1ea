//! A policy as it is stored beside the evidence it judged: judging again needs the same rule.

use serde::{Deserialize, Serialize};

use crate::domain::{LatencyLimit, MetricKind, MetricName, Tail};
use crate::judgment::{MetricPolicy, Policy};

/// The whole rule; its fields are those of [`Policy`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRecord {
    abort_alpha: f64,
    promote_alpha: f64,
    missing_max: f64,
    pairs_min: u64,
    metrics: Vec<MetricPolicyRecord>,
}

/// One metric's rule; its fields are those of [`MetricPolicy`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricPolicyRecord {
    name: String,
    #[serde(with = "super::words::kind")]
    kind: MetricKind,
    margin: f64,
    abort_margin: Option<f64>,
    required: bool,
    tail: Option<TailRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<LimitRecord>,
    #[serde(default, skip_serializing_if = "is_zero")]
    resolution_ms: f64,
    /// Stored before there was one: a resolution counts in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolution_of_margin: Option<f64>,
}

/// Most metrics are no latencies, and their records say nothing of clocks.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitRecord {
    tail: TailRecord,
    ms: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TailRecord {
    P95,
    P99,
}

impl From<Tail> for TailRecord {
    fn from(tail: Tail) -> Self {
        match tail {
            Tail::P95 => Self::P95,
            Tail::P99 => Self::P99,
        }
    }
}

impl From<TailRecord> for Tail {
    fn from(tail: TailRecord) -> Self {
        match tail {
            TailRecord::P95 => Self::P95,
            TailRecord::P99 => Self::P99,
        }
    }
}

impl From<&Policy> for PolicyRecord {
    fn from(policy: &Policy) -> Self {
        let Policy { abort_alpha, promote_alpha, missing_max, pairs_min, metrics } = policy;
        Self {
            abort_alpha: *abort_alpha,
            promote_alpha: *promote_alpha,
            missing_max: *missing_max,
            pairs_min: *pairs_min,
            metrics: metrics.iter().map(MetricPolicyRecord::from).collect(),
        }
    }
}

impl From<PolicyRecord> for Policy {
    fn from(record: PolicyRecord) -> Self {
        let PolicyRecord { abort_alpha, promote_alpha, missing_max, pairs_min, metrics } = record;
        let metrics = metrics.into_iter().map(MetricPolicy::from).collect();
        Self { abort_alpha, promote_alpha, missing_max, pairs_min, metrics }
    }
}

impl From<&MetricPolicy> for MetricPolicyRecord {
    fn from(metric: &MetricPolicy) -> Self {
        let MetricPolicy {
            name,
            kind,
            margin,
            abort_margin,
            required,
            tail,
            max,
            resolution_ms,
            resolution_of_margin,
        } = metric;
        let tail = tail.map(TailRecord::from);
        let max = max.map(|LatencyLimit { tail, ms }| LimitRecord { tail: tail.into(), ms });
        let (kind, margin, abort_margin, required) = (*kind, *margin, *abort_margin, *required);
        let (resolution_ms, resolution_of_margin) = (*resolution_ms, *resolution_of_margin);
        let name = name.to_string();
        Self { name, kind, margin, abort_margin, required, tail, max, resolution_ms, resolution_of_margin }
    }
}

impl From<MetricPolicyRecord> for MetricPolicy {
    fn from(record: MetricPolicyRecord) -> Self {
        let MetricPolicyRecord {
            name,
            kind,
            margin,
            abort_margin,
            required,
            tail,
            max,
            resolution_ms,
            resolution_of_margin,
        } = record;
        let tail = tail.map(Tail::from);
        let max = max.map(|LimitRecord { tail, ms }| LatencyLimit { tail: tail.into(), ms });
        let name = MetricName::new(name);
        Self { name, kind, margin, abort_margin, required, tail, max, resolution_ms, resolution_of_margin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_policy_is_the_same_policy() {
        let mut policy = Policy::default_live();
        policy.metrics[0].abort_margin = Some(0.1 + 0.2);
        policy.metrics[5].max = Some(LatencyLimit { tail: Tail::P95, ms: 812.5 });
        let stored = serde_json::to_string(&PolicyRecord::from(&policy)).unwrap();
        let back: PolicyRecord = serde_json::from_str(&stored).unwrap();
        assert_eq!(Policy::from(back), policy);
    }
}
