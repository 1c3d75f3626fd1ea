//! The task: one loop over inputs.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Interval;
use tokio_util::sync::CancellationToken;

use super::feed::NOTES_BEHIND_MAX;
use super::gathering::Gathering;
use super::input::{Finished, Input, Request, ticks};
use super::ledger::Ledger;
use super::look::Looks;
use super::{Alphas, ControlError, ControlParts, Handle, Status, StoreHealth};
use crate::domain::{RolloutId, Timestamp};
use crate::judgment::Judgment;
use crate::rollout::{Event, Note, OperatorCommand, Rollout, Stage};
use crate::store::Digests;

/// Requests of operators and readers that may wait. Beyond it they wait at their own end.
const REQUESTS_MAX: usize = 64;

/// The one owner of a rollout.
pub struct Control {
    pub(super) parts: ControlParts,
    pub(super) rollout: Option<Rollout>,
    pub(super) digests: Option<Digests>,
    pub(super) health: StoreHealth,
    pub(super) gathering: Option<Gathering>,
    pub(super) flushed: Timestamp,
    /// Why the evidence of a stage cannot be kept, until the step that opened the stage is done.
    pub(super) unkept: Option<String>,
    pub(super) looks: Looks,
    pub(super) ledger: Ledger,
    pub(super) gate_judgment: Option<Arc<Judgment>>,
    pub(super) live_judgment: Option<Arc<Judgment>>,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) effects: JoinSet<Finished>,
    pub(super) ticks: Interval,
    pub(super) samples_open: bool,
    pub(super) stop: CancellationToken,
    pub(super) status: watch::Sender<Arc<Status>>,
    pub(super) notes: broadcast::Sender<Note>,
}

/// The running task. Whoever has it stops it and waits for its end.
#[derive(Debug)]
pub struct ControlTask {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl ControlTask {
    /// Ends the task: evidence is written, started effects are dropped (a restart starts them again), the
    /// store is closed. The published table stays as it is.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    /// Waits until the task has ended by itself, which it does only when it fails.
    pub async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Control {
    /// Takes up what the store holds, publishes its table, and starts the task.
    ///
    /// # Errors
    /// When the store cannot be read, or the policy leaves no room for a test.
    pub async fn spawn(parts: ControlParts) -> Result<(Handle, ControlTask), ControlError> {
        let (ask, requests) = mpsc::channel(REQUESTS_MAX);
        let (notes, _) = broadcast::channel(NOTES_BEHIND_MAX);
        let heard = notes.downgrade();
        let stop = CancellationToken::new();
        let now = parts.clock.wall();
        let empty = Status {
            at: now,
            table: parts.table.load_full(),
            rollout: None,
            waiting: Vec::new(),
            gate: None,
            live: None,
            records: 0,
            needs: None,
            alphas: Alphas::from(&parts.policy),
            store: StoreHealth::Works,
        };
        let (status, watched) = watch::channel(Arc::new(empty));
        let store = parts.store.clone();
        let mut control = Self {
            rollout: None,
            digests: None,
            health: StoreHealth::Works,
            gathering: None,
            flushed: now,
            unkept: None,
            looks: Looks::default(),
            ledger: Ledger::default(),
            gate_judgment: None,
            live_judgment: None,
            requests,
            effects: JoinSet::new(),
            ticks: ticks(parts.tick),
            samples_open: true,
            stop: stop.clone(),
            status,
            notes,
            parts,
        };
        control.resume().await?;
        control.show();
        let mut tasks = JoinSet::new();
        tasks.spawn(control.run());
        let folding = Arc::default();
        Ok((
            Handle { requests: ask, status: watched, notes: heard, store, folding },
            ControlTask { tasks, stop },
        ))
    }

    async fn run(mut self) {
        loop {
            match self.next_input().await {
                Input::Stop => break,
                Input::Asked(request) => self.answer(request).await,
                Input::Finished(finished) => self.hear_finished(finished).await,
                Input::Samples(samples) => {
                    self.gather(&samples);
                    self.look_when_due(false).await;
                }
                Input::Tick => self.tick().await,
            }
        }
        self.effects.shutdown().await;
        // What cannot be written now is lost, and says so: nothing was decided on it that is not journalled.
        if let Err(error) = self.flush().await {
            tracing::error!(%error, "the last evidence could not be written");
        }
        self.parts.store.close().await;
    }

    async fn answer(&mut self, request: Request) {
        // Somebody who asked and left is no failure.
        match request {
            Request::Start { request, answer } => {
                let started = self.begin(request).await;
                self.show();
                let _ = answer.send(started);
            }
            Request::Command { id, command, answer } => {
                let obeyed = self.command(&id, command).await;
                self.show();
                let _ = answer.send(obeyed);
            }
            Request::Ledger { answer } => {
                let _ = answer.send(self.ledger.kept().to_vec());
            }
            Request::Kept { answer } => {
                self.flush_or_freeze().await;
                let _ = answer.send(self.kept());
            }
        }
    }

    async fn command(&mut self, id: &RolloutId, command: OperatorCommand) -> Result<(), ControlError> {
        let rollout = self.rollout.as_ref().filter(|rollout| rollout.parts().id == *id);
        rollout.ok_or_else(|| ControlError::Unknown { id: id.clone() })?.permits(&command)?;
        self.hear(Event::Operator(command)).await;
        Ok(())
    }

    async fn tick(&mut self) {
        self.regain_store().await;
        self.look_when_due(true).await;
        if self.stage() == Some(Stage::Drain) && self.old_baseline_is_idle() {
            self.hear(Event::Drained).await;
        }
        self.hear_tick().await;
        self.flush_when_due().await;
        self.show();
    }

    fn old_baseline_is_idle(&self) -> bool {
        let origin = self.rollout.as_ref().map(|rollout| rollout.parts().origin);
        origin.is_some_and(|slot| (self.parts.in_flight)(slot) == 0)
    }

    pub(super) fn stage(&self) -> Option<Stage> {
        self.rollout.as_ref().map(Rollout::stage)
    }

    /// Shows how everything stands now.
    pub(super) fn show(&self) {
        let at = self.parts.clock.wall();
        let records = self.gathering.as_ref().map_or(0, Gathering::records);
        let live = self.live_judgment.as_deref();
        self.status.send_replace(Arc::new(Status {
            at,
            table: self.parts.table.load_full(),
            rollout: self.rollout.clone(),
            waiting: self.rollout.as_ref().map_or_else(Vec::new, |rollout| rollout.waiting(at)),
            gate: self.gate_judgment.clone(),
            live: self.live_judgment.clone(),
            records,
            needs: live.and_then(|judgment| self.looks.needs(judgment, records, at)),
            alphas: Alphas::from(&self.parts.policy),
            store: self.health.clone(),
        }));
    }
}
