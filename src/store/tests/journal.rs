//! Journal tests: what was written is what comes back, or an error that names file and remedy.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::domain::{RolloutId, Share, Slot, Timestamp};
use crate::judgment::{Reason, Verdict};
use crate::rollout::{
    EffectKind, Event, Mode, Note, OnInconclusive, OperatorCommand, Plan, Ramp, Rollout, Stage, StageVerdict,
    Start, State, Window,
};
use crate::routing::MirrorPlan;
use crate::store::{Cause, Digests, Step, Store, StoreError};

fn plan() -> Plan {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    Plan {
        mirror: Window::new(minutes(5), minutes(10)).unwrap(),
        copies: MirrorPlan { share: Share::from_ppm(10_000), null_share: Share::from_ppm(2_500) },
        copies_max: Share::from_ppm(40_000),
        ramp: Ramp::new([10_000, 250_000, 1_000_000].map(Share::from_ppm).to_vec()).unwrap(),
        dwell: Window::new(minutes(10), minutes(20)).unwrap(),
        drain: minutes(1),
        keep_warm: minutes(60),
        on_inconclusive: OnInconclusive::Hold,
    }
}

fn digests() -> Digests {
    let text = |text: &str| text.to_owned();
    Digests { baseline: text("rel:blue"), candidate: text("rel:green"), policy: text("pol:1") }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000)
}

fn start(id: &str) -> Start {
    Start { id: RolloutId::from(id), plan: plan(), baseline: Slot::Blue, epoch: 3, table_version: 9 }
}

async fn open(dir: &Path) -> Result<Store, StoreError> {
    Store::open(&format!("sqlite:{}", dir.join("state.db").display())).await
}

async fn begin(store: &Store, id: &str) -> Rollout {
    let (rollout, effects) = Rollout::begin(start(id), at(0));
    let step =
        Step { at: at(0), cause: Cause::Started, digests: &digests(), rollout: &rollout, effects: &effects };
    store.append(&step).await.unwrap();
    rollout
}

async fn hear(store: &Store, rollout: &mut Rollout, seconds: u64, event: Event) -> Vec<Note> {
    let effects = rollout.apply(event.clone(), at(seconds));
    let step = Step {
        at: at(seconds),
        cause: Cause::Heard(&event),
        digests: &digests(),
        rollout,
        effects: &effects,
    };
    store.append(&step).await.unwrap()
}

fn said(stage: Stage, verdict: Verdict) -> StageVerdict {
    StageVerdict { epoch: 3, stage, verdict, reasons: vec![Reason::Note("612 pairs".to_owned())] }
}

/// Through prepare, gate and mirror to the ramp's first step.
async fn to_the_ramp(store: &Store) -> Rollout {
    let mut rollout = begin(store, "r1").await;
    hear(store, &mut rollout, 1, Event::Prepared { epoch: 3, result: Ok(()) }).await;
    hear(store, &mut rollout, 2, Event::GateFinished(said(Stage::Gate, Verdict::Pass))).await;
    hear(store, &mut rollout, 400, Event::Judged(said(Stage::Mirror, Verdict::Pass))).await;
    assert_eq!(rollout.stage(), Stage::Ramp { index: 0 });
    rollout
}

#[tokio::test]
async fn killed_in_the_ramp_it_resumes_at_the_same_stage_with_no_weight_above_the_stored_one() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await.unwrap();
    let rollout = to_the_ramp(&store).await;
    // The next step is taken in memory and never reaches the disk: a kill loses it.
    let mut lost = rollout.clone();
    let ahead = lost.apply(Event::Judged(said(Stage::Ramp { index: 0 }, Verdict::Pass)), at(2_000));
    assert!(!ahead.is_empty());
    store.close().await;

    let stored = open(dir.path()).await.unwrap().latest().await.unwrap().unwrap();
    assert_eq!(stored.rollout, rollout);
    assert_eq!(stored.rollout.table(), rollout.table());
    assert_eq!(stored.rollout.table().split.candidate(), Share::from_ppm(10_000));
    assert_eq!((stored.durable, stored.digests), (at(400), digests()));
}

#[tokio::test]
async fn every_state_comes_back_as_it_was() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await.unwrap();
    let mut rollout = to_the_ramp(&store).await;
    let ramp = Stage::Ramp { index: 0 };
    let why = || "because \"quoted\"".to_owned();
    for (seconds, event) in [
        (500, Event::Judged(said(ramp, Verdict::Inconclusive))),
        (510, Event::Operator(OperatorCommand::Pause)),
        (520, Event::Operator(OperatorCommand::Resume)),
        (530, Event::Judged(said(ramp, Verdict::Invalid))),
        (540, Event::DigestChanged { what: why() }),
        (550, Event::Operator(OperatorCommand::Abort { why: why() })),
    ] {
        hear(&store, &mut rollout, seconds, event).await;
        let stored = store.latest().await.unwrap().unwrap();
        assert_eq!(format!("{:?}", stored.rollout), as_read_back(&rollout), "at {seconds}");
    }
}

/// Reasons come back as their sentences.
fn as_read_back(rollout: &Rollout) -> String {
    let quoted = format!("{:?}", Reason::Note("612 pairs".to_owned()).to_string());
    format!("{rollout:?}").replace("Note(\"612 pairs\")", &format!("Note({quoted})"))
}

#[tokio::test]
async fn only_unfinished_effects_that_report_back_are_started_again() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await.unwrap();
    let mut rollout = begin(&store, "r1").await;
    let pending = store.latest().await.unwrap().unwrap().pending;
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].id.as_str(), &pending[0].kind), ("r1/3", &EffectKind::Prepare { epoch: 3 }));

    store.effect_done("r1/3", at(1)).await.unwrap();
    hear(&store, &mut rollout, 1, Event::Prepared { epoch: 3, result: Ok(()) }).await;
    let pending = store.latest().await.unwrap().unwrap().pending;
    assert_eq!(
        pending.iter().map(|effect| &effect.kind).collect::<Vec<_>>(),
        [&EffectKind::RunGate { epoch: 3 }]
    );
}

#[tokio::test]
async fn a_step_is_written_whole_or_not_at_all() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await.unwrap();
    let rollout = begin(&store, "r1").await;
    // The same start again: its id is taken, so nothing of it may stay.
    let (again, effects) = Rollout::begin(start("r1"), at(5));
    let step =
        Step { at: at(5), cause: Cause::Started, digests: &digests(), rollout: &again, effects: &effects };
    assert!(store.append(&step).await.is_err());
    let stored = store.latest().await.unwrap().unwrap();
    assert_eq!((stored.rollout, stored.durable), (rollout, at(0)));
    assert_eq!(store.notes(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn notes_keep_their_ids_across_rollouts_and_restarts() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await.unwrap();
    let mut rollout = begin(&store, "r1").await;
    hear(&store, &mut rollout, 9, Event::Operator(OperatorCommand::Abort { why: "x".to_owned() })).await;
    store.close().await;
    let store = open(dir.path()).await.unwrap();
    let (second, effects) = Rollout::begin(Start { table_version: 20, ..start("r2") }, at(60));
    let step =
        Step { at: at(60), cause: Cause::Started, digests: &digests(), rollout: &second, effects: &effects };
    let told = store.append(&step).await.unwrap();
    let ids: Vec<_> = store.notes(1, 10).await.unwrap().iter().map(|note| note.id).collect();
    assert_eq!((ids, told[0].id), (vec![2, 3], 3));
    assert_eq!(store.history(&RolloutId::from("r1"), 10).await.unwrap().len(), 2);
    let names: Vec<_> = store.rollouts().await.unwrap().iter().map(|one| one.rollout.stage()).collect();
    assert_eq!(names, [Stage::Prepare, Stage::RolledBack], "latest first");
}

/// The disk is slow for a machine and takes no time at all for a replay.
#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_move_while_the_disk_is_busy() {
    let dir = TempDir::new().unwrap();
    let before = tokio::time::Instant::now();
    let store = open(dir.path()).await.unwrap();
    to_the_ramp(&store).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn verdicts_come_back_in_order() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await.unwrap();
    let rollout = begin(&store, "r1").await;
    let id = &rollout.parts().id;
    for records in [10, 20, 30] {
        let said = said(Stage::Mirror, Verdict::Inconclusive);
        store.verdict(id, at(records), &said, records, "{}").await.unwrap();
    }
    let found = store.verdicts(id, 2).await.unwrap();
    assert_eq!(found.iter().map(|one| one.records).collect::<Vec<_>>(), [20, 30]);
    assert_eq!((found[1].verdict.as_str(), found[1].stage.as_str()), ("inconclusive", "mirror"));
}

#[tokio::test]
async fn two_controllers_cannot_share_a_store() {
    let dir = TempDir::new().unwrap();
    let first = open(dir.path()).await.unwrap();
    begin(&first, "r1").await;
    let error = open(dir.path()).await.unwrap_err().to_string();
    assert!(error.contains("state.db is in use by another process"), "{error}");
}

async fn check_damage(damage: impl Fn(&Path), expected: &str) {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await.unwrap();
    to_the_ramp(&store).await;
    store.close().await;
    damage(&dir.path().join("state.db"));
    let error = match open(dir.path()).await {
        Err(error) => error.to_string(),
        Ok(store) => store.latest().await.unwrap_err().to_string(),
    };
    assert!(error.contains("state.db") && error.contains(expected), "{error}");
}

fn overwrite(file: &Path, from: usize, with: &[u8]) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[from..from + with.len()].copy_from_slice(with);
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn damage_is_named_with_its_remedy() {
    let cut = |file: &Path| {
        let bytes = std::fs::read(file).unwrap();
        std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    };
    check_damage(cut, "move it away to start without history").await;
    check_damage(|file| std::fs::write(file, "not a database at all, but long enough").unwrap(), "damaged")
        .await;
    // A hand that gives the candidate 99 % by editing the file.
    let edit = |file: &Path| {
        let bytes = std::fs::read(file).unwrap();
        let found: Vec<_> =
            bytes.windows(15).enumerate().filter(|(_, window)| *window == b"\"ramp_ppm\":[100").collect();
        assert!(!found.is_empty());
        for (from, _) in found {
            overwrite(file, from, b"\"ramp_ppm\":[990");
        }
    };
    check_damage(edit, "its text is not the one that was written").await;
}

#[tokio::test]
async fn other_stores_and_unreachable_files_are_refused() {
    let error = Store::open("postgres://somewhere/db").await.unwrap_err().to_string();
    assert!(error.contains("postgres://somewhere/db") && error.contains("sqlite:FILE"), "{error}");
    let error = Store::open("sqlite:/no/such/directory/state.db").await.unwrap_err().to_string();
    assert!(error.contains("/no/such/directory/state.db") && error.contains("writable"), "{error}");
}

#[tokio::test]
async fn a_frozen_state_is_stored_as_the_stage_it_stands_at() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await.unwrap();
    let mut rollout = to_the_ramp(&store).await;
    hear(&store, &mut rollout, 500, Event::StateUnreadable).await;
    assert_eq!(rollout.table().split.candidate(), Share::ZERO);
    let stored = store.latest().await.unwrap().unwrap().rollout;
    assert_eq!(stored.table().split.candidate(), Share::from_ppm(10_000));
    let State::Live(live) = &stored.parts().state else { panic!("it is live") };
    assert_eq!(live.mode, Mode::Running);
}
