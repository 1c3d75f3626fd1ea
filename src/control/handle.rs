//! All that others know of the control task. Cheap to clone.

use std::sync::Arc;

use tokio::sync::{Mutex, broadcast, mpsc, oneshot, watch};

use super::feed::NOTES_KEPT_MAX;
use super::input::Request;
use super::{ControlError, Feed, Look, Margins, StartRequest, Status};
use crate::domain::RolloutId;
use crate::rollout::{Note, OperatorCommand};
use crate::store::{Store, StoredVerdict, Summary};

/// Verdicts given at once, the latest ones.
const VERDICTS_MAX: u32 = 500;

/// Speaks to the control task, and reads what it has written.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) status: watch::Receiver<Arc<Status>>,
    /// Weak, so that readers hear when the control task has ended.
    pub(super) notes: broadcast::WeakSender<Note>,
    pub(super) store: Store,
    /// Held by whoever folds evidence again: one at a time, the others wait.
    pub(super) folding: Arc<Mutex<()>>,
}

impl Handle {
    /// Starts a rollout; returns its name once it is on disk.
    ///
    /// # Errors
    /// When one is under way, the name is not fit, or the store does not work.
    pub async fn start(&self, request: StartRequest) -> Result<RolloutId, ControlError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Start { request, answer }, answered).await?
    }

    /// Gives an operator's verb to the rollout `id`; returns once it is obeyed.
    ///
    /// # Errors
    /// When no such rollout is under way, or it refuses the verb.
    pub async fn command(&self, id: &RolloutId, command: OperatorCommand) -> Result<(), ControlError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Command { id: id.clone(), command, answer }, answered).await?
    }

    /// How everything stands.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status.borrow())
    }

    /// The status as it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// The timeline after the note `after` (0: from the beginning of the store), as it grows.
    ///
    /// # Errors
    /// When the kept notes cannot be read.
    pub async fn events(&self, after: u64) -> Result<Feed, ControlError> {
        Feed::open(self.store.clone(), self.notes.clone(), after).await
    }

    /// The timeline from now on. A reader too slow for it is told everything from the beginning of the store.
    ///
    /// # Errors
    /// When the control task has ended.
    pub fn events_from_now(&self) -> Result<Feed, ControlError> {
        Feed::from_now(self.store.clone(), self.notes.clone())
    }

    /// The timeline of one rollout, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn history(&self, id: &RolloutId) -> Result<Vec<Note>, ControlError> {
        Ok(self.store.history(id, NOTES_KEPT_MAX).await?)
    }

    /// All rollouts, latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn rollouts(&self) -> Result<Vec<Summary>, ControlError> {
        Ok(self.store.rollouts().await?)
    }

    /// The verdicts of one rollout, oldest first: one whenever the word changed or something followed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn verdicts(&self, id: &RolloutId) -> Result<Vec<StoredVerdict>, ControlError> {
        Ok(self.store.verdicts(id, VERDICTS_MAX).await?)
    }

    /// Where every e-value stood at each look of this epoch, thinned evenly when there are many.
    ///
    /// # Errors
    /// When the control task has ended.
    pub async fn ledger(&self) -> Result<Vec<Look>, ControlError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Ledger { answer }, answered).await
    }

    /// What other margins would have said of this epoch's evidence, as it lies on disk; `None` where nothing of it was judged
    /// since the process started, or too much of it is there to be folded again beside clients.
    ///
    /// # Errors
    /// When the evidence cannot be read, or the control task has ended.
    pub async fn margins(&self) -> Result<Option<Margins>, ControlError> {
        let _alone = self.folding.lock().await;
        let (answer, answered) = oneshot::channel();
        let Some(kept) = self.ask(Request::Kept { answer }, answered).await? else { return Ok(None) };
        tokio::task::spawn_blocking(move || kept.at_other_margins())
            .await
            .map_err(|_| ControlError::Stopped)?
    }

    async fn ask<T>(&self, request: Request, answered: oneshot::Receiver<T>) -> Result<T, ControlError> {
        self.requests.send(request).await.map_err(|_| ControlError::Stopped)?;
        answered.await.map_err(|_| ControlError::Stopped)
    }
}
