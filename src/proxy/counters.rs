//! What the proxy counts about itself.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use prometheus_client::metrics::histogram::Histogram;

use super::timers::Timers;

macro_rules! counts {
    ($(#[$doc:meta])* $live:ident, $(#[$read_doc:meta])* $read:ident { $($(#[$field_doc:meta])* $field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $live {
            $($(#[$field_doc])* pub $field: AtomicU64,)+
        }

        $(#[$read_doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $read {
            $($(#[$field_doc])* pub $field: u64,)+
        }

        impl $live {
            fn read(&self) -> $read {
                $read { $($field: self.$field.load(Ordering::Relaxed),)+ }
            }
        }

        impl $read {
            /// Every count with its name, in the order of the fields.
            #[must_use]
            pub fn entries(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($field), self.$field),)+]
            }
        }
    };
}

counts! {
    /// The fate of one kind of copy. `offered = sent + dropped_*`; `sent = paired + orphaned_*`, once all have ended.
    CopyCounters,
    /// [`CopyCounters`], read at one moment.
    CopyCounts {
        /// Selected by the hash of the request id.
        offered,
        /// On its way to an engine.
        sent,
        /// Never sent: too many copies in flight.
        dropped_full,
        /// Never sent: the bodies of the copies in flight are too many bytes.
        dropped_full_bytes,
        /// Never sent: the body is longer than a copy may be.
        dropped_too_large,
        /// Never sent: nobody lives in the other slot.
        dropped_vacant,
        /// Never sent: the copy to the other arm was not sent, and a null copy alone is no triple.
        dropped_alone,
        /// Answered, well or badly, beside an answer to the client.
        paired,
        /// The client left first; the copy was cancelled.
        orphaned_client_gone,
        /// The copy ran longer than a copy may.
        orphaned_timeout,
        /// The answer was longer than is read of a copy's; its connection was closed.
        orphaned_too_large,
        /// This process had no descriptor or port for the copy, or for the request that it is of.
        orphaned_local,
        /// The proxy shut down first.
        orphaned_shutdown,
    }
}

counts! {
    /// Counts of requests and samples.
    RequestCounters,
    /// [`RequestCounters`], read at one moment.
    RequestCounts {
        /// Connections accepted.
        connections,
        /// Connections closed at once because too many were open.
        connections_refused,
        /// `accept` failed, usually for want of file descriptors.
        accept_failures,
        /// Requests whose head was read.
        requests,
        /// Answered by the proxy itself with a 4xx.
        refused_client,
        /// Answered by the proxy itself with a 5xx: no capacity, no engine.
        refused_server,
        /// Relayed to the baseline.
        relayed_baseline,
        /// Relayed to the candidate.
        relayed_candidate,
        /// Relayed to an arm that the client named: no evidence.
        pinned,
        /// The engine broke off after the response head.
        broken,
        /// Not sent for want of a descriptor or port of this process: no fault of an engine, and no evidence.
        exhausted,
        /// The client left before its answer ended.
        client_gone,
        /// Answered from the cache.
        cache_hits,
        /// Looked up in the cache and not found.
        cache_misses,
        /// Not found in the cache, and read along while another client got it.
        cache_shared,
        /// Sent past the cache, because its client is of the cohort that sees the engines alone.
        cache_blind,
        /// Written to the cache.
        cache_writes,
        /// Samples handed over.
        samples,
        /// Samples lost because judging fell behind.
        samples_dropped,
        /// Samples that are none, because an engine is not what its release was locked to.
        samples_of_others,
    }
}

/// Everything the proxy counts. Plain atomics: whoever exports them reads [`Counters::snapshot`].
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) requests: RequestCounters,
    pub(super) mirror: CopyCounters,
    pub(super) null: CopyCounters,
    pub(super) timers: Timers,
    in_flight: AtomicI64,
}

/// [`Counters`], read at about one moment: fields are read one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests and samples.
    pub requests: RequestCounts,
    /// Copies to the other arm.
    pub mirror: CopyCounts,
    /// Copies back to the same arm.
    pub null: CopyCounts,
    /// Requests between arrival and last byte.
    pub in_flight: u64,
    /// How late timers of this process ran within the last seconds, in µs.
    pub timers_late_us: u64,
}

impl Counters {
    /// Reads every counter.
    #[must_use]
    pub fn snapshot(&self) -> Counts {
        Counts {
            requests: self.requests.read(),
            mirror: self.mirror.read(),
            null: self.null.read(),
            in_flight: u64::try_from(self.in_flight.load(Ordering::Relaxed)).unwrap_or(0),
            timers_late_us: self.timers.late_us(),
        }
    }

    /// How late every tick of this process's timers came, in seconds; it goes on counting.
    #[must_use]
    pub fn timer_drift(&self) -> Histogram {
        self.timers.drift()
    }

    pub(super) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Adds one.
pub(super) fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_names_what_was_counted() {
        let counters = Counters::default();
        bump(&counters.mirror.dropped_full);
        counters.enter();
        let counts = counters.snapshot();
        assert_eq!((counts.mirror.dropped_full, counts.null.dropped_full, counts.in_flight), (1, 0, 1));
        assert!(counts.mirror.entries().contains(&("dropped_full", 1)));
    }
}
