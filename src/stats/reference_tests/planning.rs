//! Information, power and pairs needed.

use super::{Case, Run};
use crate::stats::{
    Alternative, Discordance, EffectVariance, ErrorRates, OutcomeChance, Side, detectable_effect,
    kl_bernoulli, kl_inf, mcnemar_power, pairs_for_difference, pairs_for_effect, pairs_for_noninferiority,
    split_information, t_test_pairs, t_test_power, wald_pairs,
};

pub(super) const RUNS: &[(&str, Run)] = &[
    ("KL_inf of 3-point paired difference vs null mean<=m: max_l E ln(1+l(D-m))", information_to_abort),
    ("KL_inf for promotion: max_l E ln(1+l(delta-D))", information_to_promote),
    ("kl(theta,1/2)", bernoulli),
    (
        "per-arrival information for an unpaired split: pi kl(pg,p0)+(1-pi) kl(pb,p0), p0=pi pg+(1-pi) pb",
        split,
    ),
    ("Wald lower bound on E[n]: ((1-b)ln((1-b)/a)+b ln(b/(1-a)))/KL", wald),
    ("power_one_sample_t", t_power),
    ("n_one_sample_t", t_pairs),
    ("required pairs, McNemar (Connor 1987): ((za sqrt(psi)+zb sqrt(psi-D^2))/D)^2", connor),
    ("required pairs, non-inferiority: (za+zb)^2 (psi-D^2)/(margin-D)^2", noninferiority),
    ("minimum detectable effect: (z_{a/2}+z_b) sqrt((omega2+sigmaA2/KA+sigmaB2/KB)/n)", detectable),
    ("unconditional power of one-sided exact McNemar", exact_mcnemar_power),
];

fn outcomes(case: &Case) -> [OutcomeChance; 3] {
    let (plus, minus) = (case.number("/inputs/p_plus"), case.number("/inputs/p_minus"));
    [(1.0, plus), (-1.0, minus), (0.0, 1.0 - plus - minus)].map(|(d, chance)| OutcomeChance { d, chance })
}

fn information_to_abort(case: &Case) {
    let information = kl_inf(&outcomes(case), Side::Abort, case.number("/params/null_mean")).unwrap();
    case.check(information.nats, "/expected/kl_inf");
    case.check(information.bet, "/expected/lambda_star");
    case.check(100_f64.ln() / information.nats, "/expected/wald_bound_pairs_alpha_.01");
}

fn information_to_promote(case: &Case) {
    let information = kl_inf(&outcomes(case), Side::Promote, case.number("/params/margin")).unwrap();
    case.check(information.nats, "/expected/kl_inf");
    case.check(information.bet, "/expected/lambda_star");
    case.check(20_f64.ln() / information.nats, "/expected/wald_bound_pairs_alpha_.05");
}

fn bernoulli(case: &Case) {
    let thetas = case.numbers("/inputs/theta");
    case.check_all(thetas.iter().map(|&theta| kl_bernoulli(theta, 0.5).unwrap()), "/expected");
}

fn split(case: &Case) {
    let [share, candidate, baseline] = ["/inputs/pi", "/inputs/pg", "/inputs/pb"].map(|key| case.number(key));
    let information = split_information(share, candidate, baseline).unwrap();
    case.check(information, "/expected/info");
    case.check(100_f64.ln() / information, "/expected/bound_arrivals_alpha_.01");
}

fn wald(case: &Case) {
    let (alpha, beta) = (case.number("/params/alpha"), case.number("/params/beta"));
    case.check(wald_pairs(case.number("/inputs/kl"), alpha, beta).unwrap(), "/expected/n");
}

fn rates(case: &Case) -> ErrorRates {
    ErrorRates { alpha: case.number("/params/alpha"), power: case.number("/params/power") }
}

fn t_power(case: &Case) {
    let (effect, pairs) = (case.number("/inputs/effect_size"), case.number("/inputs/n"));
    let power = t_test_power(effect, pairs, case.number("/params/alpha"), Alternative::TwoSided).unwrap();
    case.check(power, "/expected");
}

fn t_pairs(case: &Case) {
    let pairs = t_test_pairs(case.number("/inputs/effect_size"), rates(case), Alternative::TwoSided);
    case.check(pairs.unwrap().unwrap(), "/expected");
}

fn discordance(case: &Case) -> Discordance {
    Discordance { worse: case.number("/inputs/p10"), better: case.number("/inputs/p01") }
}

fn connor(case: &Case) {
    let pairs = pairs_for_difference(discordance(case), rates(case), Alternative::TwoSided);
    case.check(pairs.unwrap().unwrap(), "/expected/n");
}

fn noninferiority(case: &Case) {
    let margin = case.number("/params/margin");
    let pairs = pairs_for_noninferiority(discordance(case), margin, rates(case));
    case.check(pairs.unwrap().unwrap(), "/expected/n");
}

fn detectable(case: &Case) {
    let variance = EffectVariance {
        between: case.number("/inputs/omega2"),
        candidate: case.number("/inputs/sigmaA2"),
        baseline: case.number("/inputs/sigmaB2"),
        candidate_answers: 1,
        baseline_answers: 1,
    };
    let effect = detectable_effect(variance, case.count("/inputs/n"), rates(case)).unwrap();
    case.check(effect, "/expected/mde");
    case.check(pairs_for_effect(variance, 0.03, rates(case)).unwrap(), "/expected/n_for_0.03");
}

fn exact_mcnemar_power(case: &Case) {
    let alpha = case.number("/params/alpha");
    case.check(mcnemar_power(discordance(case), case.count("/inputs/n"), alpha).unwrap(), "/expected");
}
