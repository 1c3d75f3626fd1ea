//! Many runs of one world through the judge.

use std::thread;

use goldgate::evidence::{Collector, Halves, Pair, Record};
use goldgate::judgment::{Ask, Policy, Question, Subject, Verdict, judge};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::worlds::{Stream, World};

/// Pairs between looks, as the controller looks.
pub(crate) const LOOK_PAIRS: u64 = 50;

/// One world with its truth, and how long it is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) world: World,
    pub(crate) base: f64,
    pub(crate) effect: f64,
    pub(crate) margin: f64,
    pub(crate) pairs: u64,
}

/// After how many pairs a run was first failed and first passed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    pub(crate) failed: Option<u64>,
    pub(crate) passed: Option<u64>,
}

/// Runs each setting is tried; more by `CALIBRATION_RUNS`.
pub(crate) fn runs() -> u64 {
    std::env::var("CALIBRATION_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(600)
}

/// All runs of a setting, on two threads; run n is seeded by n.
pub(crate) fn all(setting: Setting) -> Vec<Ended> {
    let seeds: Vec<u64> = (0..runs()).collect();
    let halves = seeds.split_at(seeds.len() / 2);
    let several = |seeds: &[u64]| seeds.iter().map(|seed| one(setting, *seed)).collect::<Vec<_>>();
    thread::scope(|scope| {
        let first = scope.spawn(|| several(halves.0));
        let mut second = several(halves.1);
        second.extend(first.join().expect("a run"));
        second
    })
}

/// The rules: one metric with the whole budget.
fn policy(margin: f64) -> Policy {
    let mut policy = Policy::default_live();
    policy.metrics.retain(|metric| metric.name.as_str() == "error");
    policy.metrics[0].margin = margin;
    policy
}

fn one(setting: Setting, seed: u64) -> Ended {
    let policy = policy(setting.margin);
    let text = String::new;
    let subject = Subject { baseline: text(), candidate: text(), policy: text(), evidence: text() };
    let ask = Ask { question: Question::Mirror, subject, must_pass: policy.required() };
    let mut collector = Collector::new(&policy.specs()).expect("a policy with room");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut stream = Stream::new(setting.world, setting.base, setting.effect, &mut rng);
    let mut ended = Ended::default();
    for seq in 1..=setting.pairs {
        let (baseline, candidate) = stream.pair();
        let halves = Halves { baseline: Some(baseline), candidate: Some(candidate) };
        let pair = Pair { seq, id: seq.to_string(), metrics: vec![("error".into(), halves)] };
        collector.push(&Record::Pair(pair)).expect("a pair that can be folded");
        if seq % LOOK_PAIRS == 0 {
            match judge(collector.snapshot(), &policy, &ask).verdict {
                Verdict::Fail => ended.failed = ended.failed.or(Some(seq)),
                Verdict::Pass => ended.passed = ended.passed.or(Some(seq)),
                Verdict::Inconclusive | Verdict::Invalid => {}
            }
            if ended.failed.is_some() && ended.passed.is_some() {
                break;
            }
        }
    }
    ended
}
