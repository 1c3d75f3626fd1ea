//! Plots of nothing, of one point and of hostile names: never a panic, never an empty frame.

use hdrhistogram::Histogram;

use super::*;
use crate::domain::MetricName;
use crate::judgment::{LedgerPoint, Policy};

fn histogram(values: &[u64]) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).unwrap();
    values.iter().for_each(|value| histogram.record(*value).unwrap());
    histogram
}

fn check_percentiles(baseline: &[u64], candidate: &[u64], drawn: bool) {
    let (baseline, candidate) = (histogram(baseline), histogram(candidate));
    let arms = Arms { metric: "ttft_ms", baseline: Some(&baseline), candidate: Some(&candidate) };
    let svg = percentiles(&arms);
    assert_eq!(svg.is_some(), drawn);
    assert!(
        svg.is_none_or(|svg| svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("\"#0000"))
    );
}

#[test]
fn percentile_plots_bear_any_sample() {
    check_percentiles(&[], &[], false);
    check_percentiles(&[1_000], &[], true);
    check_percentiles(&[0], &[0], true);
    check_percentiles(&[5_000; 300], &[u64::MAX / 4], true);
    assert!(percentiles(&Arms { metric: "x", baseline: None, candidate: None }).is_none());
}

fn look(records: u64, log_e: f64) -> LedgerPoint {
    let metrics =
        vec![(MetricName::from("<b>\"error\""), log_e, -log_e), (MetricName::from("ttft_ms"), 0.0, 0.0)];
    LedgerPoint { records, log_e_abort: log_e, metrics }
}

fn check_ledger(points: &[LedgerPoint], drawn: bool) {
    let policy = Policy::default_live();
    for (side, policy) in [(Side::Abort, Some(&policy)), (Side::Promote, None)] {
        let ledger = Ledger::draw(points, policy, side);
        assert_eq!(ledger.is_some(), drawn);
        let svg = ledger.map_or_else(String::new, |ledger| ledger.svg);
        assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<b>"), "{svg}");
    }
}

#[test]
fn ledger_plots_bear_any_history() {
    check_ledger(&[], false);
    check_ledger(&[look(0, 0.0)], true);
    check_ledger(&[look(7, f64::NEG_INFINITY)], true);
    check_ledger(&[look(1, f64::NAN), look(2, f64::INFINITY)], true);
    check_ledger(&(0..5_000).map(|n| look(n, 0.01)).collect::<Vec<_>>(), true);
}

#[test]
fn a_plot_names_its_lines_and_its_threshold() {
    let ledger =
        Ledger::draw(&[look(10, 1.0), look(20, 5.0)], Some(&Policy::default_live()), Side::Abort).unwrap();
    let names: Vec<_> = ledger.legend.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["all metrics, weighted", "<b>\"error\"", "ttft_ms"]);
    assert!(ledger.svg.contains("falls at an e-value of 100.") && ledger.svg.contains("var(--fail)"));
}
