//! A world around the control task: traffic, a candidate, a gate, all scripted.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::control::{Control, ControlParts, ControlTask, Handle, Releases, StartRequest, Status};
use crate::domain::{
    Arm, Clocks, Finish, Outcome, PolicyDigest, ReleaseId, RequestId, RolloutId, Share, Slot, Timestamp,
};
use crate::evidence::{
    AnswerDigest, Copied, Copies, Dropped, Observation, PromptDigest, Replays, Role, Said, Sample,
};
use crate::judgment::{Judgment, Policy, Question, Reason, Subject, Verdict};
use crate::rollout::{Ending, Note, OnInconclusive, Plan, Ramp, Stage, Window};
use crate::routing::{MirrorPlan, RouteTable, StickyKey, assign, mirror_selected};
use crate::store::Store;
use crate::telemetry::RuntimeClock;

/// What the gate says: a verdict, an error, or nothing ever.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Gate {
    Says(Verdict),
    Breaks,
    NeverEnds,
}

/// Everything scripted.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) gate: Gate,
    pub(super) plan: Plan,
    pub(super) candidate: &'static str,
    /// One in this many of the candidate's answers is an error; 0: none.
    pub(super) error_every: u64,
    /// Clients a second.
    pub(super) clients_per_s: u32,
    /// The first of this many copies finds no room; 0: all find some.
    pub(super) drop_every: u64,
    /// In a ramp, the first of this many copies is answered by nobody; 0: all are answered.
    pub(super) lose_every: u64,
    /// What the candidate answers while it is warmed; `None`: it is asked nothing.
    pub(super) replays: Option<Replays>,
}

impl Default for Script {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            gate: Gate::Says(Verdict::Pass),
            plan: Plan {
                mirror: Window::new(minutes(1), minutes(10)).unwrap(),
                copies: MirrorPlan { share: Share::FULL, null_share: Share::ZERO },
                copies_max: Share::FULL,
                ramp: Ramp::new([250_000, 1_000_000].map(Share::from_ppm).to_vec()).unwrap(),
                dwell: Window::new(minutes(1), minutes(5)).unwrap(),
                drain: minutes(1),
                keep_warm: minutes(30),
                on_inconclusive: OnInconclusive::Rollback,
            },
            candidate: "rel:green",
            error_every: 0,
            clients_per_s: 10,
            drop_every: 0,
            lose_every: 0,
            replays: None,
        }
    }
}

/// What stays when the process dies.
pub(super) struct Disk {
    dir: TempDir,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    pub(super) fn evidence(&self) -> PathBuf {
        self.dir.path().join("evidence")
    }

    async fn store(&self) -> Store {
        Store::open(&format!("sqlite:{}", self.dir.path().join("state.db").display())).await.unwrap()
    }
}

/// One life of the process.
pub(super) struct World {
    pub(super) handle: Handle,
    pub(super) table: Arc<ArcSwap<RouteTable>>,
    pub(super) gates_run: Arc<AtomicUsize>,
    pub(super) in_flight: Arc<AtomicUsize>,
    /// Every table that was published, as (baseline, candidate's share in ppm).
    seen: Mutex<Vec<(Slot, u32)>>,
    task: ControlTask,
    samples: mpsc::Sender<Sample>,
    script: Script,
    sent: AtomicU64,
    copied: AtomicU64,
}

fn judgment(verdict: Verdict) -> Judgment {
    let text = |text: &str| text.to_owned();
    Judgment {
        verdict,
        question: Question::Golden,
        subject: Subject {
            baseline: text("rel:blue"),
            candidate: text("rel:green"),
            policy: text("pol:1"),
            evidence: text("ev:golden"),
        },
        metrics: Vec::new(),
        checks: Vec::new(),
        alpha: None,
        pairs_needed: Some(0),
        pace: None,
        reasons: vec![Reason::Note(format!("the golden cases {verdict}"))],
    }
}

pub(super) fn policy() -> Policy {
    let mut policy = Policy::default_live();
    policy.metrics.retain(|metric| ["error", "broken", "e2e_ms"].contains(&metric.name.as_str()));
    policy
}

impl World {
    pub(super) async fn begin(disk: &Disk, script: &Script) -> Self {
        let (samples, received) = mpsc::channel(1_024);
        let table = Arc::new(ArcSwap::from_pointee(RouteTable::steady(1, 0, Slot::Blue)));
        let gates_run = Arc::new(AtomicUsize::new(0));
        let in_flight = Arc::new(AtomicUsize::new(0));
        let (gate, runs, flying) = (script.gate, Arc::clone(&gates_run), Arc::clone(&in_flight));
        let replays = script.replays.clone();
        let parts = ControlParts {
            store: disk.store().await,
            clock: Arc::new(RuntimeClock::start(Timestamp::from_millis(1_700_000_000_000))),
            table: Arc::clone(&table),
            samples: received,
            scores: Vec::new(),
            tenant_max: None,
            policy: policy(),
            policy_digest: PolicyDigest::from("pol:1"),
            plan: script.plan.clone(),
            releases: Releases {
                blue: ReleaseId::from("rel:blue"),
                green: ReleaseId::from(script.candidate),
            },
            evidence_dir: disk.evidence(),
            gate: Arc::new(move |_| {
                runs.fetch_add(1, Ordering::SeqCst);
                run_gate(gate)
            }),
            prepare: Arc::new(move |_| futures_util::future::ready(Ok(replays.clone())).boxed()),
            in_flight: Arc::new(move |_| flying.load(Ordering::SeqCst)),
            tick: Duration::from_secs(1),
        };
        let (handle, task) = Control::spawn(parts).await.unwrap();
        Self {
            handle,
            table,
            gates_run,
            in_flight,
            seen: Mutex::default(),
            task,
            samples,
            script: script.clone(),
            sent: AtomicU64::new(0),
            copied: AtomicU64::new(0),
        }
    }

    pub(super) async fn start(&self) -> RolloutId {
        self.handle.start(StartRequest::default()).await.unwrap()
    }

    /// Clients, sent where the table says, until `done`; at most for two hours.
    pub(super) async fn traffic_until(&self, done: impl Fn(&Status) -> bool) -> Arc<Status> {
        for _ in 0..7_200 * self.script.clients_per_s {
            let status = self.handle.status();
            self.note_table();
            if done(&status) {
                return status;
            }
            self.send_one().await;
            tokio::time::sleep(Duration::from_secs(1) / self.script.clients_per_s).await;
        }
        panic!("never done: {:?}", self.handle.status());
    }

    /// Time without clients, until `done`; at most for two hours.
    pub(super) async fn silence_until(&self, done: impl Fn(&Status) -> bool) -> Arc<Status> {
        for _ in 0..7_200 {
            let status = self.handle.status();
            self.note_table();
            if done(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("never done: {:?}", self.handle.status());
    }

    fn note_table(&self) {
        let table = self.table.load();
        let now = (table.baseline, table.split.candidate().ppm());
        let mut seen = self.seen.lock().unwrap();
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }

    pub(super) fn tables(&self) -> Vec<(Slot, u32)> {
        self.seen.lock().unwrap().clone()
    }

    async fn send_one(&self) {
        let n = self.sent.fetch_add(1, Ordering::SeqCst);
        let table = self.table.load_full();
        let key = StickyKey(format!("user-{n}").into_bytes());
        let arm = assign(&key, table.split, table.salt);
        let answer = |arm, role| observation(n, &table, arm, role, self.script.error_every);
        let request = RequestId::new(format!("req-{n}"));
        let mirrored = mirror_selected(&request, "mirror", table.mirror.share, table.salt);
        let drops = |nth: u64| self.script.drop_every > 0 && nth.is_multiple_of(self.script.drop_every);
        let loses = |nth: u64| {
            let in_ramp = table.split.candidate() > Share::ZERO;
            in_ramp && self.script.lose_every > 0 && nth.is_multiple_of(self.script.lose_every)
        };
        let copies = |nth| Copies {
            candidate: (!loses(nth)).then(|| answer(Arm::Candidate, Role::Mirror)),
            null: None,
        };
        let copied = if !mirrored || arm == Arm::Candidate {
            Copied::No
        } else {
            match self.copied.fetch_add(1, Ordering::SeqCst) {
                nth if drops(nth) => Copied::Dropped(Dropped::Room),
                nth => Copied::Sent(Box::new(copies(nth))),
            }
        };
        let sample = Sample { serving: answer(arm, Role::Serving), copied };
        // The controller may be gone in the tests that end it.
        let _ = self.samples.send(sample).await;
    }

    /// Ends in good order.
    pub(super) async fn stop(self) {
        self.task.stop().await;
    }

    /// Ends as `kill -9` does: nothing more is written, nobody is told. Only the file's lock is given
    /// back, as the kernel does for a dead process.
    pub(super) async fn kill(self) {
        drop(self.task);
        self.handle.store.close().await;
    }

    /// The disk fails: nothing can be written any more.
    pub(super) async fn break_store(&self) {
        self.handle.store.close().await;
    }

    pub(super) async fn told(&self, id: &RolloutId) -> Vec<String> {
        self.handle.history(id).await.unwrap().into_iter().map(|note: Note| note.text).collect()
    }
}

fn run_gate(gate: Gate) -> BoxFuture<'static, Result<Judgment, String>> {
    match gate {
        Gate::Says(verdict) => futures_util::future::ready(Ok(judgment(verdict))).boxed(),
        Gate::Breaks => futures_util::future::ready(Err("green answers HTML".to_owned())).boxed(),
        Gate::NeverEnds => futures_util::future::pending().boxed(),
    }
}

pub(super) fn observation(n: u64, table: &RouteTable, arm: Arm, role: Role, error_every: u64) -> Observation {
    let fails = arm == Arm::Candidate && error_every > 0 && n.is_multiple_of(error_every);
    let prompt: [u8; 16] = u128::from(n).to_le_bytes();
    Observation {
        request: RequestId::new(format!("req-{n}")),
        release: ReleaseId::from("sem:x"),
        arm,
        role,
        epoch: table.epoch,
        share: table.split.candidate(),
        outcome: if fails { Outcome::Errored(500) } else { Outcome::Complete(Finish::Stop) },
        clocks: Clocks { sent_ms: 0.0, end_ms: 100.0, ..Clocks::default() },
        streamed: false,
        output_tokens: Some(20),
        request_bytes: 400,
        prompt_tokens: Some(50),
        cached_tokens: None,
        answer: Said::Digest(AnswerDigest(prompt)),
        prompt: Some(PromptDigest(prompt)),
        degenerate: false,
        in_flight: 3,
        timers_late_ms: 0.0,
        sticky: n,
        tenant: 1,
        scores: Vec::new(),
    }
}

pub(super) fn at(stage: Stage) -> impl Fn(&Status) -> bool {
    move |status| status.rollout.as_ref().is_some_and(|rollout| rollout.stage() == stage)
}

pub(super) fn ended(status: &Status) -> bool {
    status.rollout.as_ref().is_some_and(|rollout| !rollout.stage().is_live())
}

pub(super) fn ending(status: &Status) -> Option<Ending> {
    status.rollout.as_ref().and_then(crate::rollout::Rollout::decided)
}
