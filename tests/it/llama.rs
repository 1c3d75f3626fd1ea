//! A real inference server, llama.cpp's `llama-server`, in the slots: what it does well, and how it breaks.
//!
//! Runs where `LLAMA_SERVER` names the program and `LLAMA_MODELS` the folder with `tiny-a.gguf` and `tiny-b.gguf`,
//! two models of seeded random weights. Elsewhere each test says that it was skipped.

mod attest;
mod replay;
mod server;

use goldgate::domain::MetricName;
use goldgate::evidence::Record;
use goldgate::mock_engine::Timing;
use goldgate::store::read_evidence;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::rig::{Ask, Book, GREEN, Serve, Traffic, Workspace, run};
use replay::{Replay, TRANSCRIPT};
pub(crate) use server::Installed;
use server::tell;

/// Answers of a model that says nonsense are long enough at this.
const TOKENS: &str = "temperature = 0.0\nmax_tokens = 24";

/// What draws every byte about as likely as any other.
fn wild() -> Value {
    json!({"temperature": 8.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "max_tokens": 48,
           "stream_options": {"include_usage": true}})
}

/// A workspace whose blue slot serves `blue_model`.
fn workspace(blue: &str, blue_model: &str, green: &str, green_model: &str) -> Workspace {
    let workspace = Workspace::rollout(blue, green);
    for (slot, model) in [("blue", blue_model), ("green", green_model)] {
        workspace.release(slot, model);
        workspace.change(&format!("releases/{slot}/release.toml"), "temperature = 0.0", TOKENS);
        workspace.lock(slot);
    }
    workspace
}

#[tokio::test]
async fn a_whole_rollout_from_one_real_model_to_another() {
    let Some(installed) = Installed::find() else { return };
    let (blue, green) = (installed.start("tiny-a", &[]).await, installed.start("tiny-b", &[]).await);
    let workspace = workspace(&blue.url, "tiny-a", &green.url, "tiny-b");
    let serve = Serve::start(&workspace).await;
    let traffic = Traffic::start(&serve.clients, &Book::open().questions);
    serve.admin.start("r1").await;
    let promoted = serve.admin.wait_for_stage("keep_warm").await;
    assert_eq!(promoted["decided"]["ending"], "promoted");
    let releases = ["blue", "green"].map(|slot| workspace.short_id(slot));
    let mut seen = [0, 0];
    for heard in traffic.stop().await {
        let answer = heard.answer.unwrap_or_else(|error| panic!("question {}: {error}", heard.question));
        assert!(!answer.content.is_empty() && answer.content.is_ascii(), "{answer:?}");
        let which = releases.iter().position(|release| *release == answer.release).expect("one of the two");
        seen[which] += 1;
    }
    assert!(seen.iter().all(|count| *count > 10), "answers of the two models: {seen:?}");
    assert_eq!(serve.stop().await.code, Some(0));
}

#[tokio::test]
async fn no_golden_answer_is_lost_where_the_server_closes_its_connections() {
    let Some(installed) = Installed::find() else { return };
    // It closes a connection after a hundred answers, and announces it to nobody who is about to send.
    let llama = installed.start("tiny-a", &[]).await;
    let workspace = workspace(&llama.url, "tiny-a", &llama.url, "tiny-a");
    workspace.change("suite.toml", "cases.jsonl", &Book::dataset());
    workspace.change("suite.toml", "max_tokens = 64", "max_tokens = 4");
    let args = ["eval", "--suite", "suite.toml", "--target", &llama.url, "--concurrency", "4"];
    let ended = run(workspace.root(), &args).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// A server in whose mirror stage blue, at `blue`, is about to break; green answers from its records.
async fn before_the_break(blue: &str) -> (Workspace, Serve, goldgate::mock_engine::Running) {
    let green = Book::engine(GREEN, Timing::instant()).await;
    let workspace = workspace(blue, "tiny-a", &green.url(), GREEN);
    workspace.change("goldgate.toml", "mirror = { min = \"1s\"", "mirror = { min = \"100s\"");
    workspace.change("goldgate.toml", "drain = \"20s\"", "drain = \"20s\"\ntimeouts = { idle = \"2s\" }");
    let serve = Serve::start(&workspace).await;
    serve.admin.start("r1").await;
    serve.admin.wait_for_stage("mirror").await;
    (workspace, serve, green)
}

/// Ends the server, which writes its evidence, and looks for the one pair: blue has `metric`, green has nothing.
async fn check_evidence(workspace: &Workspace, serve: Serve, metric: &str) {
    serve.admin.wait("the pair", |status| status["records"].as_u64() >= Some(1)).await;
    let broken = serve.admin.metrics().await.event("broken");
    assert_eq!(serve.stop().await.code, Some(0));
    let records = read_evidence(&workspace.path("evidence/rollout=r1")).expect("evidence");
    let [Record::Pair(pair)] = &records[..] else { panic!("one pair: {records:?} ({broken} broke off)") };
    for name in ["error", "broken"] {
        let halves = pair.metrics.iter().find(|(known, _)| *known == MetricName::from(name)).expect(name).1;
        let blue = if name == metric { 1.0 } else { 0.0 };
        assert_eq!((halves.baseline, halves.candidate), (Some(blue), Some(0.0)), "{name}");
    }
}

#[tokio::test]
async fn a_stream_that_bad_utf8_broke_is_seen_as_truncated_and_passed_on_as_it_is() {
    let Some(installed) = Installed::find() else { return };
    let llama = installed.start("tiny-a", &[]).await;
    let found = llama.broken_by(&wild()).await;
    let replay = Replay::start("tiny-a").await;
    let (url, fields) = match &found {
        Some(fields) => (&llama.url, fields.clone()),
        None => (&replay.url, wild()),
    };
    tell(if found.is_some() {
        "llama: a stream that the server itself broke"
    } else {
        "llama: the server broke no stream by bad UTF-8 today; the recorded one is replayed through a socket"
    });
    let (workspace, serve, _green) = before_the_break(url).await;
    let mut stream = serve.clients.begin(&Ask { fields, ..Ask::streamed("hello") }).await.unwrap();
    let end = stream.finish().await;
    let text = String::from_utf8_lossy(&stream.body);
    assert!(
        !text.contains("[DONE]") && !text.contains("\"finish_reason\":\""),
        "an end that nobody sent: {text}"
    );
    if found.is_none() {
        assert_eq!(text, TRANSCRIPT, "every byte, and none beside them");
        assert_eq!(end, Ok(()), "the connection ended well, which is the trap");
    }
    check_evidence(&workspace, serve, "broken").await;
}

#[tokio::test]
async fn an_error_inside_a_200_is_seen_as_an_error() {
    let Some(installed) = Installed::find() else { return };
    let llama = installed.start("tiny-a", &[]).await;
    let mut sampling = wild();
    sampling["response_format"] = json!({"type": "json_object"});
    let fields = llama.broken_by(&sampling).await.expect("JSON that the server itself cannot read");
    let (workspace, serve, _green) = before_the_break(&llama.url).await;
    let mut stream = serve.clients.begin(&Ask { fields, ..Ask::streamed("hello") }).await.unwrap();
    stream.finish().await.unwrap();
    let text = String::from_utf8_lossy(&stream.body);
    assert!(text.contains("{\"error\":") && !text.contains("[DONE]"), "{text}");
    check_evidence(&workspace, serve, "error").await;
}

/// Ends blue by `signal` while it speaks; the client must hear of it.
async fn check_signal(signal: &str) {
    let Some(installed) = Installed::find() else { return };
    // It goes on for ever: what does not fit is shifted out of its context.
    let llama = installed.start("tiny-a", &["--context-shift"]).await;
    let (workspace, serve, _green) = before_the_break(&llama.url).await;
    let fields = json!({"max_tokens": 10_000_000, "ignore_eos": true});
    let mut stream = serve.clients.begin(&Ask { fields, ..Ask::streamed("hello") }).await.unwrap();
    stream.reads("\"content\":\"").await;
    llama.process.signal(signal).await;
    let since = Instant::now();
    let end = stream.finish().await;
    let text = String::from_utf8_lossy(&stream.body);
    assert!(end.is_err() && !text.contains("[DONE]"), "a clean end after {:?}", since.elapsed());
    assert_eq!(serve.admin.metrics().await.event("broken"), 1.0);
    check_evidence(&workspace, serve, "broken").await;
}

#[tokio::test]
async fn a_server_that_falls_silent_at_sigterm_is_given_up_after_the_idle_limit() {
    check_signal("TERM").await;
}

#[tokio::test]
async fn a_server_that_is_killed_in_mid_stream_ends_the_clients_stream_with_an_error() {
    check_signal("KILL").await;
}
