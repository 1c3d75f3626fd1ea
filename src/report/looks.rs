//! The ledger and the other margins in words, the same on every surface.

use super::{Input, number};
use crate::judgment::{AtMargin, AtMargins, Crossed, Crossing, LedgerPoint, Question, Thresholds};
use crate::wire::VerdictRecord;

/// When each e-value first reached what decides, by the budgets of `record`; nothing for a fixed sample.
#[must_use]
pub fn crossings(looks: &[LedgerPoint], record: &VerdictRecord) -> Vec<Crossing> {
    let Some(alpha) = record.alpha else { return Vec::new() };
    let weights = record.metrics.iter().filter_map(|one| Some((one.name.as_str().into(), one.weight?)));
    let (log_promote, log_abort) = (-alpha.promote.ln(), -alpha.abort.ln());
    Thresholds { log_promote, log_abort, weights: weights.collect() }.crossings(looks)
}

/// What moved when in a whole run, by the latest verdict on live evidence.
pub(super) fn moved(input: &Input) -> Vec<String> {
    let live = input.verdicts.iter().rev().find(|record| record.question != Question::Golden);
    let crossed = live.map_or_else(Vec::new, |record| crossings(&input.ledger, record));
    crossed.iter().map(crossing_line).collect()
}

/// One crossing as a sentence.
#[must_use]
pub fn crossing_line(crossing: &Crossing) -> String {
    let Crossing { metric, crossed, records, log_e, log_threshold } = crossing;
    let name = metric.as_ref().map_or("all metrics", |metric| metric.as_str());
    let what = match crossed {
        Crossed::Promote => "for passing",
        Crossed::Abort => "against the candidate",
    };
    format!(
        "{name}: the evidence {what} reached {} of {} by {} records",
        e_value(*log_e),
        e_value(*log_threshold),
        number::count(*records)
    )
}

/// What other margins would have said: whose margins, and the verdict at each. One line a metric, then all together.
#[must_use]
pub fn margin_lines(at: &[AtMargins]) -> Vec<(String, String)> {
    let metrics = at.first().map_or(&[][..], |first| &first.metrics);
    if metrics.is_empty() {
        return Vec::new();
    }
    let of_metric = |index: usize| {
        let all = at.iter().filter_map(|rung| rung.metrics.get(index).map(|one| (rung.factor, one)));
        let said = all.map(|(factor, one)| {
            let set = if factor == 1.0 { " (as set)" } else { "" };
            format!("{}{set}: {}", width(one), one.verdict)
        });
        said.collect::<Vec<_>>().join("; ")
    };
    let mut lines: Vec<_> =
        metrics.iter().enumerate().map(|(index, one)| (one.name.to_string(), of_metric(index))).collect();
    let together = at.iter().map(|rung| match rung.factor {
        1.0 => format!("as set: {}", rung.verdict),
        factor => format!("× {factor}: {}", rung.verdict),
    });
    lines.push(("all together".to_owned(), together.collect::<Vec<_>>().join("; ")));
    lines
}

fn width(one: &AtMargin) -> String {
    let unit = if one.kind.is_ratio() { "%" } else { "points" };
    format!("{} {unit}", number::digits(one.margin * 100.0))
}

/// An e-value from its logarithm, with as many digits as it takes to compare it; in powers of ten where no table
/// has room for it.
#[must_use]
pub fn e_value(log_e: f64) -> String {
    let tens = log_e / std::f64::consts::LN_10;
    match tens {
        tens if tens >= 5.0 => format!("1e{}", tens.floor()),
        tens if tens >= 0.0 => format!("{:.1}", log_e.exp()).trim_end_matches(".0").to_owned(),
        tens if tens >= -2.0 => format!("{:.2}", log_e.exp()),
        _ => "< 0.01".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::MetricKind;
    use crate::judgment::Verdict;

    #[test]
    fn e_values_fit_a_table_however_large() {
        let shown = [-800.0, -1.9, 0.0, 20_f64.ln(), 100_f64.ln(), 700.0].map(e_value);
        assert_eq!(shown, ["< 0.01", "0.15", "1", "20", "100", "1e304"]);
    }

    #[test]
    fn margins_are_told_metric_by_metric_in_their_own_unit() {
        let one = |name: &str, kind, margin, verdict| AtMargin { name: name.into(), kind, margin, verdict };
        let rung = |factor: f64, verdict| AtMargins {
            factor,
            verdict,
            metrics: vec![
                one("error", MetricKind::Event, 0.01 * factor, verdict),
                one("ttft_ms", MetricKind::Latency, 0.05 * factor, Verdict::Inconclusive),
            ],
        };
        let lines = margin_lines(&[rung(0.5, Verdict::Inconclusive), rung(1.0, Verdict::Pass)]);
        let expected = [
            ("error", "0.5 points: inconclusive; 1 points (as set): pass"),
            ("ttft_ms", "2.5 %: inconclusive; 5 % (as set): inconclusive"),
            ("all together", "× 0.5: inconclusive; as set: pass"),
        ];
        assert_eq!(lines, expected.map(|(name, said)| (name.to_owned(), said.to_owned())));
        assert!(margin_lines(&[]).is_empty());
    }
}
