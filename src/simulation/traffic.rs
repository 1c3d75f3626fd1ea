//! The stream of a world's requests, each with its answers: what the proxy would have handed over.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::answers::{Answers, Fate, Prompt, USUAL_WORDING};
use super::users::Users;
use super::{Scenario, World, decision};
use crate::domain::{Arm, MetricKind, MetricName};
use crate::evidence::{Copied, Copies, Dropped, Observation, Role, Sample, StageSplit};
use crate::judgment::MetricPolicy;
use crate::routing::{Salt, StickyKey, TrafficSplit, assign};

/// Requests between the begin of a burst and its end, and between bursts: 20 and 200.
const BURST_ENDS: f64 = 0.05;
const BURST_BEGINS: f64 = 0.005;
const BURST_CHANCE: f64 = 0.2;

/// The same where each arm has bursts of its own.
const FLAP_CHANCE: f64 = 0.35;

/// Requests over which a drifting chance grows by what it was at first.
const DRIFT_REQUESTS: f64 = 1_000.0;

/// Prompts that fail often, and how often.
const HARD_SHARE: f64 = 0.1;
const HARD_CHANCE: f64 = 0.2;

/// Requests during which both arms are down, and the share that fails then.
const OUTAGE: std::ops::Range<u64> = 300..500;
const OUTAGE_CHANCE: f64 = 0.9;

/// Requests while the candidate's cache is cold, and the factor on its time to first token meanwhile.
const COLD_REQUESTS: u64 = 50;
const COLD_SLOWNESS: f64 = 2.0;

/// Long prompts, by how much they are longer, and the shares of long and of other copies that find no room.
const LONG_SHARE: f64 = 0.2;
const LONG_FACTOR: f64 = 10.0;
const DROPPED: [f64; 2] = [0.75, 0.05];

/// Share of the answers to copies of long prompts that get lost: 4 % of all.
const LOST: f64 = 0.2;

/// Requests in flight at the baseline, and at a candidate that is idle or crowded.
const LOAD: std::ops::RangeInclusive<u32> = 16..=32;
const IDLE: std::ops::RangeInclusive<u32> = 1..=3;
const CROWDED: std::ops::RangeInclusive<u32> = 64..=96;

/// How much longer a straggler of a slow tail takes, and its share of the answers for the slowdown that is asked for.
const TAIL_SLOWNESS: f64 = 10.0;
const TAIL_SHARE: f64 = 0.1;

/// Requests in flight that double the time to first token of an engine without any.
const LOAD_DOUBLES: f64 = 32.0;

/// An endless stream of requests.
#[derive(Debug)]
pub struct Traffic {
    world: World,
    base: f64,
    effect: f64,
    onset: u64,
    null_share: f64,
    rng: ChaCha8Rng,
    answers: Answers,
    users: Users,
    salt: Salt,
    /// How clients and copies are split, where the world has both.
    split: StageSplit,
    seen: u64,
    /// Baseline first; one that both share is the first.
    in_burst: [bool; 2],
}

/// What becomes of the copy to the candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fortune {
    Answered,
    NotSent(Dropped),
    Lost,
}

impl Traffic {
    /// The traffic of run number `run` under `seed`.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: u64, run: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(run);
        let metrics = scenario.policy.metrics.iter();
        let scores = metrics.filter(|metric| metric.kind == MetricKind::Score);
        Self {
            world: scenario.world,
            base: scenario.base,
            effect: scenario.effect,
            onset: scenario.onset,
            null_share: scenario.null_share,
            answers: Answers::new(scores.map(|metric| metric.name.clone()).collect()),
            users: Users::new(&mut rng),
            salt: Salt::derive(&format!("simulation/{seed}/{run}")),
            rng,
            split: decision::opening(scenario.world),
            seen: 0,
            in_burst: [false; 2],
        }
    }

    /// Whether simulated answers speak of a metric: of what the proxy sees of every answer, and of the scores of live
    /// graders.
    #[must_use]
    pub fn speaks_of(rule: &MetricPolicy) -> bool {
        let seen = ["error", "broken", "sameness", "disagreement", "length", "ttft_ms", "tpot_ms", "e2e_ms"];
        rule.kind == MetricKind::Score || seen.contains(&rule.name.as_str())
    }

    /// The live graders that score its answers.
    pub(super) fn scores(&self) -> &[MetricName] {
        self.answers.scores()
    }

    /// A stage begins in which clients and copies are split like this.
    pub(super) const fn follow(&mut self, split: StageSplit) {
        self.split = split;
    }

    /// One user's request, on the arm that the user is assigned to; of the baseline's some are copied.
    fn routed(&mut self, mut prompt: Prompt) -> Sample {
        let (user, failing) = self.users.next(&mut self.rng);
        let key = StickyKey(user.to_le_bytes().to_vec());
        (prompt.sticky, prompt.share) = (key.digest(self.salt), self.split.candidate);
        let arm = assign(&key, TrafficSplit::new(self.split.candidate), self.salt);
        let fates = [failing, failing + self.effect_now()].map(Fate::failing);
        let mirrored = self.split.mirrored.fraction();
        // Where nothing is copied nothing is drawn.
        if arm == Arm::Baseline && mirrored > 0.0 && self.rng.random::<f64>() < mirrored {
            let serving = self.answer(arm, Role::Serving, &prompt, fates[0]);
            return self.copied(serving, &prompt, fates);
        }
        let fate = fates[usize::from(arm == Arm::Candidate)];
        Sample { serving: self.answer(arm, Role::Serving, &prompt, fate), copied: Copied::No }
    }

    /// One request to the baseline, with its copies.
    fn mirrored(&mut self, mut prompt: Prompt) -> Sample {
        let (baseline, candidate, fortune) = self.fates(&mut prompt);
        let serving = self.answer(Arm::Baseline, Role::Serving, &prompt, baseline);
        if let Fortune::NotSent(why) = fortune {
            return Sample { serving, copied: Copied::Dropped(why) };
        }
        let mut sample = self.copied(serving, &prompt, [baseline, candidate]);
        if let (Copied::Sent(copies), Fortune::Lost) = (&mut sample.copied, fortune) {
            copies.candidate = None;
        }
        sample
    }

    /// What the client got, with what became of its copies; fates of the baseline and the candidate.
    fn copied(&mut self, serving: Observation, prompt: &Prompt, [baseline, candidate]: [Fate; 2]) -> Sample {
        let copy = self.answer(Arm::Candidate, Role::Mirror, prompt, candidate);
        let null = (self.rng.random::<f64>() < self.null_share)
            .then(|| self.answer(Arm::Baseline, Role::Null, prompt, baseline));
        Sample { serving, copied: Copied::Sent(Box::new(Copies { candidate: Some(copy), null })) }
    }

    fn answer(&mut self, arm: Arm, role: Role, prompt: &Prompt, fate: Fate) -> Observation {
        self.answers.answer((arm, role), prompt, fate, &mut self.rng)
    }

    /// How the baseline and the candidate fare with this request, and what becomes of the copy.
    fn fates(&mut self, prompt: &mut Prompt) -> (Fate, Fate, Fortune) {
        let effect = self.effect_now();
        let mut fortune = Fortune::Answered;
        let (failing, added) = match self.world {
            World::Independent | World::StickyUsers | World::Mixed | World::WholeRollout => {
                (self.base, effect)
            }
            World::HeavyTails | World::ColdCache => return self.slow_fates(effect),
            World::IdleCandidate => return self.loaded_fates(effect, IDLE),
            World::CrowdedCandidate => return self.loaded_fates(effect, CROWDED),
            World::SlowTail | World::OtherWording | World::LongerAnswers | World::RepeatedAnswers => {
                return self.otherwise(effect);
            }
            World::Bursts => (self.bursting(0, BURST_CHANCE), effect),
            World::Flapping => {
                let [baseline, candidate] = [0, 1].map(|arm| self.bursting(arm, FLAP_CHANCE));
                (baseline, candidate + effect - baseline)
            }
            World::Drifting => (self.base * (1.0 + self.seen as f64 / DRIFT_REQUESTS), effect),
            World::SharedOutage => {
                (if OUTAGE.contains(&self.seen) { OUTAGE_CHANCE } else { self.base }, effect)
            }
            World::HardPrompts => {
                let hard = self.rng.random::<f64>() < HARD_SHARE;
                let failing = if hard { HARD_CHANCE } else { 0.0 };
                (failing, concentrated(effect, HARD_SHARE, 1.0 - HARD_CHANCE, hard))
            }
            World::DroppedCopies | World::UncopiedPrompts | World::LostCopies => {
                let long = self.rng.random::<f64>() < LONG_SHARE;
                prompt.bytes *= if long { LONG_FACTOR } else { 1.0 };
                fortune = self.fortune(long);
                (self.base, concentrated(effect, LONG_SHARE, 1.0 - self.base, long))
            }
        };
        (Fate::failing(failing), Fate::failing(failing + added), fortune)
    }

    /// A candidate that fails as often as the baseline, and answers otherwise.
    fn otherwise(&mut self, effect: f64) -> (Fate, Fate, Fortune) {
        // Only whole answers repeat each other, and the first one repeats none: it is given at once, so that every further
        // one is harm.
        let repeats = self.world == World::RepeatedAnswers;
        let baseline = Fate::failing(if repeats { 0.0 } else { self.base });
        let candidate = match self.world {
            World::SlowTail => {
                let slow = self.rng.random::<f64>() < effect * TAIL_SHARE;
                Fate { slowness: if slow { TAIL_SLOWNESS } else { 1.0 }, ..baseline }
            }
            // Two answers agree where both are worded as most are.
            World::OtherWording => Fate { usual: USUAL_WORDING - effect / USUAL_WORDING, ..baseline },
            World::LongerAnswers => Fate { longer: 1.0 + effect, ..baseline },
            _ => Fate { repeating: if self.seen == 0 { 1.0 } else { effect }, ..baseline },
        };
        (baseline, candidate, Fortune::Answered)
    }

    fn slow_fates(&self, effect: f64) -> (Fate, Fate, Fortune) {
        let cold = self.world == World::ColdCache && self.seen < COLD_REQUESTS;
        let slowness = (1.0 + effect) * if cold { COLD_SLOWNESS } else { 1.0 };
        let fate = |slowness| Fate { slowness, ..Fate::failing(self.base) };
        (fate(1.0), fate(slowness), Fortune::Answered)
    }

    /// The same engine on both arms: a time grows with the requests in flight.
    fn loaded_fates(&mut self, effect: f64, load: std::ops::RangeInclusive<u32>) -> (Fate, Fate, Fortune) {
        let mut fate = |load, added: f64| {
            let in_flight = self.rng.random_range(load);
            let slowness = (1.0 + f64::from(in_flight) / LOAD_DOUBLES) * (1.0 + added);
            Fate { slowness, in_flight, ..Fate::failing(self.base) }
        };
        (fate(LOAD, 0.0), fate(load, effect), Fortune::Answered)
    }

    /// The chance that an arm's answer fails, with bursts of their own.
    fn bursting(&mut self, arm: usize, chance: f64) -> f64 {
        let changes = if self.in_burst[arm] { BURST_ENDS } else { BURST_BEGINS };
        self.in_burst[arm] ^= self.rng.random::<f64>() < changes;
        if self.in_burst[arm] { chance } else { self.base }
    }

    fn fortune(&mut self, long: bool) -> Fortune {
        let luck: f64 = self.rng.random();
        match self.world {
            World::DroppedCopies if luck < DROPPED[usize::from(!long)] => Fortune::NotSent(Dropped::Room),
            World::UncopiedPrompts if long => Fortune::NotSent(Dropped::Rule),
            World::LostCopies if long && luck < LOST => Fortune::Lost,
            _ => Fortune::Answered,
        }
    }

    fn effect_now(&self) -> f64 {
        if self.seen < self.onset { 0.0 } else { self.effect }
    }
}

impl Iterator for Traffic {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        let prompt = Answers::prompt(self.seen, &mut self.rng);
        let sample = match self.world {
            world if world.splits() => self.routed(prompt),
            _ => self.mirrored(prompt),
        };
        self.seen += 1;
        Some(sample)
    }
}

/// What `effect` on average adds to a prompt's chance when as much of it as fits falls on a `share` of the prompts,
/// whose chances have `room` left.
fn concentrated(effect: f64, share: f64, room: f64, inside: bool) -> f64 {
    let added = (effect / share).min(room);
    if inside { added } else { (effect - share * added) / (1.0 - share) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judgment::Policy;

    /// Average harm that the candidate adds, over pairs.
    fn added(world: World, effect: f64) -> f64 {
        let scenario = Scenario { effect, ..Scenario::of(world, Policy::default_live()) };
        let failed = |answer: &Observation| f64::from(u8::from(answer.outcome.is_error()));
        let pairs = Traffic::new(&scenario, 1, 0).take(20_000).filter_map(|sample| {
            let candidate = sample.copied.sent()?.candidate.as_ref()?;
            Some(failed(candidate) - failed(&sample.serving))
        });
        let (sum, count) = pairs.fold((0.0, 0.0), |(sum, count), d| (sum + d, count + 1.0));
        sum / count
    }

    #[test]
    fn the_candidate_is_worse_by_what_was_asked() {
        use World::{Bursts, Drifting, HardPrompts, Independent, SharedOutage};
        for world in [Independent, Bursts, Drifting, HardPrompts, SharedOutage] {
            for effect in [0.0, 0.05, 0.1] {
                let seen = added(world, effect);
                assert!((seen - effect).abs() < 0.01, "{world}: {seen} for {effect}");
            }
        }
    }

    #[test]
    fn harm_in_copies_that_are_not_sent_is_not_in_the_pairs() {
        let seen = added(World::DroppedCopies, 0.05);
        assert!((0.005..0.025).contains(&seen), "{seen}");
        let seen = added(World::UncopiedPrompts, 0.05);
        assert!(seen.abs() < 0.005, "{seen}");
    }

    #[test]
    fn what_fits_on_no_hard_prompt_falls_on_the_others() {
        let average = |effect, room| {
            0.1 * concentrated(effect, 0.1, room, true) + 0.9 * concentrated(effect, 0.1, room, false)
        };
        for effect in [0.0, 0.05, 0.2] {
            assert!((average(effect, 0.8) - effect).abs() < 1e-12);
        }
    }

    #[test]
    fn a_run_is_a_seed_and_a_number() {
        let scenario = Scenario::of(World::HeavyTails, Policy::default_live());
        let draw = |seed, run| Traffic::new(&scenario, seed, run).take(20).collect::<Vec<_>>();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }
}
