//! Numbers as people read them: points to four decimals, ratios in percent, means in their own unit.

use crate::domain::MetricKind;
use crate::wire::MetricRecord;

/// Shown where there is no number.
pub(super) const NOTHING: &str = "–";

/// A mean in the metric's unit.
pub(super) fn mean(metric: &MetricRecord, value: Option<f64>) -> String {
    let Some(value) = value else { return NOTHING.to_owned() };
    match metric.kind {
        MetricKind::Latency if metric.name.contains("_ms") => format!("{} ms", digits(value)),
        MetricKind::Latency | MetricKind::Length => digits(value),
        MetricKind::Event | MetricKind::Harm | MetricKind::Score | MetricKind::Disagreement => {
            format!("{value:.4}")
        }
    }
}

/// A signed difference: points, or percent for ratio kinds.
pub(super) fn difference(kind: MetricKind, value: f64) -> String {
    let text = if kind.is_ratio() { format!("{:+.1} %", value * 100.0) } else { format!("{value:+.4}") };
    text.replace('-', "−")
}

/// A difference that may not be known.
pub(super) fn difference_or_nothing(kind: MetricKind, value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| difference(kind, value))
}

/// An interval of differences.
pub(super) fn interval(kind: MetricKind, value: Option<(f64, f64)>) -> String {
    value.map_or_else(
        || NOTHING.to_owned(),
        |(low, high)| format!("{} … {}", difference(kind, low), difference(kind, high)),
    )
}

/// A margin, without a sign.
pub(super) fn margin(kind: MetricKind, value: f64) -> String {
    if kind.is_ratio() { format!("{} %", digits(value * 100.0)) } else { digits(value) }
}

/// A level or a share in percent.
pub(super) fn percent(value: f64) -> String {
    format!("{} %", digits(value * 100.0))
}

/// About four significant digits, without trailing zeros.
pub(super) fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    if decimals == 0 {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Pairs that the candidate won and lost; nothing for metrics that are not right or wrong.
pub(super) fn flips(metric: &MetricRecord) -> String {
    let flips = metric.flips.as_ref();
    flips
        .map_or_else(|| NOTHING.to_owned(), |flips| format!("{}:{}", count(flips.better), count(flips.worse)))
}

/// A count with its thousands apart.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_group_by_thousands() {
        let shown = [0, 999, 1_000, 1_234_567].map(count);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn digits_are_few_and_honest() {
        let shown = [0.0, 0.005, 5.0, 210.44, 1_234.6, 0.123_456].map(digits);
        assert_eq!(shown, ["0", "0.005", "5", "210.4", "1235", "0.1235"]);
    }

    #[test]
    fn ratios_are_percent_and_points_are_not() {
        assert_eq!(difference(MetricKind::Latency, 0.214), "+21.4 %");
        assert_eq!(difference(MetricKind::Event, -0.0008), "−0.0008");
        assert_eq!(margin(MetricKind::Latency, 0.05), "5 %");
        assert_eq!(margin(MetricKind::Score, 0.02), "0.02");
        assert_eq!(interval(MetricKind::Length, None), NOTHING);
    }
}
