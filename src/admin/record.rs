//! What the API sends: record types of its own, read back by the command line.

use serde::{Deserialize, Serialize};

use crate::control::{Alphas, Status, StoreHealth};
use crate::domain::Timestamp;
use crate::rollout::{Ending, Mode, Note, Plan, Rollout, Stage, State};
use crate::wire::VerdictRecord;

/// How a rollout stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RolloutRecord {
    /// Its name.
    pub id: String,
    /// The stage: `mirror`, `ramp[0]` …
    pub stage: String,
    /// The stage as people call it: `ramp 25%`.
    pub label: String,
    /// `running`, `held`, `paused`, `frozen` or `over`.
    pub mode: String,
    /// The candidate's share of clients now.
    pub share: String,
    /// The evidence epoch.
    pub epoch: u64,
    /// Seconds counted in this stage; absent when it is over.
    pub elapsed_seconds: Option<u64>,
    /// What it waits for, as sentences.
    pub waiting: Vec<String>,
    /// The outcome, once it is decided.
    pub decided: Option<DecisionRecord>,
    /// All stages of its plan, in order.
    pub stages: Vec<StageRecord>,
    /// Records of live evidence in this epoch.
    pub records: u64,
    /// What is still needed to decide; absent when nothing is, or no number can be given.
    #[serde(default)]
    pub needs: Option<NeedRecord>,
    /// How sure the judge must be; absent for rollouts of the past.
    #[serde(default)]
    pub alphas: Option<AlphasRecord>,
    /// How much the mirror stage copies; absent in every other stage.
    #[serde(default)]
    pub mirror_share: Option<MirrorShareRecord>,
    /// What the golden gate said.
    pub gate: Option<VerdictRecord>,
    /// What the judge said at the latest look at live evidence.
    pub live: Option<VerdictRecord>,
    /// `works`, or why the store does not.
    pub store: String,
}

/// What is still needed to decide, if the present trend holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedRecord {
    /// Pairs.
    pub pairs: u64,
    /// Seconds that they take at the present traffic; absent while no evidence comes.
    pub seconds: Option<u64>,
}

/// How much the mirror stage copies, and between which shares the judge's needs may move it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorShareRecord {
    /// Share of the baseline's requests that is copied now.
    pub now: String,
    /// The least.
    pub min: String,
    /// The most; the least where the share never changes.
    pub max: String,
}

/// The error probabilities that the judge works by: an e-value of one over them decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlphasRecord {
    /// Of ever failing a release that is within its margins, over all metrics together.
    pub abort: f64,
    /// Of ever passing a metric that is worse by its margin.
    pub promote: f64,
}

/// The outcome of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// `promoted`, `regression_proven`, `inconclusive`, `invalid` or `operator`.
    pub ending: String,
    /// The exit code it stands for.
    pub exit_code: u8,
    /// Why; absent while the old baseline is still kept warm.
    pub why: Option<String>,
}

/// One stage of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRecord {
    /// The stage: `ramp[0]`.
    pub stage: String,
    /// As people call it.
    pub label: String,
    /// The candidate's share in it.
    pub share: String,
}

/// One note of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteRecord {
    /// Its id in the event stream; 0: could not be written.
    pub id: u64,
    /// The rollout.
    pub rollout: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The stage.
    pub stage: String,
    /// The sentence.
    pub text: String,
}

/// The published route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Its version.
    pub version: u64,
    /// The evidence epoch.
    pub epoch: u64,
    /// The slot that plays baseline.
    pub baseline: String,
    /// The candidate's share of clients.
    pub candidate_share: String,
    /// Share of the baseline's requests that is copied.
    pub mirror_share: String,
    /// The most that this stage may copy.
    pub mirror_share_max: String,
    /// Share of the copied requests that is copied back as well.
    pub null_share: String,
}

impl RolloutRecord {
    /// The rollout of `status` in full; `None` when there is none yet.
    #[must_use]
    pub fn of(status: &Status) -> Option<Self> {
        let rollout = status.rollout.as_ref()?;
        let Alphas { abort, promote } = status.alphas;
        let verdict = |judgment: &Option<_>| judgment.as_deref().map(VerdictRecord::from);
        Some(Self {
            waiting: status.waiting.iter().map(ToString::to_string).collect(),
            records: status.records,
            needs: status.needs.map(|needs| NeedRecord {
                pairs: needs.pairs,
                seconds: needs.time.map(|time| time.as_secs()),
            }),
            alphas: Some(AlphasRecord { abort, promote }),
            gate: verdict(&status.gate),
            live: verdict(&status.live),
            store: match &status.store {
                StoreHealth::Works => "works".to_owned(),
                StoreHealth::Lost(why) => why.clone(),
            },
            ..Self::bare(rollout, status.at)
        })
    }

    /// What the stored state alone says, for rollouts of the past.
    #[must_use]
    pub fn bare(rollout: &Rollout, now: Timestamp) -> Self {
        let (parts, stage) = (rollout.parts(), rollout.stage());
        let elapsed_seconds = match &parts.state {
            State::Live(live) => Some(live.clock.elapsed(now).as_secs()),
            State::Over(_) => None,
        };
        Self {
            id: parts.id.to_string(),
            stage: stage.to_string(),
            label: parts.plan.label(stage),
            mode: mode(&parts.state).to_owned(),
            share: parts.plan.candidate_share(stage).to_string(),
            epoch: parts.epoch,
            elapsed_seconds,
            waiting: Vec::new(),
            decided: rollout.decided().map(|ending| decision(ending, &parts.state)),
            stages: stages(&parts.plan),
            records: 0,
            needs: None,
            mirror_share: mirror_share(rollout),
            alphas: None,
            gate: None,
            live: None,
            store: "works".to_owned(),
        }
    }
}

fn mirror_share(rollout: &Rollout) -> Option<MirrorShareRecord> {
    let (parts, range) = (rollout.parts(), rollout.parts().plan.mirror_range());
    let record = || MirrorShareRecord {
        now: parts.copied.to_string(),
        min: range.least.to_string(),
        max: range.most.to_string(),
    };
    (rollout.stage() == Stage::Mirror).then(record)
}

fn decision(ending: Ending, state: &State) -> DecisionRecord {
    let why = match state {
        State::Over(over) => Some(over.why.clone()),
        State::Live(_) => None,
    };
    DecisionRecord { ending: ending.to_string(), exit_code: ending.exit_code(), why }
}

const fn mode(state: &State) -> &'static str {
    match state {
        State::Over(_) => "over",
        State::Live(live) => match (live.frozen, live.mode) {
            (crate::rollout::Frozen::Yes, _) => "frozen",
            (_, Mode::Running) => "running",
            (_, Mode::Held(_)) => "held",
            (_, Mode::Paused) => "paused",
        },
    }
}

fn stages(plan: &Plan) -> Vec<StageRecord> {
    let ramp = (0..plan.ramp.shares().len()).map(|index| Stage::Ramp { index });
    let before = [Stage::Prepare, Stage::Gate, Stage::Mirror].into_iter();
    let all = before.chain(ramp).chain([Stage::Drain, Stage::KeepWarm, Stage::Done]);
    all.map(|stage| StageRecord {
        stage: stage.to_string(),
        label: plan.label(stage),
        share: plan.candidate_share(stage).to_string(),
    })
    .collect()
}

impl From<&Note> for NoteRecord {
    fn from(note: &Note) -> Self {
        Self {
            id: note.id,
            rollout: note.rollout.to_string(),
            at_ms: note.at.as_millis(),
            stage: note.stage.to_string(),
            text: note.text.clone(),
        }
    }
}

impl TableRecord {
    /// The table of `status`.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        let table = &*status.table;
        let mirroring = status.rollout.as_ref().filter(|rollout| rollout.stage() == Stage::Mirror);
        let most = mirroring.map_or(table.mirror.share, |rollout| rollout.parts().plan.copies_max);
        Self {
            version: table.version,
            epoch: table.epoch,
            baseline: table.baseline.to_string(),
            candidate_share: table.split.candidate().to_string(),
            mirror_share: table.mirror.share.to_string(),
            mirror_share_max: most.to_string(),
            null_share: table.mirror.null_share.to_string(),
        }
    }
}
