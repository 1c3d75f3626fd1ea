//! What the demo's report shows, gathered from the service before it stops.

use crate::cli::golden_page::golden_parts;
use crate::cli::{Blame, Failure};
use crate::config::Config;
use crate::control::Handle;
use crate::domain::{Arm, RolloutId};
use crate::evidence::{Collector, Snapshot};
use crate::judgment::Verdict;
use crate::report::{Input, LatencyCurve, TimelineEntry};
use crate::rollout::{Ending, State};
use crate::service::Service;
use crate::store::{EvidenceError, StoredVerdict, read_stages};
use crate::wire::VerdictRecord;

use super::scenario::Scenario;

/// The run as the report draws it.
pub(super) async fn input(
    service: &Service,
    config: &Config,
    scenario: Scenario,
    ending: Ending,
) -> Result<Input, Failure> {
    let control = service.control();
    let id = RolloutId::from("demo");
    let golden = golden_parts(service.gate_runs().as_deref().map_or(&[], Vec::as_slice));
    let live = curves(config)?;
    let verdicts = last_of_each_stage(control.verdicts(&id).await.blame_bug()?)?;
    Ok(Input {
        title: format!("chat-v1 → chat-v2: {}", scenario.name()),
        verdict: verdict_of(ending),
        reason: reason(control),
        verdicts,
        flips: golden.flips,
        // What users felt says more than what the gate measured on engines without their usual load.
        curves: if live.is_empty() { golden.curves } else { live },
        ledger: control.ledger().await.blame_bug()?.into_iter().map(|look| look.point).collect(),
        margins: control.margins().await.blame_bug()?.unwrap_or_default().at,
        policy: Some(config.judge.policy.clone()),
        timeline: timeline(control, &id).await?,
        examples: golden.examples,
        scores: golden.scores,
        cases: golden.cases,
    })
}

const fn verdict_of(ending: Ending) -> Verdict {
    match ending {
        Ending::Promoted => Verdict::Pass,
        Ending::RegressionProven | Ending::Operator => Verdict::Fail,
        Ending::Inconclusive => Verdict::Inconclusive,
        Ending::Invalid => Verdict::Invalid,
    }
}

/// Why it ended as it did, in the rollout's own sentence.
fn reason(control: &Handle) -> String {
    let status = control.status();
    match status.rollout.as_ref().map(|rollout| &rollout.parts().state) {
        Some(State::Over(over)) => over.why.clone(),
        Some(State::Live(_)) | None => String::new(),
    }
}

/// The last verdict that was given in each stage, in order.
fn last_of_each_stage(stored: Vec<StoredVerdict>) -> Result<Vec<VerdictRecord>, Failure> {
    let mut last: Vec<StoredVerdict> = Vec::new();
    for verdict in stored {
        match last.last_mut().filter(|known| known.stage == verdict.stage) {
            Some(known) => *known = verdict,
            None => last.push(verdict),
        }
    }
    last.iter().map(|stored| VerdictRecord::from_json_bytes(stored.body.as_bytes()).blame_bug()).collect()
}

async fn timeline(control: &Handle, id: &RolloutId) -> Result<Vec<TimelineEntry>, Failure> {
    let notes = control.history(id).await.blame_bug()?;
    let status = control.status();
    let Some(plan) = status.rollout.as_ref().map(|rollout| &rollout.parts().plan) else {
        return Ok(Vec::new());
    };
    let Some(first) = notes.first().map(|note| note.at) else { return Ok(Vec::new()) };
    let entry = |note: &crate::rollout::Note| TimelineEntry {
        at_ms: u64::try_from(note.at.since(first).as_millis()).unwrap_or(u64::MAX),
        stage: plan.label(note.stage),
        text: note.text.clone(),
    };
    Ok(notes.iter().map(entry).collect())
}

/// Latencies of the live evidence, folded again from its files.
fn curves(config: &Config) -> Result<Vec<LatencyCurve>, Failure> {
    let stages = match read_stages(&config.evidence.dir) {
        Ok(stages) => stages,
        // Stopped before any user's request was compared.
        Err(EvidenceError::Nothing { .. } | EvidenceError::Absent { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(Failure::bug(error)),
    };
    let mut collector = Collector::new(&config.judge.policy.specs()).blame_bug()?;
    for record in stages.iter().flat_map(|stage| &stage.records) {
        collector.push(record).blame_bug()?;
    }
    Ok(drawn(collector.snapshot(), config))
}

fn drawn(snapshot: &Snapshot, config: &Config) -> Vec<LatencyCurve> {
    let metrics = config.judge.policy.metrics.iter().filter_map(|rule| snapshot.metric(&rule.name));
    let arms = metrics.flat_map(|metric| [(metric, Arm::Baseline), (metric, Arm::Candidate)]);
    arms.filter_map(|(metric, arm)| {
        let histogram = metric.latencies(arm)?.histogram().clone();
        Some(LatencyCurve { metric: metric.spec().name.to_string(), arm, histogram })
    })
    .collect()
}
