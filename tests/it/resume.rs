//! `kill -9` in the middle of a gate, and `--resume`: no answer is paid for twice, and the verdict is the one that would
//! have come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::rig::{Process, Workspace, run, until};

const CASES: usize = 60;

/// An engine that counts how often each case came, and takes its time.
struct Counting {
    url: String,
    asked: Arc<Mutex<HashMap<String, u32>>>,
    _tasks: JoinSet<()>,
}

const STREAM: &str = concat!(
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"It is 4.\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3}}\n\n",
    "data: [DONE]\n\n",
);

impl Counting {
    async fn start() -> Self {
        let asked = Arc::new(Mutex::new(HashMap::new()));
        let counts = Arc::clone(&asked);
        let answer = post(move |headers: HeaderMap| async move {
            let id = headers["x-goldgate-case"].to_str().expect("an id").to_owned();
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Counted when it is answered: what was asked and not answered may come again.
            *counts.lock().expect("no panic").entry(id).or_default() += 1;
            ([(header::CONTENT_TYPE, "text/event-stream")], STREAM)
        });
        let models = get(|| async { r#"{"data":[{"id":"mock"}]}"# });
        let router = Router::new().route("/v1/models", models).route("/v1/chat/completions", answer);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { url, asked, _tasks: tasks }
    }

    fn counts(&self) -> HashMap<String, u32> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn workspace() -> Workspace {
    let workspace = Workspace::rollout("http://127.0.0.1:1", "http://127.0.0.1:1");
    let case = |number| format!("{{\"id\": \"case-{number}\", \"prompt\": \"What is {number}?\"}}\n");
    workspace.write("cases.jsonl", &(0..CASES).map(case).collect::<String>());
    workspace.change("suite.toml", "margin = 0.6", "margin = 0.1");
    workspace
}

/// Ids with their arm of every whole line of the file.
fn kept(workspace: &Workspace) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(workspace.path("out/samples.jsonl")).unwrap_or_default();
    let whole = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let word = |row: &serde_json::Value, key: &str| row[key].as_str().expect("a word").to_owned();
    whole.map(|row| (word(&row, "arm"), word(&row, "id"))).collect()
}

#[tokio::test]
async fn a_gate_that_was_killed_goes_on_and_asks_no_case_again_that_has_its_answer() {
    let (blue, green) = (Counting::start().await, Counting::start().await);
    let workspace = workspace();
    let args =
        ["gate", "--suite", "suite.toml", "--blue", &blue.url, "--green", &green.url, "--format", "json"];
    let args = [&args[..], &["--concurrency", "4"]].concat();
    let with_out = [&args[..], &["--out", "out"]].concat();

    let gate = Process::goldgate(workspace.root(), &with_out);
    until("some answers", async || (kept(&workspace).len() >= 30).then_some(())).await;
    gate.kill().await;
    let before = kept(&workspace);
    assert!(before.len() < 2 * CASES, "it was killed in the middle");
    let answered = [blue.counts(), green.counts()];
    let torn = std::fs::OpenOptions::new().append(true).open(workspace.path("out/samples.jsonl"));
    std::io::Write::write_all(&mut torn.expect("the file"), b"{\"suite\":\"smoke\",\"id\":\"case-")
        .expect("room");

    let resumed = run(workspace.root(), &[&with_out[..], &["--resume"]].concat()).await;
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("the last line was cut off in writing"), "{}", resumed.stderr);
    let told = format!("resumed: {} answers were there already", before.len());
    assert!(resumed.stderr.contains(&told), "{told}: {}", resumed.stderr);
    for (arm, id) in &before {
        let (engine, then) = if arm == "baseline" { (&blue, &answered[0]) } else { (&green, &answered[1]) };
        assert_eq!(engine.counts()[id], then[id], "{arm} was asked again for {id}");
    }
    assert_eq!(kept(&workspace).len(), 2 * CASES);
    let uninterrupted = run(workspace.root(), &args).await;
    assert_eq!(String::from_utf8_lossy(&resumed.stdout), String::from_utf8_lossy(&uninterrupted.stdout));

    let again = run(workspace.root(), &[&with_out[..], &["--resume"]].concat()).await;
    assert_eq!(again.stdout, resumed.stdout, "all there: nothing is asked, and the verdict is the same");
    let other = run(workspace.root(), &[&with_out[..], &["--resume", "--seed", "9"]].concat()).await;
    assert_eq!(other.code, Some(2), "{}", other.stderr);
    assert!(other.stderr.contains("samples.jsonl:1:1: run: "), "{}", other.stderr);
}
