//! Which kinds of requests a difference comes from, in a line.

use super::number;
use crate::wire::{MetricRecord, StratumRecord};

/// The difference of a metric that did not pass, by kind of request; `None` where there is nothing to tell.
pub(super) fn line(metric: &MetricRecord) -> Option<String> {
    let told = metric.verdict != crate::judgment::Verdict::Pass && !metric.strata.is_empty();
    let one = |stratum: &StratumRecord| {
        format!(
            "{} {} ({}, {} pairs)",
            stratum.stratum,
            number::difference_or_nothing(metric.kind, stratum.difference),
            number::interval(metric.kind, stratum.interval),
            number::count(stratum.pairs)
        )
    };
    let all = || metric.strata.iter().map(one).collect::<Vec<_>>().join(", ");
    told.then(|| format!("{}; shown, not tested", all()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Input;
    use crate::report::{Surface, html, render};
    use crate::wire::{VerdictRecord, fixture};

    const LINE: &str =
        "streamed +21.4 % (+17.0 % … +26.0 %, 1,602 pairs), whole −0.1 % (–, 3 pairs); shown, not tested";

    /// A verdict whose metric number `at` has strata.
    fn record(at: usize) -> VerdictRecord {
        let mut record = VerdictRecord::from(&fixture::judgment());
        let stratum = |stratum: &str, pairs, difference, interval| StratumRecord {
            stratum: stratum.to_owned(),
            pairs,
            difference: Some(difference),
            interval,
        };
        record.metrics[at].strata =
            vec![stratum("streamed", 1_602, 0.214, Some((0.17, 0.26))), stratum("whole", 3, -0.001, None)];
        record
    }

    #[test]
    fn every_surface_tells_of_a_metric_that_did_not_pass_and_of_no_other() {
        let surfaces = |at| {
            let record = record(at);
            let page = html(&Input::of_verdict("run", record.clone())).unwrap();
            [
                render(&record, Surface::Text(crate::report::Style::Plain)),
                render(&record, Surface::Markdown),
                page,
            ]
        };
        for shown in surfaces(1) {
            assert!(shown.contains(LINE), "{shown}");
        }
        for hidden in surfaces(0) {
            assert!(!hidden.contains("shown, not tested"), "{hidden}");
        }
    }

    #[test]
    fn a_document_with_strata_reads_back() {
        let (with, without) = (record(0), VerdictRecord::from(&fixture::judgment()));
        assert_eq!(VerdictRecord::from_json_bytes(&with.to_json_bytes()).unwrap(), with);
        assert!(!String::from_utf8(without.to_json_bytes()).unwrap().contains("strata"), "additive");
    }
}
