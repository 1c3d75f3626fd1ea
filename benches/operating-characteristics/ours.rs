//! The shipped judge: its promises world by world, its times against information, and why one update a user.

use std::num::NonZeroUsize;

use goldgate::evidence::{Pairing, PairingOptions, StageSplit};
use goldgate::judgment::{Policy, Question};
use goldgate::simulation::{Characteristics, Ended, Rate, Repeats, Scenario, Traffic, World, repeat};
use goldgate::stats::{OutcomeChance, Side, kl_inf};

use crate::page::{percent, records, table};
use crate::watch::Watch;

/// Records that a rollout is watched for; users where clients are split; both where a whole rollout is played.
const RECORDS: u64 = 2_500;
const USERS: u64 = 4_000;
const ROLLOUT: u64 = 6_000;

/// Prompts that were answered three times.
const TRIPLES: u64 = 6_000;

pub(crate) const MARGIN: f64 = 0.01;

/// `world` under a policy of its metric alone, which has the whole budget.
pub(crate) fn alone(world: World) -> Scenario {
    let mut policy = Policy::default_live();
    policy.metrics.retain(|metric| metric.name.as_str() == world.metric());
    let records = match world {
        World::WholeRollout => ROLLOUT,
        World::OtherWording => TRIPLES,
        world if world.splits() => USERS,
        _ => RECORDS,
    };
    let scenario = Scenario { records, ..Scenario::of(world, policy) };
    // Disagreement is judged on prompts that the baseline answered twice.
    let null_share = if world == World::OtherWording { 1.0 } else { scenario.null_share };
    Scenario { null_share, ..scenario }
}

pub(crate) fn play(scenario: &Scenario, runs: u64) -> anyhow::Result<Characteristics> {
    Ok(Characteristics::of(&repeat(scenario, Repeats::new(runs, 1), &|| {})?))
}

/// Each world at the margin, identical, and five times the margin.
pub(crate) fn promises(runs: u64) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for world in World::ALL {
        let scenario = alone(world);
        let margin = scenario.rule().map_or(MARGIN, |rule| rule.margin);
        let with = |times: f64| Scenario { effect: times * margin, ..scenario.clone() };
        let (at, same, worse) =
            (play(&with(1.0), runs)?, play(&with(0.0), runs / 5)?, play(&with(5.0), runs / 5)?);
        let beyond =
            |note: Option<_>, rate: String| if note.is_some() { format!("{rate} \\*") } else { rate };
        rows.push(vec![
            world.to_string(),
            beyond(world.fails_rightly(), percent(at.aborted)),
            beyond(world.passes_blindly(), percent(at.promoted)),
            beyond(world.fails_rightly(), percent(same.aborted)),
            percent(at.held),
            records(same.to_promote),
            percent(worse.aborted),
            records(worse.to_abort),
        ]);
    }
    let note = format!(
        "One metric with the whole budget: errors and repeated answers, margin 1 point, times to first token, 5 % (a slow tail's own margin is half a\n\
         point), disagreement, 3 points beyond a noise floor of 31 %, or lengths, 10 %. {RECORDS} pairs, {TRIPLES} triples, {USERS} users,\n\
         or {ROLLOUT} of both in a whole rollout, which is promoted once all clients are on the candidate. {runs} rollouts at the margin, {} of each other truth. Promised: false aborts 1 %, false promotions 5 %; the design has 0.5–0.9 %\n\
         and 3.5–4.6 % over 18,000 pairs. Records: median (nine in ten). \\* No promise: see below.",
        runs / 5
    );
    let header = [
        "world",
        "false abort, at the margin",
        "false promotion, at the margin",
        "false abort, identical",
        "held, at the margin",
        "records to promote",
        "aborted at 5 × the margin",
        "records to abort",
    ];
    let mut text = table("Promises", &note, &header, &rows) + "\n";
    for world in World::ALL {
        if let Some(why) = world.fails_rightly().or(world.passes_blindly()) {
            text += &format!("\\* {world}: {why}.\n");
        }
    }
    Ok(text)
}

/// Truths of which some are bursts and some last: world, what the candidate adds, and how it is called.
const FAULTS: [(World, f64, &str); 5] = [
    (World::Flapping, 0.0, "bursts of each arm's own, as often one as the other"),
    (World::Independent, 0.02, "+2 points that last"),
    (World::Independent, 0.03, "+3 points that last"),
    (World::Independent, 0.05, "+5 points that last"),
    (World::Independent, 0.10, "+10 points that last"),
];

/// What the second opinion says of failures.
pub(crate) fn opinions(runs: u64) -> anyhow::Result<String> {
    let runs = runs / 2;
    let mut rows = Vec::new();
    for (world, effect, name) in FAULTS {
        let found = play(&Scenario { effect, ..alone(world) }, runs)?;
        let aborted = found.aborted.events;
        let of_them = |events| percent(Rate { events, runs: aborted });
        let (sustained, burst) = (found.sustained.events, found.burst.events);
        rows.push(vec![
            name.to_owned(),
            percent(found.aborted),
            of_them(sustained),
            of_them(burst),
            of_them(aborted - sustained - burst),
            records(found.to_abort),
        ]);
    }
    let note = format!(
        "Errors, margin 1 point, {RECORDS} pairs, {runs} rollouts a row. A burst is 20 requests long, one in 220; 35 % fail in it. The\n\
         opinion needs seven blocks of 50 records: a failure found sooner has none. The design has 33–57 % aborts of such bursts."
    );
    let header =
        ["truth", "aborted", "of them sustained", "a burst", "too early to tell", "records to abort"];
    Ok(table("The second opinion", &note, &header, &rows))
}

/// ln(100) / KL_inf, in pairs, where the candidate alone fails in a share `worse` of them and the baseline alone in a
/// share `better`.
pub(crate) fn information_bound(worse: f64, better: f64, margin: f64) -> anyhow::Result<f64> {
    let outcomes = [(1.0, worse), (-1.0, better), (0.0, 1.0 - worse - better)];
    let outcomes = outcomes.map(|(d, chance)| OutcomeChance { d, chance });
    Ok(100_f64.ln() / kl_inf(&outcomes, Side::Abort, margin)?.nats)
}

/// Base, effect, onset, records between looks, and what the design says.
const REGRESSIONS: [(f64, f64, u64, u64, &str); 6] = [
    (0.001, 0.05, 0, 2, "1.02–1.14"),
    (0.005, 0.02, 0, 10, "1.02–1.14"),
    (0.005, 0.05, 0, 2, "1.02–1.14"),
    (0.005, 0.10, 0, 1, "1.02–1.14"),
    (0.005, 0.05, 10_000, 20, "689 pairs"),
    (0.005, 0.10, 10_000, 20, "250 pairs"),
];

/// Times to decide, against information and against the design.
pub(crate) fn times(runs: u64) -> anyhow::Result<String> {
    let runs = runs / 5;
    let mut found = Vec::new();
    for (base, effect, onset, look_every, design) in REGRESSIONS {
        let candidate = base + effect;
        let bound = information_bound(candidate * (1.0 - base), base * (1.0 - candidate), MARGIN)?;
        #[expect(clippy::cast_possible_truncation, reason = "some thousand pairs")]
        let records = onset + (4.0 * bound) as u64;
        let all =
            play(&Scenario { base, effect, onset, look_every, records, ..alone(World::Independent) }, runs)?;
        let median = all.to_abort.median.map(|median| median - onset);
        found.push(vec![
            format!("+{:.0} points", 100.0 * effect),
            format!("{:.1}", 200.0 * base * (1.0 - base)),
            onset.to_string(),
            format!("{bound:.0}"),
            median.map_or_else(|| "–".to_owned(), |median| median.to_string()),
            median.map_or_else(|| "–".to_owned(), |median| format!("{:.2}", median as f64 / bound)),
            design.to_owned(),
        ]);
    }
    let note = format!(
        "Errors, margin 1 point, weight 1, {runs} rollouts a row. The bound is ln 100 / KL_inf: no valid test at 1 % needs fewer pairs on average. \
         Sixteen bets fixed beforehand cost 0.9 to 1.3 nats against the best one, and the first wallet's weight ln(1/0.75): along the mean path that is 1.27 to \
         1.35 × the bound in the first four rows, and a median comes earlier."
    );
    let header = ["regression", "% that differ", "healthy before", "bound", "median", "÷ bound", "design"];
    Ok(table("Pairs until a regression is proven", &note, &header, &found))
}

/// Sticky users with one update a user, and what one update a request would have done.
pub(crate) fn sticky(runs: u64) -> anyhow::Result<String> {
    let runs = runs / 2;
    let mut rows = Vec::new();
    for (name, unit) in [("one a user (shipped)", Unit::User), ("one a request (wrong)", Unit::Request)] {
        let mut row = vec![name.to_owned()];
        for effect in [0.0, MARGIN] {
            let scenario = Scenario { effect, ..alone(World::StickyUsers) };
            let ended = each(runs, |run| one(&scenario, unit, run))?;
            let found = Characteristics::of(&ended);
            row.push(percent(found.aborted));
            row.push(percent(found.promoted));
        }
        rows.push(row);
    }
    let note = format!(
        "Users with heavy-tailed numbers of requests, half of them on each arm, margin 1 point, {USERS} updates, {runs} rollouts. The design has\n\
         23–40 % false aborts and 31–35 % false promotions for updates by request, at most 0.5 and 3.5 % by user."
    );
    let header = [
        "updates",
        "false abort, identical",
        "promoted, identical",
        "false abort, at the margin",
        "false promotion, at the margin",
    ];
    Ok(table("Sticky users", &note, &header, &rows))
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    User,
    Request,
}

/// One rollout's verdicts; by request where each is given a sticky key of its own on the arm that it went to.
fn one(scenario: &Scenario, unit: Unit, run: u64) -> anyhow::Result<Ended> {
    let mut pairing = Pairing::new(PairingOptions::of(0));
    let traffic = Traffic::new(scenario, 1, run).zip(0..).map(|(mut sample, number)| {
        if unit == Unit::Request {
            sample.serving.sticky = number;
        }
        sample
    });
    let mut traffic = traffic.peekable();
    let candidate = traffic.peek().map_or(goldgate::domain::Share::ZERO, |first| first.serving.share);
    pairing.open_stage(StageSplit { candidate, mirrored: goldgate::domain::Share::ZERO });
    let Scenario { policy, records, look_every, .. } = scenario.clone();
    let watch = Watch { policy, question: Question::Ramp, records, look_every, until_pass: false };
    watch.over(traffic.flat_map(|sample| pairing.records(&sample)))
}

/// Numbered runs on all cores, in their order.
pub(crate) fn each<T: Send>(
    runs: u64,
    one: impl Fn(u64) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share =
        |thread: usize| (thread as u64..runs).step_by(threads).map(|run| Ok((run, one(run)?))).collect();
    let parts: Vec<anyhow::Result<Vec<(u64, T)>>> = std::thread::scope(|scope| {
        let share = &share;
        let parts: Vec<_> = (0..threads).map(|thread| scope.spawn(move || share(thread))).collect();
        parts
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|bug| std::panic::resume_unwind(bug)))
            .collect()
    });
    let mut all: Vec<_> =
        parts.into_iter().collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect();
    all.sort_by_key(|(run, _)| *run);
    Ok(all.into_iter().map(|(_, ended)| ended).collect())
}
