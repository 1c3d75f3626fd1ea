//! Evidence as it lies on disk, with whatever is known of how it was judged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::fold::{Folded, Told, Wanted, fold};
use super::source::Source;
use super::what_if::{WhatIf, applied, must_pass};
use crate::cli::{Blame, Failure};
use crate::config::{JudgeConfig, policy_digest};
use crate::domain::MetricName;
use crate::evidence::{Snapshot, is_condition};
use crate::judgment::{Ask, Check, CheckState, Judgment, Policy, Question, Reason, Subject, Verdict, judge};
use crate::report::read_run;
use crate::store::{Origin, is_warm_up};
use crate::wire::VerdictRecord;

/// The check that records are those of the verdict.
const CHECK: &str = "evidence";

/// Where records lie, the rules that belong to them, and the verdict they once got.
pub(super) struct Evidence {
    place: Place,
    rules: JudgeConfig,
    stored: Option<Stored>,
    /// Where no verdict says what was asked.
    question: Question,
}

/// What to read.
enum Place {
    /// A file of pairs.
    Pairs {
        path: PathBuf,
        /// Nothing says what it is judged by: the default rules, of the metrics it holds.
        bare: bool,
    },
    /// A directory of Parquet files.
    Parquet(PathBuf),
}

/// The verdict that was given then, and the rules it was given by.
struct Stored {
    record: VerdictRecord,
    rules: Option<JudgeConfig>,
    /// Records at the looks that the ledger kept.
    looks: BTreeSet<u64>,
}

/// A judgment, and what people should know beside it.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) judgment: Judgment,
    pub(super) notes: Vec<String>,
}

impl Evidence {
    /// Finds a file of pairs, a run directory or a directory of Parquet files. It belongs to `rules`, or to
    /// those that lie beside it, or to the default ones.
    ///
    /// # Errors
    /// A run that cannot be read: exit 2.
    pub(super) fn find(path: &Path, rules: Option<JudgeConfig>) -> Result<Self, Failure> {
        let ruled_by = |rules: Option<JudgeConfig>| rules.unwrap_or_else(|| ruled(Policy::default_live()));
        match (path.is_dir(), path.join("verdict.json").is_file()) {
            (false, _) => {
                let place = Place::Pairs { path: path.to_owned(), bare: rules.is_none() };
                Ok(Self { place, rules: ruled_by(rules), stored: None, question: Question::Mirror })
            }
            (true, true) => Self::of_run(path, rules),
            (true, false) => Ok(Self::of_directory(path, ruled_by(rules))),
        }
    }

    fn of_directory(path: &Path, rules: JudgeConfig) -> Self {
        let question = if is_warm_up(path) { Question::WarmUp } else { Question::Mirror };
        let rules = rules_for(question, rules);
        Self { place: Place::Parquet(path.to_owned()), rules, stored: None, question }
    }

    fn of_run(directory: &Path, rules: Option<JudgeConfig>) -> Result<Self, Failure> {
        let input = read_run(directory).blame_usage()?;
        if input.decisive().is_some_and(|record| record.question == Question::Golden) {
            let text = "the golden gate gave this verdict, from answers that a run does not keep";
            let hint = "run the gate again: goldgate gate";
            return Err(Failure::usage(anyhow!("{}: {text}\n  hint: {hint}", directory.display())));
        }
        let question = input.decisive().map_or(Question::Mirror, |record| record.question);
        // A run keeps the rules of its rollout, of which a warm-up's are made.
        let asked = |policy: Policy| if question == Question::WarmUp { policy.of_warm_up() } else { policy };
        let then = input.policy.clone().map(|policy| ruled(asked(policy)));
        let looks = input.ledger.iter().map(|point| point.records).collect();
        let stored =
            input.decisive().map(|record| Stored { record: record.clone(), rules: then.clone(), looks });
        let rules = rules.map(|rules| rules_for(question, rules)).or(then);
        let rules = rules.unwrap_or_else(|| rules_for(question, ruled(Policy::default_live())));
        Ok(Self { place: Place::Parquet(directory.join("evidence")), rules, stored, question })
    }

    /// Reads and judges it, with other rules where there are `changes`: all of it, or up to the look that the
    /// stored verdict was given at. Records that the stored verdict was not given on are judged invalid.
    ///
    /// # Errors
    /// What cannot be read, and pairs that no rule speaks of: exit 2. No records, records that the rules cannot
    /// take, or files of something else: exit 4.
    pub(super) fn judge(&self, changes: &[WhatIf]) -> Result<Judged, Failure> {
        let mut rules = changed(&self.rules, changes)?;
        let folded = self.fold(&rules.policy)?;
        if folded.collector.snapshot().records() == 0 {
            return Err(nothing());
        }
        let mut notes = without_rule(&rules.policy, &folded.told.names);
        notes.extend(self.silence(&folded.told));
        let mut snapshot = folded.collector.snapshot().clone();
        if let Place::Pairs { path, bare: true } = &self.place {
            let known = ruled(narrowed(self.rules.policy.clone(), &folded.told.names));
            if known.policy.metrics.is_empty() {
                return Err(ruleless(path, &notes));
            }
            rules = changed(&known, changes)?;
            snapshot = narrowed_to(snapshot, &rules.policy);
        }
        let mut judgment = judge(&snapshot, &rules.policy, &self.ask(&rules, changes, &folded));
        match &self.stored {
            Some(Stored { record, .. }) if !folded.found => distrust(&mut judgment, record, &folded.evidence),
            Some(Stored { record, .. }) => judgment = judgment.at_pace(record.needs.pairs_per_s),
            None => {}
        }
        Ok(Judged { judgment, notes })
    }

    /// That files do not say what they are of, where a verdict says what they should be of.
    fn silence(&self, told: &Told) -> Option<String> {
        let of_something = self.stored.is_some() && told.silent > 0;
        of_something.then(|| {
            format!(
                "note: {} of the files of evidence do not say which releases and which policy they are of: an earlier \
                 version wrote them",
                told.silent
            )
        })
    }

    /// Folds up to the stored look. It is looked for where the ledger says that looks were made, and only if it is
    /// none of those after every record.
    fn fold(&self, policy: &Policy) -> Result<Folded, Failure> {
        let Some(Stored { record, looks, .. }) = &self.stored else {
            return fold(self.source(policy)?, policy, None);
        };
        let wanted = |looks| Some(Wanted { evidence: record.evidence.clone(), looks });
        let folded = fold(self.source(policy)?, policy, wanted(Some(looks.clone())))?;
        if folded.found { Ok(folded) } else { fold(self.source(policy)?, policy, wanted(None)) }
    }

    fn source(&self, policy: &Policy) -> Result<Source, Failure> {
        let of = self.stored.as_ref().map(|stored| &stored.record);
        let origin = of.map_or_else(Origin::default, |record| Origin {
            rollout: None,
            baseline: Some(record.baseline.clone()),
            candidate: Some(record.candidate.clone()),
            policy: Some(record.policy.clone()),
        });
        match &self.place {
            Place::Pairs { path, .. } => Source::rows(path, policy),
            Place::Parquet(directory) => Source::files(directory, origin),
        }
    }

    fn ask(&self, rules: &JudgeConfig, changes: &[WhatIf], folded: &Folded) -> Ask {
        let evidence = folded.evidence.clone();
        let Some(Stored { record, rules: then, .. }) = &self.stored else {
            let Origin { baseline, candidate, .. } = folded.told.origin.clone();
            let baseline = baseline.unwrap_or_else(|| "blue".to_owned());
            let candidate = candidate.unwrap_or_else(|| "green".to_owned());
            let subject = Subject { baseline, candidate, policy: policy_digest(rules).to_string(), evidence };
            let must_pass = match self.question {
                Question::WarmUp => Vec::new(),
                _ => rules.policy.required(),
            };
            return Ask { question: self.question, subject, must_pass };
        };
        // The run keeps the policy without the patterns of its live graders, which its digest covers.
        let same = then.as_ref() == Some(rules);
        let policy = if same { record.policy.clone() } else { policy_digest(rules).to_string() };
        let (baseline, candidate) = (record.baseline.clone(), record.candidate.clone());
        let subject = Subject { baseline, candidate, policy, evidence };
        let must_pass = must_pass(required(record), &rules.policy.metrics, changes);
        Ask { question: record.question, subject, must_pass }
    }
}

/// No look at these records had the digest that the stored verdict was given on: they are of something else, or were
/// changed. Whatever they say is not what that verdict was about.
fn distrust(judgment: &mut Judgment, stored: &VerdictRecord, evidence: &str) {
    let text = format!(
        "the stored verdict was given on {}, and these records are that at no point (all of them are {evidence}): they are \
         of something else, or were changed",
        stored.evidence
    );
    if judgment.verdict != Verdict::Invalid {
        judgment.reasons.clear();
    }
    judgment.verdict = Verdict::Invalid;
    judgment.reasons.insert(0, Reason::Check { name: CHECK, text: text.clone() });
    judgment.checks.insert(0, Check { name: CHECK, state: CheckState::Alarm(text) });
}

/// What rules of a whole rollout say to a question.
fn rules_for(question: Question, mut rules: JudgeConfig) -> JudgeConfig {
    if question == Question::WarmUp {
        rules.policy = rules.policy.beside_warm_up().of_warm_up();
    }
    rules
}

const fn ruled(policy: Policy) -> JudgeConfig {
    JudgeConfig { policy, graders: Vec::new(), by_default: true, tenant_max: None }
}

fn nothing() -> Failure {
    Failure::world(anyhow!("the evidence holds no pairs: nothing to judge, and that is never a pass"))
}

/// What had to pass then; a metric's several tests share its name up to the colon.
fn required(stored: &VerdictRecord) -> Vec<MetricName> {
    let names = stored.metrics.iter().filter(|metric| metric.required);
    let names = names.map(|metric| metric.name.split(':').next().unwrap_or_default());
    names.collect::<BTreeSet<_>>().into_iter().map(MetricName::from).collect()
}

/// The rules with other margins, and still rules.
fn changed(rules: &JudgeConfig, changes: &[WhatIf]) -> Result<JudgeConfig, Failure> {
    let rules = applied(rules, changes).blame_usage()?;
    rules.policy.validate().blame_usage()?;
    Ok(rules)
}

/// A line for each metric of the pairs that no rule names.
fn without_rule(policy: &Policy, names: &[MetricName]) -> Vec<String> {
    let unknown = names.iter();
    let unknown = unknown.filter(|name| policy.metric(name).is_none() && !is_condition(name.as_str()));
    unknown.map(|name| format!("note: {name} is not judged: no rule names it")).collect()
}

fn ruleless(path: &Path, notes: &[String]) -> Failure {
    let text = format!("{}: no rule names what these pairs hold", path.display());
    let hint = "give a file with `version` and `[judge]` with --policy";
    Failure::usage(anyhow!("{text}\n{}\n  hint: {hint}", notes.join("\n")))
}

/// The default rules of the metrics that the pairs hold. Where none of them is required by default, all of
/// them are: what was brought is what is asked about.
fn narrowed(mut policy: Policy, names: &[MetricName]) -> Policy {
    policy.metrics.retain(|rule| names.contains(&rule.name));
    if !policy.metrics.iter().any(|rule| rule.required) {
        policy.metrics.iter_mut().for_each(|rule| rule.required = true);
    }
    policy
}

fn narrowed_to(mut snapshot: Snapshot, policy: &Policy) -> Snapshot {
    snapshot.retain(|name| policy.metric(name).is_some());
    snapshot
}
