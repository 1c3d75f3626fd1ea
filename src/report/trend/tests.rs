//! A trend is the verdicts' own numbers, or sums of pairs; every table of it says the same.

use super::*;
use crate::wire::fixture;

fn totals(metric: &str, pairs: impl Iterator<Item = (f64, f64)>) -> MetricTotals {
    let mut totals = MetricTotals { metric: metric.to_owned(), ..MetricTotals::default() };
    for (baseline, candidate) in pairs {
        totals.baseline.add(baseline);
        totals.candidate.add(candidate);
        totals.difference.add(candidate - baseline);
        totals.log_ratio.add((candidate / baseline).ln());
    }
    totals
}

fn trend() -> Trend {
    let times = (1..=50)
        .map(|n| (100.0 + f64::from(n % 7), (100.0 + f64::from(n % 7)) * (1.1 + f64::from(n % 3) / 100.0)));
    let errors = (1..=50).map(|n| (0.0, f64::from(u8::from(n % 10 == 0))));
    let stored = [totals("ttft_ms", times), totals("error", errors)];
    let judged = TrendRelease::of_verdict("runs/1".to_owned(), &VerdictRecord::from(&fixture::judgment()));
    Trend { releases: vec![judged, TrendRelease::of_totals("runs/2".to_owned(), "v3".to_owned(), &stored)] }
}

#[test]
fn sums_of_pairs_become_points_with_the_interval_of_a_fixed_sample() {
    let trend = trend();
    let point = |metric| trend.of(metric).last().unwrap().1.clone();
    let (time, error) = (point("ttft_ms"), point("error"));
    assert_eq!((time.kind, error.kind), (MetricKind::Latency, MetricKind::Event));
    let (low, high) = time.interval.unwrap();
    assert!(low < time.difference.unwrap() && time.difference.unwrap() < high && (0.1..0.12).contains(&low));
    // Five of fifty: 0.1 ± t(49) 2.0096 · 0.30305/√50.
    let (low, high) = error.interval.unwrap();
    assert!((low - 0.013_874).abs() < 1e-5 && (high - 0.186_126).abs() < 1e-5, "{low} {high}");
}

#[test]
fn every_table_has_every_point() {
    let trend = trend();
    let rows = trend.json();
    let rows = rows.as_array().unwrap();
    let csv = String::from_utf8(trend.csv().unwrap()).unwrap();
    assert_eq!(csv.lines().count(), rows.len() + 1);
    assert!(csv.starts_with("run,candidate,baseline,run_verdict,metric,"));
    assert_eq!(trend.markdown().lines().count(), rows.len() + 2);
    assert_eq!(trend.text().lines().filter(|line| line.starts_with("  ")).count(), rows.len());
    assert_eq!(&trend.parquet().unwrap()[..4], b"PAR1");
    let last = rows.iter().find(|row| row["candidate"] == "v3" && row["metric"] == "error").unwrap();
    assert_eq!((last["pairs"].as_u64(), last["run_verdict"].as_str()), (Some(50), None));
}

#[test]
fn the_trends_page_escapes_names_and_bears_anything() {
    let mut trend = trend();
    trend.releases[1].candidate = "<script>alert(1)</script>".to_owned();
    trend.releases[0].points[0].difference = None;
    trend.releases[0].points[0].interval = Some((f64::NEG_INFINITY, f64::INFINITY));
    let page = trend_html(&trend).unwrap();
    assert!(page.contains("ttft_ms") && !page.contains("<script") && !page.contains("http://"), "{page}");
    assert!(trend_html(&Trend::default()).unwrap().contains("0 releases"));
}
