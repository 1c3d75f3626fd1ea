//! The golden gate of a rollout: the configured suites on both slots, one after the other.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::ServiceError;
use super::engines::{Engines, timeouts};
use crate::config::Config;
use crate::control::{GateRequest, GateRunner};
use crate::evals::{self, Caps, GoldenRun, Outlets, RunOptions, Suite, judge_runs};
use crate::judgment::{Judgment, Verdict};
use crate::telemetry::Clock;
use crate::upstream::Timeouts;

/// Requests in flight at once, both arms together. The baseline has clients to serve beside them.
const CONCURRENCY: usize = 16;

/// Runs suites, and keeps the latest runs for pages that show them.
#[derive(Clone)]
pub(super) struct GoldenGate {
    suites: Vec<Arc<Suite>>,
    engines: Arc<Engines>,
    clock: Arc<dyn Clock>,
    /// What clients get: an answer that they would not wait for is none.
    timeouts: Timeouts,
    latest: Arc<ArcSwapOption<Vec<GoldenRun>>>,
}

impl GoldenGate {
    /// Reads every suite, and says everything that is wrong with any of them.
    pub(super) fn open(
        config: &Config,
        engines: Arc<Engines>,
        clock: &Arc<dyn Clock>,
        latest: Arc<ArcSwapOption<Vec<GoldenRun>>>,
    ) -> Result<Self, ServiceError> {
        let suites = Suite::read_all(&config.rollout.gate)
            .map_err(ServiceError::Suites)?
            .into_iter()
            .map(Arc::new)
            .collect();
        let timeouts = timeouts(config.server.timeouts);
        Ok(Self { suites, engines, clock: Arc::clone(clock), timeouts, latest })
    }

    /// As the control task calls it.
    pub(super) fn runner(self) -> GateRunner {
        Arc::new(move |request| {
            let gate = self.clone();
            Box::pin(async move { gate.run(request).await })
        })
    }

    async fn run(&self, request: GateRequest) -> Result<Judgment, String> {
        if self.suites.is_empty() {
            return Err("rollout.gate names no suite, and no golden data is not a pass: name one".to_owned());
        }
        let mut runs = Vec::with_capacity(self.suites.len());
        for suite in &self.suites {
            runs.push(self.run_suite(suite, request).await?);
            // What is broken already is not asked finer questions.
            if matches!(judge_runs(&runs).verdict, Verdict::Fail | Verdict::Invalid) {
                break;
            }
        }
        let judgment = judge_runs(&runs);
        self.latest.store(Some(Arc::new(runs)));
        Ok(judgment)
    }

    async fn run_suite(&self, suite: &Arc<Suite>, request: GateRequest) -> Result<GoldenRun, String> {
        let options = RunOptions {
            concurrency: CONCURRENCY,
            pace: None,
            warm_up: 0,
            caps: Caps::default(),
            sequential: None,
            seed: Some(suite.seed.wrapping_add(request.epoch)),
            timeouts: self.timeouts,
            clock: Arc::clone(&self.clock),
        };
        let baseline = self.engines.golden(request.baseline)?;
        let candidate = self.engines.golden(request.candidate)?;
        let outlets = Outlets { samples: None, on_progress: &mut |_| () };
        evals::run(suite, baseline, candidate, &options, outlets).await.map_err(|error| error.to_string())
    }
}
