//! A rollout in words: where it stands, what it waits for, what happened when.

use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

use crate::admin::{MirrorShareRecord, NeedRecord, NoteRecord, RolloutRecord, StageRecord};
use crate::wire::VerdictRecord;

/// Letters of the longest stage that is common, `keep warm`; longer ones push their text to the right.
const STAGE_WIDTH: usize = 9;

/// The last moment that has a date of four digits; a clock beyond it is wrong and must not stop anybody.
const AT_MS_MAX: u64 = 253_402_300_799_000;

/// Everything that matters now; ends in a newline.
pub(super) fn status(record: &RolloutRecord) -> String {
    let mut text = format!("{}\n\n", headline(record));
    for (position, stage) in record.stages.iter().enumerate() {
        let mark = mark(record, position);
        let share = if stage.share == "0%" { String::new() } else { format!("{} of clients", stage.share) };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {mark} {}", format!("{:<12} {share}", stage.label).trim_end());
    }
    if position(record).is_none() {
        let _ = writeln!(text, "  ▸ {}", record.label);
    }
    text.push('\n');
    list(&mut text, "decided", decided(record).into_iter());
    list(&mut text, "waits", record.waiting.iter().map(|what| format!("for {what}")));
    list(&mut text, "needs", record.needs.iter().map(needs));
    list(&mut text, "copies", record.mirror_share.iter().map(copies));
    if record.store != "works" {
        list(&mut text, "store", std::iter::once(record.store.clone()));
    }
    if let Some(said) = latest_verdict(record) {
        let evidence = match record.live {
            Some(_) => format!("{} on {} records", said.verdict, record.records),
            None => said.verdict.to_string(),
        };
        list(&mut text, said.question.as_str(), std::iter::once(evidence));
        let metrics = said.metrics.iter().map(|metric| {
            let role = if metric.required { "" } else { " (guard)" };
            format!("{:<13} {}{role}", metric.verdict.as_str(), metric.reason)
        });
        list(&mut text, "", metrics);
    }
    text
}

/// Pairs still needed, and how long they take.
fn needs(needs: &NeedRecord) -> String {
    let NeedRecord { pairs, seconds } = needs;
    let time = seconds.map_or_else(
        || "none came so far".to_owned(),
        |seconds| {
            format!("{} at the present traffic", humantime::format_duration(Duration::from_secs(seconds)))
        },
    );
    format!("about {pairs} more pairs if the trend holds: {time}")
}

/// How much the mirror copies, and how far that may change.
fn copies(copied: &MirrorShareRecord) -> String {
    let MirrorShareRecord { now, min, max } = copied;
    let range = if min == max {
        String::new()
    } else {
        format!(", between {min} and {max} by what the judge needs in time")
    };
    format!("{now} of the requests{range}")
}

/// Where it stands, in one line.
pub(super) fn headline(record: &RolloutRecord) -> String {
    let RolloutRecord { id, label, mode, share, epoch, .. } = record;
    let since = record.elapsed_seconds.map_or_else(String::new, |seconds| {
        format!(", {} in this stage", humantime::format_duration(Duration::from_secs(seconds)))
    });
    format!("{id}  {mode} at {label}: {share} of clients on the candidate (epoch {epoch}{since})")
}

/// Where it stands, what it waits for: short enough for one line that is replaced.
pub(super) fn brief(record: &RolloutRecord) -> String {
    let RolloutRecord { id, label, mode, share, records, .. } = record;
    let waits = record.waiting.first().map_or_else(String::new, |what| format!(" · waits for {what}"));
    format!("{id} · {label} · {mode} · {share} of clients · {records} records{waits}")
}

/// What the judge said last: of live evidence, or else of the golden cases.
pub(super) fn latest_verdict(record: &RolloutRecord) -> Option<&VerdictRecord> {
    record.live.as_ref().or(record.gate.as_ref())
}

/// The outcome in words.
pub(super) fn decided(record: &RolloutRecord) -> Option<String> {
    let decision = record.decided.as_ref()?;
    let ending = decision.ending.replace('_', " ");
    Some(decision.why.as_ref().map_or_else(|| ending.clone(), |why| format!("{ending}: {why}")))
}

/// Lines under one label, the label once.
pub(super) fn list(text: &mut String, label: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        let label = if index == 0 { label } else { "" };
        let _ = writeln!(text, "{label:<9}{line}");
    }
}

fn position(record: &RolloutRecord) -> Option<usize> {
    record.stages.iter().position(|stage| stage.stage == record.stage)
}

fn mark(record: &RolloutRecord, at: usize) -> char {
    let last = at + 1 == record.stages.len();
    match position(record) {
        Some(now) if at < now || (at == now && last) => '✓',
        Some(now) if at == now => '▸',
        _ => ' ',
    }
}

/// What stages are called.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels(Vec<StageRecord>);

impl Labels {
    /// Those of the rollout's plan.
    pub(super) fn of(record: &RolloutRecord) -> Self {
        Self(record.stages.clone())
    }

    /// One note of the timeline: when, in which stage, what.
    pub(super) fn line(&self, note: &NoteRecord) -> String {
        let known = self.0.iter().find(|stage| stage.stage == note.stage);
        let stage = known.map_or_else(|| note.stage.replace('_', " "), |stage| stage.label.clone());
        format!("{}  {stage:<STAGE_WIDTH$}  {}", moment(note.at_ms), note.text)
    }
}

/// A moment in UTC, to the second.
pub(super) fn moment(at_ms: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(at_ms.min(AT_MS_MAX));
    humantime::format_rfc3339_seconds(at).to_string()
}
