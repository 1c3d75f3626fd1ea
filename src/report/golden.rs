//! What golden cases say beside their verdict: slices and noise, a line each.

use super::number;
use crate::judgment::Verdict;
use crate::wire::{MetricRecord, NoiseRecord, SliceRecord};

/// Slices shown of one metric; the document has them all.
const SLICES_MAX: usize = 12;

/// The slices of a metric, the worst verdicts first; `None` where there are none.
pub(super) fn slices(metric: &MetricRecord) -> Option<String> {
    let mut slices: Vec<&SliceRecord> = metric.slices.iter().collect();
    slices.sort_by_key(|slice| std::cmp::Reverse((slice.verdict == Verdict::Fail, slice.verdict)));
    let one = |slice: &&SliceRecord| {
        let SliceRecord { slice: name, verdict, cases, difference, interval, .. } = slice;
        let difference = number::difference_or_nothing(metric.kind, *difference);
        let interval = number::interval(metric.kind, *interval);
        let p = slice.p_fail.filter(|p| *p < 1.0).map(|p| format!(", p {p:.4}")).unwrap_or_default();
        format!("{name} {verdict} {difference} ({interval}, {} cases{p})", number::count(*cases))
    };
    let shown: Vec<_> = slices.iter().take(SLICES_MAX).map(one).collect();
    let rest = slices.len().saturating_sub(SLICES_MAX);
    let more = if rest > 0 { format!(", and {rest} more") } else { String::new() };
    let rule = if slices.first()?.gates { "a failure fails the whole" } else { "shown, and gate nothing" };
    Some(format!("{}{more}; {rule} (Holm)", shown.join(", ")))
}

/// What repeated answers say of noise; `None` where every case was asked once.
pub(super) fn noise(metric: &MetricRecord) -> Option<String> {
    let NoiseRecord { flips_baseline, flips_candidate, within_standard_error, between_deviation } =
        metric.noise?;
    let share = |flips: Option<f64>| flips.map_or_else(|| number::NOTHING.to_owned(), number::percent);
    let mut line = format!(
        "two answers of one arm to one case differ in {} (baseline) and {} (candidate)",
        share(flips_baseline),
        share(flips_candidate)
    );
    if let (Some(within), Some(between)) = (within_standard_error, between_deviation) {
        let [within, between] = [within, between].map(number::digits);
        line += &format!("; standard error {within} from repeats alone, deviation {between} between cases");
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use crate::judgment::Verdict;
    use crate::report::{Input, Style, Surface, html, render};
    use crate::wire::{NoiseRecord, SliceRecord, VerdictRecord, fixture};

    fn record() -> VerdictRecord {
        let mut record = VerdictRecord::from(&fixture::judgment());
        let slice = |name: &str, verdict, difference, p_fail| SliceRecord {
            slice: name.to_owned(),
            verdict,
            gates: false,
            cases: 120,
            difference: Some(difference),
            interval: Some((0.08, 0.12)),
            p_fail: Some(p_fail),
        };
        record.metrics[0].slices =
            vec![slice("short", Verdict::Pass, 0.0, 1.0), slice("long", Verdict::Fail, 0.1, 0.0031)];
        record.metrics[0].noise = Some(NoiseRecord {
            flips_baseline: Some(0.042),
            flips_candidate: None,
            within_standard_error: Some(0.008),
            between_deviation: Some(0.12),
        });
        record
    }

    #[test]
    fn slices_and_noise_are_told_on_every_surface_for_people() {
        for surface in [Surface::Text(Style::Plain), Surface::Markdown] {
            let shown = render(&record(), surface);
            let long = "long fail +0.1000 (+0.0800 … +0.1200, 120 cases, p 0.0031), short pass";
            assert!(shown.contains(long) && shown.contains("shown, and gate nothing (Holm)"), "{shown}");
            assert!(shown.contains("differ in 4.2 % (baseline) and – (candidate)"), "{shown}");
        }
    }

    #[test]
    fn the_page_draws_each_slice_with_its_verdict_and_tells_the_noise() {
        let page = html(&Input::of_verdict("run", record())).unwrap();
        let row = |verdict: &str| format!("<tr class=\"part v-{verdict}\">");
        assert_eq!(
            (page.matches(&row("fail")).count(), page.matches(&row("pass")).count()),
            (1, 1),
            "{page}"
        );
        assert!(page.contains("differ in 4.2 % (baseline) and – (candidate)"), "{page}");
    }

    #[test]
    fn a_document_with_slices_reads_back() {
        let record = record();
        assert_eq!(VerdictRecord::from_json_bytes(&record.to_json_bytes()).unwrap(), record);
        let without = VerdictRecord::from(&fixture::judgment()).to_json_bytes();
        let without = String::from_utf8(without).unwrap();
        assert!(!without.contains("slices") && !without.contains("noise"), "additive");
    }
}
