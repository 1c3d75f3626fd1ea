//! A real engine on loopback, seen by the observer that also watches real ones.

mod responses;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;
use crate::wire::{Answer, End, Form, ResponseObserver, degenerate};

const EGGS: &str = "How many eggs are left when four of sixteen eggs were eaten?";
const STREAM: &str = r#""stream":true,"stream_options":{"include_usage":true}"#;

fn options(faults: &[&str]) -> Options {
    let recorded = Recorded::new([
        ("eggs", Some(EGGS), "16 - 4 = <<16-4=12>>12 eggs are left\nA: 12"),
        ("unasked", None, "Answer by id."),
    ]);
    Options {
        recorded: Arc::new(recorded),
        timing: Timing { cold_requests: 1, ..Timing::instant() },
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        ..Options::new("m")
    }
}

async fn running(options: Options) -> Running {
    start(options, TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap()
}

fn chat(content: &str, more: &str) -> String {
    let content = serde_json::Value::from(content);
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}],{more}}}"#)
}

/// Sends a request and reads until the server closes, or says nothing for a while: the bytes, and how
/// they ended.
async fn exchange(engine: &Running, method: &str, path: &str, headers: &str, body: &str) -> (String, End) {
    let mut stream = TcpStream::connect(engine.addr()).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = match timeout(Duration::from_millis(300), stream.read_to_end(&mut bytes)).await {
        Err(_) => End::Stalled,
        Ok(Err(_)) => End::Broken,
        Ok(Ok(_)) => End::Clean,
    };
    (String::from_utf8(bytes).unwrap(), end)
}

/// What the observer makes of the raw response: head, then chunks or a body.
fn observe(raw: &str, end: End) -> Answer {
    observe_in(Form::Choices, raw, end)
}

fn observe_in(form: Form, raw: &str, mut end: End) -> Answer {
    let mut observer = ResponseObserver::new(0.0).in_form(form);
    if let Some((head, body)) = raw.split_once("\r\n\r\n") {
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let content_type = lines.clone().find(|(name, _)| *name == "content-type").map(|(_, value)| value);
        observer.headers(status, content_type, 1.0);
        if lines.clone().any(|(name, _)| name == "transfer-encoding") {
            end = if dechunk(body, &mut observer) || end == End::Stalled { end } else { End::Broken };
        } else {
            observer.push(body.as_bytes(), 2.0);
        }
    }
    observer.finish(end, 3.0)
}

/// Feeds the chunks; `false` when the last one never came.
fn dechunk(mut body: &str, observer: &mut ResponseObserver) -> bool {
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return true;
        }
        observer.push(&rest.as_bytes()[..size], 2.0);
        body = &rest[size + 2..];
    }
    false
}

async fn ask(engine: &Running, headers: &str, body: &str) -> Answer {
    let (raw, end) = exchange(engine, "POST", "/v1/chat/completions", headers, body).await;
    observe(&raw, end)
}

async fn check_fault(fault: &str, streamed: &str, unary: &str) {
    let engine = running(options(&[fault])).await;
    let stream = ask(&engine, "", &chat(EGGS, STREAM)).await;
    assert_eq!(stream.outcome.to_string(), streamed, "{fault}, streamed: {stream:?}");
    let whole = ask(&engine, "", &chat(EGGS, r#""stream":false"#)).await;
    assert_eq!(whole.outcome.to_string(), unary, "{fault}, in one piece: {whole:?}");
    engine.stop().await;
}

#[tokio::test]
async fn each_fault_is_seen_for_what_it_is() {
    check_fault("error:code=503", "errored(503)", "errored(503)").await;
    check_fault("truncate", "truncated(no finish)", "truncated(no finish)").await;
    check_fault("no-terminator", "truncated(no terminator)", "complete(stop)").await;
    check_fault("abort", "aborted", "aborted").await;
    check_fault("error-in-stream", "errored(500)", "errored(500)").await;
    check_fault("hang-before-first", "stalled", "stalled").await;
    check_fault("hang-mid-stream", "stalled", "stalled").await;
    check_fault("reset", "truncated(no finish)", "errored(502)").await;
    check_fault("slow-start:seconds=3600", "errored(503)", "errored(503)").await;
    check_fault("html", "errored(502)", "errored(502)").await;
    check_fault("degenerate", "complete(length)", "complete(length)").await;
    check_fault("same-answer", "complete(stop)", "complete(stop)").await;
    check_fault("error:rate=0", "complete(stop)", "complete(stop)").await;
}

#[tokio::test]
async fn texts_and_fingerprints_are_as_scripted() {
    let engine = running(options(&["degenerate"])).await;
    assert!(degenerate(&ask(&engine, "", &chat(EGGS, STREAM)).await.text));
    let engine = running(options(&["same-answer"])).await;
    assert!(ask(&engine, "", &chat(EGGS, STREAM)).await.text.starts_with("I do not see a question"));
    let engine = running(options(&["fingerprint:value=other"])).await;
    assert_eq!(ask(&engine, "", &chat(EGGS, STREAM)).await.fingerprint.as_deref(), Some("other"));
    let engine = running(options(&[])).await;
    assert_eq!(ask(&engine, "", &chat(EGGS, STREAM)).await.fingerprint.as_deref(), Some("mock-1"));
}

#[tokio::test]
async fn a_hang_before_the_first_token_sends_none_and_one_in_mid_stream_sends_some() {
    let engine = running(options(&["hang-before-first"])).await;
    assert_eq!(ask(&engine, "", &chat(EGGS, STREAM)).await.token_chunks, 0);
    let engine = running(options(&["hang-mid-stream"])).await;
    assert!(ask(&engine, "", &chat(EGGS, STREAM)).await.token_chunks > 5);
}

#[tokio::test]
async fn recorded_answers_are_replayed_streamed_and_whole() {
    let engine = running(options(&[])).await;
    for more in [STREAM, r#""stream":false"#] {
        let check = async |headers: &str, question: &str, expected: &str| {
            let answer = ask(&engine, headers, &chat(question, more)).await;
            assert_eq!(answer.outcome.to_string(), "complete(stop)");
            assert_eq!(answer.text, expected);
            let usage = answer.usage.unwrap();
            assert_eq!(usage.completion_tokens as usize, tokens::token_ends(expected).len());
        };
        let eggs = "16 - 4 = <<16-4=12>>12 eggs are left\nA: 12";
        check("", EGGS, eggs).await;
        check("", &format!("Solve this.\n\nQuestion: {EGGS}\nAnswer:"), eggs).await;
        check("x-goldgate-case: unasked\r\n", EGGS, "Answer by id.").await;
        check(
            "",
            "Solve this.",
            "I do not see a question in your message. Could you tell me what you would like to know?",
        )
        .await;
    }
}

#[tokio::test]
async fn the_completions_route_answers_the_same() {
    let engine = running(options(&[])).await;
    let prompt = serde_json::Value::from(EGGS);
    for more in [STREAM, r#""stream":false"#] {
        let body = format!(r#"{{"model":"m","prompt":{prompt},{more}}}"#);
        let (raw, end) = exchange(&engine, "POST", "/v1/completions", "", &body).await;
        let answer = observe(&raw, end);
        assert_eq!(answer.outcome.to_string(), "complete(stop)");
        assert!(answer.text.ends_with("A: 12"));
    }
}

#[tokio::test]
async fn a_function_that_must_be_called_is_called_with_the_question() {
    let engine = running(options(&[])).await;
    let tools = r#""tools":[{"type":"function","function":{"name":"count"}}],"tool_choice":"#;
    let named = r#"{"type":"function","function":{"name":"count"}}"#;
    for choice in [r#""required""#, named] {
        let mut seen = Vec::new();
        for more in [STREAM, r#""stream":false"#] {
            let answer = ask(&engine, "", &chat(EGGS, &format!("{tools}{choice},{more}"))).await;
            assert_eq!(
                (answer.outcome.to_string().as_str(), answer.text.as_str()),
                ("complete(tool_calls)", "")
            );
            seen.push(answer.tool_calls.expect("a call"));
        }
        assert!(seen[0].contains("count") && seen[0].contains("How many eggs"), "{}", seen[0]);
        assert_eq!(seen[0], seen[1]);
    }
    let free = ask(&engine, "", &chat(EGGS, &format!(r#"{tools}"auto",{STREAM}"#))).await;
    assert_eq!((free.tool_calls, free.text.ends_with("A: 12")), (None, true));
}

#[tokio::test]
async fn tokens_are_counted_whatever_a_chunk_holds_and_a_limit_cuts() {
    let timing = Timing { tokens_per_chunk: 4, cold_requests: 1, ..Timing::instant() };
    let engine = running(Options { timing, ..options(&[]) }).await;
    let cold = ask(&engine, "", &chat(EGGS, STREAM)).await;
    let usage = cold.usage.unwrap();
    assert_eq!((usage.completion_tokens.div_ceil(4), usage.cached_tokens), (cold.token_chunks, Some(0)));
    let warm = ask(&engine, "", &chat(&EGGS.repeat(4), &format!("{STREAM},\"max_tokens\":5"))).await;
    assert_eq!(warm.outcome.to_string(), "complete(length)");
    assert_eq!((warm.usage.unwrap().completion_tokens, warm.token_chunks), (5, 2));
    assert!(warm.usage.unwrap().cached_tokens > Some(0));
}

#[tokio::test]
async fn usage_comes_only_when_it_is_asked_for() {
    let engine = running(options(&[])).await;
    let answer = ask(&engine, "", &chat(EGGS, r#""stream":true"#)).await;
    assert_eq!((answer.outcome.to_string().as_str(), answer.usage), ("complete(stop)", None));
}

#[tokio::test]
async fn other_routes_are_those_of_an_engine() {
    let engine = running(options(&[])).await;
    let check = async |method: &str, path: &str, body: &str, status: &str, part: &str| {
        let (raw, _) = exchange(&engine, method, path, "", body).await;
        assert!(raw.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {raw}");
        assert!(raw.contains(part), "{path}: {raw}");
    };
    check("GET", "/health", "", "200", "").await;
    check("GET", "/version", "", "200", "\"version\"").await;
    check("GET", "/v1/models", "", "200", "\"id\":\"m\"").await;
    check("GET", "/metrics", "", "200", "vllm:num_requests_running{model_name=\"m\"} 0").await;
    check("POST", "/tokenize", r#"{"model":"m","prompt":"one two"}"#, "200", "\"count\":2").await;
    check("POST", "/tokenize", &chat("one two", r#""n":1"#), "200", "\"count\":").await;
    check("GET", "/sleep", "", "404", "no such route").await;
    check("POST", "/v1/chat/completions", "{", "400", "BadRequestError").await;
    check("POST", "/v1/chat/completions", r#"{"model":"m"}"#, "400", "nothing is asked").await;
    check("POST", "/v1/chat/completions", r#"{"model":"x","messages":[]}"#, "404", "does not exist").await;
}

/// Which of many questions are hit, in the order asked.
async fn hits(seed: u64, questions: &[String]) -> Vec<bool> {
    let engine = running(Options { seed, ..options(&["error:rate=0.3"]) }).await;
    let mut hits = Vec::new();
    for question in questions {
        hits.push(ask(&engine, "", &chat(question, r#""stream":false"#)).await.outcome.is_error());
    }
    hits
}

#[tokio::test]
async fn fate_is_the_seeds_and_does_not_depend_on_the_order() {
    let questions: Vec<String> = (0..60).map(|number| format!("Question {number}?")).collect();
    let first = hits(1, &questions).await;
    assert_eq!(first, hits(1, &questions).await);
    assert_ne!(first, hits(2, &questions).await);
    let count = first.iter().filter(|&&hit| hit).count();
    assert!((8..30).contains(&count), "{count} of 60 at a rate of 0.3");
    let reversed: Vec<String> = questions.iter().rev().cloned().collect();
    let mut backwards = hits(1, &reversed).await;
    backwards.reverse();
    assert_eq!(first, backwards);
    let repeated = hits(1, &vec!["Again?".to_owned(); 60]).await;
    assert!(repeated.contains(&true) && repeated.contains(&false));
}

#[tokio::test]
async fn without_recorded_answers_a_question_has_its_own_made_up_one() {
    let made_up = async |seed: u64, question: &str| {
        let engine = running(Options { seed, timing: Timing::instant(), ..Options::new("m") }).await;
        ask(&engine, "", &chat(question, STREAM)).await.text
    };
    let text = made_up(1, "a").await;
    assert!(text.len() > 20);
    assert_eq!(text, made_up(1, "a").await);
    assert_ne!(text, made_up(1, "b").await);
    assert_ne!(text, made_up(2, "a").await);
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_place() {
    let engine = running(options(&["hang-mid-stream"])).await;
    let (_, end) = exchange(&engine, "POST", "/v1/chat/completions", "", &chat(EGGS, STREAM)).await;
    assert_eq!(end, End::Stalled);
    loop {
        let (page, _) = exchange(&engine, "GET", "/metrics", "", "").await;
        if page.contains("vllm:num_requests_running{model_name=\"m\"} 0") {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn timing_is_kept_on_the_paused_clock() {
    let timing = Timing {
        noise: 0.0,
        cold_requests: 100,
        prefill_ms_per_token: 0.0,
        prefill_ms: 200.0,
        gap_ms: 20.0,
        ..Timing::default()
    };
    let engine = Arc::new(engine::Engine::new(Options { timing, ..options(&[]) }));
    let before = tokio::time::Instant::now();
    let pace = pace::Pace::new(timing, 1.0, 1);
    let plan = script::Plan {
        called: None,
        id: 1,
        reply: recorded::Reply::new("one two six"),
        tokens: 3,
        ending: script::Ending::Stop,
        prompt_tokens: 0,
        cached_tokens: 0,
        fingerprint: String::new(),
        pace,
    };
    let request = serde_json::from_str(&chat("?", "\"stream\":true")).unwrap();
    let writer = writer::Writer::new(request::Endpoint::Chat, &request, &plan, "m");
    let body = stream::StreamBody::new(engine::InFlight::begin(Arc::clone(&engine)), writer, plan);
    let mut body = stream::EngineBody::Stream(Box::new(body));
    let mut at_ms = Vec::new();
    while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
        assert!(frame.is_ok());
        at_ms.push(before.elapsed().as_millis());
    }
    assert_eq!(at_ms, [200, 220, 240]);
    drop(body);
    assert_eq!(engine.in_flight(), 0);
}
