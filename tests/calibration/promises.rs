//! The promises, world by world: a release within its margin is not aborted, one that is worse by it is not passed.

use goldgate::judgment::Policy;
use goldgate::simulation::{Characteristics, Rate, Scenario, World};

use crate::setting::{ABORT_ALPHA, OPINION_ALPHA, PROMOTE_ALPHA, alone, play, runs};

/// Users of a split that looks for errors: one update a user needs more of them than pairs.
const USERS: u64 = 4_000;

/// Prompts that were answered three times: half of identical candidates pass by 2,615.
const TRIPLES: u64 = 5_000;

/// Records of a whole rollout: most identical candidates are promoted by then.
const ROLLOUT: u64 = 6_000;

fn within(what: &str, rate: Rate, budget: f64) {
    let Rate { events, runs } = rate;
    let exceeds = rate.exceeds(budget).expect("runs");
    assert!(!exceeds, "{what}: {events} of {runs} runs, more than chance makes of {budget}");
}

fn told(scenario: &Scenario, runs: u64) -> (String, Characteristics) {
    let found = play(scenario, runs);
    let Scenario { world, effect, base, .. } = scenario;
    let what = format!("{world}, base {base}, worse by {effect:.3}");
    let [aborted, promoted, held] = [found.aborted, found.promoted, found.held].map(Rate::share);
    println!("{what}: aborted {aborted:.4}, promoted {promoted:.4}, held {held:.4} of {runs}");
    (what, found)
}

fn margins(world: World) -> [f64; 2] {
    match world.metric() {
        "error" | "sameness" => [0.01, 0.05],
        "disagreement" => [0.03, 0.06],
        "length" => [0.10, 0.20],
        // Its tails have a margin of their own, which the smaller slowdown meets.
        _ if world == World::SlowTail => [0.05, 0.05],
        _ => [0.05, 0.10],
    }
}

fn at(world: World, margin: f64) -> Scenario {
    let scenario = alone(world, margin);
    let records = match world {
        World::WholeRollout => ROLLOUT,
        World::OtherWording => TRIPLES,
        world if world.splits() => USERS,
        _ => scenario.records,
    };
    // Disagreement is judged on prompts that the baseline answered twice.
    let null_share = if world == World::OtherWording { 1.0 } else { scenario.null_share };
    Scenario { records, null_share, ..scenario }
}

#[test]
fn harm_exactly_at_the_margin_is_failed_and_passed_no_more_often_than_promised() {
    for world in World::ALL {
        // A user's update takes several requests: half as many runs take as long.
        let most = if world.splits() { runs() / 2 } else { runs() };
        for (margin, runs) in margins(world).into_iter().zip([most, most / 2]) {
            let (what, found) = told(&Scenario { effect: margin, ..at(world, margin) }, runs);
            if world.fails_rightly().is_none() {
                within(&format!("{what}: false aborts"), found.aborted, ABORT_ALPHA);
            }
            if world.passes_blindly().is_none() {
                within(&format!("{what}: false promotes"), found.promoted, PROMOTE_ALPHA);
            }
        }
    }
}

#[test]
fn an_identical_candidate_is_not_failed() {
    for world in World::ALL.into_iter().filter(|world| world.fails_rightly().is_none()) {
        let (what, found) = told(&at(world, margins(world)[0]), runs() / 2);
        within(&format!("{what}: false aborts"), found.aborted, ABORT_ALPHA);
    }
}

#[test]
fn the_budget_is_one_for_all_metrics_together() {
    let all = Scenario::of(World::Independent, Policy::default_live());
    for effect in [0.0, 0.01] {
        let (what, found) = told(&Scenario { effect, ..all.clone() }, runs());
        within(&format!("all metrics, {what}: false aborts"), found.aborted, ABORT_ALPHA);
        if effect > 0.0 {
            within(&format!("all metrics, {what}: false promotes"), found.promoted, PROMOTE_ALPHA);
        }
    }
}

#[test]
fn an_engine_that_is_idle_or_crowded_is_neither_passed_nor_failed_for_it() {
    for world in [World::IdleCandidate, World::CrowdedCandidate] {
        let (what, found) = told(&at(world, 0.05), runs() / 5);
        assert_eq!(
            (found.aborted.events, found.promoted.events),
            (0, 0),
            "{what}: times at other loads spoke"
        );
    }
}

#[test]
fn a_whole_rollout_promotes_what_is_identical() {
    let (what, found) = told(&at(World::WholeRollout, 0.05), runs() / 10);
    assert!(found.promoted.share() > 0.75, "{what}");
}

#[test]
fn a_fault_that_lasts_is_told_from_arms_that_burst_each_on_their_own() {
    let (what, flapping) = told(&at(World::Flapping, 0.01), runs() / 2);
    let (burst, sustained) = (flapping.burst.share(), flapping.sustained.share());
    println!("{what}: of them a burst {burst:.4}, sustained {sustained:.4}");
    assert!((0.25..0.65).contains(&flapping.aborted.share()), "{what}: the design has 33 to 57 %");
    within(&format!("{what}: called sustained"), flapping.sustained, OPINION_ALPHA);
    let (what, lasting) = told(&Scenario { effect: 0.03, ..at(World::Independent, 0.01) }, runs() / 4);
    let (burst, sustained) = (lasting.burst.share(), lasting.sustained.share());
    println!("{what}: of them a burst {burst:.4}, sustained {sustained:.4}");
    assert!(sustained > 0.6 && burst < 0.2, "{what}");
}

#[test]
fn copies_that_are_dropped_by_length_hold_the_rollout() {
    let (what, found) = told(&Scenario { effect: 0.01, ..at(World::DroppedCopies, 0.01) }, runs() / 2);
    assert!(found.held.share() > 0.95, "{what}");
    within(&format!("{what}: false promotes"), found.promoted, PROMOTE_ALPHA);
    let (what, blind) = told(&Scenario { effect: 0.01, ..at(World::UncopiedPrompts, 0.01) }, runs() / 5);
    assert!(blind.promoted.share() > 0.5, "{what}: harm that is in no pair was seen");
}

#[test]
fn lost_answers_and_a_cold_cache_are_never_to_the_candidates_good() {
    let (what, lost) = told(&at(World::LostCopies, 0.01), runs() / 5);
    assert_eq!(lost.promoted.events, 0, "{what}");
    assert_eq!(lost.aborted.events + lost.held.events, lost.held.runs, "{what}");
    let (what, cold) = told(&at(World::ColdCache, 0.05), runs() / 5);
    assert_eq!(cold.aborted.events, cold.aborted.runs, "{what}");
}

/// 3 % of the answers ten times slower: the body of times stays where it was, and the tests of the tail find it.
#[test]
fn three_percent_ten_times_slower_is_found() {
    let (what, found) = told(&Scenario { effect: 0.30, ..at(World::SlowTail, 0.05) }, runs() / 5);
    let median = found.to_abort.median.unwrap_or(u64::MAX);
    println!("{what}: found after {median} pairs (median)");
    assert!(median <= 1_000, "{what}: {median} pairs; the design has 380 to 820");
}

#[test]
fn answers_that_are_longer_otherwise_worded_or_always_the_same_are_found() {
    for (world, effect) in
        [(World::LongerAnswers, 0.5), (World::OtherWording, 0.13), (World::RepeatedAnswers, 0.06)]
    {
        let (what, found) = told(&Scenario { effect, ..at(world, margins(world)[0]) }, runs() / 5);
        assert!(found.aborted.share() > 0.9, "{what}");
    }
}
