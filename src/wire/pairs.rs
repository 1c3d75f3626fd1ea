//! Pairs for the judge: `{"seq": 1, "id": "…", "metrics": {"error": {"blue": 0, "green": 1}}}`, one row a pair.
//!
//! Blue is the baseline and green the candidate. A `null` is a missing half, which is judged as the worst case.

mod plain;

use std::collections::BTreeSet;
use std::convert::Infallible;

use serde_json::{Map, Value};

use super::rows::{self, Row, RowFault};
use crate::domain::{MetricKind, MetricName};
use crate::evidence::{Halves, IdDigest, Pair, RecentIds, Record, RecordBatch};
use plain::Columns;

/// Reads pairs row by row. What that needs is no more than some rows, and a bounded memory of ids.
///
/// `kind` knows what the metrics that will be judged count; values that their kind cannot take are refused
/// here, where the line is known.
#[derive(Debug)]
pub struct PairRows<K> {
    kind: K,
    columns: Columns,
    names: BTreeSet<MetricName>,
    /// The seq of the next row.
    expected: u64,
    /// Lines by id.
    ids: RecentIds,
    /// Lines read.
    line: usize,
    /// Line and digest of each pair since ids were looked for.
    latest: Vec<(usize, IdDigest)>,
    faults: Vec<RowFault>,
}

impl<K: Fn(&str) -> Option<MetricKind>> PairRows<K> {
    /// A reader before the first row.
    pub fn new(kind: K) -> Self {
        Self {
            kind,
            columns: Columns::default(),
            names: BTreeSet::new(),
            expected: 1,
            ids: RecentIds::default(),
            line: 0,
            latest: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Reads the next line, without its end, into `batch`, whose room is used again. Empty lines hold nothing.
    pub fn read(&mut self, text: &[u8], batch: &mut RecordBatch) {
        self.line += 1;
        if !text.trim_ascii().is_empty() {
            let Ok(()) = batch.write_pair(|pair| Ok::<_, Infallible>(self.row(text, pair)));
        }
    }

    /// Looks for the ids of what was read into `batch`, together: the places to look at, far apart in memory, then come
    /// several at a time. From the first fault on nothing is left in it; faults are in the order of lines.
    pub fn settle(&mut self, batch: &mut RecordBatch) {
        self.claim(batch.records());
        if !self.faults.is_empty() {
            self.faults.sort_by_key(|fault| fault.line);
            batch.clear();
        }
    }

    /// Names of the metrics that came so far.
    #[must_use]
    pub const fn names(&self) -> &BTreeSet<MetricName> {
        &self.names
    }

    /// What is wrong with the rows so far, at most the first hundred faults.
    #[must_use]
    pub fn faults(&self) -> &[RowFault] {
        &self.faults
    }

    /// Reads a row into `pair`. `false`: it has a fault, and there is nothing in `pair` to be used.
    fn row(&mut self, text: &[u8], pair: &mut Pair) -> bool {
        let read = self.read_plain(text, pair)
            || self.read_any(text).is_some_and(|read| {
                *pair = read;
                true
            });
        if read {
            self.latest.push((self.line, IdDigest::of(&pair.id)));
        }
        read
    }

    /// A row as programs write them, without a value of its own for every number. Whatever is out of the ordinary
    /// is left to the reader that can say what is wrong with it.
    fn read_plain(&mut self, text: &[u8], pair: &mut Pair) -> bool {
        let Self { kind, columns, names, expected, .. } = self;
        let Some(seq) = columns.read(text, pair, kind, names) else { return false };
        if seq.unwrap_or(*expected) != *expected {
            return false;
        }
        pair.seq = *expected;
        *expected += 1;
        true
    }

    fn read_any(&mut self, text: &[u8]) -> Option<Pair> {
        let Self { kind, names, expected, line, faults, .. } = self;
        match rows::row(*line, text, faults) {
            Ok(mut row) => {
                let pair = pair(&mut row, expected, kind)?;
                names.extend(pair.metrics.iter().map(|(name, _)| name.clone()));
                Some(pair)
            }
            Err(fault) => {
                rows::push(faults, fault);
                None
            }
        }
    }

    fn claim(&mut self, records: &[Record]) {
        for (record, (line, digest)) in records.iter().zip(&self.latest) {
            if let Err(first) = self.ids.claim(*digest, *line as u64) {
                rows::push(&mut self.faults, rows::came_before(*line, record.id(), first));
            }
        }
        self.latest.clear();
    }
}

/// Reads a whole file of pairs.
///
/// # Errors
/// Every bad row with its line: broken JSON, NaN, ids that come twice, a `seq` that leaves a gap.
pub fn read_pairs(
    bytes: &[u8],
    kind: impl Fn(&str) -> Option<MetricKind>,
) -> Result<Vec<Pair>, Vec<RowFault>> {
    let (mut rows, mut batch) = (PairRows::new(kind), RecordBatch::default());
    bytes.split(|byte| *byte == b'\n').for_each(|text| rows.read(text, &mut batch));
    rows.settle(&mut batch);
    let pairs = batch.take().into_iter().filter_map(|record| match record {
        Record::Pair(pair) => Some(pair),
        Record::Arrival(_) => None,
    });
    if rows.faults.is_empty() { Ok(pairs.collect()) } else { Err(rows.faults) }
}

fn pair(row: &mut Row<'_>, expected: &mut u64, kind: &impl Fn(&str) -> Option<MetricKind>) -> Option<Pair> {
    let seq = seq(row, *expected);
    *expected = seq.unwrap_or(*expected).saturating_add(1);
    let Some(Value::Object(metrics)) = row.fields.remove("metrics") else {
        row.wrong(
            "metrics",
            "an object of metrics is required",
            "\"metrics\": {\"error\": {\"blue\": 0, \"green\": 0}}",
        );
        return None;
    };
    let unknown: Vec<String> = row.fields.keys().cloned().collect();
    for key in unknown {
        row.wrong(&key, "no such key", "a pair has seq, id and metrics");
    }
    let metrics: Vec<_> =
        metrics.into_iter().filter_map(|(name, value)| metric(row, name, value, kind)).collect();
    Some(Pair { seq: seq?, id: row.id.clone(), metrics })
}

/// The row's position: the next one, or nothing at all, when rows are numbered by their order.
fn seq(row: &mut Row<'_>, expected: u64) -> Option<u64> {
    match row.fields.remove("seq") {
        None => Some(expected),
        Some(value) if value.as_u64() == Some(expected) => Some(expected),
        Some(value) => {
            let rule = format!("must be {expected} here, not {value}");
            row.wrong("seq", rule, "pairs are numbered from 1 without gaps, in the order of judging");
            value.as_u64()
        }
    }
}

fn metric(
    row: &mut Row<'_>,
    name: String,
    value: Value,
    kind: &impl Fn(&str) -> Option<MetricKind>,
) -> Option<(MetricName, Halves)> {
    let Value::Object(mut halves) = value else {
        row.wrong(&name, "an object with blue and green", "\"error\": {\"blue\": 0, \"green\": 1}");
        return None;
    };
    let kind = kind(&name);
    let baseline = half(row, &name, &mut halves, "blue", kind)?;
    let candidate = half(row, &name, &mut halves, "green", kind)?;
    if let Some(key) = halves.keys().next() {
        row.wrong(&format!("{name}.{key}"), "no such key", "a metric has blue and green");
    }
    Some((MetricName::new(name), Halves { baseline, candidate }))
}

#[expect(clippy::option_option, reason = "the outer one says whether the half can be read at all")]
fn half(
    row: &mut Row<'_>,
    name: &str,
    halves: &mut Map<String, Value>,
    slot: &str,
    kind: Option<MetricKind>,
) -> Option<Option<f64>> {
    let path = format!("{name}.{slot}");
    let number = match halves.remove(slot) {
        Some(Value::Null) => return Some(None),
        Some(Value::Bool(value)) => f64::from(u8::from(value)),
        Some(Value::Number(number)) => number.as_f64()?,
        Some(other) => {
            row.wrong(&path, format!("a number or null, not {other}"), "a lost half is written as null");
            return None;
        }
        None => {
            row.wrong(&path, "is required", "a lost half is written as null, never left out");
            return None;
        }
    };
    match kind {
        Some(kind) if !kind.admits(number) => {
            row.wrong(
                &path,
                format!("{number} is no value of kind {kind}"),
                "events are 0 or 1, scores and harms lie in 0 to 1, times are positive",
            );
            None
        }
        _ => Some(Some(number)),
    }
}

#[cfg(test)]
mod mutation_tests;

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(name: &str) -> Option<MetricKind> {
        match name {
            "error" => Some(MetricKind::Event),
            "ttft_ms" => Some(MetricKind::Latency),
            _ => None,
        }
    }

    #[test]
    fn halves_are_read_and_missing_ones_kept() {
        let text = "{\"seq\":1,\"id\":\"a\",\"metrics\":{\"error\":{\"blue\":0,\"green\":null},\"ttft_ms\":{\"blue\":210.4,\"green\":231}}}";
        let pairs = read_pairs(text.as_bytes(), kinds).unwrap();
        let halves = |baseline, candidate| Halves { baseline, candidate };
        assert_eq!(pairs[0].metrics[0], (MetricName::from("error"), halves(Some(0.0), None)));
        assert_eq!(pairs[0].metrics[1], (MetricName::from("ttft_ms"), halves(Some(210.4), Some(231.0))));
    }

    #[test]
    fn rows_without_numbers_are_numbered_by_their_order() {
        let pairs =
            read_pairs(b"{\"id\":\"a\",\"metrics\":{}}\n{\"id\":\"b\",\"metrics\":{}}", kinds).unwrap();
        assert_eq!(pairs.iter().map(|pair| pair.seq).collect::<Vec<_>>(), [1, 2]);
    }

    fn check(second: &str, expected: &str) {
        let text = format!("{{\"seq\":1,\"id\":\"a\",\"metrics\":{{}}}}\n{second}\n");
        let faults = read_pairs(text.as_bytes(), kinds).unwrap_err();
        let said = faults[0].to_string();
        assert!(said.starts_with("2:") && said.contains(expected), "{said}");
    }

    #[test]
    fn bad_rows_are_refused_with_their_line() {
        check("{\"seq\":3,\"id\":\"b\",\"metrics\":{}}", "must be 2 here, not 3");
        check("{\"seq\":2,\"id\":\"a\",\"metrics\":{}}", "stands on line 1 already");
        check("{\"seq\":2,\"id\":\"b\"}", "metrics: an object");
        check("{\"id\":\"b\",\"metrics\":{\"error\":{\"blue\":0}}}", "error.green: is required");
        check("{\"id\":\"b\",\"metrics\":{\"error\":{\"blue\":0,\"green\":NaN}}}", "not a row");
        check("{\"id\":\"b\",\"metrics\":{\"error\":{\"blue\":0,\"green\":0.5}}}", "no value of kind event");
        check(
            "{\"id\":\"b\",\"metrics\":{\"ttft_ms\":{\"blue\":-1,\"green\":5}}}",
            "no value of kind latency",
        );
        check(
            "{\"id\":\"b\",\"metrics\":{\"error\":{\"blue\":0,\"green\":0,\"red\":0}}}",
            "error.red: no such key",
        );
        check("{\"id\":\"b\",\"metrics\":{},\"metrcs\":{}}", "metrcs: no such key");
    }
}
