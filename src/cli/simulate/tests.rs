//! What is typed, and what is printed.

use super::*;
use crate::simulation::Ended;

fn row(world: World, effect: f64, runs: &[Ended]) -> Row {
    let scenario = Scenario { effect, ..Scenario::of(world, Policy::default_live()) };
    let margins = Margins::of(scenario.rule().unwrap());
    Row { scenario, margins, found: Characteristics::of(runs) }
}

fn page(rows: Vec<Row>) -> Page {
    Page { runs: 4, seed: 1, pairs: 1_000, policy: Policy::default_live(), rows }
}

#[test]
fn a_wrong_decision_is_called_one_and_a_broken_promise_is_marked() {
    let aborted = Ended { aborted: Some(100), ..Ended::default() };
    let passed = Ended { promoted: Some(450), ..Ended::default() };
    let check = |world, effect, runs: &[Ended], expected: &[&str]| {
        let text = drawing::text(&page(vec![row(world, effect, runs)]));
        let line = text.lines().find(|line| line.contains(world.as_str())).unwrap();
        assert!(expected.iter().all(|part| line.contains(part)), "{line}");
    };
    check(World::Independent, 0.0, &[passed; 4], &["0 points", "wrongly 0 % [0.0–49.0]", "450 (450)"]);
    check(World::Independent, 0.01, &[aborted; 4], &["the margin: 1 points", "! wrongly 100 %"]);
    check(World::HeavyTails, 0.25, &[aborted; 4], &["25 %", " 100 % [51.0–100.0]", "wrongly 0 %"]);
    check(World::ColdCache, 0.0, &[aborted; 4], &["  100 % [51.0–100.0]"]);
}

#[test]
fn json_says_the_same() {
    let passed = Ended { promoted: Some(450), ..Ended::default() };
    let json = record::json(&page(vec![row(World::DroppedCopies, 0.01, &[passed; 4])]));
    let row = &json["rows"][0];
    assert_eq!((&row["world"], &row["margin"]), (&"dropped-copies".into(), &0.01.into()));
    assert_eq!((&row["aborted"]["budget"], &row["aborted"]["exceeds"]), (&0.01.into(), &false.into()));
    assert!(row["promoted"]["budget"].is_null() && row["note"].as_str().unwrap().contains("not sent"));
    assert_eq!(row["pairs_to_promote"]["p90"], 450);
}

#[test]
fn points_and_margins_are_read_as_they_are_written() {
    assert_eq!((points("5"), points("0.5")), (Ok(0.05), Ok(0.005)));
    assert!(["-1", "101", "NaN", "x"].iter().all(|text| points(text).is_err()));
    assert_eq!((proper_margin("2%"), proper_margin("0.02")), (Ok(0.02), Ok(0.02)));
    assert!(proper_margin("1").is_err());
}

#[test]
fn a_margin_goes_to_the_metric_of_the_world() {
    let policy = judged_by(&Policy::default_live(), World::HeavyTails, Some(0.2));
    let margin = |name: &str| policy.metric(&name.into()).unwrap().margin;
    assert_eq!((margin("ttft_ms"), margin("error")), (0.2, 0.01));
}

#[test]
fn between_two_margins_both_decisions_are_wrong() {
    let mut policy = Policy::default_live();
    policy.metrics[0].abort_margin = Some(0.03);
    let margins = Margins::of(&policy.metrics[0]);
    assert_eq!(margins.effects(), [0.0, 0.01, 0.03, 0.05]);
    let scenario = |effect| Scenario { effect, ..Scenario::of(World::Bursts, policy.clone()) };
    let budgets = |effect| {
        let row =
            Row { scenario: scenario(effect), margins, found: Characteristics::of(&[Ended::default()]) };
        (row.abort_budget(), row.promote_budget())
    };
    assert_eq!(budgets(0.005), (Some(0.01), None));
    assert_eq!(budgets(0.02), (Some(0.01), Some(0.05)));
    assert_eq!(budgets(0.05), (None, Some(0.05)));
}
