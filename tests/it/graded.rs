//! A model that compares the answers of both arms: the whole gate, the model gone, and the same verdict from what was kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::header;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::rig::{Workspace, run};

const CASES: usize = 60;

/// A model that prefers the answer with a reason in it, and what stands first where both or neither have one.
struct Grader {
    url: String,
    asked: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

fn stream(said: &str) -> String {
    let chunk =
        serde_json::json!({"choices": [{"index": 0, "delta": {"content": said}, "finish_reason": "stop"}]});
    format!("data: {chunk}\n\ndata: [DONE]\n\n")
}

impl Grader {
    async fn start() -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let answer = post(move |body: String| async move {
            counter.fetch_add(1, Ordering::SeqCst);
            let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
            let prompt = body["messages"][0]["content"].as_str().expect("a text");
            let (a, b) = prompt.split_once("second:").expect("two answers");
            let second = b.contains("because") && !a.contains("because");
            let said = if second { "[[B]]" } else { "[[A]]" };
            ([(header::CONTENT_TYPE, "text/event-stream")], stream(said))
        });
        let models = get(|| async { r#"{"data":[{"id":"big"}]}"# });
        let router = Router::new().route("/v1/models", models).route("/v1/chat/completions", answer);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { url, asked, tasks }
    }
}

fn workspace(url: &str) -> Workspace {
    let workspace = Workspace::empty();
    let suite = format!(
        "name = \"compared\"\ndataset = \"cases.jsonl\"\n[grader_model]\nurl = \"{url}\"\nmodel = \"big\"\n\
         [[metric]]\ngrader = \"model_graded@1\"\nname = \"reasoned\"\nrubric = \"Which gives a reason?\"\n\
         prompt = \"pair.j2\"\nmargin = 0.2\nrequired = true\n"
    );
    workspace.write("suite.toml", &suite);
    workspace.write("pair.j2", "{{ rubric }} {{ question }} first: {{ answer_a }} second: {{ answer_b }}\n");
    let case = |number| format!("{{\"id\": \"case-{number}\", \"prompt\": \"Why is {number} odd?\"}}\n");
    workspace.write("cases.jsonl", &(0..CASES).map(case).collect::<String>());
    let answers = |reasons: fn(usize) -> bool| -> String {
        let text = |number| if reasons(number) { "It is, because of its last digit." } else { "It just is" };
        (0..CASES).map(|n| format!("{{\"id\": \"case-{n}\", \"output\": \"{}, {n}\"}}\n", text(n))).collect()
    };
    workspace.write("plain.jsonl", &answers(|number| number < 5));
    workspace.write("reasoned.jsonl", &answers(|number| number % 2 == 0));
    workspace
}

/// The same texts tie without a question; the other pairs are asked about twice.
#[tokio::test]
async fn a_model_grades_both_orders_and_its_word_is_kept() {
    let grader = Grader::start().await;
    let workspace = workspace(&grader.url);
    let gate = |blue: &str, green: &str, more: &[&str]| {
        let (blue, green) = (format!("file:{blue}.jsonl"), format!("file:{green}.jsonl"));
        let words = ["gate", "--suite", "suite.toml", "--blue", &blue, "--green", &green];
        let words: Vec<String> = words.iter().chain(more).map(|word| (*word).to_owned()).collect();
        let root = workspace.root();
        async move { run(root, &words.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    let out = ["--format", "json", "--out", "out"];
    let better = gate("plain", "reasoned", &out).await;
    assert_eq!(better.code, Some(0), "{}", better.stderr);
    assert!(better.stderr.contains("reasoned is model_graded@1:"), "{}", better.stderr);
    // Odd ones of the first five only plain explains, even ones from five on only the other; nothing else differs.
    let verdict: serde_json::Value = serde_json::from_slice(&better.stdout).expect("JSON");
    let told = "reasoned: 29 pairs were compared in both orders; 0 are ties because the orders disagreed";
    assert!(verdict["reasons"].as_array().expect("reasons").iter().any(|reason| reason == told), "{verdict}");
    assert_eq!(verdict["metrics"][0]["flips"], serde_json::json!({"better": 27, "worse": 2}));
    assert_eq!(grader.asked.load(Ordering::SeqCst), 58);
    assert_eq!(
        std::fs::read_to_string(workspace.path("out/comparisons.jsonl")).expect("a file").lines().count(),
        58
    );

    let worse = gate("reasoned", "plain", &[]).await;
    assert_eq!(worse.code, Some(1), "{}", worse.stderr);

    let Grader { mut tasks, .. } = grader;
    tasks.shutdown().await;
    let again = gate("plain", "reasoned", &[&out[..], &["--resume"]].concat()).await;
    assert_eq!(
        (again.code, &again.stdout),
        (Some(0), &better.stdout),
        "judged again without the model: {}",
        again.stderr
    );
    let gone = gate("plain", "reasoned", &[]).await;
    assert_eq!(gone.code, Some(4), "{}", gone.stderr);
    assert!(gone.stderr.contains("grader model: the engine cannot be reached"), "{}", gone.stderr);

    workspace.change(
        "suite.toml",
        "model = \"big\"",
        "model = \"big\"\nkey = \"env:GOLDGATE_TEST_NO_SUCH_KEY\"",
    );
    let keyless = gate("plain", "reasoned", &[]).await;
    assert_eq!(keyless.code, Some(2), "{}", keyless.stderr);
    assert!(keyless.stderr.contains("suite.toml:6:7: grader_model.key: the variable"), "{}", keyless.stderr);
}
