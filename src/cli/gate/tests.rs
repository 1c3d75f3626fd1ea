//! The gate from what was typed to its exit: real answers of two models, and every way to have no evidence.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::response::Html;
use clap::Parser;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::cli::{ColorChoice, Format, GlobalArgs};
use crate::judgment::Verdict;
use crate::report::read_run;

const GSM8K: &str = "eval-suites/gsm8k.toml";
const SMALL: &str = "file:datasets/gsm8k/answers/6b-finetuning.jsonl";
const LARGE: &str = "file:datasets/gsm8k/answers/175b-finetuning.jsonl";
const NUMBER: &str = "number@gsm8k-flexible";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// The gate, typed as `words`, where no configuration is; all of it but the verdict on stdout.
async fn gate(words: &[&str]) -> Result<Exit, Failure> {
    gate_with("nowhere/goldgate.toml".as_ref(), words).await
}

async fn gate_with(config: &Path, words: &[&str]) -> Result<Exit, Failure> {
    let (record, map) = recorded(config, words).await?;
    Ok(map.map(Exit::from(record.verdict)))
}

/// The verdict, and what an undecided one is mapped to.
async fn recorded(config: &Path, words: &[&str]) -> Result<(VerdictRecord, OnInconclusive), Failure> {
    let typed = Line::try_parse_from([&["gate"], words].concat()).unwrap();
    let global = GlobalArgs {
        config: config.to_owned(),
        color: ColorChoice::Never,
        format: Format::Text,
        log: String::new(),
    };
    Ok((judged(&typed.args, &Context::new(global)).await?, typed.args.on_inconclusive))
}

async fn check(words: &[&str], expected: Exit) {
    let ended = gate(words).await.unwrap_or_else(|failure| panic!("{words:?}: {failure}"));
    assert_eq!(ended, expected, "{words:?}");
}

async fn check_failure(words: &[&str], exit: Exit, said: &str) {
    let failure = gate(words).await.expect_err(said);
    assert_eq!(failure.exit(), exit, "{failure}");
    assert!(failure.to_string().contains(said), "{failure}");
}

/// A suite of two cases, and files of answers beside it.
struct Bench {
    folder: TempDir,
}

const TWO_CASES: &str = "{\"id\": \"a\", \"prompt\": \"2+2?\", \"reference\": \"4\"}\n{\"id\": \"b\", \"prompt\": \"3+3?\", \"reference\": \"6\"}\n";
const METRIC: &str = "[[metric]]\ngrader = \"number@gsm8k-flexible\"\nmargin = 0.02\nrequired = true\n";

impl Bench {
    fn new(cases: &str, metric: &str) -> Self {
        let bench = Self { folder: TempDir::new().unwrap() };
        bench.write("cases.jsonl", cases);
        bench.write("s.toml", &format!("name = \"s\"\ndataset = \"cases.jsonl\"\n{metric}"));
        bench
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn suite(&self) -> String {
        self.path("s.toml").display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn answers(&self, rows: &str) -> String {
        format!("file:{}", self.write("answers.jsonl", rows))
    }
}

#[tokio::test]
async fn the_better_of_two_real_models_passes_and_the_numbers_are_those_of_the_labels() {
    let out = TempDir::new().unwrap();
    let folder = out.path().display().to_string();
    check(&["--suite", GSM8K, "--blue", SMALL, "--green", LARGE, "--out", &folder], Exit::Success).await;

    let page = read_run(out.path()).unwrap();
    let record = page.decisive().unwrap();
    let metric = record.metrics.iter().find(|metric| metric.name == NUMBER).unwrap();
    let flips = metric.flips.unwrap();
    assert_eq!((record.verdict, metric.pairs, metric.missing), (Verdict::Pass, 1_319, 0));
    assert_eq!((flips.worse, flips.better), (88, 260));
    let right = |share: Option<f64>| (share.unwrap() * 1_319.0).round();
    assert_eq!((right(metric.baseline), right(metric.candidate)), (286.0, 458.0));
    assert_eq!(format!("{:+.4}", metric.difference.unwrap()), "+0.1304");

    let shown = &page.flips[0];
    assert_eq!((shown.both_right, shown.both_wrong, shown.better, shown.worse), (198, 773, 260, 88));
    assert!(!page.examples.is_empty() && page.examples.iter().all(|one| !one.question.is_empty()));
    let samples = std::fs::read_to_string(out.path().join("samples.jsonl")).unwrap();
    assert_eq!(samples.lines().count(), 2 * 1_319);
    report::html(&page).unwrap();
}

#[tokio::test]
async fn the_worse_of_two_real_models_fails() {
    let arms = ["--suite", GSM8K, "--blue", LARGE, "--green", SMALL];
    check(&arms, Exit::Regression).await;
    let typo = [&arms[..], &["--margin", "number=2%"]].concat();
    check_failure(&typo, Exit::Usage, "judged are number@gsm8k-flexible, similarity@cosine").await;
}

#[tokio::test]
async fn a_wide_margin_passes_what_a_narrow_one_leaves_undecided_and_ci_is_told_as_it_asked() {
    let cases: String = (0..60)
        .map(|n| format!("{{\"id\": \"c{n}\", \"prompt\": \"{n}+1?\", \"reference\": \"{}\"}}\n", n + 1))
        .collect();
    let right: String =
        (0..60).map(|n| format!("{{\"id\": \"c{n}\", \"output\": \"{}\"}}\n", n + 1)).collect();
    let bench = Bench::new(&cases, METRIC);
    let (suite, answers) = (bench.suite(), bench.answers(&right));
    let arms = ["--suite", &suite, "--blue", &answers, "--green", &answers];
    let with = |more: &[&'static str]| [&arms[..], more].concat();
    check(&with(&[]), Exit::Inconclusive).await;
    check(&with(&["--on-inconclusive", "fail"]), Exit::Regression).await;
    check(&with(&["--on-inconclusive", "pass"]), Exit::Success).await;
    check(&with(&["--margin", "20%"]), Exit::Success).await;
    check(&with(&["--margin", "number@gsm8k-flexible=0.2"]), Exit::Success).await;
}

#[tokio::test]
async fn nothing_evaluated_is_invalid() {
    for bench in [Bench::new("", METRIC), Bench::new(TWO_CASES, "")] {
        let answers =
            bench.answers("{\"id\": \"a\", \"output\": \"4\"}\n{\"id\": \"b\", \"output\": \"6\"}\n");
        let words = ["--suite", &bench.suite(), "--blue", &answers, "--green", &answers];
        check(&words, Exit::Invalid).await;
        check(&[&words[..], &["--on-inconclusive", "pass"]].concat(), Exit::Invalid).await;
    }
}

#[tokio::test]
async fn answers_that_lack_cases_are_invalid_and_files_that_are_none_are_usage() {
    let bench = Bench::new(TWO_CASES, METRIC);
    let suite = bench.suite();
    let short = bench.answers("{\"id\": \"a\", \"output\": \"4\"}\n");
    check(&["--suite", &suite, "--blue", &short, "--green", &short], Exit::Invalid).await;
    let strangers = bench.answers("{\"id\": \"z\", \"output\": \"4\"}\n");
    check(&["--suite", &suite, "--blue", &strangers, "--green", &strangers], Exit::Invalid).await;

    let page = bench.answers("<html>");
    let usage = Exit::Usage;
    check_failure(&["--suite", &suite, "--blue", &page, "--green", &page], usage, "answers.jsonl:1:").await;
    check_failure(&["--suite", &suite, "--blue", "file:none", "--green", "file:none"], usage, "none").await;
    check_failure(&["--suite", "none.toml", "--blue", SMALL, "--green", LARGE], usage, "none.toml").await;
    check_failure(&["--suite", &suite, "--blue", SMALL, "--green", "ftp://x"], usage, "http or https").await;
    check_failure(&["--suite", &suite, "--blue", SMALL], usage, "nowhere/goldgate.toml").await;
}

#[tokio::test]
async fn a_configuration_of_promptfoo_is_a_suite_and_what_is_not_checked_is_named() {
    const TICKETS: &str = "tests/data/promptfoo/tickets/promptfooconfig.yaml";
    let bench = Bench::new("", METRIC);
    let row = |id: u32, output: &str| {
        let row = serde_json::json!({ "id": format!("test-{id}"), "output": output, "timing": { "e2e_ms": 1_000 } });
        format!("{row}\n")
    };
    let right = row(1, r#"{"urgent": true, "product": "printer"}"#) + &row(2, "{}") + &row(3, "mouse");
    let (blue, green) = (
        bench.answers(&right),
        format!("file:{}", bench.write("green.jsonl", &right.replace("printer", "desk"))),
    );
    let words = ["--suite", TICKETS, "--blue", &blue, "--green", &green];
    check_failure(&words, Exit::Usage, "promptfooconfig.yaml:20:9: assert: javascript runs code").await;
    let allowed = [&words[..], &["--allow-unsupported"]].concat();
    let (record, _) = recorded("nowhere/goldgate.toml".as_ref(), &allowed).await.unwrap();
    let success = &record.metrics[0];
    assert_eq!((success.name.as_str(), success.pairs, success.missing), ("success@promptfoo", 2, 0));
    assert_eq!((success.baseline, success.candidate), (Some(1.0), Some(0.5)));
    assert_eq!((success.sources[0].file.as_str(), success.sources[0].line), (TICKETS, 6));
    let named = record.checks.iter().find(|check| check.name == "assertions").unwrap();
    assert!(named.text.as_ref().is_some_and(|text| text.contains("5 of 9 assertions are checked; not: contains (1), javascript")));
}

#[tokio::test]
async fn an_engine_that_is_not_there_or_is_a_web_page_is_invalid() {
    let bench = Bench::new(TWO_CASES, METRIC);
    let suite = bench.suite();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let router = Router::new().fallback(|| async { Html("<html>welcome</html>") });
        axum::serve(listener, router).await.unwrap();
    });
    check_failure(&["--suite", &suite, "--blue", SMALL, "--green", &url], Exit::Invalid, "a web page").await;
    tasks.shutdown().await;
    check_failure(&["--suite", &suite, "--blue", &url, "--green", SMALL], Exit::Invalid, "cannot be reached")
        .await;
}

#[tokio::test]
async fn what_is_not_typed_comes_from_the_configuration() {
    let bench = Bench::new(TWO_CASES, METRIC);
    let slots = "version = 1\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n";
    let config = bench.path("goldgate.toml");
    let ended = |text: String| {
        std::fs::write(&config, text).unwrap();
        gate_with(&config, &[])
    };
    let said = ended(slots.to_owned()).await.unwrap_err().to_string();
    assert!(said.contains("no suite to run"), "{said}");
    let gated = format!("{slots}[rollout]\ngate = [\"s.toml\"]\n");
    let said = ended(gated.clone()).await.unwrap_err().to_string();
    assert!(said.contains("slots.green is not configured"), "{said}");
    let both = format!("{gated}[slots.green]\nendpoints = [\"http://127.0.0.1:1\"]\n");
    let failure = ended(both).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Invalid);
    assert!(failure.to_string().contains("http://127.0.0.1:1: baseline"), "{failure}");
}

/// The example of sacrebleu's README: the corpus scores 48.530827, which no mean of its sentences gives.
#[tokio::test]
async fn the_published_corpus_score_stands_beside_the_mean_of_the_answers() {
    let rows = [
        ("The dog bit the man.", ["The dog bit the man.", "The dog had bit the man."]),
        ("It wasn't surprising.", ["It was not unexpected.", "No one was surprised."]),
        ("The man had just bitten him.", ["The man bit him first.", "The man had bitten the dog."]),
    ];
    let (mut cases, mut answers) = (String::new(), String::new());
    for (id, (output, references)) in (0..).zip(rows) {
        cases += &format!(
            "{}\n",
            serde_json::json!({"id": id.to_string(), "prompt": "?", "reference": references})
        );
        answers += &format!("{}\n", serde_json::json!({"id": id.to_string(), "output": output}));
    }
    let metric = "[[metric]]\ngrader = \"bleu@sacrebleu-13a\"\nmargin = 0.1\nrequired = true\n";
    let bench = Bench::new(&cases, metric);
    let (suite, answers) = (bench.suite(), bench.answers(&answers));
    let words = ["--suite", &suite, "--blue", &answers, "--green", &answers];
    let (record, _) = recorded("nowhere/goldgate.toml".as_ref(), &words).await.unwrap();
    let said =
        "bleu@sacrebleu-13a over the whole corpus: baseline 0.4853, candidate 0.4853; shown, not tested";
    assert!(record.reasons.iter().any(|reason| reason == said), "{:?}", record.reasons);
    assert_eq!(format!("{:.4}", record.metrics[0].baseline.unwrap()), "0.4796");
}
