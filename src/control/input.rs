//! Everything the control task can hear, as one closed list.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::ledger::Look;
use super::margins::Kept;
use super::{Control, ControlError, StartRequest};
use crate::domain::RolloutId;
use crate::evidence::{Replays, Sample};
use crate::judgment::Judgment;
use crate::rollout::OperatorCommand;

/// Samples taken at once: enough to be cheap, few enough that an abort waits for microseconds.
const SAMPLES_AT_ONCE: usize = 64;

/// What somebody asks of the task, and where the answer goes.
#[derive(Debug)]
pub(super) enum Request {
    Start { request: StartRequest, answer: oneshot::Sender<Result<RolloutId, ControlError>> },
    Command { id: RolloutId, command: OperatorCommand, answer: oneshot::Sender<Result<(), ControlError>> },
    Ledger { answer: oneshot::Sender<Vec<Look>> },
    Kept { answer: oneshot::Sender<Option<Kept>> },
}

/// What a started effect came to.
#[derive(Debug)]
pub(super) enum Finished {
    Prepared { id: String, epoch: u64, result: Result<Option<Replays>, String> },
    Gate { id: String, epoch: u64, result: Result<Arc<Judgment>, String> },
}

/// One thing heard.
#[derive(Debug)]
pub(super) enum Input {
    Asked(Request),
    Finished(Finished),
    Samples(Vec<Sample>),
    Tick,
    Stop,
}

impl Control {
    /// The next input. Operators come first, then what effects report, then time, then evidence: an abort
    /// never waits behind samples.
    pub(super) async fn next_input(&mut self) -> Input {
        let mut samples = Vec::new();
        let mut finished = None;
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return Input::Stop,
            request = self.requests.recv() => return request.map_or(Input::Stop, Input::Asked),
            Some(joined) = self.effects.join_next() => finished = joined.ok(),
            _ = self.ticks.tick() => return Input::Tick,
            taken = self.parts.samples.recv_many(&mut samples, SAMPLES_AT_ONCE), if self.samples_open => {
                self.samples_open = taken > 0;
            }
        }
        finished.map_or(Input::Samples(samples), Input::Finished)
    }
}

/// A missed tick is made up for by one, not by a burst.
pub(super) fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}
