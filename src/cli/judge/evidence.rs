//! Evidence as it lies on disk, with whatever is known of how it was judged.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::anyhow;

use crate::cli::{Blame, Failure};
use crate::domain::MetricName;
use crate::evidence::{Collector, IN_FLIGHT, Pair, Record};
use crate::judgment::{Ask, Judgment, LatencyPass, Policy, Question, Subject, judge};
use crate::report::read_run;
use crate::store::read_stages;
use crate::wire::{EvidenceDigest, VerdictRecord, policy_digest, read_pairs};

/// Records stage by stage, the policy that belongs to them, and the verdict they once got.
pub(super) struct Evidence {
    stages: Vec<Vec<Record>>,
    policy: Policy,
    stored: Option<VerdictRecord>,
    notes: Vec<String>,
}

/// A judgment, and what people should know beside it.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) judgment: Judgment,
    pub(super) notes: Vec<String>,
}

impl Evidence {
    /// Reads a file of pairs, a run directory or a directory of Parquet files.
    ///
    /// # Errors
    /// What cannot be read: exit 2.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        match (path.is_dir(), path.join("verdict.json").is_file()) {
            (false, _) => Self::of_pairs(path),
            (true, true) => Self::of_run(path),
            (true, false) => Ok(Self::of_stages(stages(path)?, Policy::default_live(), None)),
        }
    }

    /// The policy that belongs to this evidence.
    pub(super) const fn policy(&self) -> &Policy {
        &self.policy
    }

    fn of_stages(stages: Vec<Vec<Record>>, policy: Policy, stored: Option<VerdictRecord>) -> Self {
        Self { stages, policy, stored, notes: Vec::new() }
    }

    fn of_run(directory: &Path) -> Result<Self, Failure> {
        let input = read_run(directory).blame_usage()?;
        let stored = input.decisive().cloned();
        let policy = input.policy.unwrap_or_else(Policy::default_live);
        Ok(Self::of_stages(stages(&directory.join("evidence"))?, policy, stored))
    }

    /// A bare file says nothing of its policy: the default rules for what it holds.
    fn of_pairs(path: &Path) -> Result<Self, Failure> {
        let bytes =
            std::fs::read(path).map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))?;
        let default = Policy::default_live();
        let kind = |name: &str| default.metric(&MetricName::from(name)).map(|rule| rule.kind);
        let pairs = read_pairs(&bytes, kind).map_err(|faults| {
            let lines: Vec<_> = faults.iter().map(|fault| format!("{}:{fault}", path.display())).collect();
            Failure::usage(anyhow!("{}", lines.join("\n")))
        })?;
        let (policy, notes) = narrowed(default, &pairs);
        let records = pairs.into_iter().map(Record::Pair).collect();
        Ok(Self { notes, ..Self::of_stages(vec![records], policy, None) })
    }

    /// Judges it by `policy`: all of it, or up to the look that the stored verdict was given at.
    ///
    /// # Errors
    /// No records, or records that the policy cannot take: exit 4.
    pub(super) fn judge(mut self, policy: &Policy) -> Result<Judged, Failure> {
        if self.stages.iter().all(Vec::is_empty) {
            return Err(Failure::world(anyhow!(
                "the evidence holds no pairs: nothing to judge, and that is never a pass"
            )));
        }
        let (collector, evidence) = self.fold(policy)?;
        let ask = self.ask(policy, evidence);
        Ok(Judged { judgment: judge(collector.snapshot(), policy, &ask), notes: self.notes })
    }

    /// Folds stage by stage and stops at the stored look. A digest that never comes is said, not hidden.
    fn fold(&mut self, policy: &Policy) -> Result<(Collector, String), Failure> {
        let wanted = self.stored.as_ref().map(|stored| stored.evidence.as_str());
        let mut collector = Collector::new(&policy.specs()).blame_usage()?;
        let mut digest = EvidenceDigest::default();
        for stage in &self.stages {
            collector.open_stage();
            digest.open_stage();
            for record in stage {
                collector.push(record).blame_world()?;
                digest.push(record);
                if wanted.is_some_and(|wanted| wanted == digest.text()) {
                    return Ok((collector, digest.text()));
                }
            }
        }
        if let Some(wanted) = wanted {
            let found = digest.text();
            self.notes
                .push(format!("note: the stored verdict judged {wanted}, but these records are {found}"));
        }
        Ok((collector, digest.text()))
    }

    fn ask(&self, policy: &Policy, evidence: String) -> Ask {
        let stored = self.stored.as_ref();
        let arm = |of: fn(&VerdictRecord) -> &String, name: &str| {
            stored.map_or_else(|| name.to_owned(), |stored| of(stored).clone())
        };
        let subject = Subject {
            baseline: arm(|stored| &stored.baseline, "blue"),
            candidate: arm(|stored| &stored.candidate, "green"),
            policy: policy_digest(policy).to_string(),
            evidence,
        };
        Ask {
            question: stored.map_or(Question::Mirror, |stored| stored.question),
            subject,
            must_pass: stored.map_or_else(|| policy.required(), required),
            // Evidence without loads has none to compare, and the judge lets a latency pass then.
            latency_pass: LatencyPass::AtComparableLoad,
        }
    }
}

fn stages(directory: &Path) -> Result<Vec<Vec<Record>>, Failure> {
    let stages = read_stages(directory).blame_usage()?;
    Ok(stages.into_iter().map(|stage| stage.records).collect())
}

/// What had to pass then; a metric's several tests share its name up to the colon.
fn required(stored: &VerdictRecord) -> Vec<MetricName> {
    let names = stored.metrics.iter().filter(|metric| metric.required);
    let names = names.map(|metric| metric.name.split(':').next().unwrap_or_default());
    names.collect::<BTreeSet<_>>().into_iter().map(MetricName::from).collect()
}

/// The default rules of the metrics that the pairs hold. Where none of them is required by default, all of
/// them are: what was brought is what is asked about. Metrics without a rule are named.
fn narrowed(mut policy: Policy, pairs: &[Pair]) -> (Policy, Vec<String>) {
    let present: BTreeSet<&MetricName> =
        pairs.iter().flat_map(|pair| &pair.metrics).map(|(name, _)| name).collect();
    let ruled = |name: &MetricName| policy.metric(name).is_some() || name.as_str() == IN_FLIGHT;
    let unknown = present.iter().filter(|name| !ruled(name));
    let notes = unknown.map(|name| format!("note: {name} is not judged: no default rule names it")).collect();
    policy.metrics.retain(|rule| present.contains(&rule.name));
    if !policy.metrics.iter().any(|rule| rule.required) {
        policy.metrics.iter_mut().for_each(|rule| rule.required = true);
    }
    (policy, notes)
}
