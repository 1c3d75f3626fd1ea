//! The official `openai` packages for Python and Node: what they make of an answer through goldgate is what they
//! make of the same answer without it. Parsed objects are compared whole, event by event, apart from times and ids.
//!
//! `tests/run` installs both. Questions are data, so that both clients are asked the same; see [`pair`].

mod official;
mod outcome;
mod pair;
mod question;

use futures_util::future::join_all;
use goldgate::mock_engine::{Fault, Options, Timing};
use serde_json::{Value, json};

use crate::llama::Installed;
use crate::rig::until;
use official::OFFICIAL;
use outcome::{arguments, events, normal, pieces, refused};
use pair::{Holds, Pair, Scenario, both, check};
use question::{
    called, chat, completion, embedding, nonsense, open_or_not, response, response_tools, streamed, tools,
};

/// A mock engine that answers at once, always with the same state of its prefix cache.
fn mock() -> Options {
    Options { timing: Timing { cold_requests: 0, ..Timing::instant() }, ..Options::new("mock") }
}

async fn failing(fault: &str) -> Pair {
    let fault: Fault = fault.parse().expect("a fault");
    Pair::mock(Options { faults: vec![fault], ..mock() }).await
}

fn has_text(outcome: &Value) -> bool {
    outcome["answer"]["choices"][0]["message"]["content"].as_str().is_some_and(|text| !text.is_empty())
}

fn has_pieces(outcome: &Value) -> bool {
    pieces(outcome).len() > 5 && outcome["error"].is_null()
}

/// Chunks that tell the usage.
fn usages(outcome: &Value) -> usize {
    events(outcome).iter().filter(|event| event["usage"]["completion_tokens"].is_u64()).count()
}

fn has_object(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|answer| answer["open"].is_boolean())
}

fn is_refused(seen: &Value, class: &str, status: u64) -> bool {
    let (said, code, _) = refused(seen);
    (said, code) == (class, status)
}

fn is_bad_request(seen: &Value) -> bool {
    is_refused(seen, "BadRequestError", 400)
}

/// What every engine is asked.
fn everyday(pair: &Pair) -> Vec<Scenario<'_>> {
    let usage = json!({"stream_options": {"include_usage": true}});
    vec![
        pair.scenario("an answer in one piece", chat(json!({})), has_text),
        pair.scenario("a stream", streamed(chat(json!({}))), |seen| has_pieces(seen) && usages(seen) == 0),
        pair.scenario("a stream with its usage", streamed(chat(usage)), |seen| {
            has_pieces(seen) && usages(seen) == 1
        }),
        pair.scenario("a completion", completion(json!({})), |seen| {
            seen["answer"]["choices"][0]["text"].is_string()
        }),
        pair.scenario("a streamed completion", streamed(completion(json!({}))), |seen| {
            events(seen).len() > 5
        }),
        pair.scenario("what a function answered", chat(called()), has_text),
        pair.scenario("a field of a wrong type", chat(json!({"max_tokens": "many"})), is_bad_request),
        pair.scenario(
            "a stream that is refused",
            streamed(chat(json!({"messages": "hello"}))),
            is_bad_request,
        ),
    ]
}

/// Whether a streamed response ends with an event of this kind.
fn ends_as(outcome: &Value, kind: &str) -> bool {
    events(outcome).len() > 5 && events(outcome).last().is_some_and(|event| event["type"] == kind)
}

/// What every engine with a responses route is asked there.
fn responses(pair: &Pair) -> Vec<Scenario<'_>> {
    vec![
        pair.scenario("a response", response(json!({})), |seen| {
            seen["answer"]["output"][0]["content"].is_array()
        }),
        pair.scenario("a streamed response", streamed(response(json!({}))), |seen| {
            ends_as(seen, "response.completed") || ends_as(seen, "response.incomplete")
        }),
        pair.scenario(
            "a response to a conversation",
            response(json!({"instructions": "Be brief.",
            "input": [{"role": "user", "content": [{"type": "input_text", "text": "What is a gate?"}]}]})),
            |seen| seen["answer"]["usage"]["output_tokens"].is_u64(),
        ),
    ]
}

/// Faults of a mock engine, and how a stream of the responses route shows them.
const RESPONSE_FAULTS: [(&str, Holds); 5] = [
    ("error:code=500", |seen| is_refused(seen, "InternalServerError", 500)),
    ("error-in-stream", |seen| ends_as(seen, "response.failed")),
    ("truncate", |seen| ends_as(seen, "response.output_text.delta") && seen["error"].is_null()),
    ("abort", |seen| events(seen).last().is_some_and(|last| last["response"]["status"] == "cancelled")),
    ("reset", |seen| ends_as(seen, "response.output_text.delta") && seen["error"].is_object()),
];

/// Faults of a mock engine, and how a stream shows them.
const FAULTS: [(&str, Holds); 7] = [
    ("error:code=429", |seen| is_refused(seen, "RateLimitError", 429)),
    ("error:code=500", |seen| is_refused(seen, "InternalServerError", 500)),
    ("error-in-stream", |seen| !pieces(seen).is_empty() && seen["error"]["class"] == "APIError"),
    ("truncate", |seen| !pieces(seen).is_empty() && seen["error"].is_null()),
    ("no-terminator", has_pieces),
    ("abort", |seen| events(seen).iter().any(|event| event["choices"][0]["finish_reason"] == "abort")),
    ("reset", |seen| !pieces(seen).is_empty() && seen["error"].is_object()),
];

#[tokio::test]
async fn official_clients_parse_the_same_from_a_mock_engine() {
    let pair = Pair::mock(mock()).await;
    let broken = join_all(FAULTS.map(|(fault, _)| failing(fault))).await;
    let mut scenarios = everyday(&pair);
    scenarios.extend([
        pair.scenario("a route that the engine lacks", embedding(), |seen| {
            is_refused(seen, "NotFoundError", 404)
        }),
        pair.scenario("a call of a function", chat(tools()), |seen| {
            seen["answer"]["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "weather"
        }),
        pair.scenario("a streamed call of a function", streamed(chat(tools())), |seen| {
            let ends =
                events(seen).last().is_some_and(|last| last["choices"][0]["finish_reason"] == "tool_calls");
            ends && arguments(seen).contains("What is a gate?") && pieces(seen).concat().is_empty()
        }),
    ]);
    let faults = broken.iter().zip(FAULTS);
    scenarios
        .extend(faults.map(|(pair, (fault, holds))| pair.scenario(fault, streamed(chat(json!({}))), holds)));
    check(&scenarios).await;
}

#[tokio::test]
async fn official_clients_parse_the_same_responses_from_a_mock_engine() {
    let pair = Pair::mock(mock()).await;
    let broken = join_all(RESPONSE_FAULTS.map(|(fault, _)| failing(fault))).await;
    let mut scenarios = responses(&pair);
    scenarios.extend([
        pair.scenario("a response that calls a function", response(response_tools()), |seen| {
            seen["answer"]["output"][0]["name"] == "weather"
        }),
        pair.scenario("a streamed response that calls one", streamed(response(response_tools())), |seen| {
            let called = &events(seen).last().expect("events")["response"]["output"][0];
            called["arguments"].as_str().is_some_and(|text| text.contains("What is a gate?"))
        }),
        pair.scenario("a response without an input", response(json!({"input": null})), is_bad_request),
    ]);
    let faults = broken.iter().zip(RESPONSE_FAULTS);
    scenarios.extend(
        faults.map(|(pair, (fault, holds))| pair.scenario(fault, streamed(response(json!({}))), holds)),
    );
    check(&scenarios).await;
    // Through goldgate every one of them was evidence: an answer of the release, observed to its end.
    let metrics = pair.serve.admin.metrics().await;
    assert_eq!(metrics.event("samples"), 2.0 * 6.0, "two clients, six questions");
}

#[tokio::test]
async fn official_clients_parse_the_same_from_a_real_server() {
    let Some(installed) = Installed::find() else { return };
    let llama = installed.start("tiny-a", &[]).await;
    let pair = Pair::before(&llama.url, "tiny-a").await;
    let mut scenarios = everyday(&pair);
    scenarios.extend([
        pair.scenario("structured output", chat(open_or_not()), |seen| {
            has_object(seen["answer"]["choices"][0]["message"]["content"].as_str().unwrap_or_default())
        }),
        pair.scenario("streamed structured output", streamed(chat(open_or_not())), |seen| {
            has_object(&pieces(seen).concat())
        }),
        pair.scenario("a schema that cannot be", chat(nonsense()), is_bad_request),
        // Random weights call nothing, and the server does not make them.
        pair.scenario("functions that are not called", chat(tools()), has_text),
        pair.scenario("a route that is switched off", embedding(), |seen| {
            is_refused(seen, "InternalServerError", 501)
        }),
    ]);
    scenarios.extend(responses(&pair));
    // What is left of earlier prompts in its memory shifts its numbers.
    for scenario in &mut scenarios {
        scenario.ask["extra"] = json!({"cache_prompt": false});
    }
    check(&scenarios).await;
}

/// What an answer says, in whichever shape.
fn said(outcome: &Value) -> String {
    let choice = |answer: &Value| answer["choices"][0].clone();
    let all: Vec<Value> = match events(outcome) {
        [] => vec![choice(&outcome["answer"])],
        chunks => chunks.iter().map(choice).collect(),
    };
    let texts = all.iter().flat_map(|choice| {
        [&choice["message"]["content"], &choice["delta"]["content"], &choice["text"]]
            .map(|text| text.as_str().unwrap_or_default().to_owned())
    });
    texts.collect()
}

/// Whether an answer tells its usage, and how often it tells that it is finished.
fn tells(outcome: &Value) -> (bool, usize) {
    let usage = usages(outcome) == 1 || outcome["answer"]["usage"]["completion_tokens"].is_u64();
    (usage, outcome.to_string().matches("\"finish_reason\":\"stop\"").count())
}

/// Asks two questions on two routes, each in one shape first and then in the other. A real model of random weights says these
/// letters soon; the mock engine does not listen to it.
async fn read_in_both_shapes(pair: &Pair) {
    let whole = json!({"max_tokens": 2_000, "stop": ["G", "h"]});
    let other = json!({"max_tokens": 2_000, "stop": ["G", "h"], "seed": 2});
    let usage = json!({"max_tokens": 2_000, "stop": ["G", "h"], "stream_options": {"include_usage": true}});
    let questions = [
        [chat(whole.clone()), streamed(chat(usage.clone()))],
        [streamed(chat(other.clone())), chat(other.clone())],
        [completion(whole), streamed(completion(usage))],
        [streamed(completion(other.clone())), completion(other)],
    ];
    for [first, second] in &questions {
        let outcomes = both(vec![pair.asks(first), pair.asks(second)]).await;
        for two in outcomes.chunks_exact(2) {
            let [[direct, stored], [_, told]] = two else { panic!("two outcomes: {two:?}") };
            assert!(!said(direct).is_empty(), "{direct}");
            assert_eq!((said(stored), said(told)), (said(direct), said(direct)), "{first}");
            assert_eq!(tells(direct).1, 1, "it ends by itself, or would not be kept: {direct}");
            assert_eq!((tells(stored), tells(told)), (tells(direct), (true, 1)), "{stored} {told}");
        }
    }
    // Two clients write a request in two ways, so each of them asks each question once and reads it in the other shape.
    let metrics = pair.serve.admin.metrics().await;
    assert_eq!((metrics.event("cache_misses"), metrics.event("cache_hits")), (8.0, 8.0));
}

#[tokio::test]
async fn official_clients_read_a_cached_answer_in_whichever_shape_they_ask_for() {
    read_in_both_shapes(&Pair::cached(mock()).await).await;
}

#[tokio::test]
async fn official_clients_read_a_cached_answer_of_a_real_server_in_both_shapes() {
    let Some(installed) = Installed::find() else { return };
    let llama = installed.start("tiny-a", &[]).await;
    read_in_both_shapes(&Pair::cached_before(&llama.url, "tiny-a").await).await;
}

#[tokio::test]
async fn official_clients_read_what_goldgate_itself_says_of_models() {
    let pair = Pair::mock(mock()).await;
    let asks =
        vec![pair.asks(&chat(json!({"model": "unknown"}))), pair.asks(&json!({"call": "models.list"}))];
    for two in both(asks).await.chunks_exact(2) {
        let [[direct, proxied], [_, models]] = two else { panic!("two outcomes: {two:?}") };
        assert_eq!(refused(direct), ("NotFoundError", 404, &json!("model")), "{direct}");
        assert_eq!(refused(proxied), refused(direct), "{proxied}");
        let [model] = &models["answer"]["data"].as_array().expect("a list")[..] else { panic!("{models}") };
        assert_eq!(model["id"], "chat");
    }
}

#[tokio::test]
async fn official_clients_that_leave_are_seen_to_leave() {
    let slow = Timing { gap_ms: 80.0, ..mock().timing };
    let pair = Pair::mock(Options { timing: slow, ..mock() }).await;
    let mut leaves = streamed(chat(json!({})));
    leaves["leave_after"] = json!(3);
    let mut loses_patience = chat(json!({}));
    loses_patience["timeout_s"] = json!(0.5);
    // The last ask keeps the client alive, so that it is not its end that closes its connections.
    let asks = [pair.asks(&leaves), pair.asks(&loses_patience), pair.asks(&chat(json!({})))].concat();
    for (client, times) in OFFICIAL.iter().zip([2.0, 4.0]) {
        let asking = client.ask(&asks[..5]);
        let gone = until("two clients that left", async || {
            let metrics = pair.serve.admin.metrics().await;
            let in_flight = metrics.value("goldgate_requests_in_flight");
            (metrics.event("client_gone") == times && in_flight == 0.0).then_some(())
        });
        tokio::pin!(asking);
        tokio::select! {
            biased;
            () = gone => {}
            _ = &mut asking => panic!("{} ended before it was seen to leave", client.name),
        }
        let outcomes: Vec<Value> = asking.await.into_iter().map(normal).collect();
        assert_eq!(outcomes[0]["events"].as_array().map(Vec::len), Some(3), "{}", outcomes[0]);
        assert_eq!(outcomes[0], outcomes[1], "{}", client.name);
        assert!(
            outcomes[2]["error"]["class"].as_str().is_some_and(|class| class.contains("Timeout")),
            "{}",
            outcomes[2]
        );
        assert_eq!(outcomes[2], outcomes[3], "{}", client.name);
    }
}
