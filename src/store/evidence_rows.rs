//! Records of evidence as plain rows, one a metric, and back.

use crate::domain::{Arm, MetricName, Share};
use crate::evidence::{Arrival, Halves, Pair, Record};

const PAIR: &str = "pair";
const ARRIVAL: &str = "arrival";

/// One row of a file: what one record says of one metric. A record that speaks of no metric has one
/// row without any.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) id: String,
    /// `pair` or `arrival`.
    pub(super) kind: String,
    pub(super) metric: Option<String>,
    pub(super) baseline: Option<f64>,
    pub(super) candidate: Option<f64>,
    /// Of an arrival: where its key was assigned.
    pub(super) arm: Option<String>,
    /// Of an arrival: the candidate's share then, in parts per million.
    pub(super) share_ppm: Option<u32>,
}

/// The rows of `record`, in the order of its metrics.
pub(super) fn rows(record: &Record) -> Vec<Row> {
    let blank = |kind: &str, id: &str| Row {
        seq: record.seq(),
        id: id.to_owned(),
        kind: kind.to_owned(),
        metric: None,
        baseline: None,
        candidate: None,
        arm: None,
        share_ppm: None,
    };
    let (empty, rows): (Row, Vec<Row>) = match record {
        Record::Pair(pair) => {
            let empty = blank(PAIR, &pair.id);
            let rows = pair.metrics.iter().map(|(name, halves)| Row {
                metric: Some(name.as_str().to_owned()),
                baseline: halves.baseline,
                candidate: halves.candidate,
                ..empty.clone()
            });
            (empty.clone(), rows.collect())
        }
        Record::Arrival(arrival) => {
            let empty = Row {
                arm: Some(arrival.arm.as_str().to_owned()),
                share_ppm: Some(arrival.share.ppm()),
                ..blank(ARRIVAL, &arrival.id)
            };
            let rows = arrival.metrics.iter().map(|(name, value)| Row {
                metric: Some(name.as_str().to_owned()),
                baseline: (arrival.arm == Arm::Baseline).then_some(*value),
                candidate: (arrival.arm == Arm::Candidate).then_some(*value),
                ..empty.clone()
            });
            (empty.clone(), rows.collect())
        }
    };
    if rows.is_empty() { vec![empty] } else { rows }
}

/// The records that `rows` were made from.
pub(super) fn records(rows: &[Row]) -> Result<Vec<Record>, String> {
    rows.chunk_by(|a, b| a.seq == b.seq).map(record).collect()
}

fn record(rows: &[Row]) -> Result<Record, String> {
    let [first, ..] = rows else { return Err("a record without rows".to_owned()) };
    let named = || rows.iter().filter_map(|row| row.metric.as_deref().map(|name| (name, row)));
    match first.kind.as_str() {
        PAIR => {
            let halves = |row: &Row| Halves { baseline: row.baseline, candidate: row.candidate };
            let metrics = named().map(|(name, row)| (MetricName::from(name), halves(row))).collect();
            Ok(Record::Pair(Pair { seq: first.seq, id: first.id.clone(), metrics }))
        }
        ARRIVAL => {
            let (arm, share) = assignment(first)?;
            let value = |(name, row): (&str, &Row)| {
                let value = match arm {
                    Arm::Baseline => row.baseline,
                    Arm::Candidate => row.candidate,
                };
                let value = value.ok_or_else(|| format!("seq {}: {name} has no value", row.seq))?;
                Ok::<_, String>((MetricName::from(name), value))
            };
            let metrics = named().map(value).collect::<Result<_, _>>()?;
            Ok(Record::Arrival(Arrival { seq: first.seq, id: first.id.clone(), arm, share, metrics }))
        }
        other => Err(format!("seq {}: kind is {other:?}, expected pair or arrival", first.seq)),
    }
}

fn assignment(row: &Row) -> Result<(Arm, Share), String> {
    let arm = [Arm::Baseline, Arm::Candidate]
        .into_iter()
        .find(|arm| Some(arm.as_str()) == row.arm.as_deref())
        .ok_or_else(|| format!("seq {}: arm is {:?}, expected baseline or candidate", row.seq, row.arm))?;
    let ppm = row.share_ppm.ok_or_else(|| format!("seq {}: an arrival without a share", row.seq))?;
    Ok((arm, Share::from_ppm(ppm)))
}
