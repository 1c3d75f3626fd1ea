//! Evidence as it lies on disk, with whatever is known of how it was judged.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::anyhow;

use crate::cli::{Blame, Failure};
use crate::config::{JudgeConfig, policy_digest};
use crate::domain::MetricName;
use crate::evidence::{Collector, EvidenceDigest, IN_FLIGHT, Pair, Record};
use crate::judgment::{Ask, Judgment, Policy, Question, Subject, judge};
use crate::report::read_run;
use crate::store::read_stages;
use crate::wire::{RowFault, VerdictRecord, read_pairs};

/// Records stage by stage, the rules that belong to them, and the verdict they once got.
pub(super) struct Evidence {
    stages: Vec<Vec<Record>>,
    rules: JudgeConfig,
    stored: Option<Stored>,
    notes: Vec<String>,
}

/// The verdict that was given then, and the rules it was given by.
struct Stored {
    record: VerdictRecord,
    rules: Option<JudgeConfig>,
}

/// A judgment, and what people should know beside it.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) judgment: Judgment,
    pub(super) notes: Vec<String>,
}

impl Evidence {
    /// Reads a file of pairs, a run directory or a directory of Parquet files. It belongs to `rules`, or to
    /// those that lie beside it, or to the default ones.
    ///
    /// # Errors
    /// What cannot be read, and pairs that no rule speaks of: exit 2. A file without pairs: exit 4.
    pub(super) fn read(path: &Path, rules: Option<JudgeConfig>) -> Result<Self, Failure> {
        match (path.is_dir(), path.join("verdict.json").is_file()) {
            (false, _) => Self::of_pairs(path, rules),
            (true, true) => Self::of_run(path, rules),
            (true, false) => {
                let rules = rules.unwrap_or_else(|| ruled(Policy::default_live()));
                Ok(Self { stages: stages(path)?, rules, stored: None, notes: Vec::new() })
            }
        }
    }

    /// The rules that belong to this evidence.
    pub(super) const fn rules(&self) -> &JudgeConfig {
        &self.rules
    }

    fn of_run(directory: &Path, rules: Option<JudgeConfig>) -> Result<Self, Failure> {
        let input = read_run(directory).blame_usage()?;
        if input.decisive().is_some_and(|record| record.question == Question::Golden) {
            let text = "the golden gate gave this verdict, from answers that a run does not keep";
            let hint = "run the gate again: goldgate gate";
            return Err(Failure::usage(anyhow!("{}: {text}\n  hint: {hint}", directory.display())));
        }
        let then = input.policy.clone().map(ruled);
        let stored = input.decisive().map(|record| Stored { record: record.clone(), rules: then.clone() });
        let rules = rules.or(then).unwrap_or_else(|| ruled(Policy::default_live()));
        Ok(Self { stages: stages(&directory.join("evidence"))?, rules, stored, notes: Vec::new() })
    }

    /// A bare file says nothing of its rules: the default ones, for what it holds.
    fn of_pairs(path: &Path, rules: Option<JudgeConfig>) -> Result<Self, Failure> {
        let bytes =
            std::fs::read(path).map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))?;
        let known = rules.as_ref().map_or_else(Policy::default_live, |rules| rules.policy.clone());
        let kind = |name: &str| known.metric(&MetricName::from(name)).map(|rule| rule.kind);
        let pairs = read_pairs(&bytes, kind).map_err(|faults| Failure::usage(located(path, &faults)))?;
        if pairs.is_empty() {
            return Err(nothing());
        }
        let notes = without_rule(&known, &pairs);
        if rules.is_none() && narrowed(known.clone(), &pairs).metrics.is_empty() {
            let text = format!("{}: no rule names what these pairs hold", path.display());
            let hint = "give a file with `version` and `[judge]` with --policy";
            return Err(Failure::usage(anyhow!("{text}\n{}\n  hint: {hint}", notes.join("\n"))));
        }
        let rules = rules.unwrap_or_else(|| ruled(narrowed(known, &pairs)));
        let stages = vec![pairs.into_iter().map(Record::Pair).collect()];
        Ok(Self { stages, rules, stored: None, notes })
    }

    /// Judges it by `rules`: all of it, or up to the look that the stored verdict was given at.
    ///
    /// # Errors
    /// No records, or records that the rules cannot take: exit 4.
    pub(super) fn judge(mut self, rules: &JudgeConfig) -> Result<Judged, Failure> {
        if self.stages.iter().all(Vec::is_empty) {
            return Err(nothing());
        }
        let (collector, evidence) = self.fold(&rules.policy)?;
        let ask = self.ask(rules, evidence);
        Ok(Judged { judgment: judge(collector.snapshot(), &rules.policy, &ask), notes: self.notes })
    }

    /// Folds stage by stage and stops at the stored look. A digest that never comes is said, not hidden.
    fn fold(&mut self, policy: &Policy) -> Result<(Collector, String), Failure> {
        let wanted = self.stored.as_ref().map(|stored| stored.record.evidence.as_str());
        let mut collector = Collector::new(&policy.specs()).blame_usage()?;
        let mut digest = EvidenceDigest::default();
        for stage in &self.stages {
            collector.open_stage();
            for record in stage {
                collector.push(record).blame_world()?;
                digest.push(record);
                if wanted.is_some_and(|wanted| wanted == digest.text_so_far()) {
                    return Ok((collector, digest.text_so_far()));
                }
            }
        }
        if let Some(wanted) = wanted {
            let found = digest.text_so_far();
            self.notes
                .push(format!("note: the stored verdict judged {wanted}, but these records are {found}"));
        }
        Ok((collector, digest.text_so_far()))
    }

    fn ask(&self, rules: &JudgeConfig, evidence: String) -> Ask {
        let Some(Stored { record, rules: then }) = &self.stored else {
            let (baseline, candidate) = ("blue".to_owned(), "green".to_owned());
            let subject = Subject { baseline, candidate, policy: policy_digest(rules).to_string(), evidence };
            return asked(Question::Mirror, subject, rules.policy.required());
        };
        // The run keeps the policy without the patterns of its live graders, which its digest covers.
        let same = then.as_ref() == Some(rules);
        let policy = if same { record.policy.clone() } else { policy_digest(rules).to_string() };
        let (baseline, candidate) = (record.baseline.clone(), record.candidate.clone());
        asked(record.question, Subject { baseline, candidate, policy, evidence }, required(record))
    }
}

const fn asked(question: Question, subject: Subject, must_pass: Vec<MetricName>) -> Ask {
    Ask { question, subject, must_pass }
}

const fn ruled(policy: Policy) -> JudgeConfig {
    JudgeConfig { policy, graders: Vec::new() }
}

fn nothing() -> Failure {
    Failure::world(anyhow!("the evidence holds no pairs: nothing to judge, and that is never a pass"))
}

/// Faults as lines that name their file.
pub(in crate::cli) fn located(path: &Path, faults: &[RowFault]) -> anyhow::Error {
    let lines: Vec<_> = faults.iter().map(|fault| format!("{}:{fault}", path.display())).collect();
    anyhow!("{}", lines.join("\n"))
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

/// A line for each metric of the pairs that no rule names.
fn without_rule(policy: &Policy, pairs: &[Pair]) -> Vec<String> {
    let unknown = present(pairs).into_iter();
    let unknown = unknown.filter(|name| policy.metric(name).is_none() && name.as_str() != IN_FLIGHT);
    unknown.map(|name| format!("note: {name} is not judged: no rule names it")).collect()
}

/// The default rules of the metrics that the pairs hold. Where none of them is required by default, all of
/// them are: what was brought is what is asked about.
fn narrowed(mut policy: Policy, pairs: &[Pair]) -> Policy {
    let present = present(pairs);
    policy.metrics.retain(|rule| present.contains(&rule.name));
    if !policy.metrics.iter().any(|rule| rule.required) {
        policy.metrics.iter_mut().for_each(|rule| rule.required = true);
    }
    policy
}

fn present(pairs: &[Pair]) -> BTreeSet<&MetricName> {
    pairs.iter().flat_map(|pair| &pair.metrics).map(|(name, _)| name).collect()
}
