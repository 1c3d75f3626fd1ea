//! Whether engines are what their releases were locked to: asked when the service starts, when a slot is prepared, after
//! an engine came back or an answer had another fingerprint, and every hour. One that was passed over for failing gets no
//! request before it was asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use super::engines::Engines;
use crate::control::Handle;
use crate::domain::Slot;
use crate::release::{EngineReport, Lock};
use crate::rollout::OperatorCommand;
use crate::telemetry::Clock;
use crate::upstream::{self, Pool};

/// An engine that drifts without being restarted is found within this time.
const EVERY: Duration = Duration::from_secs(3_600);

/// Whoever put the right engine back should not wait that long for its requests.
const EVERY_DRIFTED: Duration = Duration::from_secs(60);

/// Time between looks for engines that came back.
const LOOK: Duration = Duration::from_secs(5);

/// One slot's engines and what they are to be.
#[derive(Debug)]
pub(super) struct Attested {
    pub(super) slot: Slot,
    pub(super) pool: Arc<Pool>,
    pub(super) lock: Arc<Lock>,
}

/// What shows that engines may have been exchanged since they were asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signs {
    /// How often they answered after a failure.
    came_back: u64,
    /// Engines that are known to be something else, by what they told or by an answer's fingerprint.
    drifted: usize,
}

impl Attested {
    /// Asks every engine of the slot, and marks those that are something else, or not what the first of them is: they
    /// get no requests as long as another one can take them, and nothing that they say is evidence.
    ///
    /// # Errors
    /// What is wrong with the first engine that cannot be asked or is something else.
    pub(super) async fn ask(&self) -> Result<(), String> {
        let Self { pool, lock, .. } = self;
        let mut first: Option<(String, EngineReport)> = None;
        let mut wrong = Vec::new();
        for (index, name) in pool.endpoints().iter().map(|state| state.name.to_owned()).enumerate() {
            let told = match upstream::report(pool, index, lock.model()).await {
                Ok(told) => told,
                Err(fault) => {
                    wrong.push(format!("{name} cannot be asked what it is: {fault}"));
                    continue;
                }
            };
            match drift(lock, &name, &told, first.as_ref()) {
                None => {
                    pool.identity(index).confirm(told.fingerprint.clone());
                    first.get_or_insert((name, told));
                }
                Some(why) => {
                    pool.identity(index).doubt(&why);
                    wrong.push(why);
                }
            }
        }
        wrong.into_iter().next().map_or(Ok(()), Err)
    }

    fn signs(&self) -> Signs {
        let states = self.pool.endpoints();
        Signs {
            came_back: states.iter().map(|state| state.returns).sum(),
            drifted: states.iter().filter(|state| state.has_drifted).count(),
        }
    }

    /// Whether an engine that was passed over can be asked again.
    async fn is_anyone_back(&self) -> bool {
        let Self { pool, lock, .. } = self;
        for (index, _) in pool.endpoints().iter().enumerate().filter(|(_, state)| state.may_be_another) {
            let answers = upstream::answers(pool, index, lock.model());
            if tokio::time::timeout(LOOK, answers).await == Ok(true) {
                return true;
            }
        }
        false
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
    first: Option<&(String, EngineReport)>,
) -> Option<String> {
    if let Some(difference) = lock.differences(told).first() {
        return Some(format!("{name} is not release {}: {difference}", lock.name()));
    }
    let (other, alike) = first?;
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

/// Asks for as long as the service runs. A candidate of which no engine is what it should be is taken back.
pub(super) async fn run(engines: Arc<Engines>, control: Handle, clock: Arc<dyn Clock>) {
    let slots = engines.attested();
    let mut asked: HashMap<Slot, (Duration, Signs)> = HashMap::new();
    loop {
        for slot in &slots {
            let (now, before) = (clock.monotonic(), slot.signs());
            let every = if before.drifted > 0 { EVERY_DRIFTED } else { EVERY };
            let is_fresh = |(at, signs): &(Duration, Signs)| now - *at < every && *signs == before;
            if asked.get(&slot.slot).is_some_and(is_fresh) && !slot.is_anyone_back().await {
                continue;
            }
            let answer = slot.ask().await;
            asked.insert(slot.slot, (now, Signs { came_back: before.came_back, ..slot.signs() }));
            if let Err(why) = answer
                && slot.has_drifted_altogether()
            {
                take_back(&control, slot.slot, why).await;
            }
        }
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
mod tests {
    use super::*;
    use crate::release::FileHashes;

    fn told(build: &str, tokens: &str) -> EngineReport {
        let text = |text: &str| Some(text.to_owned());
        EngineReport { build: text(build), tokens: text(tokens), ..EngineReport::default() }
    }

    #[test]
    fn an_engine_must_be_its_release_and_what_the_others_of_its_slot_are() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("release.toml");
        std::fs::write(&manifest, "name = \"v2\"\n[model]\nid = \"m\"\n[engine]\nkind = \"vllm\"\n").unwrap();
        let locked = EngineReport { build: None, ..told("b1", "t1") };
        let lock = Lock::resolve_with(&manifest, &mut FileHashes::unkept(), Some(locked)).unwrap();
        let first = ("a:1".to_owned(), told("b1", "t1"));
        let check = |told: &EngineReport, expected: Option<&str>| {
            assert_eq!(drift(&lock, "b:1", told, Some(&first)).as_deref(), expected);
        };
        check(&told("b1", "t1"), None);
        check(
            &told("b1", "t2"),
            Some(
                "b:1 is not release v2: tokens of fixed conversations: t1 was locked, and the engine has t2",
            ),
        );
        check(
            &told("b2", "t1"),
            Some("b:1 and a:1 serve release v2 and are not alike: build is b2 here and b1 there"),
        );
        assert_eq!(drift(&lock, "a:1", &told("b2", "t1"), None), None);
    }
}
