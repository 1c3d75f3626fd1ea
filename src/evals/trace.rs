//! A trace of arrivals: moments at which requests came once, to be replayed.

use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::document::{Fault, Faults};

/// Arrivals as they were recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Milliseconds since the first; ascending, never empty.
    since_first_ms: Arc<[f64]>,
}

/// The column of a table that holds the moments, as in the Azure traces of LLM inference.
const COLUMN: &str = "TIMESTAMP";

const HINT: &str = "one moment a line, ascending: seconds, or 2023-11-16 18:15:46.68; or a CSV table with a column TIMESTAMP";

impl Trace {
    /// Reads a file of one moment a line, or a CSV table with a column `TIMESTAMP`. A moment is a number of seconds or a
    /// time like `2023-11-16 18:15:46.6805900`.
    ///
    /// # Errors
    /// Every line that is no moment or is earlier than the one before it; a file without any.
    pub fn read(path: &Path) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Fault::unreadable(&file, &error))?;
        Self::parse(&file, &text)
    }

    fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let mut rows =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let (mut column, mut seconds, mut faults) = (0, Vec::<f64>::new(), Vec::new());
        for row in rows.records() {
            let row = row.map_err(|error| Fault::whole(file, format!("not a table: {error}"), HINT))?;
            if let Some(at) = row.iter().position(|cell| cell.trim() == COLUMN) {
                column = at;
                continue;
            }
            let cell = row.get(column).unwrap_or_default().trim();
            let rule = match moment(cell) {
                None => format!("{cell:?} is no moment"),
                Some(at) if seconds.last().is_some_and(|last| *last > at) => {
                    format!("{cell:?} is earlier than the moment before it")
                }
                Some(at) => {
                    seconds.push(at);
                    continue;
                }
            };
            let line = row.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
            faults.push(Fault { line, column: 1, ..Fault::whole(file, rule, HINT) });
        }
        if seconds.is_empty() && faults.is_empty() {
            faults.push(Fault::whole(file, "holds no moment", HINT));
        }
        let first = seconds.first().copied().unwrap_or_default();
        let since_first_ms = seconds.into_iter().map(|at| (at - first) * 1_000.0).collect();
        Faults(faults).or(Self { since_first_ms })
    }

    /// When each of `count` requests is due, in ms from the start. A trace that is too short begins anew, a mean distance
    /// after its last moment.
    pub(super) fn due_ms(&self, count: usize) -> Vec<f64> {
        let trace = &self.since_first_ms;
        let last = trace.last().copied().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "counts of requests, far below 2^53")]
        let (gaps, round) =
            (trace.len().saturating_sub(1).max(1) as f64, |at: usize| (at / trace.len()) as f64);
        let period = last + last / gaps;
        (0..count).map(|at| round(at) * period + trace[at % trace.len()]).collect()
    }
}

/// Seconds since some fixed moment.
fn moment(cell: &str) -> Option<f64> {
    let number = cell.parse().ok().filter(|seconds: &f64| seconds.is_finite());
    let time = || humantime::parse_rfc3339_weak(cell).ok()?.duration_since(UNIX_EPOCH).ok();
    number.or_else(|| time().map(|since| since.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Trace, String> {
        Trace::parse("trace.csv", text).map_err(|faults| faults.to_string())
    }

    #[test]
    fn both_forms_of_a_trace_are_read() {
        let due = |text: &str, count| parse(text).unwrap().due_ms(count);
        assert_eq!(due("10\n10.5\n12\n", 3), [0.0, 500.0, 2_000.0]);
        assert_eq!(due("7", 2), [0.0, 0.0]);
        let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.5000000,374,44\n\
                     2023-11-17 00:00:00.2500000,396,109\n";
        let across = due(azure, 2);
        assert!((across[1] - 750.0).abs() < 0.01, "{across:?}");
    }

    #[test]
    fn a_short_trace_begins_anew() {
        assert_eq!(parse("0\n1\n4\n").unwrap().due_ms(7), [0.0, 1e3, 4e3, 6e3, 7e3, 10e3, 12e3]);
    }

    #[test]
    fn what_is_no_trace_is_told_with_its_line() {
        let check = |text: &str, expected: &str| {
            let said = parse(text).unwrap_err();
            assert!(said.starts_with(expected) && said.contains("\n  hint: one moment a line"), "{said}");
        };
        check("1\nsoon\n", "trace.csv:2:1: \"soon\" is no moment");
        check("2\n1\n", "trace.csv:2:1: \"1\" is earlier than the moment before it");
        check("NaN", "trace.csv:1:1: \"NaN\" is no moment");
        check("TIMESTAMP,Tokens\n", "trace.csv: holds no moment");
        check("", "trace.csv: holds no moment");
    }
}
