//! Which answers may be read: what was emptied, revoked and purged. Changed by operators, read with every look-up.
//!
//! One small record for the whole cache, so that one read with the entry decides at one moment whether the entry may be
//! served. Nothing is deleted to make answers unreadable: an emptied release gets another generation and with it other keys, a
//! revoked one has no key at all, and a purge is a rule that entries from before it fail.
//!
//! A store may lose the record (evicted, restarted from an old copy). Whoever finds none makes one with another `base`, and
//! every generation is another: what was forgotten can only ever cost hits. Sequences follow the clock, so that a record made
//! anew is later than every one before it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Facts, Namespace};
use crate::domain::{ReleaseId, Timestamp};

/// Purges remembered; one more empties everything instead. A look-up reads all of them.
const PURGES_MAX: usize = 256;

/// The longest time from asking an engine to the end of its answer: what ends later is not kept, so that purges need not be
/// remembered for ever.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(3_600);

/// How often one release can be emptied before it meets another base: a million times.
const EMPTIED_BITS: u32 = 20;

/// The record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Made anew with the record.
    base: u64,
    /// Grows with every change.
    sequence: u64,
    /// How often each release was emptied.
    emptied: BTreeMap<String, u64>,
    revoked: BTreeSet<String>,
    purges: Vec<Purge>,
}

/// Which entries are meant: all that fit every given part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// A release, `sem:…`.
    pub release: Option<String>,
    /// A tenant's digest, or its first half: all requests with one `authorization`.
    pub tenant: Option<String>,
    /// A prompt template's name.
    pub template: Option<String>,
    /// The arm that answered, `baseline` or `candidate`.
    pub arm: Option<String>,
    /// Written before this moment, in ms since 1970.
    pub before_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Purge {
    selector: Selector,
    /// Entries that were asked for before it are meant, however late they are written.
    sequence: u64,
    /// When no such entry can be left, in ms since 1970.
    #[serde(default = "for_ever")]
    until_ms: u64,
}

const fn for_ever() -> u64 {
    u64::MAX
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Makes a release's answers unreadable for ever, and keeps it out of the cache.
    Revoke(ReleaseId),
    /// Empties a release's room.
    Empty(ReleaseId),
    /// Makes some entries unreadable.
    Purge(Selector),
}

impl Standing {
    /// A record where there was none.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { base: now.as_millis(), sequence: now.as_millis(), ..Self::default() }
    }

    /// Grows with every change.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The room of `release`; `None` when it is revoked.
    #[must_use]
    pub fn namespace(&self, release: &ReleaseId) -> Option<Namespace> {
        let emptied = self.emptied.get(release.as_str()).copied().unwrap_or(0);
        let open = !self.revoked.contains(release.as_str());
        let generation = (self.base << EMPTIED_BITS).wrapping_add(emptied);
        open.then(|| Namespace { release: release.clone(), generation })
    }

    /// Whether an entry with these facts may be read.
    #[must_use]
    pub fn permits(&self, facts: &Facts) -> bool {
        let current = self.namespace(&facts.release).map(|namespace| namespace.generation);
        current == Some(facts.generation) && !self.purges.iter().any(|purge| purge.covers(facts))
    }

    /// The record after a change at `now`, where `life` is the longest life of an entry. Purges are remembered as long as an
    /// answer that was asked for before them can be written and live, and a life longer, for clocks that differ.
    #[must_use]
    pub fn after(&self, change: &Change, now: Timestamp, life: Duration) -> Self {
        let sequence = now.as_millis().max(self.sequence + 1);
        let mut next = Self { sequence, ..self.clone() };
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        next.purges.retain(|purge| purge.until_ms.saturating_add(ms(life)) >= now.as_millis());
        match change {
            Change::Revoke(release) => {
                next.revoked.insert(release.to_string());
            }
            Change::Empty(release) => *next.emptied.entry(release.to_string()).or_default() += 1,
            Change::Purge(_) if next.purges.len() >= PURGES_MAX => next.empty_all(),
            Change::Purge(selector) => {
                let kept_ms = ms(life.saturating_add(ANSWER_MAX));
                let (selector, until_ms) = (selector.clone(), now.as_millis().saturating_add(kept_ms));
                next.purges.push(Purge { selector, sequence: next.sequence, until_ms });
            }
        }
        next
    }

    /// What stands when a store shows `self` to one who knew `known`: a store that went back to an older record has lost
    /// changes, so everything is emptied and nothing revoked comes back. `None`: `self` stands.
    ///
    /// A later sequence proves nothing: somebody who knew nothing of the loss may have changed the older record since. So each
    /// known change has to be in it, or to have been followed by another base.
    #[must_use]
    pub fn repaired(&self, known: &Self, now: Timestamp) -> Option<Self> {
        let lost = self.sequence < known.sequence
            || (self.sequence == known.sequence && self != known)
            || known.revokes_more_than(self)
            || self.base < known.base
            || (self.base == known.base && self.lacks(known, now));
        lost.then(|| {
            let sequence = now.as_millis().max(self.sequence.max(known.sequence) + 1);
            let revoked = self.revoked.union(&known.revoked).cloned().collect();
            Self { base: sequence, sequence, revoked, ..Self::default() }
        })
    }

    /// Whether something of `release` was purged after the record of `sequence`.
    pub(super) fn purges_in(&self, release: &ReleaseId, sequence: u64) -> bool {
        let is_meant =
            |wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| wanted == release.as_str());
        self.purges.iter().any(|purge| purge.sequence > sequence && is_meant(&purge.selector.release))
    }

    /// Whether something is revoked here that is not in `other`.
    pub(super) fn revokes_more_than(&self, other: &Self) -> bool {
        !self.revoked.is_subset(&other.revoked)
    }

    /// Whether a release was emptied, or something purged that may still be read, and this record does not know it.
    fn lacks(&self, known: &Self, now: Timestamp) -> bool {
        let emptied = |standing: &Self, release: &str| standing.emptied.get(release).copied().unwrap_or(0);
        let fewer = |(release, times): (&String, &u64)| emptied(self, release) < *times;
        let forgotten = |purge: &Purge| purge.until_ms >= now.as_millis() && !self.purges.contains(purge);
        known.emptied.iter().any(fewer) || known.purges.iter().any(forgotten)
    }

    fn empty_all(&mut self) {
        self.base = self.sequence;
        self.purges.clear();
    }
}

impl Purge {
    fn covers(&self, facts: &Facts) -> bool {
        let Selector { release, tenant, template, arm, before_ms } = &self.selector;
        let fits = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        facts.sequence < self.sequence
            && fits(release, facts.release.as_str())
            && tenant.as_ref().is_none_or(|wanted| facts.tenant.starts_with(wanted.as_str()))
            && fits(template, facts.template.as_deref().unwrap_or_default())
            && fits(arm, &facts.arm)
            && before_ms.is_none_or(|before| facts.written.as_millis() < before)
    }
}

#[cfg(test)]
mod tests;
