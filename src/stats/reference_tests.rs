//! Every case of `tests/reference/stats-cases.json`, run at its tolerance or skipped for a stated reason.

mod fixed;
mod planning;
mod sequential;

use serde_json::Value;

const CASES: &str = include_str!("../../tests/reference/stats-cases.json");

/// Cases in the file, and how many of them run; a changed file must be looked at.
const EXPECTED: (usize, usize) = (96, 61);

type Run = fn(&Case);

/// Methods and cases that the product has no use for, by method name or case id.
const SKIPPED: &[(&str, &str)] = &[
    ("kayenta_mann_whitney_ci", "a rule of another judge, compared with in simulation only"),
    ("hodges_lehmann_shift", "the estimate of that rule"),
    ("mcnemar-chi2", "the exact test is used"),
    ("propci-agresti_coull", "Wilson's interval is used"),
    ("propci-normal", "covers too rarely near 0"),
    ("binomial_test", "one arm is judged sequentially or by its interval"),
    ("two_independent_proportion_diff_ci", "arms answer the same prompts"),
    ("two_proportion_score_test", "arms answer the same prompts"),
    ("newcombe_paired_diff_ci_method10", "Tango's interval is used"),
    ("dkw_band", "quantiles have intervals of their own"),
    ("ks_two_sample", "no promise is about whole distributions"),
    ("normal_mixture_bound", "harms are bounded: betting is tighter"),
    ("normal_log_mixture", "harms are bounded: betting is tighter"),
    ("gamma_exponential_mixture_bound", "harms are bounded: betting is tighter"),
    ("poly_stitching_bound", "mixtures are tighter at practical sizes"),
    ("quantile_confidence_sequence_ranks", "a quantile is judged as the rate of exceeding a limit"),
    ("empirical_process_lil_bound", "a quantile is judged as the rate of exceeding a limit"),
    ("double_stitching_bound", "a quantile is judged as the rate of exceeding a limit"),
    ("quantile_ab_p_value", "the tail is judged in pairs"),
    ("hedged_capital_cs (WSR 2024)", "its bets depend on order, so states cannot be merged"),
    ("dKelly_cs (D=10 constant bets)", "another grid of constant bets"),
    ("betting_martingale(m=0.4,+ side, predmix-EB bets)", "its bets depend on order"),
    ("predictable plug-in bets", "its bets depend on order"),
    ("predictable-mixture lower CS", "its bets depend on order"),
    ("asymptotic_cs_halfwidth", "holds only asymptotically; compared with in simulation only"),
    ("chi_square_srm", "the sample ratio is watched sequentially"),
    ("multipletests-fdr_bh", "slices are judged family-wise"),
    ("multipletests-simes-hochberg", "needs independence, which slices do not have"),
    ("e_BH rejection set (0-based)", "slices are judged family-wise"),
    (
        "e_Holm = closed testing with the arithmetic mean: reject i iff for every k the mean of e_i and the k \
         smallest other e-values is >= 1/alpha (0-based)",
        "the family's e-value is one weighted mean",
    ),
    ("power_two_proportions_normal", "arms answer the same prompts"),
    ("calibrators", "no p-value is turned into an e-value"),
];

/// One case of the file.
struct Case {
    value: Value,
    id: String,
    rtol: f64,
}

impl Case {
    fn at(&self, pointer: &str) -> &Value {
        self.value.pointer(pointer).unwrap_or_else(|| panic!("{}: no {pointer}", self.id))
    }

    fn number(&self, pointer: &str) -> f64 {
        self.at(pointer).as_f64().unwrap_or_else(|| panic!("{}: {pointer} is no number", self.id))
    }

    fn count(&self, pointer: &str) -> u64 {
        self.at(pointer).as_u64().unwrap_or_else(|| panic!("{}: {pointer} is no count", self.id))
    }

    fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_else(|| panic!("{}: {pointer} is no text", self.id))
    }

    fn numbers(&self, pointer: &str) -> Vec<f64> {
        let list = self.at(pointer).as_array().unwrap_or_else(|| panic!("{}: {pointer} is no list", self.id));
        list.iter().map(|value| value.as_f64().unwrap()).collect()
    }

    fn counts(&self, pointer: &str) -> Vec<usize> {
        let list = self.at(pointer).as_array().unwrap_or_else(|| panic!("{}: {pointer} is no list", self.id));
        list.iter().map(|value| usize::try_from(value.as_u64().unwrap()).unwrap()).collect()
    }

    /// `got` is the expected number at `pointer`, at the case's relative tolerance.
    fn check(&self, got: f64, pointer: &str) {
        let want = self.number(pointer);
        self.close(got, want, self.rtol * want.abs().max(1e-15), pointer);
    }

    fn check_all(&self, got: impl IntoIterator<Item = f64>, pointer: &str) {
        let got: Vec<f64> = got.into_iter().collect();
        assert_eq!(got.len(), self.numbers(pointer).len(), "{}: {pointer}", self.id);
        got.iter().enumerate().for_each(|(i, &got)| self.check(got, &format!("{pointer}/{i}")));
    }

    fn close(&self, got: f64, want: f64, tolerance: f64, what: &str) {
        assert!((got - want).abs() <= tolerance, "{}: {what} is {got}, not {want} ± {tolerance}", self.id);
    }
}

fn cases() -> Vec<Case> {
    let file: Value = serde_json::from_str(CASES).unwrap();
    let cases = file["cases"].as_array().unwrap().clone();
    let case = |value: Value| Case {
        id: value["id"].as_str().unwrap().to_owned(),
        rtol: value["rtol"].as_f64().unwrap(),
        value,
    };
    cases.into_iter().map(case).collect()
}

#[test]
fn every_case_holds_or_is_skipped_for_a_reason() {
    let runs = [sequential::RUNS, fixed::RUNS, planning::RUNS].concat();
    let cases = cases();
    let mut ran = 0;
    for case in &cases {
        let method = case.text("/method");
        let skipped = SKIPPED.iter().any(|(name, _)| *name == method || *name == case.id);
        let run = runs.iter().find(|(name, _)| *name == method);
        match (run, skipped) {
            (_, true) => {}
            (Some((_, run)), false) => {
                run(case);
                ran += 1;
            }
            (None, false) => panic!("{}: method {method:?} is neither run nor skipped", case.id),
        }
    }
    assert_eq!((cases.len(), ran), EXPECTED);
}

#[test]
fn every_entry_of_the_lists_is_met() {
    let cases = cases();
    let runs = [sequential::RUNS, fixed::RUNS, planning::RUNS].concat();
    let names = runs.iter().map(|(name, _)| *name).chain(SKIPPED.iter().map(|(name, _)| *name));
    for name in names {
        assert!(cases.iter().any(|case| case.text("/method") == name || case.id == name), "{name}");
    }
}
