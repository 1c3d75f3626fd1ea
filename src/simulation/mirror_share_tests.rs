//! A mirror share that follows the judge's needs changes how soon a stage is decided, and not how often wrongly.

use std::time::Duration;

use super::{Rate, Scenario, Traffic, World};
use crate::domain::{RequestId, Share};
use crate::evidence::{Collector, Pairing, PairingOptions};
use crate::judgment::{Ask, Judgment, Policy, Question, Subject, Verdict, judge};
use crate::routing::{MirrorDemand, MirrorRange, Room, Salt, mirror_selected};

const STAGE_S: u64 = 600;
const REQUESTS_PER_S: u64 = 10;
const LOOK_RECORDS: u64 = 25;
const RUNS: u64 = 100;

const LEAST: Share = Share::from_ppm(30_000);
const FIXED: MirrorRange = MirrorRange { least: LEAST, most: LEAST };
const GROWING: MirrorRange = MirrorRange { least: LEAST, most: Share::from_ppm(300_000) };

/// One mirror stage of a candidate that adds `effect` to the errors: how it ended, and the largest share it had.
fn stage(range: MirrorRange, effect: f64, run: u64) -> (Verdict, Share) {
    let mut policy = Policy::default_live();
    policy.metrics.truncate(1);
    let scenario = Scenario { effect, ..Scenario::of(World::Independent, policy) };
    let mut traffic = Traffic::new(&scenario, 5, run);
    let mut pairing = Pairing::new(PairingOptions::of(0));
    let mut collector = Collector::new(&scenario.policy.specs()).unwrap();
    let ask = Ask {
        question: Question::Mirror,
        subject: Subject::default(),
        must_pass: scenario.policy.required(),
    };
    let salt = Salt::derive(&run.to_string());
    let every = MirrorRange::every(Duration::from_secs(STAGE_S)).as_secs();
    let (mut share, mut most, mut exposure, mut looked) = (range.least, range.least, 0.0, 0);
    let mut said: Option<Judgment> = None;
    for second in 1..=STAGE_S {
        exposure += share.fraction();
        for n in 0..REQUESTS_PER_S {
            let id = RequestId::new(format!("{second}-{n}"));
            let copied = mirror_selected(&id, "mirror", share, salt).then(|| traffic.next()).flatten();
            let records = copied.map(|sample| pairing.records(&sample)).unwrap_or_default();
            records.iter().for_each(|record| collector.push(record).unwrap());
        }
        let records = collector.snapshot().records();
        if records - looked >= LOOK_RECORDS {
            looked = records;
            let judgment = judge(collector.snapshot(), &scenario.policy, &ask);
            if matches!(judgment.verdict, Verdict::Fail | Verdict::Pass) {
                return (judgment.verdict, most);
            }
            said = Some(judgment);
        }
        if let Some(judgment) = said.as_ref().filter(|_| second % every == 0) {
            let pairs = judgment.pairs_needed;
            let pairs_per_s = share.fraction() * records as f64 / exposure;
            let within = MirrorRange::aim(Duration::ZERO, Duration::from_secs(STAGE_S - second));
            share = range.next(&MirrorDemand { share, pairs, pairs_per_s, within, room: Room::Free });
            most = most.max(share);
        }
    }
    (Verdict::Inconclusive, most)
}

fn ended(range: MirrorRange, effect: f64, verdict: Verdict) -> Rate {
    let events = (0..RUNS).filter(|run| stage(range, effect, *run).0 == verdict).count() as u64;
    Rate { events, runs: RUNS }
}

#[test]
fn an_equal_candidate_passes_in_time_where_the_share_may_grow() {
    let passed = |range| ended(range, 0.0, Verdict::Pass);
    let all_along = MirrorRange { least: GROWING.most, ..GROWING };
    let [fixed, growing, most] = [FIXED, GROWING, all_along].map(|range| passed(range).events);
    assert!(fixed * 10 <= RUNS, "180 pairs decide little: {fixed} of {RUNS}");
    assert!(
        growing * 10 >= most * 8,
        "{growing} pass, and {most} where the largest share is copied all along"
    );
    assert!(growing >= fixed + RUNS / 2, "{growing} pass, and {fixed} at the least share");
    assert!((0..20).all(|run| (2 * LEAST.ppm()..=300_000).contains(&stage(GROWING, 0.0, run).1.ppm())));
}

#[test]
fn a_share_that_follows_the_evidence_is_wrong_no_more_often_than_promised() {
    let Policy { abort_alpha, promote_alpha, .. } = Policy::default_live();
    let within = |what: &str, rate: Rate, alpha: f64| {
        assert!(!rate.exceeds(alpha).unwrap(), "{what}: {rate:?}");
    };
    within("an equal candidate is failed", ended(GROWING, 0.0, Verdict::Fail), abort_alpha);
    within("harm at the margin is failed", ended(GROWING, 0.01, Verdict::Fail), abort_alpha);
    within("harm at the margin is passed", ended(GROWING, 0.01, Verdict::Pass), promote_alpha);
}
