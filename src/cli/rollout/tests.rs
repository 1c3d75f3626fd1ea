//! The verbs against an admin port over real sockets.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use clap::Parser;
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::admin::testing::{Port, open, open_with};
use crate::admin::{Access, Role, Token};
use crate::cli::{ColorChoice, GlobalArgs};
use crate::wire::fixture;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn context() -> Context {
    let (config, log) = ("goldgate.toml".into(), String::new());
    Context::new(GlobalArgs { config, color: ColorChoice::Never, format: Format::Text, log })
}

async fn rollout(url: &str, words: &str) -> Result<Exit, Failure> {
    let words = ["rollout", "--admin", url].into_iter().chain(words.split_whitespace());
    run(Line::try_parse_from(words).unwrap().args, &context()).await
}

async fn check(port: &Port, words: &str, expected: Exit) {
    let ended = rollout(&format!("http://{}", port.address), words).await;
    let ended = ended.unwrap_or_else(|failure| panic!("{words}: {failure}"));
    assert_eq!(ended, expected, "{words}");
}

async fn check_failure(url: &str, words: &str, exit: Exit, said: &str) {
    let failure = rollout(url, words).await.expect_err(words);
    assert_eq!(failure.exit(), exit, "{words}: {failure}");
    assert!(failure.to_string().contains(said), "{words}: {failure}");
}

#[tokio::test]
async fn an_operator_starts_pauses_resumes_and_aborts_and_ci_hears_of_it() {
    let port = open(Access::Loopback).await;
    let url = format!("http://{}/", port.address);
    check_failure(&url, "status", Exit::Usage, "no rollout was ever started").await;
    check(&port, "start --id chat-v2", Exit::Success).await;
    check_failure(&url, "start", Exit::Usage, "rollout chat-v2 is under way").await;
    check(&port, "pause", Exit::Success).await;
    check_failure(&url, "promote", Exit::Usage, "paused; resume it first").await;
    check(&port, "resume chat-v2 --why again", Exit::Success).await;
    check_failure(&url, "rollback", Exit::Usage, "nothing is promoted yet").await;
    check_failure(&url, "status r7", Exit::Usage, "no rollout r7").await;
    check(&port, "status", Exit::Success).await;
    check(&port, "status --wait --timeout 20ms", Exit::Inconclusive).await;
    check(&port, "status --wait --timeout 20ms --on-inconclusive fail", Exit::Regression).await;
    check(&port, "explain", Exit::Success).await;

    let (waited, ()) = tokio::join!(rollout(&url, "status --wait"), async {
        check(&port, "abort chat-v2 --why wrong", Exit::Success).await;
    });
    assert_eq!(waited.unwrap(), Exit::Regression);
    let decided = port.get("/api/v1/rollouts/chat-v2").await["decided"].clone();
    assert_eq!(decided["why"], "an operator aborted: wrong");
    for words in ["history", "history chat-v2", "explain chat-v2", "watch chat-v2"] {
        check(&port, words, Exit::Success).await;
    }
    port.close().await;
}

/// A port in front of a candidate that is ready, and passes its gate.
async fn open_ready() -> Port {
    open_with(Access::Loopback, |parts| {
        let mut passed = fixture::judgment();
        passed.verdict = crate::judgment::Verdict::Pass;
        parts.prepare = Arc::new(|_| async { Ok(None) }.boxed());
        parts.gate = Arc::new(move |_| {
            let passed = passed.clone();
            async move { Ok(passed) }.boxed()
        });
    })
    .await
}

async fn until(port: &Port, stage: &str) {
    while port.get("/api/v1/rollouts/latest").await["stage"] != stage {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_share_that_is_copied_is_shown_with_its_bounds() {
    let port = open_ready().await;
    check(&port, "start", Exit::Success).await;
    until(&port, "mirror").await;
    let routes = port.get("/api/v1/routes").await;
    assert_eq!([&routes["mirror_share"], &routes["mirror_share_max"]], ["1%", "10%"]);
    let mut latest = port.get("/api/v1/rollouts/latest").await;
    assert_eq!(latest["mirror_share"], json!({"now": "1%", "min": "1%", "max": "10%"}));
    let text = |latest: &serde_json::Value| text::status(&serde_json::from_value(latest.clone()).unwrap());
    assert!(
        text(&latest).contains("copies   1% of the requests, between 1% and 10% by what the judge needs")
    );
    latest["mirror_share"]["max"] = json!("1%");
    assert!(text(&latest).contains("copies   1% of the requests\n"), "{}", text(&latest));
    check(&port, "promote", Exit::Success).await;
    assert_eq!(port.get("/api/v1/rollouts/latest").await["mirror_share"], json!(null));
    assert_eq!(port.get("/api/v1/routes").await["mirror_share_max"], "1%");
    port.close().await;
}

#[tokio::test]
async fn a_promoted_rollout_ends_the_wait_well_and_can_still_be_rolled_back() {
    let port = open_ready().await;
    check(&port, "start", Exit::Success).await;
    until(&port, "mirror").await;
    for _ in 0..3 {
        check(&port, "promote", Exit::Success).await;
    }
    check(&port, "status --wait --timeout 1m", Exit::Success).await;
    check(&port, "rollback r1 --why late", Exit::Success).await;
    check(&port, "status r1 --wait", Exit::Regression).await;
    port.close().await;
}

#[tokio::test]
async fn a_watcher_of_one_rollout_is_told_its_end_and_leaves() {
    let port = open(Access::Loopback).await;
    check(&port, "start", Exit::Success).await;
    let url = format!("http://{}", port.address);
    let watching = rollout(&url, "watch r1");
    let (watched, ()) = tokio::join!(watching, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        check(&port, "abort", Exit::Success).await;
    });
    assert_eq!(watched.unwrap(), Exit::Success);
    port.close().await;
}

#[tokio::test]
async fn a_token_is_sent_and_its_lack_is_told_with_the_remedy() {
    let tokens = vec![Token::new("see", Role::Viewer)];
    let port = open(Access::Tokens(tokens)).await;
    let url = format!("http://{}", port.address);
    let api = |token: Option<&str>| Api::new(&url, token.map(str::to_owned)).unwrap();
    let said = api(None).get(&["rollouts"]).await.unwrap_err().to_string();
    assert!(said.contains("GOLDGATE_TOKEN"), "{said}");
    assert!(api(Some("see")).get(&["rollouts"]).await.is_ok());
    let forbidden = api(Some("see")).post(&["rollouts"], &json!({})).await.unwrap_err();
    assert!(forbidden.to_string().contains("a token whose role may do this"), "{forbidden}");
    assert!(Api::new(&url, Some("two\nlines".to_owned())).is_err());
    port.close().await;
}

#[tokio::test]
async fn what_is_no_admin_port_is_told_apart_from_a_refusal() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let router = Router::new().fallback(|| async { Html("<html>welcome</html>") });
        axum::serve(listener, router).await.unwrap();
    });
    for words in ["status", "explain", "history", "abort", "watch", "status --wait"] {
        check_failure(&url, words, Exit::Invalid, "status 200 with text/html").await;
    }
    tasks.shutdown().await;
    for words in ["status", "start", "watch r1", "status --wait"] {
        check_failure(&url, words, Exit::Invalid, "cannot be reached").await;
    }
    check_failure("127.0.0.1:8081", "status", Exit::Usage, "no http or https URL").await;
    check_failure("localhost:8081", "status", Exit::Usage, "no http or https URL").await;
}

#[test]
fn a_name_that_would_be_another_path_is_refused_where_it_is_typed() {
    for name in ["..", ".", "", "/x", "-x"] {
        assert!(rollout_id(name).is_err(), "{name:?}");
    }
    assert!(rollout_id("chat-v2").is_ok());
}

#[test]
fn the_command_line_is_sound_and_a_timeout_needs_a_wait() {
    use clap::CommandFactory;
    Line::command().debug_assert();
    assert!(Line::try_parse_from(["rollout", "status", "--timeout", "5m"]).is_err());
}
