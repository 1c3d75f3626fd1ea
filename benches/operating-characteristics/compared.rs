//! The shipped judge and the rules of other judges on the same pairs.

use goldgate::evidence::{Observation, Sample};
use goldgate::simulation::{Characteristics, Ended, Scenario, Traffic, World};

use crate::ours::{MARGIN, alone, each, play};
use crate::page::{bar, percent, records, table};
use crate::rules::{Diffy, GrowthBook, Kayenta, POINT_PAIRS, PeekingZ, PipeCd, Rule, Said, Seen};

/// A rule by its name.
#[derive(Clone, Copy)]
struct Named {
    name: &'static str,
    new: fn() -> Box<dyn Rule>,
}

const EVENT_RULES: [Named; 5] = [
    Named { name: "Kayenta", new: || Box::new(Kayenta::default()) },
    Named { name: "PipeCD", new: || Box::new(PipeCd::default()) },
    Named { name: "Diffy", new: || Box::new(Diffy::default()) },
    Named { name: "z test, peeking", new: || Box::new(PeekingZ::points(MARGIN)) },
    Named { name: "GrowthBook", new: || Box::new(GrowthBook::default()) },
];

const LATENCY_RULES: [Named; 4] = [
    EVENT_RULES[0],
    EVENT_RULES[1],
    Named { name: "z test, peeking", new: || Box::new(PeekingZ::ratio(0.05)) },
    EVENT_RULES[4],
];

/// Whether an answer failed.
fn event(answer: &Observation) -> Option<f64> {
    Some(f64::from(u8::from(answer.outcome.is_error())))
}

/// Milliseconds to the first token.
fn latency(answer: &Observation) -> Option<f64> {
    answer.clocks.ttft_ms()
}

type Value = fn(&Observation) -> Option<f64>;

/// What the rules see of a request; `None` where there is no triple.
fn seen(sample: &Sample, value: Value) -> Option<Seen> {
    let copies = sample.copied.sent()?;
    let (candidate, null) = (copies.candidate.as_ref()?, copies.null.as_ref()?);
    Some(Seen { baseline: value(&sample.serving)?, candidate: value(candidate)?, null: value(null)? })
}

fn one(scenario: &Scenario, rule: Named, value: Value, run: u64) -> Ended {
    let mut rule = (rule.new)();
    let mut ended = Ended::default();
    let pairs = Traffic::new(scenario, 1, run).filter_map(|sample| seen(&sample, value));
    for (pair, number) in pairs.zip(1..=scenario.records) {
        rule.see(pair);
        if number % POINT_PAIRS as u64 != 0 {
            continue;
        }
        match rule.look() {
            Said::Abort => ended.aborted = Some(number),
            Said::Promote => ended.promoted = Some(number),
            Said::GoOn => continue,
        }
        return ended;
    }
    if rule.deadline() == Said::Promote {
        ended.promoted = Some(scenario.records);
    }
    ended
}

fn by(scenario: &Scenario, rule: Named, value: Value, runs: u64) -> anyhow::Result<Characteristics> {
    Ok(Characteristics::of(&each(runs, |run| Ok(one(scenario, rule, value, run)))?))
}

/// A row of each rule, ours first: identical, at the margin, and worse.
fn rows(
    scenario: &Scenario,
    rules: &[Named],
    value: Value,
    effects: [f64; 3],
    runs: u64,
) -> anyhow::Result<Vec<Vec<String>>> {
    let row = |name: &str, found: [Characteristics; 3]| {
        let [same, margin, worse] = found;
        vec![
            format!("{}: {name}", scenario.world),
            percent(same.aborted),
            percent(margin.aborted),
            percent(margin.promoted),
            percent(worse.aborted),
            percent(worse.promoted),
            records(worse.to_abort),
        ]
    };
    let with = |effect| Scenario { effect, null_share: 1.0, ..scenario.clone() };
    let ours = |effect| play(&with(effect), runs);
    let mut rows = vec![row("**goldgate**", [ours(effects[0])?, ours(effects[1])?, ours(effects[2])?])];
    for rule in rules {
        let found = |effect| by(&with(effect), *rule, value, runs);
        rows.push(row(rule.name, [found(effects[0])?, found(effects[1])?, found(effects[2])?]));
    }
    Ok(rows)
}

fn page(title: &str, note: &str, worse: &str, all: &[Vec<String>]) -> String {
    let (aborted, promoted) = (format!("aborted, {worse}"), format!("promoted, {worse}"));
    let header = [
        "",
        "aborted, identical",
        "aborted, at the margin",
        "promoted, at the margin",
        &aborted,
        &promoted,
        "pairs to abort it",
    ];
    table(title, note, &header, all)
}

/// Errors.
pub(crate) fn events(runs: u64) -> anyhow::Result<String> {
    let runs = runs / 5;
    let mut all = Vec::new();
    use World::{Bursts, Drifting, HardPrompts, Independent, SharedOutage};
    for world in [Independent, Bursts, Drifting, HardPrompts, SharedOutage] {
        all.extend(rows(&alone(world), &EVENT_RULES, event, [0.0, MARGIN, 0.05], runs)?);
    }
    let note = format!(
        "Errors, margin 1 point where a rule has one, 2,500 pairs, {runs} rollouts a row. The other rules are written anew from what is\n\
         published of them (`rules.rs` beside this bench says how); time series have a point every 50 pairs and a look every ten points, all\n\
         others a look every 50 pairs. Who has no margin lets through at the deadline what was not stopped. Intervals at 95 %."
    );
    Ok(page("Beside other rules: errors", &note, "+5 points", &all))
}

/// Share that is stopped, by how much worse the candidate is.
pub(crate) fn power(runs: u64) -> anyhow::Result<String> {
    let runs = runs / 10;
    let mut text = format!(
        "\n## Share that is rolled back, by true harm\n\nIndependent errors, 2,500 pairs, {runs} rollouts a bar. The margin of those that have one is 1 point: what lies\n\
         at or below it is to be left alone, what lies above it to be stopped.\n\n```text\n"
    );
    for points in [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0] {
        let scenario = Scenario { effect: points / 100.0, null_share: 1.0, ..alone(World::Independent) };
        text += &format!(
            "+{points} points\n  {:<16} {}\n",
            "goldgate",
            bar(play(&scenario, runs)?.aborted.share())
        );
        for rule in EVENT_RULES {
            text +=
                &format!("  {:<16} {}\n", rule.name, bar(by(&scenario, rule, event, runs)?.aborted.share()));
        }
    }
    Ok(text + "```\n")
}

/// Times to first token.
pub(crate) fn latencies(runs: u64) -> anyhow::Result<String> {
    let runs = runs / 10;
    let mut all = Vec::new();
    for world in [World::HeavyTails, World::ColdCache] {
        let scenario = Scenario { records: 1_500, ..alone(world) };
        all.extend(rows(&scenario, &LATENCY_RULES, latency, [0.0, 0.05, 0.20], runs)?);
    }
    let note = format!(
        "Times to first token with stragglers, margin 5 %, 1,500 pairs, {runs} rollouts a row. Rules of time series see the mean of 50 requests. Who is slow while cold is rightly stopped by who looks then."
    );
    Ok(page("Beside other rules: latencies", &note, "+20 %", &all))
}
