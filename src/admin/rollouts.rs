//! Rollouts over HTTP: start, look, and the operator's verbs.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Problem;
use super::router::Shared;
use super::{NoteRecord, RolloutRecord, TableRecord};
use crate::control::{Look, Margins, StartRequest, Status};
use crate::domain::{MetricName, RolloutId};
use crate::judgment::{Crossed, Crossing, LedgerPoint, Thresholds};
use crate::rollout::OperatorCommand;
use crate::wire::AtMarginsRecord;

/// Body of a start.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StartBody {
    /// Its name; absent: the next number.
    id: Option<String>,
}

/// Body of a verb.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerbBody {
    /// Why, for the history.
    why: Option<String>,
}

/// Which rollout is meant; absent: the latest.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    rollout: Option<String>,
}

type Answer = Result<Json<Value>, Problem>;

pub(super) fn body<T>(given: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    given.map(|Json(body)| body).map_err(|error| Problem::bad_request(error.body_text()))
}

fn json_of(value: &impl serde::Serialize) -> Value {
    // Records of texts and numbers always have a JSON form.
    serde_json::to_value(value).unwrap_or_default()
}

pub(super) async fn start(
    State(shared): State<Shared>,
    given: Result<Json<StartBody>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = body(given)?.id.map(RolloutId::new);
    shared.control.start(StartRequest { id, plan: None }).await?;
    Ok((StatusCode::CREATED, Json(json_of(&RolloutRecord::of(&shared.control.status())))))
}

pub(super) async fn list(State(shared): State<Shared>) -> Answer {
    let now = shared.control.status().at;
    let all: Vec<_> = shared
        .control
        .rollouts()
        .await?
        .iter()
        .map(|summary| {
            let mut record = json_of(&RolloutRecord::bare(&summary.rollout, now));
            record["started_ms"] = json!(summary.started.as_millis());
            record
        })
        .collect();
    Ok(Json(json!({"rollouts": all})))
}

fn is_latest(status: &Arc<Status>, id: &str) -> bool {
    status.rollout.as_ref().is_some_and(|rollout| rollout.parts().id.as_str() == id)
}

pub(super) async fn one(State(shared): State<Shared>, Path(id): Path<String>) -> Answer {
    let status = shared.control.status();
    if is_latest(&status, &id) || id == "latest" {
        return RolloutRecord::of(&status)
            .map(|record| Json(json_of(&record)))
            .ok_or_else(|| Problem::not_found("no rollout was ever started here".to_owned()));
    }
    let all = shared.control.rollouts().await?;
    let found = all.iter().find(|summary| summary.rollout.parts().id.as_str() == id);
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no rollout {id}")))?;
    Ok(Json(json_of(&RolloutRecord::bare(&found.rollout, status.at))))
}

pub(super) async fn history(State(shared): State<Shared>, Path(id): Path<String>) -> Answer {
    let id = named(&shared, Some(id))?;
    let notes = shared.control.history(&id).await?;
    Ok(Json(json!({"notes": notes.iter().map(NoteRecord::from).collect::<Vec<_>>()})))
}

pub(super) async fn command(
    State(shared): State<Shared>,
    Path((id, verb)): Path<(String, String)>,
    given: Result<Json<VerbBody>, JsonRejection>,
) -> Answer {
    let why = body(given)?.why.unwrap_or_else(|| "no reason given".to_owned());
    let command = match verb.as_str() {
        "promote" => OperatorCommand::Promote,
        "pause" => OperatorCommand::Pause,
        "resume" => OperatorCommand::Resume,
        "abort" => OperatorCommand::Abort { why },
        "rollback" => OperatorCommand::Rollback { why },
        other => {
            let detail = format!("there is no verb {other:?}: promote, pause, resume, abort or rollback");
            return Err(Problem::not_found(detail));
        }
    };
    let id = named(&shared, Some(id))?;
    shared.control.command(&id, command).await?;
    Ok(Json(json_of(&RolloutRecord::of(&shared.control.status()))))
}

pub(super) async fn verdicts(State(shared): State<Shared>, Query(which): Query<Which>) -> Answer {
    let id = named(&shared, which.rollout)?;
    let verdicts = shared.control.verdicts(&id).await?;
    let all: Vec<_> = verdicts
        .iter()
        .map(|one| {
            let body: Value = serde_json::from_str(&one.body).unwrap_or_default();
            json!({
                "seq": one.seq, "at_ms": one.at.as_millis(), "stage": one.stage, "epoch": one.epoch,
                "records": one.records, "verdict": body,
            })
        })
        .collect();
    Ok(Json(json!({"rollout": id.as_str(), "verdicts": all})))
}

/// Every look that is kept, and the first one at which each e-value reached what decides.
pub(super) async fn ledger(State(shared): State<Shared>) -> Answer {
    let looks = shared.control.ledger().await?;
    let thresholds = shared.control.status().live.as_deref().and_then(Thresholds::of);
    let points: Vec<_> = looks.iter().map(|look| look.point.clone()).collect();
    let crossings = thresholds.map_or_else(Vec::new, |thresholds| thresholds.crossings(&points));
    Ok(Json(json!({
        "points": looks.iter().map(point).collect::<Vec<_>>(),
        "crossings": crossings.iter().map(crossing).collect::<Vec<_>>(),
    })))
}

fn point(look: &Look) -> Value {
    let LedgerPoint { records, log_e_abort, metrics } = &look.point;
    let metrics = metrics.iter().map(|(name, abort, promote)| json!([name.as_str(), abort, promote]));
    json!({
        "stage": look.stage.to_string(), "records": records, "log_e_abort": log_e_abort,
        "metrics": metrics.collect::<Vec<_>>(),
    })
}

fn crossing(crossing: &Crossing) -> Value {
    let Crossing { metric, crossed, records, log_e, log_threshold } = crossing;
    let crossed = match crossed {
        Crossed::Promote => "promote",
        Crossed::Abort => "abort",
    };
    json!({
        "metric": metric.as_ref().map(MetricName::as_str), "crossed": crossed, "records": records, "log_e": log_e,
        "log_threshold": log_threshold,
    })
}

/// What other margins would have said of this epoch's evidence.
pub(super) async fn margins(State(shared): State<Shared>) -> Answer {
    let Margins { records, at } = shared.control.margins().await?.unwrap_or_default();
    let at: Vec<_> = at.iter().map(AtMarginsRecord::from).collect();
    Ok(Json(json!({"records": records, "at": at})))
}

pub(super) async fn routes(State(shared): State<Shared>) -> Json<Value> {
    Json(json_of(&TableRecord::of(&shared.control.status())))
}

/// The rollout that is named; `latest` or nothing is the latest one.
fn named(shared: &Shared, given: Option<String>) -> Result<RolloutId, Problem> {
    match given.filter(|given| given != "latest") {
        Some(given) => Ok(RolloutId::new(given)),
        None => {
            let status = shared.control.status();
            let latest = status.rollout.as_ref().map(|rollout| rollout.parts().id.clone());
            latest.ok_or_else(|| Problem::not_found("no rollout was ever started here".to_owned()))
        }
    }
}
