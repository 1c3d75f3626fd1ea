//! Whether engines are what their releases were locked to: asked when the service starts, when a slot is prepared, after
//! an engine came back or an answer had another fingerprint, and every hour. One that was passed over for failing gets no
//! request before it was asked. Where a lock says what an engine is, nothing counts that it says before it was asked, and
//! what was cached is emptied when it turns out to be something else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tracing::{error, warn};

use super::engines::Engines;
use crate::cache::{Cache, Change};
use crate::control::Handle;
use crate::domain::Slot;
use crate::release::{EngineReport, Lock};
use crate::rollout::OperatorCommand;
use crate::telemetry::Clock;
use crate::upstream::{self, EndpointState, Pool};

/// An engine that drifts without being restarted is found within this time.
const EVERY: Duration = Duration::from_secs(3_600);

/// Whoever put the right engine back, or made it tell, should not wait that long.
const EVERY_WRONG: Duration = Duration::from_secs(60);

/// Time between looks for engines that came back.
const LOOK: Duration = Duration::from_secs(5);

/// An engine takes less than a second for its questions, and a busy one some more; a wedged one would hold up the others.
const ASKED_MAX: Duration = Duration::from_secs(60);

/// One slot's engines and what they are to be.
#[derive(Debug)]
pub(super) struct Attested {
    slot: Slot,
    pool: Arc<Pool>,
    lock: Arc<Lock>,
    /// What each engine told when it was confirmed.
    told: Mutex<Vec<Option<EngineReport>>>,
}

/// Why an engine is not confirmed.
#[derive(Debug, thiserror::Error)]
enum Unconfirmed {
    #[error("{0}")]
    NotAsked(String),
    #[error("{0}")]
    Drifted(String),
}

impl Attested {
    pub(super) fn new(slot: Slot, pool: Arc<Pool>, lock: Arc<Lock>) -> Self {
        let count = pool.endpoints().len();
        if lock.locks_engine() {
            (0..count).for_each(|index| pool.identity(index).confirm_first());
        }
        Self { slot, pool, lock, told: Mutex::new(vec![None; count]) }
    }

    /// Asks every engine of the slot, and marks those that are something else, or not what the others are: they get no
    /// requests as long as another one can take them, and nothing that they say is evidence.
    ///
    /// # Errors
    /// What is wrong with the first engine that cannot be asked or is something else.
    pub(super) async fn ask(&self) -> Result<(), String> {
        let mut all = Ok(());
        for index in 0..self.pool.endpoints().len() {
            let asked = self.ask_one(index).await.map_err(|why| why.to_string());
            all = all.and(asked);
        }
        all
    }

    async fn ask_one(&self, index: usize) -> Result<(), Unconfirmed> {
        let Self { pool, lock, .. } = self;
        let name = self.state(index).name;
        let unasked =
            |why: String| Unconfirmed::NotAsked(format!("{name} cannot be asked what it is: {why}"));
        let told = tokio::time::timeout(ASKED_MAX, upstream::report(pool, index, lock.model())).await;
        let told = told.map_err(|_| unasked(format!("it took longer than {} s", ASKED_MAX.as_secs())))?;
        let told = told.map_err(|fault| unasked(fault.to_string()))?;
        match drift(lock, name, &told, self.another(index)) {
            None => {
                pool.identity(index).confirm(told.fingerprint.clone());
                self.told()[index] = Some(told);
                Ok(())
            }
            Some(why) => {
                pool.identity(index).doubt(&why);
                self.told()[index] = None;
                Err(Unconfirmed::Drifted(why))
            }
        }
    }

    /// An engine of the slot that was confirmed, and what it told.
    fn another(&self, index: usize) -> Option<(&str, EngineReport)> {
        let states = self.pool.endpoints();
        let told = self.told();
        let mut others = states.iter().enumerate().filter(|(at, state)| *at != index && !state.has_drifted);
        others.find_map(|(at, state)| Some((state.name, told[at].clone()?)))
    }

    fn told(&self) -> MutexGuard<'_, Vec<Option<EngineReport>>> {
        // Each element is whole after every statement.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self, index: usize) -> EndpointState<'_> {
        self.pool.endpoints()[index]
    }

    /// Whether an engine answers clients: one that still starts does not.
    async fn answers(&self, index: usize) -> bool {
        let answers = upstream::answers(&self.pool, index, self.lock.model());
        tokio::time::timeout(LOOK, answers).await == Ok(true)
    }

    fn has_drifted_altogether(&self) -> bool {
        self.pool.endpoints().iter().all(|state| state.has_drifted)
    }
}

/// What an engine has otherwise than its lock says, or than an engine of the same release that was asked before it.
fn drift(
    lock: &Lock,
    name: &str,
    told: &EngineReport,
    another: Option<(&str, EngineReport)>,
) -> Option<String> {
    if let Some(difference) = lock.differences(told).first() {
        return Some(format!("{name} is not release {}: {difference}", lock.name()));
    }
    let (other, alike) = another?;
    let differences = alike.differences(told);
    let difference = differences.first()?;
    let here = difference.told.as_deref().unwrap_or("nothing");
    Some(format!(
        "{name} and {other} serve release {} and are not alike: {} is {here} here and {} there",
        lock.name(),
        difference.what,
        difference.locked
    ))
}

/// What is remembered of one engine between two looks.
#[derive(Clone, Copy, Debug)]
struct Looked {
    asked: Duration,
    /// How often it had answered after a failure.
    returns: u64,
    /// How often it had been found to be something else.
    doubts: u64,
    what: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// What it is.
    Told,
    /// It answers clients and does not tell.
    NotTold,
    /// Nobody is there, or it still starts.
    Nothing,
}

/// One slot, looked at every few seconds.
struct Watch {
    slot: Arc<Attested>,
    looked: Vec<Option<Looked>>,
    /// Times that an engine was found to be something else before the cache was emptied last.
    emptied_at: u64,
}

impl Watch {
    fn new(slot: Arc<Attested>) -> Self {
        let looked = vec![None; slot.pool.endpoints().len()];
        Self { slot, looked, emptied_at: 0 }
    }

    async fn turn(&mut self, now: Duration, cache: Option<&Cache>, control: &Handle) {
        let why = self.look(now).await;
        if let Some(cache) = cache {
            self.empty(cache).await;
        }
        if let Some(why) = why {
            take_back(control, self.slot.slot, why).await;
        }
    }

    /// Asks the engines whose time has come; gives what is wrong when all of the slot's are something else.
    async fn look(&mut self, now: Duration) -> Option<String> {
        let mut wrong = None;
        for index in 0..self.looked.len() {
            if !self.is_due(index, now).await {
                continue;
            }
            let returns = self.slot.state(index).returns;
            let asked = self.slot.ask_one(index).await;
            let what = match &asked {
                Err(Unconfirmed::NotAsked(_)) if self.slot.answers(index).await => Said::NotTold,
                Err(Unconfirmed::NotAsked(_)) => Said::Nothing,
                Ok(()) | Err(Unconfirmed::Drifted(_)) => Said::Told,
            };
            let doubts = self.slot.state(index).doubts;
            self.looked[index] = Some(Looked { asked: now, returns, doubts, what });
            wrong = wrong.or(asked.err());
        }
        wrong.filter(|_| self.slot.has_drifted_altogether()).map(|why| why.to_string())
    }

    async fn is_due(&self, index: usize, now: Duration) -> bool {
        let Some(looked) = self.looked[index] else { return true };
        let state = self.slot.state(index);
        let is_well = looked.what == Said::Told && !state.has_drifted;
        let has_changed = state.returns != looked.returns || state.doubts != looked.doubts;
        if has_changed || now - looked.asked >= if is_well { EVERY } else { EVERY_WRONG } {
            return true;
        }
        let is_awaited = state.may_be_another || state.is_unconfirmed;
        is_awaited && looked.what != Said::NotTold && self.slot.answers(index).await
    }

    /// Empties what was cached of the release when an engine was found to be something else: nobody knows since when.
    async fn empty(&mut self, cache: &Cache) {
        let doubts: u64 = self.slot.pool.endpoints().iter().map(|state| state.doubts).sum();
        if doubts == self.emptied_at {
            return;
        }
        let (release, name) = (self.slot.lock.sem(), self.slot.lock.name());
        match cache.change(&Change::Empty(release)).await {
            Ok(_) => {
                warn!("an engine was not release {name}, and what was cached of that release is emptied");
                self.emptied_at = doubts;
            }
            Err(refused) => error!("what was cached of release {name} cannot be emptied yet: {refused}"),
        }
    }
}

/// Asks for as long as the service runs. A candidate of which no engine is what it should be is taken back.
pub(super) async fn run(
    engines: Arc<Engines>,
    cache: Option<Arc<Cache>>,
    control: Handle,
    clock: Arc<dyn Clock>,
) {
    let mut watches: Vec<_> = engines.attested().map(Watch::new).collect();
    loop {
        let now = clock.monotonic();
        join_all(watches.iter_mut().map(|watch| watch.turn(now, cache.as_deref(), &control))).await;
        tokio::time::sleep(LOOK).await;
    }
}

/// Ends the rollout whose candidate is `slot`, if there is one.
async fn take_back(control: &Handle, slot: Slot, why: String) {
    let status = control.status();
    let Some(rollout) = status.rollout.as_ref().filter(|_| status.table.baseline != slot) else { return };
    let id = rollout.parts().id.clone();
    if !rollout.stage().is_live() {
        return;
    }
    if let Err(refused) = control.command(&id, OperatorCommand::Abort { why }).await {
        error!(rollout = %id, "the candidate is not its release, and its rollout cannot be aborted: {refused}");
    }
}

#[cfg(test)]
mod tests;
