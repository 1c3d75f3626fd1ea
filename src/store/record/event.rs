//! An event in the journal: written for people and programs that read history; never replayed, because
//! the state it led to stands beside it.

use serde_json::{Map, Value, json};

use crate::rollout::{Event, OperatorCommand, StageVerdict};

const SCHEMA: &str = "goldgate/journal/1";

/// The event as one line of JSON; `None` is the start of the rollout.
pub(in crate::store) fn event_text(event: Option<&Event>) -> String {
    let mut record = Map::new();
    record.insert("schema".to_owned(), json!(SCHEMA));
    record.insert("event".to_owned(), json!(event.map_or("started", Event::name)));
    if let Some(event) = event {
        record.extend(detail(event));
    }
    Value::Object(record).to_string()
}

fn detail(event: &Event) -> Map<String, Value> {
    let detail = match event {
        Event::Prepared { epoch, result } => json!({"epoch": epoch, "error": result.as_ref().err()}),
        Event::GateFinished(said) | Event::Judged(said) => verdict(said),
        Event::MirrorShare { epoch, share, why } => {
            json!({"epoch": epoch, "share_ppm": share.ppm(), "why": why})
        }
        Event::DigestChanged { what } => json!({"what": what}),
        Event::Restarted { durable } => json!({"durable_ms": durable.as_millis()}),
        Event::Operator(OperatorCommand::Abort { why } | OperatorCommand::Rollback { why }) => {
            json!({"why": why})
        }
        Event::Operator(OperatorCommand::Promote | OperatorCommand::Pause | OperatorCommand::Resume)
        | Event::Tick
        | Event::Drained
        | Event::StateUnreadable
        | Event::StateReadable => json!({}),
    };
    match detail {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn verdict(said: &StageVerdict) -> Value {
    let reasons: Vec<_> = said.reasons.iter().map(ToString::to_string).collect();
    json!({
        "epoch": said.epoch,
        "stage": said.stage.to_string(),
        "verdict": said.verdict.as_str(),
        "reasons": reasons,
    })
}
