//! From a request to a response.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::json;
use tokio::time::sleep;

use super::engine::{Engine, InFlight};
use super::metrics::add;
use super::render::{self, CREATED, ENGINE_ERROR};
use super::request::{Endpoint, EngineRequest};
use super::script::{Asked, Ending, Plan, Script, script};
use super::stream::{EngineBody, StreamBody};
use super::tokens::token_ids;
use super::writer::{self, Writer};

/// Bytes of a request body. A longer one is refused with 413, as engines do.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What `/tokenize` and `/v1/models` claim; nothing is ever refused for its length.
const MODEL_TOKENS_MAX: usize = 8192;

/// An error stands for a connection that breaks without an answer.
type Answered = io::Result<Response<EngineBody>>;

pub(super) async fn respond(engine: Arc<Engine>, request: Request<Incoming>) -> Answered {
    if !engine.is_ready() {
        return Ok(refusal(503, "ServiceUnavailable", "the engine is starting (scripted)", None));
    }
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/health" | "/ping") => Ok(page("text/plain", Bytes::new())),
        (&Method::GET, "/version") => Ok(json_page(r#"{"version":"0.0.0+goldgate.mock"}"#.to_owned())),
        (&Method::GET, "/v1/models") => Ok(json_page(models(&engine.options.model))),
        (&Method::GET, "/metrics") => {
            let text = engine.metrics.render(&engine.options.model);
            Ok(page("text/plain; version=0.0.4", text.into()))
        }
        (&Method::POST, "/v1/chat/completions") => answer(engine, Endpoint::Chat, &head.headers, body).await,
        (&Method::POST, "/v1/completions") => {
            answer(engine, Endpoint::Completions, &head.headers, body).await
        }
        (&Method::POST, "/v1/responses") => answer(engine, Endpoint::Responses, &head.headers, body).await,
        (&Method::POST, "/tokenize") => Ok(match read(&engine, body).await {
            Ok((_, rendered)) => json_page(tokenized(&rendered)),
            Err(refused) => *refused,
        }),
        _ => Ok(refusal(404, "NotFoundError", "no such route", None)),
    }
}

/// The request and its prompt as the model sees it, or why not.
async fn read(engine: &Engine, body: Incoming) -> Result<(EngineRequest, String), Box<Response<EngineBody>>> {
    let bad = |message: &str, param| Box::new(refusal(400, "BadRequestError", message, param));
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        return Err(Box::new(refusal(413, "BadRequestError", "the body is too large or broke off", None)));
    };
    let request: EngineRequest =
        serde_json::from_slice(&body.to_bytes()).map_err(|error| bad(&error.to_string(), None))?;
    let rendered = request.rendered().ok_or_else(|| bad("nothing is asked", Some("messages")))?;
    match &request.model {
        Some(model) if *model != engine.options.model => {
            let message = format!("The model `{model}` does not exist.");
            Err(Box::new(refusal(404, "NotFoundError", &message, Some("model"))))
        }
        _ => Ok((request, rendered)),
    }
}

async fn answer(engine: Arc<Engine>, endpoint: Endpoint, headers: &HeaderMap, body: Incoming) -> Answered {
    let (request, rendered) = match read(&engine, body).await {
        Ok(read) => read,
        Err(refused) => return Ok(*refused),
    };
    let case = headers.get("x-goldgate-case").and_then(|value| value.to_str().ok());
    let turn = engine.turn(&rendered);
    let plan = match script(&engine.options, &Asked { request: &request, rendered: &rendered, case, turn }) {
        Script::Refuse { status } => {
            return Ok(refusal(status, "InternalServerError", "refused by the script", None));
        }
        Script::Html => {
            return Ok(page("text/html", Bytes::from_static(b"<html><body>Sign in</body></html>")));
        }
        Script::Answer(plan) => plan,
    };
    add(&engine.metrics.prompt_tokens, plan.prompt_tokens);
    add(&engine.metrics.prefix_queries, plan.prompt_tokens);
    add(&engine.metrics.prefix_hits, plan.cached_tokens);
    let in_flight = InFlight::begin(Arc::clone(&engine));
    if request.stream == Some(true) {
        let writer = Writer::new(endpoint, &request, &plan, &engine.options.model);
        let stream = StreamBody::new(in_flight, writer, *plan);
        return Ok(response(
            StatusCode::OK,
            "text/event-stream; charset=utf-8",
            EngineBody::Stream(Box::new(stream)),
        ));
    }
    whole(in_flight, endpoint, *plan).await
}

/// An answer in one piece, after the time a stream would have taken with the neighbours of its beginning.
async fn whole(in_flight: InFlight, endpoint: Endpoint, mut plan: Plan) -> Answered {
    let engine = &in_flight.engine;
    let mut time = plan.pace.prefill(plan.prompt_tokens - plan.cached_tokens);
    for _ in 1..plan.tokens {
        time += plan.pace.gap(1, engine.in_flight());
    }
    if time > Duration::ZERO {
        sleep(time).await;
    }
    add(&engine.metrics.generation_tokens, plan.tokens);
    match plan.ending {
        Ending::Silence => pending().await,
        Ending::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        Ending::ErrorObject => Ok(json_page(ENGINE_ERROR.to_owned())),
        Ending::Stop | Ending::Length | Ending::Abort | Ending::NoFinish | Ending::NoTerminator => {
            add(&engine.metrics.finished, usize::from(matches!(plan.ending, Ending::Stop | Ending::Length)));
            Ok(json_page(writer::whole(endpoint, &plan, &engine.options.model)))
        }
    }
}

fn models(model: &str) -> String {
    json!({
        "object": "list",
        "data": [{"id": model, "object": "model", "created": CREATED, "owned_by": "goldgate",
            "root": model, "max_model_len": MODEL_TOKENS_MAX}]
    })
    .to_string()
}

fn tokenized(rendered: &str) -> String {
    let ids = token_ids(rendered);
    json!({"count": ids.len(), "max_model_len": MODEL_TOKENS_MAX, "tokens": ids, "token_strs": null})
        .to_string()
}

fn refusal(status: u16, kind: &str, message: &str, param: Option<&str>) -> Response<EngineBody> {
    let status_code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = render::error(status, kind, message, param);
    response(status_code, "application/json", EngineBody::Whole(Some(body.into())))
}

fn json_page(body: String) -> Response<EngineBody> {
    page("application/json", body.into())
}

fn page(content_type: &'static str, body: Bytes) -> Response<EngineBody> {
    response(StatusCode::OK, content_type, EngineBody::Whole(Some(body)))
}

fn response(status: StatusCode, content_type: &'static str, body: EngineBody) -> Response<EngineBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
