//! One rollout in one world, from its first request to the last look.

use super::decision::{Decision, Heard};
use super::{Traffic, World};
use crate::domain::MetricName;
use crate::evidence::{Collector, EvidenceError, Pairing, PairingOptions};
use crate::judgment::{Ask, MetricPolicy, Opinion, Policy, Subject, judge};
use crate::rollout::PlanError;

/// One world with its truth, a policy, and how long it is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Where the traffic comes from.
    pub world: World,
    /// The baseline's chance of an error where the world has no other.
    pub base: f64,
    /// What the candidate adds: points of harm as a fraction, or a relative slowdown where the world's metric is a
    /// latency.
    pub effect: f64,
    /// Requests before the candidate becomes worse.
    pub onset: u64,
    /// Share of the pairs whose prompt goes to the baseline twice.
    pub null_share: f64,
    /// What is judged by.
    pub policy: Policy,
    /// Records that are watched: pairs, or users under a split.
    pub records: u64,
    /// Records between looks.
    pub look_every: u64,
}

/// After how many records a rollout was decided, each for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// It rolled back on a proven regression.
    pub aborted: Option<u64>,
    /// The judge passed it, before it ever rolled back.
    pub promoted: Option<u64>,
    /// It was held, because its evidence cannot be trusted.
    pub held: Option<u64>,
    /// What the second opinion on a rollback was, where it had one.
    pub opinion: Option<Opinion>,
}

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A margin that leaves no room for a test, or a record that a policy's metrics cannot take.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The plan of a simulated rollout.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// Records between looks of the controller.
const LOOK_RECORDS: u64 = 50;

/// Errors of a healthy baseline.
const BASE: f64 = 0.005;

/// Share of the copied prompts that go back to the baseline, as in a default configuration.
const NULL_SHARE: f64 = 0.25;

/// Records that are watched where nobody says.
const RECORDS: u64 = 1_000;

impl Scenario {
    /// An identical candidate in `world`, looked at as the controller looks.
    #[must_use]
    pub const fn of(world: World, policy: Policy) -> Self {
        Self {
            world,
            base: BASE,
            effect: 0.0,
            onset: 0,
            null_share: NULL_SHARE,
            policy,
            records: RECORDS,
            look_every: LOOK_RECORDS,
        }
    }

    /// The rule of the metric that the candidate is worse in; `None` where the policy does not judge it.
    #[must_use]
    pub fn rule(&self) -> Option<&MetricPolicy> {
        self.policy.metric(&self.world.metric().into())
    }

    /// What must pass: what the policy says, and the world's own metric, as at the last stage of a rollout.
    fn must_pass(&self) -> Vec<MetricName> {
        let mut names = self.policy.required();
        let metric = MetricName::from(self.world.metric());
        if !names.contains(&metric) {
            names.push(metric);
        }
        names
    }

    /// Rollout number `run` under `seed`: looked at every `look_every` records until it is rolled back or held, or
    /// `records` are seen.
    ///
    /// # Errors
    /// When the policy cannot be measured by.
    pub fn run(&self, seed: u64, run: u64) -> Result<Ended, ScenarioError> {
        let mut traffic = Traffic::new(self, seed, run);
        let options = PairingOptions { scores: traffic.scores().to_vec(), ..PairingOptions::of(0) };
        let (mut pairing, mut collector) = (Pairing::new(options), Collector::new(&self.policy.specs())?);
        let mut decision = Decision::new(self.world)?;
        let mut ended = Ended::default();
        pairing.open_stage(decision.split());
        let must_pass = self.must_pass();
        while let Some(sample) = traffic.next() {
            for record in pairing.records(&sample) {
                collector.push(&record)?;
                let seen = collector.snapshot().records();
                if seen % self.look_every == 0 {
                    let opens = self.look(&must_pass, &mut collector, &mut decision, &mut ended);
                    if opens && self.world == World::WholeRollout {
                        traffic.follow(decision.split());
                        pairing.open_stage(decision.split());
                    }
                }
                if seen >= self.records || ended.is_over() || decision.is_over() {
                    return Ok(ended);
                }
            }
        }
        Ok(ended)
    }

    /// Judges what was collected and tells the rollout. Says whether a stage opened.
    fn look(
        &self,
        must_pass: &[MetricName],
        collector: &mut Collector,
        decision: &mut Decision,
        ended: &mut Ended,
    ) -> bool {
        let (question, subject) = (decision.question(), Subject::default());
        let ask = Ask { question, subject, must_pass: must_pass.to_vec() };
        let judgment = judge(collector.snapshot(), &self.policy, &ask);
        let records = collector.snapshot().records();
        let (heard, opens) = decision.hear(&judgment, records);
        if opens {
            collector.open_stage();
        }
        let seen = Some(records);
        match heard {
            Heard::Undecided => {}
            Heard::Passed => ended.promoted = ended.promoted.or(seen),
            Heard::RolledBack => {
                ended.aborted = seen;
                ended.opinion = judgment.metrics.iter().find_map(|metric| metric.opinion);
            }
            Heard::Held => ended.held = seen,
        }
        opens
    }
}

impl Ended {
    const fn is_over(&self) -> bool {
        self.aborted.is_some() || self.held.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default policy with one metric, which has the whole budget.
    fn alone(metric: &str) -> Policy {
        let mut policy = Policy::default_live();
        policy.metrics.retain(|rule| rule.name.as_str() == metric);
        policy
    }

    fn check(scenario: &Scenario, expected: Ended) {
        assert_eq!(scenario.run(1, 0).unwrap(), expected, "{scenario:?}");
    }

    #[test]
    fn a_release_without_failures_passes_when_the_design_says() {
        let scenario =
            Scenario { base: 0.0, records: 500, ..Scenario::of(World::Independent, alone("error")) };
        check(&scenario, Ended { promoted: Some(450), ..Ended::default() });
    }

    #[test]
    fn a_release_that_always_fails_is_rolled_back_at_the_first_look() {
        let scenario = Scenario { effect: 0.9, ..Scenario::of(World::Independent, alone("error")) };
        check(&scenario, Ended { aborted: Some(50), ..Ended::default() });
        let split = Scenario { world: World::StickyUsers, ..scenario };
        check(&split, Ended { aborted: Some(50), ..Ended::default() });
    }

    #[test]
    fn lost_answers_are_never_passed() {
        let scenario = Scenario { records: 400, ..Scenario::of(World::LostCopies, alone("error")) };
        let ended = scenario.run(1, 0).unwrap();
        assert!(ended.promoted.is_none() && ended.is_over(), "{ended:?}");
    }
}
