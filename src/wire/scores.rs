//! Recorded scores: `{"id": "case-1", "<metric>": 0.8, "<other>": true, "cluster": "topic"}`, one row a case.

use serde_json::Value;

use super::rows::{self, Row, RowFault};
use crate::domain::MetricKind;

/// One case's scores on one arm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreRow {
    /// The case.
    pub id: String,
    /// The cluster it stands or falls with.
    pub cluster: Option<String>,
    /// What was asked, as a digest; `None` where the file does not say.
    pub asked: Option<String>,
    /// Every metric of the row, in its order; true is 1, `null` a value that was lost.
    pub scores: Vec<(String, Option<f64>)>,
}

impl ScoreRow {
    /// How a metric of this name is compared: what ends in `_ms` is a time, everything else a score.
    #[must_use]
    pub fn kind(metric: &str) -> MetricKind {
        if metric.ends_with("_ms") { MetricKind::Latency } else { MetricKind::Score }
    }

    /// Whether the row speaks of `metric`, be its value lost or not.
    #[must_use]
    pub fn holds(&self, metric: &str) -> bool {
        self.scores.iter().any(|(name, _)| name == metric)
    }

    /// The score of `metric`; `None` when it was lost or is not there.
    #[must_use]
    pub fn score(&self, metric: &str) -> Option<f64> {
        self.scores.iter().find(|(name, _)| name == metric).and_then(|(_, score)| *score)
    }
}

/// Reads a file of scores: the metrics that are `wanted`, or all when none is named.
///
/// # Errors
/// Every bad row, with its line.
pub fn read_scores(bytes: &[u8], wanted: &[String]) -> Result<Vec<ScoreRow>, Vec<RowFault>> {
    rows::read(bytes, |row| {
        let cluster = cluster(row)?;
        let mut scores = Vec::with_capacity(row.fields.len());
        for (name, value) in std::mem::take(&mut row.fields) {
            if !wanted.is_empty() && !wanted.contains(&name) {
                continue;
            }
            scores.push((name.clone(), score(row, &name, &value)?));
        }
        Some(ScoreRow { id: row.id.clone(), cluster, asked: None, scores })
    })
}

/// The row's cluster; the outer `None` when it is wrong.
#[expect(clippy::option_option, reason = "the outer one says whether the row can be read at all")]
fn cluster(row: &mut Row<'_>) -> Option<Option<String>> {
    match row.fields.remove("cluster") {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(cluster)) => Some(Some(cluster)),
        Some(other) => {
            row.wrong("cluster", format!("a text, not {other}"), "put it in quotes");
            None
        }
    }
}

#[expect(clippy::option_option, reason = "the outer one says whether the row can be read at all")]
fn score(row: &mut Row<'_>, name: &str, value: &Value) -> Option<Option<f64>> {
    score_of(name, value).map_err(|unfit| row.wrong(name, unfit.rule, unfit.hint)).ok()
}

/// Why a value is no score.
pub(super) struct Unfit {
    pub(super) rule: String,
    pub(super) hint: &'static str,
}

/// The score in `value` under the metric `name`; `None` when it was lost.
///
/// # Errors
/// When it is neither a score nor a time, or is one that the metric cannot take.
pub(super) fn score_of(name: &str, value: &Value) -> Result<Option<f64>, Unfit> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(right) => Ok(Some(f64::from(u8::from(*right)))),
        Value::Number(number)
            if number.as_f64().is_some_and(|number| ScoreRow::kind(name).admits(number)) =>
        {
            Ok(number.as_f64())
        }
        Value::Number(number) => Err(Unfit {
            rule: format!("{number} is no {}", ScoreRow::kind(name)),
            hint: "scores lie in 0 to 1, times end in _ms and are positive; name the metrics that count",
        }),
        _ => Err(Unfit {
            rule: format!("a number, true, false or null, not {value}"),
            hint: "texts cannot be scores; name the metrics that count",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_values_numbers_and_lost_scores_are_read() {
        let text =
            b"{\"id\":\"a\",\"right\":true,\"f1\":0.5,\"cluster\":\"x\"}\n\n{\"id\":\"b\",\"right\":null}\n";
        let rows = read_scores(text, &[]).unwrap();
        assert_eq!(
            (rows[0].score("right"), rows[0].score("f1"), rows[0].cluster.as_deref()),
            (Some(1.0), Some(0.5), Some("x"))
        );
        assert_eq!((rows[1].score("right"), rows[1].scores.len()), (None, 1));
    }

    fn check(text: &str, expected: &str) {
        let faults = read_scores(text.as_bytes(), &[]).unwrap_err();
        assert!(faults[0].to_string().contains(expected), "{}", faults[0]);
    }

    #[test]
    fn bad_rows_are_refused_with_their_line() {
        check("{\"id\":\"a\"}\n{\"id\":\"a\"}", "2:1: id: \"a\" stands on line 1 already");
        check("{\"x\":1}", "1:1: id: is required");
        check("{\"id\":7}", "a text, not 7");
        check("\n{\"id\":\"a\",\"x\":NaN}", "2:");
        check("{\"id\":\"a\",\"x\":1e999}", "number out of range");
        check("{\"id\":\"a\",\"x\":\"high\"}", "x: a number, true, false or null");
        check("<html>", "not a row");
        check("{\"id\":\"a\",\"tokens\":531}", "tokens: 531 is no score");
        check("{\"id\":\"a\",\"ttft_ms\":0}", "0 is no latency");
    }

    #[test]
    fn columns_that_nobody_asked_for_may_hold_anything() {
        let wanted = ["f1".to_owned()];
        let rows = read_scores(b"{\"id\":\"a\",\"f1\":1,\"tokens\":531,\"note\":\"x\"}", &wanted).unwrap();
        assert_eq!(rows[0].scores, [("f1".to_owned(), Some(1.0))]);
    }

    #[test]
    fn a_file_in_the_wrong_format_is_not_kept_whole_in_faults() {
        assert_eq!(read_scores("oops\n".repeat(5_000).as_bytes(), &[]).unwrap_err().len(), 100);
    }
}
