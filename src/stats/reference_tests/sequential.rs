//! E-processes, confidence sequences and sequential checks.

use super::{Case, Run};
use crate::stats::root::bracket;
use crate::stats::sequential::{log_mixture, one_sided_log_mixture};
use crate::stats::{
    BernoulliLimit, BetGrid, History, RampScore, Side, Wallet, concentration_for, event_rate_sequence, mean,
    sample_ratio_log_bayes_factor, weighted_mean_log_e,
};

pub(super) const RUNS: &[(&str, Run)] = &[
    ("universal_portfolio_e_value (16 midpoints of (0,1), uniform weights)", abort_counts),
    ("universal_portfolio_e_value, non-inferiority side", promote_counts),
    ("universal_portfolio_e_value", continuous),
    ("uniform-on-(0,1) mixture over lambda, closed form: 2^(n+1) B(k+1,m+1) I_{1/2}(m+1,k+1)", continuum),
    ("exact P(E ever >= 100 within m discordant pairs | theta=1/2), peeking after every pair", false_abort),
    ("exact P(E ever >= 20 within m discordant pairs | theta=1/2)", false_abort),
    ("exact expected discordant pairs to abort vs ln(1/alpha)/kl(theta,1/2)", delay),
    ("E[E_6] under null p(+1)=p(-1)=0.02 by enumeration of 3^6 sequences", fair_game),
    ("assignment-centred e-value: factor 1+lam*(Y-yhat)*(A-pi)", ramp),
    ("judge_oracle: both wallets, first indices and confidence sequence", judge_oracle),
    ("weighted mean of e-values across metrics", combined),
    ("sequential SRM Bayes factor (beta-binomial)", sample_ratio),
    ("beta_binomial_log_mixture", log_mixtures),
    ("beta_binomial_mixture_bound", mixture_bounds),
    ("bernoulli_confidence_sequence(beta-binomial)", rate_sequence),
    ("paired log latency ratio", latency_ratio),
];

fn wallet(side: Side, m: f64, d: impl IntoIterator<Item = f64>) -> Wallet {
    let mut wallet = Wallet::new(BetGrid::Uniform, side, m).unwrap();
    d.into_iter().for_each(|d| wallet.update(d).unwrap());
    wallet
}

fn counted(case: &Case, side: Side, m: f64) -> f64 {
    let times = |d: f64, key: &str| {
        let count = case.count(&format!("/inputs/counts/{key}"));
        (0..count).map(move |_| d)
    };
    wallet(side, m, times(1.0, "+1").chain(times(-1.0, "-1")).chain(times(0.0, "0"))).log_e()
}

fn abort_counts(case: &Case) {
    let log_e = counted(case, Side::Abort, case.number("/params/null_mean"));
    case.check(log_e, "/expected/log_e");
    assert_eq!(log_e >= 100_f64.ln(), case.at("/expected/abort_at_alpha_0.01").as_bool().unwrap());
}

fn promote_counts(case: &Case) {
    let log_e = counted(case, Side::Promote, case.number("/params/margin"));
    case.check(log_e, "/expected/log_e");
    assert_eq!(log_e >= 20_f64.ln(), case.at("/expected/promote_at_alpha_0.05").as_bool().unwrap());
}

/// clip(((i · 29) mod 41)/20 − 1 + 0.08, −1, 1) for i in 0..199.
fn sawtooth() -> Vec<f64> {
    (0..200).map(|i| (f64::from(i * 29 % 41) / 20.0 - 1.0 + 0.08).clamp(-1.0, 1.0)).collect()
}

fn continuous(case: &Case) {
    case.check(wallet(Side::Abort, 0.0, sawtooth()).log_e(), "/expected/log_e");
}

fn continuum(case: &Case) {
    let [plus, minus] = ["/inputs/plus", "/inputs/minus"].map(|key| case.count(key));
    let d = (0..plus).map(|_| 1.0).chain((0..minus).map(|_| -1.0));
    let sixteen = wallet(Side::Abort, 0.0, d).log_e();
    case.check(sixteen, "/expected/log_e_16pt");
    // Sixteen bets come this close to all of them.
    case.close(sixteen, case.number("/expected/log_e_closed"), 0.01, "continuum");
}

/// For n = 1 … `pairs` discordant pairs, the smallest number of harmful ones at which E ≥ 1/α, n + 1 when
/// there is none. It never falls, and rises by at most one a pair.
fn boundary(alpha: f64, pairs: usize) -> Vec<usize> {
    let crosses = |wallet: &Wallet| wallet.log_e() >= -alpha.ln();
    let mut at = wallet(Side::Abort, 0.0, []);
    let mut plus = 0;
    let step = |_| {
        let mut milder = at.clone();
        milder.update(-1.0).unwrap();
        if crosses(&milder) {
            at = milder;
        } else {
            at.update(1.0).unwrap();
            plus += 1;
        }
        plus + usize::from(!crosses(&at))
    };
    (1..=pairs).map(step).collect()
}

/// P(first crossing at exactly n discordant pairs), n = 1 …, when each is harmful with chance `theta`.
fn crossing(boundary: &[usize], theta: f64) -> Vec<f64> {
    let mut alive = vec![1.0];
    let step = |(n, &limit): (usize, &usize)| {
        let mut next = vec![0.0; n + 2];
        for (plus, chance) in alive.iter().enumerate() {
            next[plus] += chance * (1.0 - theta);
            next[plus + 1] += chance * theta;
        }
        let crossed = next.split_off(limit.min(next.len()));
        alive = next;
        crossed.iter().sum()
    };
    boundary.iter().enumerate().map(step).collect()
}

fn false_abort(case: &Case) {
    let pairs = case.counts("/inputs/m");
    let longest = pairs.iter().copied().max().unwrap();
    let crossed = crossing(&boundary(case.number("/params/alpha"), longest), 0.5);
    case.check_all(pairs.iter().map(|&m| crossed[..m].iter().sum()), "/expected");
}

fn delay(case: &Case) {
    let limits = boundary(case.number("/params/alpha"), 1_600);
    for (i, theta) in case.numbers("/inputs/theta").into_iter().enumerate() {
        let crossed = crossing(&limits, theta);
        let expected: f64 = crossed.iter().zip(1..).map(|(chance, n)| chance * f64::from(n)).sum();
        case.check(expected, &format!("/expected/{i}/expected_discordant_pairs"));
        case.check(crossed.iter().sum(), &format!("/expected/{i}/power_at_1600"));
    }
}

fn fair_game(case: &Case) {
    let outcomes = [(1.0, 0.02), (-1.0, 0.02), (0.0, 0.96)];
    let sequence = |code: usize| (0..6).map(move |place| outcomes[code / 3_usize.pow(place) % 3]);
    let weighted = |code| {
        let chance: f64 = sequence(code).map(|(_, chance)| chance).product();
        chance * wallet(Side::Abort, 0.0, sequence(code).map(|(d, _)| d)).log_e().exp()
    };
    case.check((0..729).map(weighted).sum(), "/expected/expectation");
}

fn ramp(case: &Case) {
    let (share, guess) = (case.number("/params/pi"), case.number("/params/yhat"));
    let bound = 1.0 / (case.number("/params/lambda_max") * share * (1.0 - share));
    let mut wallet = wallet(Side::Abort, 0.0, []);
    for row in case.at("/inputs/(Y,A)").as_array().unwrap() {
        let harm = row[0].as_f64().unwrap();
        let score = match row[1].as_u64() {
            Some(1) => RampScore::candidate(harm, guess, share),
            _ => RampScore::baseline(harm, guess, share),
        };
        wallet.update_ramp(score.unwrap().z, bound).unwrap();
    }
    case.check(wallet.log_e(), "/expected/log_e");
}

fn judge_oracle(case: &Case) {
    let d = match case.id.as_str() {
        "wallet-judge-example" => sawtooth(),
        _ => (0..1_000).map(|i| f64::from(u8::from(i % 25 == 0))).collect(),
    };
    let grid = if case.text("/params/grid") == "uniform" { BetGrid::Uniform } else { BetGrid::Quadratic };
    // The note's tolerance: relative to at least 1.
    let close = |got: f64, pointer: &str| {
        let want = case.number(pointer);
        case.close(got, want, case.rtol * want.abs().max(1.0), pointer);
    };
    let mut history = History::new();
    d.iter().for_each(|&d| history.update(d).unwrap());
    assert_eq!(history.pairs(), case.count("/expected/n"));
    close(history.mean().unwrap(), "/expected/mean");
    for (side, m, alpha, name) in [
        (Side::Abort, "/params/abort_margin", "/params/alpha_abort", "abort"),
        (Side::Promote, "/params/margin", "/params/alpha_promote", "promote"),
    ] {
        let mut wallet = Wallet::new(grid, side, case.number(m)).unwrap();
        let mut first = None;
        for (&d, n) in d.iter().zip(1..) {
            wallet.update(d).unwrap();
            if wallet.log_e() >= -case.number(alpha).ln() {
                first = first.or(Some(n));
            }
        }
        close(wallet.log_e(), &format!("/expected/log_e_{name}"));
        assert_eq!(first, case.at(&format!("/expected/first_{name}_index")).as_u64(), "{}: {name}", case.id);
    }
    let sequence = history.confidence_sequence(grid, 1.0 - case.number("/params/alpha_cs")).unwrap();
    close(sequence.lower, "/expected/cs/lower");
    close(sequence.upper, "/expected/cs/upper");
}

fn combined(case: &Case) {
    let terms: Vec<_> = case.numbers("/inputs/e").iter().map(|e| (e.ln(), 0.125)).collect();
    let log_e = weighted_mean_log_e(&terms).unwrap();
    case.check(log_e.exp(), "/expected/combined");
    assert_eq!(log_e >= -case.number("/params/alpha").ln(), case.at("/expected/abort").as_bool().unwrap());
}

fn sample_ratio(case: &Case) {
    let (green, total) = (case.count("/inputs/green"), case.count("/inputs/total"));
    let (share, concentration) = (case.number("/params/p0"), case.number("/params/concentration"));
    let log_bf = sample_ratio_log_bayes_factor(green, total, share, concentration).unwrap();
    case.check(log_bf, "/expected/log_bf");
}

/// The cases' s and v at g = h = ½ are x = n/2 + s events in n = 4 v trials at a rate of ½.
fn log_mixtures(case: &Case) {
    let (s, trials) = (case.number("/inputs/s"), 4.0 * case.number("/inputs/v"));
    let (best, alpha) = (4.0 * case.number("/params/v_opt"), case.number("/params/alpha_opt"));
    let events = trials / 2.0 + s;
    let one_sided = concentration_for(best, 2.0 * alpha).unwrap();
    let mut limit = BernoulliLimit::new(Side::Abort, 0.5, one_sided).unwrap();
    assert_eq!((events, trials), (58.0, 100.0));
    limit.add(58, 100).unwrap();
    case.check(limit.log_e(), "/expected/one_sided");
    let two_sided = concentration_for(best, alpha).unwrap();
    case.check(log_mixture(events, trials, 0.5, two_sided), "/expected/two_sided");
}

fn mixture_bounds(case: &Case) {
    let (best, alpha) = (4.0 * case.number("/params/v_opt"), case.number("/params/alpha_opt"));
    let threshold = -case.number("/params/alpha").ln();
    let bound = |v: f64, log_e: &dyn Fn(f64, f64) -> f64| {
        let excess = |s: f64| log_e(2.0 * v + s, 4.0 * v) - threshold;
        bracket(excess, 0.0, 2.0 * v, 1e-12).map_or(2.0 * v, |(below, above)| 0.5 * (below + above))
    };
    let one = concentration_for(best, 2.0 * alpha).unwrap();
    let two = concentration_for(best, alpha).unwrap();
    let v = case.numbers("/inputs/v");
    let one_sided = |x: f64, n: f64| one_sided_log_mixture(Side::Abort, x, n, 0.5, one);
    case.check_all(v.iter().map(|&v| bound(v, &one_sided)), "/expected/one_sided");
    let two_sided = |x: f64, n: f64| log_mixture(x, n, 0.5, two);
    case.check_all(v.iter().map(|&v| bound(v, &two_sided)), "/expected/two_sided");
}

fn rate_sequence(case: &Case) {
    let concentration =
        concentration_for(case.number("/params/t_opt"), case.number("/params/alpha_opt")).unwrap();
    let (x, n, level) =
        (case.count("/inputs/x"), case.count("/inputs/n"), 1.0 - case.number("/params/alpha"));
    let sequence = event_rate_sequence(x, n, concentration, level).unwrap();
    case.check_all([sequence.lower, sequence.upper], "/expected");
}

/// `median_ratio` is for people and computed nowhere here.
fn latency_ratio(case: &Case) {
    let (blue, green) = (case.numbers("/inputs/blue"), case.numbers("/inputs/green"));
    let clip = case.number("/params/clip_ln");
    let logs: Vec<f64> = green.iter().zip(&blue).map(|(green, blue)| (green / blue).ln()).collect();
    let d: Vec<f64> = logs.iter().map(|log| log.clamp(-clip, clip) / clip).collect();
    case.check(mean(&logs).unwrap().mean.exp(), "/expected/geo_mean_ratio");
    case.check(mean(&d).unwrap().mean, "/expected/mean_clipped_over_c");
    case.check(wallet(Side::Abort, 0.0, d).log_e(), "/expected/log_e_abort");
}
