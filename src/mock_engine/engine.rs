//! What the requests of one engine share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::Options;
use super::fault::Kind;
use super::metrics::Metrics;
use super::script::Turn;
use super::seed::content_hash;
use crate::domain::Timestamp;
use crate::telemetry::{Clock, RuntimeClock};

/// One engine.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) options: Options,
    pub(super) metrics: Metrics,
    clock: RuntimeClock,
    arrivals: AtomicU64,
    /// How often each question came, by its hash. Two questions of one place share a count, which costs
    /// nothing but that a later one starts at 1; so memory is bounded whatever is asked.
    occurrences: Box<[AtomicU32]>,
}

const OCCURRENCE_PLACES: usize = 1 << 16;

impl Engine {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            metrics: Metrics::default(),
            clock: RuntimeClock::start(Timestamp::from_millis(0)),
            arrivals: AtomicU64::new(0),
            occurrences: (0..OCCURRENCE_PLACES).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Whether a scripted slow start is over.
    pub(super) fn is_ready(&self) -> bool {
        let starts = self.options.faults.iter().filter_map(|fault| match fault.kind {
            Kind::SlowStart { lasts } => Some(lasts),
            _ => None,
        });
        self.clock.monotonic() >= starts.max().unwrap_or(Duration::ZERO)
    }

    /// Counts the request in.
    pub(super) fn turn(&self, rendered: &str) -> Turn {
        let place = content_hash(rendered) % OCCURRENCE_PLACES as u64;
        let place = usize::try_from(place).unwrap_or(0);
        Turn {
            occurrence: u64::from(self.occurrences[place].fetch_add(1, Ordering::Relaxed)),
            arrival: self.arrivals.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Requests in flight.
    pub(super) fn in_flight(&self) -> usize {
        usize::try_from(self.metrics.running.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }
}

/// One request in flight; it ends when this is dropped, also when its client has left.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) engine: Arc<Engine>,
}

impl InFlight {
    pub(super) fn begin(engine: Arc<Engine>) -> Self {
        engine.metrics.running.fetch_add(1, Ordering::Relaxed);
        Self { engine }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.engine.metrics.running.fetch_sub(1, Ordering::Relaxed);
    }
}
