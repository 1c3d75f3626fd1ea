//! Records of evidence as plain rows, one a metric, and back.

use crate::domain::{Arm, Share};
use crate::evidence::{Arrival, Halves, Names, Record, RecordBatch};

const PAIR: &str = "pair";
const ARRIVAL: &str = "arrival";

/// One row of a file: what one record says of one metric. A record that speaks of no metric has one
/// row without any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) seq: u64,
    pub(super) id: &'a str,
    /// `pair` or `arrival`.
    pub(super) kind: &'a str,
    pub(super) metric: Option<&'a str>,
    pub(super) baseline: Option<f64>,
    pub(super) candidate: Option<f64>,
    /// Of an arrival: where its key was assigned.
    pub(super) arm: Option<&'a str>,
    /// Of an arrival: the candidate's share then, in parts per million.
    pub(super) share_ppm: Option<u32>,
}

/// The rows of `record`, in the order of its metrics.
pub(super) fn rows(record: &Record) -> Vec<Row<'_>> {
    let blank = |kind| Row {
        seq: record.seq(),
        id: record.id(),
        kind,
        metric: None,
        baseline: None,
        candidate: None,
        arm: None,
        share_ppm: None,
    };
    let (empty, rows): (Row<'_>, Vec<Row<'_>>) = match record {
        Record::Pair(pair) => {
            let empty = blank(PAIR);
            let rows = pair.metrics.iter().map(|(name, halves)| Row {
                metric: Some(name.as_str()),
                baseline: halves.baseline,
                candidate: halves.candidate,
                ..empty
            });
            (empty, rows.collect())
        }
        Record::Arrival(arrival) => {
            let (arm, share_ppm) = (Some(arrival.arm.as_str()), Some(arrival.share.ppm()));
            let empty = Row { arm, share_ppm, ..blank(ARRIVAL) };
            let rows = arrival.metrics.iter().map(|(name, value)| Row {
                metric: Some(name.as_str()),
                baseline: (arrival.arm == Arm::Baseline).then_some(*value),
                candidate: (arrival.arm == Arm::Candidate).then_some(*value),
                ..empty
            });
            (empty, rows.collect())
        }
    };
    if rows.is_empty() { vec![empty] } else { rows }
}

/// Adds the records that so many rows were made from; `row` gives the one at a position.
///
/// # Errors
/// The first row that none can have been made from.
pub(super) fn records<'a>(
    count: usize,
    row: impl Fn(usize) -> Result<Row<'a>, String>,
    names: &mut Names,
    into: &mut RecordBatch,
) -> Result<(), String> {
    let mut at = 0;
    while at < count {
        let first = row(at)?;
        let mut end = at + 1;
        while end < count && row(end)?.seq == first.seq {
            end += 1;
        }
        let rows = (at..end).map(&row);
        match first.kind {
            PAIR => pair(first, rows, names, into)?,
            ARRIVAL => into.push(Record::Arrival(arrival(first, rows, names)?)),
            other => return Err(format!("seq {}: kind is {other:?}, expected pair or arrival", first.seq)),
        }
        at = end;
    }
    Ok(())
}

fn pair<'a>(
    first: Row<'a>,
    rows: impl Iterator<Item = Result<Row<'a>, String>>,
    names: &mut Names,
    into: &mut RecordBatch,
) -> Result<(), String> {
    into.write_pair(|pair| {
        pair.seq = first.seq;
        pair.id.clear();
        pair.id.push_str(first.id);
        let mut metrics = 0;
        for row in rows {
            let row = row?;
            if let Some(name) = row.metric {
                let halves = Halves { baseline: row.baseline, candidate: row.candidate };
                pair.put(metrics, names.at(metrics, name), halves);
                metrics += 1;
            }
        }
        pair.metrics.truncate(metrics);
        Ok(true)
    })
}

fn arrival<'a>(
    first: Row<'a>,
    rows: impl Iterator<Item = Result<Row<'a>, String>>,
    names: &mut Names,
) -> Result<Arrival, String> {
    let (arm, share) = assignment(first)?;
    let mut metrics = Vec::new();
    for row in rows {
        let row = row?;
        if let Some(name) = row.metric {
            let value = match arm {
                Arm::Baseline => row.baseline,
                Arm::Candidate => row.candidate,
            };
            let value = value.ok_or_else(|| format!("seq {}: {name} has no value", row.seq))?;
            metrics.push((names.at(metrics.len(), name).clone(), value));
        }
    }
    Ok(Arrival { seq: first.seq, id: first.id.to_owned(), arm, share, metrics })
}

fn assignment(row: Row<'_>) -> Result<(Arm, Share), String> {
    let arm = [Arm::Baseline, Arm::Candidate]
        .into_iter()
        .find(|arm| Some(arm.as_str()) == row.arm)
        .ok_or_else(|| format!("seq {}: arm is {:?}, expected baseline or candidate", row.seq, row.arm))?;
    let ppm = row.share_ppm.ok_or_else(|| format!("seq {}: an arrival without a share", row.seq))?;
    Ok((arm, Share::from_ppm(ppm)))
}
