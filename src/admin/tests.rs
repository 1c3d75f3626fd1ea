//! The admin port over real sockets, in front of a control task on a temporary store.

use std::sync::Arc;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::testing::{Port, open, parts};
use super::{Access, AdminParts, Role, Token, bind};
use crate::control::Control;
use crate::store::Store;

#[tokio::test]
async fn a_rollout_is_started_watched_paused_and_aborted() {
    let port = open(Access::Loopback).await;
    let (status, made) = port.post("/api/v1/rollouts", json!({"id": "chat-v2"})).await;
    assert_eq!(
        (status, &made["id"], &made["stage"]),
        (StatusCode::CREATED, &json!("chat-v2"), &json!("prepare"))
    );
    assert_eq!(made["waiting"], json!(["the candidate to be ready"]));
    assert_eq!(made["stages"][3], json!({"stage": "ramp[0]", "label": "ramp 25%", "share": "25%"}));

    let (status, paused) = port.post("/api/v1/rollouts/chat-v2/pause", json!({})).await;
    assert_eq!((status, &paused["mode"]), (StatusCode::OK, &json!("paused")));
    let (status, refused) = port.post("/api/v1/rollouts/chat-v2/promote", json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(refused["type"], "urn:goldgate:problem:refused");
    assert_eq!(refused["detail"], "cannot promote: the rollout is paused; resume it first");
    let (_, over) = port.post("/api/v1/rollouts/latest/abort", json!({"why": "wrong model"})).await;
    let decided = json!({"ending": "operator", "exit_code": 1, "why": "an operator aborted: wrong model"});
    assert_eq!((&over["mode"], &over["decided"]), (&json!("over"), &decided));

    assert_eq!(port.get("/api/v1/rollouts/chat-v2").await["decided"], decided);
    assert_eq!(port.get("/api/v1/rollouts").await["rollouts"][0]["id"], "chat-v2");
    assert_eq!(port.get("/api/v1/rollouts/chat-v2/history").await["notes"].as_array().unwrap().len(), 3);
    assert_eq!(port.get("/api/v1/routes").await["candidate_share"], "0%");
    assert_eq!(port.get("/api/v1/verdicts").await["verdicts"], json!([]));
    assert_eq!(port.get("/api/v1/ledger").await, json!({"points": [], "crossings": []}));
    assert_eq!(port.get("/api/v1/margins").await, json!({"records": 0, "at": []}));
    port.close().await;
}

async fn check_problem(port: &Port, method: Method, path: &str, body: &str, expected: (u16, &str)) {
    let answer = port
        .request(method, path)
        .header("content-type", "application/json")
        .body(body.to_owned())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((status, &problem["status"]), (expected.0, &json!(expected.0)), "{path}: {problem}");
    assert!(problem["detail"].as_str().unwrap().contains(expected.1), "{path}: {problem}");
}

#[tokio::test]
async fn errors_are_problem_details_that_name_what_is_wrong() {
    let port = open(Access::Loopback).await;
    let (get, post) = (Method::GET, Method::POST);
    let rollouts = "/api/v1/rollouts";
    check_problem(&port, get.clone(), "/api/v1/rollouts/latest", "", (404, "no rollout was ever started"))
        .await;
    check_problem(&port, post.clone(), rollouts, "{\"id\": \"../x\"}", (422, "letters, digits")).await;
    check_problem(&port, post.clone(), rollouts, "{\"name\": \"x\"}", (400, "unknown field `name`")).await;
    check_problem(&port, post.clone(), rollouts, "{", (400, "EOF")).await;
    port.post(rollouts, json!({})).await;
    check_problem(&port, post.clone(), rollouts, "{}", (409, "rollout r1 is under way (prepare)")).await;
    check_problem(&port, post.clone(), "/api/v1/rollouts/r1/explode", "{}", (404, "no verb \"explode\""))
        .await;
    check_problem(&port, post, "/api/v1/rollouts/r7/abort", "{}", (404, "no rollout r7 is under way")).await;
    check_problem(&port, get, "/nowhere", "", (404, "nothing at /nowhere")).await;
    port.close().await;
}

fn token(port: &Port, method: Method, path: &str, secret: &str) -> reqwest::RequestBuilder {
    port.request(method, path).bearer_auth(secret).json(&json!({}))
}

#[tokio::test]
async fn each_role_may_do_its_part_and_no_more() {
    let tokens = [("see", Role::Viewer), ("run", Role::Operator), ("ship", Role::Approver)];
    let tokens = tokens.map(|(secret, role)| Token::new(secret, role)).to_vec();
    let port = open(Access::Tokens(tokens)).await;
    let status = |answer: Response| answer.status().as_u16();
    for (method, path, secret, expected) in [
        (Method::GET, "/api/v1/rollouts", "wrong", 401),
        (Method::GET, "/metrics", "wrong", 401),
        (Method::GET, "/api/v1/rollouts", "see", 200),
        (Method::POST, "/api/v1/rollouts", "see", 403),
        (Method::POST, "/api/v1/rollouts", "run", 201),
        (Method::POST, "/api/v1/rollouts/r1/promote", "run", 403),
        (Method::POST, "/api/v1/rollouts/r1/promote", "ship", 409),
        (Method::POST, "/api/v1/rollouts/r1/abort", "run", 200),
    ] {
        let answer = token(&port, method.clone(), path, secret).send().await.unwrap();
        assert_eq!(status(answer), expected, "{method} {path} as {secret}");
    }
    for open in ["/", "/healthz", "/readyz"] {
        assert_eq!(status(port.request(Method::GET, open).send().await.unwrap()), 200, "{open}");
    }
    port.close().await;
}

/// A page in somebody's browser must not be able to abort a rollout on this machine.
#[tokio::test]
async fn a_web_page_cannot_reach_the_port_through_a_browser() {
    let port = open(Access::Loopback).await;
    let form = port.request(Method::POST, "/api/v1/rollouts").header("content-type", "text/plain").body("{}");
    assert_eq!(form.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let rebound = port.request(Method::GET, "/api/v1/rollouts").header("host", "evil.example:8081");
    assert_eq!(rebound.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    for host in ["localhost:8081", "[::1]:8081", "127.0.0.2"] {
        let named = port.request(Method::GET, "/api/v1/rollouts").header("host", host);
        assert_eq!(named.send().await.unwrap().status(), StatusCode::OK, "{host}");
    }
    port.close().await;
}

#[tokio::test]
async fn open_to_the_network_without_tokens_is_refused() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(&format!("sqlite:{}", dir.path().join("state.db").display())).await.unwrap();
    let (control, task) = Control::spawn(parts(&dir, store)).await.unwrap();
    for access in [Access::Loopback, Access::Tokens(Vec::new())] {
        let parts =
            AdminParts { control: control.clone(), metrics: Arc::new(String::new), cache: None, access };
        let error = bind("0.0.0.0:0".parse().unwrap(), parts).await.unwrap_err().to_string();
        assert!(error.contains("0.0.0.0:0, which is not loopback"), "{error}");
    }
    task.stop().await;
}

async fn read_until(answer: &mut Response, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        read.push_str(&String::from_utf8_lossy(&answer.chunk().await.unwrap().unwrap()));
    }
    read
}

#[tokio::test]
async fn the_event_stream_resumes_after_the_last_id_and_ends_with_the_server() {
    let port = open(Access::Loopback).await;
    port.post("/api/v1/rollouts", json!({})).await;
    let mut first = port.request(Method::GET, "/api/v1/events").send().await.unwrap();
    assert_eq!(first.headers()["content-type"], "text/event-stream");
    let read = read_until(&mut first, "event: status").await;
    assert!(read.contains("id: 1") && read.contains("start: preparing the candidate"), "{read}");
    port.post("/api/v1/rollouts/r1/pause", json!({})).await;
    read_until(&mut first, "id: 2").await;

    let resumed = port.request(Method::GET, "/api/v1/events").header("last-event-id", "1");
    let read = read_until(&mut resumed.send().await.unwrap(), "id: 2").await;
    assert!(!read.contains("id: 1"), "{read}");
    let wrong = port.request(Method::GET, "/api/v1/events").header("last-event-id", "x");
    assert_eq!(wrong.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    port.close().await;
}

#[tokio::test]
async fn page_metrics_and_health_are_there() {
    let port = open(Access::Loopback).await;
    let page = port.request(Method::GET, "/").send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let page = page.text().await.unwrap();
    let outside: Vec<_> = page
        .match_indices("http")
        .filter(|(at, _)| !page[*at..].starts_with("http://www.w3.org/2000/svg"))
        .collect();
    assert!(outside.is_empty(), "the page needs nothing from elsewhere");
    let metrics = port.request(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(metrics.text().await.unwrap(), "goldgate_up 1\n");
    port.close().await;
}
