//! The design's own table, row by row: records drawn from the truth that each row names, judged at every look.

use goldgate::domain::{Arm, MetricKind, Share};
use goldgate::evidence::Record;
use goldgate::judgment::{MetricPolicy, Policy, Question};
use goldgate::simulation::{Characteristics, Ended};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::ours::{each, information_bound};
use crate::page::{percent, records, table};
use crate::rules::{PeekingZ, Rule, Said, Seen};
use crate::watch::{Watch, arrival, pair};

/// Pairs that harm at the margin is watched for.
const LONG: u64 = 18_000;

/// Names of up to eight metrics of one kind; the first of them has half of the budget where there are others.
static NAMES: [&str; 8] = ["error", "broken", "a", "b", "c", "d", "e", "f"];

/// z of one-sided tests at 5 and 1 %, and at 1 % over [`LONG`] looks (Bonferroni).
const Z: [f64; 3] = [1.644_853_626_951, 2.326_347_874_041, 4.871];

/// How outcomes of 0 and 1 differ: in how many pairs of equal arms, and by how much the candidate is worse.
#[derive(Clone, Copy, Debug)]
struct Flips {
    differing: f64,
    harm: f64,
}

impl Flips {
    fn draw(self, rng: &mut ChaCha8Rng) -> (f64, f64) {
        match rng.random::<f64>() {
            u if u < self.differing / 2.0 + self.harm => (0.0, 1.0),
            u if u < self.differing + self.harm => (1.0, 0.0),
            _ => (0.0, 0.0),
        }
    }

    fn bound(self, margin: f64) -> anyhow::Result<f64> {
        let better = self.differing / 2.0;
        information_bound(better + self.harm, better, margin)
    }
}

fn rng(run: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    rng.set_stream(run);
    rng
}

/// The default rules with these metrics alone, all of them required.
fn policy(names: &[&str], kind: MetricKind, margin: f64) -> Policy {
    let default = Policy::default_live();
    let like = default.metrics.iter().find(|rule| rule.kind == kind).cloned();
    let rule = |name: &&str| {
        let like = like.clone()?;
        Some(MetricPolicy { name: (*name).into(), margin, required: true, tail: None, ..like })
    };
    Policy { metrics: names.iter().filter_map(rule).collect(), ..default }
}

fn mirror(policy: Policy, records: u64, look_every: u64) -> Watch {
    Watch { policy, question: Question::Mirror, records, look_every, until_pass: false }
}

/// `runs` rollouts of pairs in which every metric is drawn by itself.
fn pairs(
    watch: &Watch,
    names: &'static [&'static str],
    runs: u64,
    draw: impl Fn(usize, &mut ChaCha8Rng) -> (f64, f64) + Sync,
) -> anyhow::Result<Characteristics> {
    let one = |run| {
        let mut rng = rng(run);
        let drawn = (1..).map(|seq| {
            let values = names.iter().enumerate();
            pair(seq, values.map(|(at, name)| (*name, draw(at, &mut rng))).collect::<Vec<_>>().into_iter())
        });
        watch.over(drawn)
    };
    Ok(Characteristics::of(&each(runs, one)?))
}

/// The z test on the same pairs, looked at after each.
fn peeking(flips: Flips, margin: f64, z: f64, runs: u64) -> anyhow::Result<Characteristics> {
    let side = |run: u64, wanted: Said| {
        let (mut rng, mut rule) = (rng(run), PeekingZ::at(margin, z));
        (1..=LONG).find(|_| {
            let (baseline, candidate) = flips.draw(&mut rng);
            rule.see(Seen { baseline, candidate, null: baseline });
            rule.look() == wanted
        })
    };
    let one = |run| {
        let (aborted, promoted) = (side(run, Said::Abort), side(run, Said::Promote));
        Ok(Ended { aborted, promoted, ..Ended::default() })
    };
    Ok(Characteristics::of(&each(runs, one)?))
}

/// Harm exactly at the margin, looked at after every pair.
pub(crate) fn at_the_margin(runs: u64) -> anyhow::Result<String> {
    let runs = runs / 4;
    let mut rows = Vec::new();
    for (metrics, margin) in [(1, 0.0), (1, 0.005), (1, 0.01), (1, 0.02), (1, 0.05), (8, 0.01)] {
        let flips = Flips { differing: 0.01, harm: margin };
        let names = &NAMES[..metrics];
        let watch = mirror(policy(names, MetricKind::Event, margin), LONG, 1);
        let ours = pairs(&watch, names, runs, |_, rng| flips.draw(rng))?;
        let mut row = vec![
            format!("{metrics} at {:.1} points", 100.0 * margin),
            percent(ours.aborted),
            percent(ours.promoted),
        ];
        for z in Z {
            let found = peeking(flips, margin, z, runs)?;
            row.push(format!("{:.0} / {:.0}", 100.0 * found.aborted.share(), 100.0 * found.promoted.share()));
        }
        rows.push(row);
    }
    let note = format!(
        "Errors; 1 % of the pairs of equal arms differ. {LONG} pairs, {runs} rollouts a row. Both errors of our judge, and those of one z test\n\
         (abort / promote, in percent) that is looked at as often: at 5 %, at 1 %, and at 1 % divided by the looks. The design has\n\
         0.5–0.9 % and 0.6–0.8 % (eight metrics) false aborts, 3.5–4.6 % false promotions, and 82–98 %, 34–69 % and 8–18 % for z tests."
    );
    let header = ["metrics", "false abort", "false promotion", "z at 5 %", "z at 1 %", "z, Bonferroni"];
    Ok(table("Harm at the margin, a look at every pair", &note, &header, &rows))
}

/// What a smaller share of the budget costs.
pub(crate) fn weights(runs: u64) -> anyhow::Result<String> {
    const MARGIN: f64 = 0.01;
    let runs = runs / 5;
    let mut rows = Vec::new();
    // Of eight metrics none is called "error": all weigh the same.
    let shares: [(&'static str, &'static [&'static str], &str); 3] = [
        ("1", &["error"], "1.02–1.14"),
        ("1/2", &["error", "broken"], "1.21–1.38"),
        ("1/8", &EQUAL, "1.54–1.65"),
    ];
    for (weight, names, design) in shares {
        for (harm, look_every) in [(0.02, 10), (0.05, 2), (0.10, 1)] {
            let flips = Flips { differing: 0.01, harm };
            let bound = flips.bound(MARGIN)?;
            #[expect(clippy::cast_possible_truncation, reason = "some thousand pairs")]
            let watch = mirror(policy(names, MetricKind::Event, MARGIN), (4.0 * bound) as u64, look_every);
            let draw = |at, rng: &mut ChaCha8Rng| if at == 0 { flips.draw(rng) } else { (0.0, 0.0) };
            let found = pairs(&watch, names, runs, draw)?.to_abort.median;
            let times = found.map(|median| format!("{median} ({:.2})", median as f64 / bound));
            rows.push(vec![
                weight.to_owned(),
                format!("+{:.0} points", 100.0 * harm),
                format!("{bound:.0}"),
                times.unwrap_or_else(|| "–".to_owned()),
                design.to_owned(),
            ]);
        }
    }
    let note = format!(
        "As above, 1 % that differ, {runs} rollouts a row; the other metrics never fail. The price of a weight is ln(1/weight), whatever the bets."
    );
    let header = ["weight", "regression", "bound", "median (÷ bound)", "design"];
    Ok(table("What a share of the budget costs", &note, &header, &rows))
}

/// The two grids of bets, by the kind of metric that has each, and what the design says.
const GRIDS: [(MetricKind, &[&str], &str); 2] = [
    (MetricKind::Event, &["error"], "1.26–1.41"),
    (MetricKind::Disagreement, &["disagreement"], "1.20–1.26"),
];

/// How soon a regression is found among many differences.
pub(crate) fn among_many(runs: u64) -> anyhow::Result<String> {
    const MARGIN: f64 = 0.01;
    let runs = runs / 5;
    let mut rows = Vec::new();
    for (kind, names, design) in GRIDS {
        for (harm, look_every) in [(0.02, 50), (0.05, 5), (0.10, 2)] {
            let flips = Flips { differing: 0.30, harm };
            let bound = flips.bound(MARGIN)?;
            #[expect(clippy::cast_possible_truncation, reason = "some thousand pairs")]
            let watch = mirror(policy(names, kind, MARGIN), (4.0 * bound) as u64, look_every);
            let found = pairs(&watch, names, runs, |_, rng| flips.draw(rng))?.to_abort.median;
            let times = found.map(|median| format!("{median} ({:.2})", median as f64 / bound));
            rows.push(vec![
                format!("{}: +{:.0} points", names[0], 100.0 * harm),
                format!("{bound:.0}"),
                times.unwrap_or_else(|| "–".to_owned()),
                design.to_owned(),
            ]);
        }
    }
    let note = format!(
        "30 % of the pairs of equal arms differ, margin 1 point, weight 1, {runs} rollouts a row. Uniform bets are for metrics whose pairs rarely differ, as errors; where more differ\n\
         than ten margins, as answers do by their wording, bets are quadratic."
    );
    let header = ["regression", "bound", "median (÷ bound)", "design"];
    Ok(table("Pairs until a regression is proven, among many differences", &note, &header, &rows))
}

static EQUAL: [&str; 8] = ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"];

/// Margins, and what the design says of 0, 1, 5 and 30 % that differ.
const PASSING: [(f64, [&str; 4]); 3] = [
    (0.01, ["450", "800 (1784)", "3379 (8573)", "24455"]),
    (0.02, ["224", "302", "799 (2008)", "5777"]),
    (0.05, ["88", "88", "150", "824"]),
];

/// How soon an identical release passes.
pub(crate) fn passing(runs: u64) -> anyhow::Result<String> {
    let runs = runs / 8;
    let mut rows = Vec::new();
    for (margin, design) in PASSING {
        let mut row = vec![format!("{:.0}", 100.0 * margin)];
        for (differing, design) in [0.0, 0.01, 0.05, 0.30].into_iter().zip(design) {
            let (kind, most, look_every) = if differing < 0.1 {
                (MetricKind::Event, 20_000, 2)
            } else {
                (MetricKind::Disagreement, 120_000, 10)
            };
            let names: &'static [&'static str] = if differing < 0.1 { &["error"] } else { &["disagreement"] };
            let mut policy = policy(names, kind, margin);
            policy.pairs_min = 1;
            let watch = Watch { until_pass: true, ..mirror(policy, most, look_every) };
            let found = pairs(&watch, names, runs, |_, rng| Flips { differing, harm: 0.0 }.draw(rng))?;
            row.push(format!("{}; {design}", records(found.to_promote)));
        }
        rows.push(row);
    }
    let note = format!(
        "Median (nine in ten) of {runs} rollouts; the design's figure behind the semicolon. Without the fewest pairs of the default policy. Where 30 % differ the\n\
         bets are quadratic, as for a disagreement."
    );
    let header = ["margin, points", "0 % differ", "1 %", "5 %", "30 %"];
    Ok(table("Pairs until an identical release passes, by margin", &note, &header, &rows))
}

/// Times to first token whose ratio has this deviation, and the design's figures: found at +10 and +20 %, passed, and passed at +5 %.
const NOISES: [(f64, &str); 2] = [(0.21, "198, 43; 113; 4.2 %"), (0.49, "1326, 139; 750; 3.7 %")];

/// Latency bodies by the noise of their pairs.
pub(crate) fn bodies(runs: u64) -> anyhow::Result<String> {
    /// Both arms have as much to do: else a time passes nothing.
    const NAMES: &[&str] = &["ttft_ms", "in_flight"];
    let runs = runs / 2;
    let mut rows = Vec::new();
    for (noise, design) in NOISES {
        let draw = |slower: f64, rng: &mut ChaCha8Rng| {
            let mut time = |factor: f64| {
                let z: f64 = StandardNormal.sample(rng);
                200.0 * factor * (noise / std::f64::consts::SQRT_2 * z).exp()
            };
            (time(1.0), time(1.0 + slower))
        };
        let mut rules = policy(&NAMES[..1], MetricKind::Latency, 0.05);
        rules.pairs_min = 1;
        let watch = |until_pass| Watch { until_pass, ..mirror(rules.clone(), 6_000, 1) };
        let found = |slower: f64, until_pass: bool| {
            let draw = |at, rng: &mut ChaCha8Rng| if at == 0 { draw(slower, rng) } else { (16.0, 16.0) };
            pairs(&watch(until_pass), NAMES, runs, draw)
        };
        rows.push(vec![
            format!("{noise}"),
            records(found(0.10, false)?.to_abort),
            records(found(0.20, false)?.to_abort),
            records(found(0.0, true)?.to_promote),
            percent(found(0.05, true)?.promoted),
            design.to_owned(),
        ]);
    }
    let note = format!(
        "Times to first token of 200 ms, margin 5 %, the body alone, up to 6,000 pairs, {runs} rollouts a figure. Noise: deviation of ln(candidate/baseline)."
    );
    let header = ["noise", "+10 % found", "+20 % found", "identical passed", "+5 % passed", "design"];
    Ok(table("Latency bodies, by noise", &note, &header, &rows))
}

/// A chance of 30 % that two answers of one engine differ: the same for every prompt, or another for each.
const FLOORS: [fn(&mut ChaCha8Rng) -> f64; 2] =
    [|_| 0.30, |rng: &mut ChaCha8Rng| 0.90 * rng.random::<f64>().powi(2)];

/// Disagreement beyond a noise floor of 30 %.
pub(crate) fn triples(runs: u64) -> anyhow::Result<String> {
    const NAME: &[&str] = &["disagreement"];
    let runs = runs / 4;
    let watch =
        |until_pass| Watch { until_pass, ..mirror(policy(NAME, MetricKind::Disagreement, 0.03), 18_000, 5) };
    let found = |floor: fn(&mut ChaCha8Rng) -> f64, harm: f64, until_pass: bool| {
        pairs(&watch(until_pass), NAME, runs, |_, rng| {
            let floor = floor(rng);
            let mut differs = |chance: f64| f64::from(u8::from(rng.random::<f64>() < chance));
            (differs(floor), differs(floor + harm))
        })
    };
    let mut rows = Vec::new();
    for (what, harm, until_pass, design) in [
        ("identical: triples until it passes", 0.0, true, "2615"),
        ("+6 points: triples until it is found", 0.06, false, "4070"),
        ("+10 points: triples until it is found", 0.10, false, "675"),
        ("+3 points, the margin: passed, %", 0.03, true, "4"),
    ] {
        let mut row = vec![what.to_owned()];
        for floor in FLOORS {
            let found = found(floor, harm, until_pass)?;
            row.push(match (harm, until_pass) {
                (0.0, _) => records(found.to_promote),
                (_, true) => percent(found.promoted),
                (_, false) => records(found.to_abort),
            });
        }
        row.push(design.to_owned());
        rows.push(row);
    }
    let note = format!(
        "Prompts that the baseline answered twice, margin 3 points, up to 18,000 of them, {runs} rollouts a row. Two answers of one engine differ with the same\n\
         chance for every prompt, or with one of its own (0.9 u², u uniform), which both answers share."
    );
    let header = ["", "the same for all", "each prompt its own", "design"];
    Ok(table("Disagreement beyond a noise floor of 30 %", &note, &header, &rows))
}

/// Candidate's share of the users, how many of them are watched, and the design's figures.
const RAMPS: [(u32, u64, &str); 4] = [
    (250_000, 20_000, "4487, 964"),
    (500_000, 12_000, "2564, 702"),
    (750_000, 12_000, "2404, 1036"),
    (10_000, 250_000, "92626, 24874"),
];

/// Users under a split, by the candidate's share.
pub(crate) fn ramps(runs: u64) -> anyhow::Result<String> {
    const NAME: &str = "error";
    let runs = runs / 8;
    let mut rows = Vec::new();
    for (ppm, most, design) in RAMPS {
        let share = Share::from_ppm(ppm);
        let found = |harm: f64, until_pass: bool| -> anyhow::Result<Characteristics> {
            let policy = policy(&[NAME], MetricKind::Event, 0.01);
            let watch = Watch {
                policy,
                question: Question::Ramp,
                records: most,
                look_every: most / 2_000,
                until_pass,
            };
            let one = |run| {
                let mut rng = rng(run);
                let user = |seq| -> Record {
                    let arm =
                        if rng.random::<f64>() < share.fraction() { Arm::Candidate } else { Arm::Baseline };
                    let failing = 0.01 + if arm == Arm::Candidate { harm } else { 0.0 };
                    arrival(seq, arm, share, (NAME, f64::from(u8::from(rng.random::<f64>() < failing))))
                };
                watch.over((1..).map(user))
            };
            Ok(Characteristics::of(&each(runs, one)?))
        };
        rows.push(vec![
            format!("{share}"),
            records(found(0.0, true)?.to_promote),
            records(found(0.05, false)?.to_abort),
            design.to_owned(),
        ]);
    }
    let note = format!(
        "Users, of whom 1 % fail, margin 1 point: median (nine in ten) of {runs} rollouts. At 1 % of the traffic the mirror is where the evidence is."
    );
    let header = ["candidate's share", "identical passed", "+5 points found", "design"];
    Ok(table("Users under a split, by the candidate's share", &note, &header, &rows))
}
