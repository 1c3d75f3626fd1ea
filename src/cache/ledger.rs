//! The record of what may be read, in a store that replicas share: made, repaired, and changed by one at a time.
//!
//! A store may lose the record, or come back with an older one. Then it is made anew and everything is a miss
//! ([`Standing::repaired`]); whoever knew a change that is lost notices with its next look-up, also where others have changed the
//! older record since. What is revoked is put on the disk of every replica that learns of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::warn;

use super::standing_file::StandingFile;
use super::{CacheError, Change, Standing};
use crate::telemetry::Clock;

/// Tries of a change while others change too.
const TRIES_MAX: usize = 16;

/// Where the record stands.
pub(super) trait Shelf: Sync {
    /// How messages call it.
    fn place(&self) -> String;

    /// The record's text.
    fn fetch(&self) -> BoxFuture<'_, Result<Option<Vec<u8>>, CacheError>>;

    /// Puts `next` in the place of `before`, where an empty text stands for none, unless another replica did first; says
    /// whether.
    fn swap<'a>(&'a self, before: &'a [u8], next: &'a [u8]) -> BoxFuture<'a, Result<bool, CacheError>>;

    /// Waits until what was put there is durable, where [`Self::swap`] does not.
    fn settle(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        std::future::ready(Ok(())).boxed()
    }
}

/// What this process knows of the record.
#[derive(Debug)]
pub(super) struct Ledger {
    clock: Arc<dyn Clock>,
    file: StandingFile,
    known: ArcSwapOption<Known>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
    /// The sequence in the file, which never goes back to an older record.
    saved: Mutex<u64>,
}

/// The record as it was last read.
#[derive(Debug)]
struct Known {
    text: Bytes,
    standing: Arc<Standing>,
}

impl Ledger {
    /// What the file holds, which the store may have forgotten.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn open(clock: Arc<dyn Clock>, file: StandingFile) -> Result<Self, CacheError> {
        let known =
            file.load()?.map(|standing| Arc::new(Known { text: Bytes::new(), standing: standing.into() }));
        let saved = Mutex::new(known.as_ref().map_or(0, |known| known.standing.sequence()));
        let (known, changing) = (ArcSwapOption::new(known), tokio::sync::Mutex::default());
        Ok(Self { clock, file, known, changing, saved })
    }

    /// The record as it was last read; what only the file says is not yet what the store has.
    pub(super) fn known(&self) -> Option<Arc<Standing>> {
        let known = self.known.load();
        known.as_ref().filter(|known| !known.text.is_empty()).map(|known| Arc::clone(&known.standing))
    }

    /// The record that stands, from the text that was read: made or repaired where it has to be.
    pub(super) async fn adopt(
        &self,
        shelf: &dyn Shelf,
        text: Option<Vec<u8>>,
    ) -> Result<Arc<Standing>, CacheError> {
        self.stands(shelf, text).await.map(|known| Arc::clone(&known.standing))
    }

    async fn stands(&self, shelf: &dyn Shelf, text: Option<Vec<u8>>) -> Result<Arc<Known>, CacheError> {
        let known = self.known.load_full();
        if let Some(known) = known.as_ref().filter(|known| text.as_deref() == Some(&*known.text)) {
            return Ok(Arc::clone(known));
        }
        let now = self.clock.wall();
        let seen = text.as_deref().map(|text| parse(shelf, text)).transpose()?;
        let before = known.as_ref().map(|known| &*known.standing);
        let next = match (&seen, before) {
            (Some(seen), Some(before)) => seen.repaired(before, now),
            (Some(_), None) => None,
            (None, Some(before)) => {
                Standing::new(now).repaired(before, now).or_else(|| Some(Standing::new(now)))
            }
            (None, None) => Some(Standing::new(now)),
        };
        match (next, seen, text) {
            (None, Some(seen), Some(text)) => Ok(self.remember(text, seen)),
            (next, _, text) => {
                let swapped = self.swap(shelf, &text.unwrap_or_default(), next.unwrap_or_default()).await?;
                // Nothing is known until the next look.
                swapped
                    .ok_or_else(|| CacheError::Unreachable("another replica changed the record".to_owned()))
            }
        }
    }

    async fn swap(
        &self,
        shelf: &dyn Shelf,
        before: &[u8],
        next: Standing,
    ) -> Result<Option<Arc<Known>>, CacheError> {
        // A record of texts and numbers always has a JSON form.
        let text = serde_json::to_vec(&next).unwrap_or_default();
        let swapped = shelf.swap(before, &text).await?;
        Ok(swapped.then(|| self.remember(text, next)))
    }

    fn remember(&self, text: Vec<u8>, standing: Standing) -> Arc<Known> {
        let known = Arc::new(Known { text: Bytes::from(text), standing: Arc::new(standing) });
        let before = self.known.swap(Some(Arc::clone(&known)));
        let revokes_more = match before {
            Some(before) => known.standing.revokes_more_than(&before.standing),
            None => known.standing.revokes_more_than(&Standing::default()),
        };
        if revokes_more && let Err(error) = self.save(&known.standing) {
            warn!("what another replica revoked is not on this one's disk: {error}");
        }
        known
    }

    /// Saves a record, unless a later one is saved.
    fn save(&self, standing: &Standing) -> Result<(), CacheError> {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if standing.sequence() >= *saved {
            self.file.save(standing)?;
            *saved = standing.sequence();
        }
        Ok(())
    }

    /// Makes a change, durable when it returns; `life` is the longest life of an entry.
    pub(super) async fn change(
        &self,
        shelf: &dyn Shelf,
        change: &Change,
        life: Duration,
    ) -> Result<Arc<Standing>, CacheError> {
        let _alone = self.changing.lock().await;
        for _ in 0..TRIES_MAX {
            let text = shelf.fetch().await?;
            // Knows the latest, or has repaired it.
            let known = match self.stands(shelf, text).await {
                Err(CacheError::Unreachable(_)) => continue,
                stands => stands?,
            };
            let next = known.standing.after(change, self.clock.wall(), life);
            // On disk here before anywhere: a store may come back without it.
            self.save(&next)?;
            if let Some(known) = self.swap(shelf, &known.text, next).await? {
                shelf.settle().await?;
                return Ok(Arc::clone(&known.standing));
            }
        }
        Err(CacheError::Unreachable(format!("{TRIES_MAX} times another replica changed the record first")))
    }
}

fn parse(shelf: &dyn Shelf, text: &[u8]) -> Result<Standing, CacheError> {
    let wrong =
        |error: serde_json::Error| CacheError::Record { place: shelf.place(), detail: error.to_string() };
    serde_json::from_slice(text).map_err(wrong)
}
