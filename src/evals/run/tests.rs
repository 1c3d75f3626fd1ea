//! Runs against small engines of the test: answers that fail, get lost, or never come.

mod compared;
mod limits;

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpListener as StdListener;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::domain::{Finish, MetricKind};
use crate::evals::{Arrivals, Timing, judge_runs};
use crate::evals::{
    Ask, Case, Endpoint, Grader, LatencyMargins, NumberFilter, NumberMatch, RecordedAnswers, RequestSpec,
    SliceRule, SuiteMetric,
};
use crate::evidence::Halves;
use crate::judgment::Verdict;
use crate::release::Lock;
use crate::telemetry::SystemClock;

const STREAM: &str = concat!(
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"A: \"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"4\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3}}\n\n",
    "data: [DONE]\n\n",
);

/// What an answer takes that is asked for slowly.
const SLOW: Duration = Duration::from_millis(40);

/// A server that answers chat requests by what the last message says.
struct FakeEngine {
    url: String,
    _tasks: JoinSet<()>,
}

impl FakeEngine {
    async fn start() -> Self {
        let models =
            get(|| async { ([(header::CONTENT_TYPE, "application/json")], r#"{"data":[{"id":"fake-1"}]}"#) });
        let router = Router::new().route("/v1/models", models).route("/v1/chat/completions", post(chat));
        Self::serve(router).await
    }

    async fn serve(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, _tasks: tasks }
    }

    fn source(&self) -> ArmSource {
        ArmSource::Engine(Endpoint::new(&format!("{}/v1/", self.url)).unwrap())
    }
}

async fn chat(body: String) -> impl IntoResponse {
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((body["model"].as_str(), body["stream"].as_bool()), (Some("fake-1"), Some(true)));
    assert_eq!(
        (&body["stream_options"]["include_usage"], &body["max_tokens"]),
        (&Value::Bool(true), &Value::from(64))
    );
    match body["messages"][0]["content"].as_str().unwrap() {
        "slow" => {
            tokio::time::sleep(SLOW).await;
            (StatusCode::OK, [(header::CONTENT_TYPE, "text/event-stream")], STREAM)
        }
        "busy" => {
            // On the thread of the client, which then measures itself.
            std::thread::sleep(SLOW);
            (StatusCode::OK, [(header::CONTENT_TYPE, "text/event-stream")], STREAM)
        }
        "fail" => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "application/json")], "{}"),
        "page" => (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], "<html>4</html>"),
        "break" => (StatusCode::OK, [(header::CONTENT_TYPE, "text/event-stream")], &STREAM[..200]),
        _ => (StatusCode::OK, [(header::CONTENT_TYPE, "text/event-stream")], STREAM),
    }
}

fn options() -> RunOptions {
    let clock = Arc::new(SystemClock::start());
    RunOptions {
        concurrency: 4,
        seed: None,
        pace: None,
        warm_up: 0,
        caps: Caps::default(),
        sequential: None,
        timeouts: Timeouts::default(),
        clock,
    }
}

pub(in crate::evals) fn suite(prompts: &[&str]) -> Suite {
    let case = |(index, prompt): (usize, &&str)| Case {
        id: format!("case-{index}"),
        ask: Ask::Prompt((*prompt).to_owned()),
        references: vec!["4".to_owned()],
        tags: Vec::new(),
        cluster: None,
    };
    let grader = Grader::Number(NumberMatch::new(NumberFilter::Flexible).unwrap());
    let metric = SuiteMetric {
        name: "number".into(),
        grader_id: "number".into(),
        grader,
        margin: 0.02,
        required: true,
    };
    let sampling = serde_json::Map::from_iter([("max_tokens".to_owned(), Value::from(64))]);
    Suite {
        name: "s".to_owned(),
        version: None,
        file: "s.toml".to_owned(),
        cases: prompts.iter().enumerate().map(case).collect(),
        repeats: 1,
        seed: 1,
        request: RequestSpec { sampling, ..RequestSpec::default() },
        metrics: vec![metric],
        latency: LatencyMargins { ttft: Some(0.1), token: Some(0.06), ..LatencyMargins::default() },
        slices: SliceRule::Show,
        digest: "suite:0".to_owned(),
        places: crate::evals::Places::default(),
    }
}

fn recorded(rows: &str) -> ArmSource {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(rows.as_bytes()).unwrap();
    ArmSource::Recorded(RecordedAnswers::read(file.path()).unwrap())
}

async fn run_quietly(
    suite: &Suite,
    baseline: ArmSource,
    candidate: ArmSource,
) -> Result<GoldenRun, EvalError> {
    run_with(suite, baseline, candidate, &options(), &mut |_| {}).await
}

async fn run_with(
    suite: &Suite,
    baseline: ArmSource,
    candidate: ArmSource,
    options: &RunOptions,
    on_progress: OnProgress<'_>,
) -> Result<GoldenRun, EvalError> {
    let outlets = Outlets { samples: None, on_progress };
    run(&Arc::new(suite.clone()), baseline, candidate, options, outlets).await
}

fn halves(run: &GoldenRun, metric: usize) -> HashMap<String, Halves> {
    run.metrics()[metric].pairs.iter().map(|pair| (pair.id.clone(), pair.halves)).collect()
}

#[tokio::test]
async fn both_arms_are_asked_every_case_and_timed() {
    let engine = FakeEngine::start().await;
    let mut suite = Suite { repeats: 3, ..suite(&["2+2", "1+3", "4"]) };
    suite.cases[1].id = "Fall nº 1 – no text for a header".to_owned();
    let mut seen = Vec::new();
    let run = run_with(&suite, engine.source(), engine.source(), &options(), &mut |step| seen.push(step))
        .await
        .unwrap();
    assert_eq!((seen.len(), seen[17]), (18, Progress { done: 18, total: 18 }));
    let metrics = run.metrics();
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["number", "ttft_ms", "token_ms"]);
    assert!(
        metrics[0]
            .pairs
            .iter()
            .all(|pair| pair.halves == Halves { baseline: Some(1.0), candidate: Some(1.0) })
    );
    assert_eq!((metrics[1].kind, metrics[1].pairs.len()), (MetricKind::Latency, 3));
    assert_eq!((metrics[1].margin, metrics[2].margin), (0.1, 0.06));
    for sample in run.candidate.samples.iter().flatten() {
        let [ttft, _, e2e, token] = sample.times.map(Option::unwrap_or_default);
        assert!(ttft > 0.0 && e2e >= ttft && (3.0 * token - e2e).abs() < 0.01, "{sample:?}");
    }
    let ttft = &run.baseline.latency[0];
    assert_eq!((ttft.timing, ttft.micros.len()), (Timing::Ttft, 9));
    assert!(ttft.quantile_ms(0.5).unwrap() > 0.0);
}

#[tokio::test]
async fn an_answer_that_failed_scores_nothing_and_has_no_time() {
    let engine = FakeEngine::start().await;
    let run = run_quietly(&suite(&["fail", "break", "2+2"]), engine.source(), engine.source()).await.unwrap();
    let score = |value| Halves { baseline: Some(value), candidate: Some(value) };
    let scores = halves(&run, 0);
    assert_eq!((scores["case-0"], scores["case-1"], scores["case-2"]), (score(0.0), score(0.0), score(1.0)));
    assert_eq!(run.baseline.samples[0][0].outcome, Some(Outcome::Errored(500)));
    let none = Halves { baseline: None, candidate: None };
    assert_eq!((halves(&run, 1)["case-0"], halves(&run, 1)["case-1"]), (none, none));
    assert_eq!(run.baseline.latency[0].micros.len(), 1);
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_named() {
    let gone = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let engine = ArmSource::Engine(Endpoint::new(&format!("http://{gone}")).unwrap());
    let answers = recorded("{\"id\": \"case-0\", \"output\": \"A: 4\"}");
    let error = run_quietly(&suite(&["2+2"]), answers, engine).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&format!("http://{gone}: candidate: the engine cannot be reached: ")), "{text}");
    assert!(text.contains("\n  hint: ") && !error.is_usage(), "{text}");
}

#[tokio::test]
async fn a_web_page_is_no_engine() {
    let page = || async { ([(header::CONTENT_TYPE, "text/html")], "<html></html>") };
    let site = FakeEngine::serve(Router::new().fallback(page)).await;
    let error = run_quietly(&suite(&["2+2"]), site.source(), site.source()).await.unwrap_err();
    let expected = format!(
        "{}/v1/models: baseline: expected an OpenAI-shaped answer, and got a web page (status 200",
        site.url
    );
    assert!(error.to_string().starts_with(&expected), "{error}");

    let engine = FakeEngine::start().await;
    let error = run_quietly(&suite(&["page"]), engine.source(), engine.source()).await.unwrap_err();
    assert!(
        matches!(&error, EvalError::NotAnEngine { url, .. } if url.ends_with("/v1/chat/completions")),
        "{error}"
    );
}

#[tokio::test]
async fn an_engine_that_is_still_loading_is_not_asked() {
    let loading = || async { (StatusCode::SERVICE_UNAVAILABLE, "{}") };
    let engine = FakeEngine::serve(Router::new().fallback(loading)).await;
    let error = run_quietly(&suite(&["2+2"]), engine.source(), engine.source()).await.unwrap_err();
    assert!(error.to_string().contains("status 503\n  hint: the engine is still starting"), "{error}");
}

#[tokio::test]
async fn a_connection_that_dies_before_any_answer_is_a_lost_half() {
    let models = get(|| async { r#"{"data":[{"id":"fake-1"}]}"# });
    let hang = post(|| async { std::future::pending::<()>().await });
    let engine =
        FakeEngine::serve(Router::new().route("/v1/models", models).route("/v1/chat/completions", hang))
            .await;
    let first_byte = std::time::Duration::from_millis(50);
    let options = RunOptions { timeouts: Timeouts { first_byte, ..Timeouts::default() }, ..options() };
    let answers = recorded("{\"id\": \"case-0\", \"output\": \"A: 4\"}");
    let run = run_with(&suite(&["2+2"]), engine.source(), answers, &options, &mut |_| {}).await.unwrap();
    assert_eq!(halves(&run, 0)["case-0"], Halves { baseline: None, candidate: Some(1.0) });
    assert_eq!(run.notes().len(), 1);
}

#[tokio::test]
async fn a_file_that_lacks_cases_has_missing_halves_and_says_so() {
    let whole =
        recorded("{\"id\": \"case-0\", \"output\": \"A: 4\"}\n{\"id\": \"case-1\", \"output\": \"A: 5\"}");
    let part =
        recorded("{\"id\": \"case-1\", \"output\": \"A: 4\"}\n{\"id\": \"stranger\", \"output\": \"A: 4\"}");
    let run = run_quietly(&suite(&["2+2", "1+3"]), whole, part).await.unwrap();
    let scores = halves(&run, 0);
    assert_eq!(scores["case-0"], Halves { baseline: Some(1.0), candidate: None });
    assert_eq!(scores["case-1"], Halves { baseline: Some(0.0), candidate: Some(1.0) });
    let notes = run.notes();
    assert!(notes[0].contains("1 of 2 cases have no answer, the first is \"case-0\"\n  hint: "), "{notes:?}");
    assert_eq!(run.metrics().len(), 1, "no times were recorded, so no latency is judged");
}

#[tokio::test]
async fn tools_and_ends_are_graded_and_a_metric_with_a_name_of_its_own_tells_its_grader() {
    let row = |calls: &str, finish: &str| {
        recorded(&format!(
            "{{\"id\": \"case-0\", \"output\": \"\", \"finish_reason\": \"{finish}\", \"tool_calls\": {calls}}}"
        ))
    };
    let mut suite = suite(&["how warm is Paris?"]);
    suite.cases[0].references =
        vec!["{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}".to_owned()];
    suite.metrics[0].grader = Grader::ToolCall;
    suite.metrics[0].grader_id = "tool_call@1".to_owned();
    let ends =
        SuiteMetric { grader: Grader::FinishReason(Some(Finish::ToolCalls)), ..suite.metrics[0].clone() };
    suite.metrics.push(ends);
    let right = row("[{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}]", "tool_calls");
    let wrong = row("[{\"function\": {\"name\": \"weather\", \"arguments\": \"{}\"}}]", "stop");
    let run = run_quietly(&suite, right, wrong).await.unwrap();
    for metric in 0..2 {
        assert_eq!(halves(&run, metric)["case-0"], Halves { baseline: Some(1.0), candidate: Some(0.0) });
    }
    assert_eq!(run.notes()[0], "number is tool_call@1");
}

#[tokio::test]
async fn variables_without_a_release_are_a_usage_error() {
    let engine = FakeEngine::start().await;
    let mut suite = suite(&["2+2"]);
    suite.cases[0].ask = Ask::Variables(serde_json::Map::new());
    let error = run_quietly(&suite, engine.source(), engine.source()).await.unwrap_err();
    assert!(
        error.is_usage() && error.to_string().starts_with("s.toml: case \"case-0\": has variables"),
        "{error}"
    );
}

/// A release whose template turns every question into another one.
fn release() -> Arc<Lock> {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "name = \"r\"\n[model]\nid = \"fake-1\"\n[prompts.answer]\ntemplate = \"answer.j2\"\n\
                    [sampling]\nmax_tokens = 1\n[engine]\nkind = \"vllm\"\n";
    std::fs::write(folder.path().join("release.toml"), manifest).unwrap();
    std::fs::write(folder.path().join("answer.j2"), "Do not {{ question }}").unwrap();
    Arc::new(Lock::resolve(&folder.path().join("release.toml")).unwrap())
}

#[tokio::test]
async fn a_release_renders_the_cases_and_the_suite_has_the_last_word_on_sampling() {
    let engine = FakeEngine::start().await;
    let mut endpoint = Endpoint::new(&engine.url).unwrap();
    endpoint.release = Some(release());
    let mut suite = suite(&["fail"]);
    suite.request.template = Some("answer".to_owned());
    let source = ArmSource::Engine(endpoint);
    let run = run_quietly(&suite, source.clone(), source.clone()).await.unwrap();
    assert_eq!(halves(&run, 0)["case-0"].candidate, Some(1.0), "the template was not applied");

    suite.cases[0].ask = Ask::Variables(serde_json::Map::new());
    let error = run_quietly(&suite, source.clone(), source.clone()).await.unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("question"), "{error}");
    suite.request.template = Some("anwser".to_owned());
    let error = run_quietly(&suite, source.clone(), source).await.unwrap_err();
    assert!(error.is_usage() && error.to_string().starts_with("s.toml: case \"case-0\": "), "{error}");
}

#[tokio::test]
async fn nothing_to_run_makes_no_pairs() {
    let gone = || ArmSource::Engine(Endpoint::new("http://127.0.0.1:1").unwrap());
    let run = run_quietly(&suite(&[]), gone(), gone()).await.unwrap();
    assert!(run.metrics().iter().all(|metric| metric.pairs.is_empty()));
    let bare = Suite { metrics: Vec::new(), ..suite(&["2+2"]) };
    let run = run_quietly(&bare, gone(), gone()).await.unwrap();
    assert!(run.metrics().iter().all(|metric| metric.pairs.is_empty()));
}

#[test]
fn an_endpoint_is_an_http_url() {
    for bad in ["127.0.0.1:8101", "ftp://x", "http://", "engine"] {
        let error = Endpoint::new(bad).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("hint: write http://"), "{error}");
    }
    for good in ["http://x:1", "http://x:1/", "http://x:1/v1", "http://x:1/v1/"] {
        assert_eq!(Endpoint::new(good).unwrap().url(), "http://x:1");
    }
}

#[tokio::test]
async fn the_recorded_pair_gives_the_published_table() {
    let suite = Suite::read("eval-suites/gsm8k.toml".as_ref()).unwrap();
    let answers = |name: &str| {
        let path = format!("datasets/gsm8k/answers/{name}.jsonl");
        ArmSource::Recorded(RecordedAnswers::read(Path::new(&path)).unwrap())
    };
    let run = run_quietly(&suite, answers("6b-finetuning"), answers("175b-finetuning")).await.unwrap();
    let metrics = run.metrics();
    let number = metrics.iter().find(|metric| metric.name.as_str() == "number@gsm8k-flexible").unwrap();
    let count = |blue: f64, green: f64| {
        let cell = Halves { baseline: Some(blue), candidate: Some(green) };
        number.pairs.iter().filter(|pair| pair.halves == cell).count()
    };
    assert_eq!((count(1.0, 0.0), count(0.0, 1.0)), (88, 260));
    assert_eq!((count(1.0, 1.0) + 88, count(1.0, 1.0) + 260, number.pairs.len()), (286, 458, 1_319));
    assert_eq!(metrics.len(), 2, "nothing was timed, so no latency is judged");
}

/// An engine that stalls is asked less often by a client that waits for it: measured from when a request left, the stall is
/// felt once. Ten requests a hundredth of a second apart, one at a time, each answered after 40 ms: the last was due long
/// before it left.
#[tokio::test]
async fn coordinated_omission_hides_no_stall() {
    let engine = FakeEngine::start().await;
    let suite = suite(&["slow"; 10]);
    let pace = Some(Pace::Rate { per_s: 100.0, arrivals: Arrivals::Constant });
    let options = RunOptions { concurrency: 1, pace, ..options() };
    let outlets = Outlets { samples: None, on_progress: &mut |_| {} };
    let (ran, _) = run_one(&Arc::new(suite), engine.source(), &options, outlets).await.unwrap();
    let e2e = ran.latency.iter().find(|histogram| histogram.timing == Timing::E2e).unwrap();
    let slow_ms = SLOW.as_secs_f64() * 1_000.0;
    assert!(e2e.quantile_ms(0.0).unwrap() < 3.0 * slow_ms, "the first was not held up");
    let last_ms = e2e.quantile_ms(1.0).unwrap();
    assert!(
        last_ms > 9.0 * slow_ms - 90.0,
        "{last_ms} ms: the last waited for nine answers, less its own 90 ms"
    );
}

#[tokio::test]
async fn a_client_that_is_the_bottleneck_is_no_measure() {
    let engine = FakeEngine::start().await;
    let busy = run_quietly(&suite(&["busy"; 40]), engine.source(), engine.source()).await.unwrap();
    let judgment = judge_runs(&[busy]);
    assert_eq!(judgment.verdict, Verdict::Invalid);
    assert!(judgment.reasons.iter().any(|reason| reason.to_string().contains("too busy to measure")));
}
