//! Answers that a model compares: both orders, ties, what cannot be read, and who may not grade.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::evals::model_graded::{PAIR_TEMPLATE, Prompt};
use crate::evals::{GraderModel, ModelGraded, SampleLog};

/// A model that grades: it prefers an answer that says "good", unless told otherwise.
struct FakeGrader {
    engine: FakeEngine,
    bodies: Arc<Mutex<Vec<Value>>>,
    /// Requests that fail before any is answered.
    failures: Arc<AtomicU32>,
}

impl FakeGrader {
    async fn start() -> Self {
        let (bodies, failures) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU32::new(0)));
        let (heard, failing) = (Arc::clone(&bodies), Arc::clone(&failures));
        let answer = post(move |body: String| async move {
            if failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
            }
            let body: Value = serde_json::from_str(&body).unwrap();
            let said = verdict(body["messages"][0]["content"].as_str().unwrap());
            heard.lock().unwrap().push(body);
            match said {
                Some(said) => ([(header::CONTENT_TYPE, "text/event-stream")], stream(said)).into_response(),
                None => (StatusCode::BAD_REQUEST, "{\"error\": {\"message\": \"too long\"}}").into_response(),
            }
        });
        let models = get(|| async { r#"{"data":[{"id":"grader-1"}]}"# });
        let router = Router::new().route("/v1/models", models).route("/v1/chat/completions", answer);
        Self { engine: FakeEngine::serve(router).await, bodies, failures }
    }

    fn asked(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }

    fn grader(&self) -> Grader {
        grader(&self.engine.url, "grader-1")
    }
}

fn verdict(prompt: &str) -> Option<&'static str> {
    let (a, b) = prompt.split_once("[Answer B]").unwrap();
    let a = a.split_once("[Answer A]").unwrap().1;
    if prompt.contains("far too long") {
        return None;
    }
    Some(match (a.contains("good"), b.contains("good")) {
        _ if prompt.contains("mumbled") && a.contains("mumbled") => "Hard to say.",
        (true, false) => "The first. [[A]]",
        (false, true) => "The second. [[B]]",
        (true, true) => "[[A]]",
        (false, false) => "[[C]]",
    })
}

fn stream(said: &str) -> String {
    let chunk = serde_json::json!({"choices": [{"index": 0, "delta": {"content": said}}]});
    format!(
        "data: {chunk}\n\ndata: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
         data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":50,\"completion_tokens\":7}}}}\n\ndata: [DONE]\n\n"
    )
}

fn grader(url: &str, model: &str) -> Grader {
    let model = GraderModel {
        endpoint: Endpoint::new(url).unwrap(),
        model: model.to_owned(),
        key: None,
        timeout: Duration::from_secs(10),
        tokens_max: 99,
    };
    let prompt = Prompt::new("pair.j2", PAIR_TEMPLATE.to_owned()).unwrap();
    Grader::ModelGraded(Arc::new(ModelGraded::new(Arc::new(model), prompt, "Which is good?".to_owned())))
}

/// Cases whose answers a model compares, and nothing else.
fn compared(cases: usize, grader: Grader) -> Suite {
    let mut suite = suite(&vec!["2+2"; cases]);
    suite.metrics[0] = SuiteMetric { name: "helpful".into(), grader, ..suite.metrics[0].clone() };
    suite.latency = LatencyMargins::default();
    suite
}

/// Recorded answers to `case-0`, `case-1` …; `None`: there is none.
fn answers(texts: &[Option<&str>]) -> ArmSource {
    let rows = texts.iter().enumerate().filter_map(|(at, text)| Some((at, (*text)?)));
    let rows: String =
        rows.map(|(at, text)| format!("{{\"id\": \"case-{at}\", \"output\": \"{text}\"}}\n")).collect();
    recorded(&rows)
}

fn values(run: &GoldenRun) -> Vec<(Option<f64>, Option<f64>)> {
    run.metrics()[0].pairs.iter().map(|pair| (pair.halves.baseline, pair.halves.candidate)).collect()
}

#[tokio::test]
async fn an_answer_wins_that_is_preferred_in_both_orders_and_disagreement_is_a_tie() {
    let grader = FakeGrader::start().await;
    let blue = [Some("good"), Some("poor"), Some("good 1"), Some("poor 1"), Some("same"), Some(""), None];
    let green =
        [Some("poor"), Some("good"), Some("good 2"), Some("poor 2"), Some("same"), Some("good"), Some("x")];
    let run = run_quietly(&compared(7, grader.grader()), answers(&blue), answers(&green)).await.unwrap();
    let (won, lost, tie) = ((Some(1.0), Some(0.0)), (Some(0.0), Some(1.0)), (Some(0.5), Some(0.5)));
    // Two good ones: the first is preferred whichever it is. The same text, an empty and a lost one are not asked about.
    assert_eq!(values(&run), [won, lost, tie, tie, tie, lost, (None, Some(1.0))]);
    assert_eq!(grader.asked(), 8);
    assert_eq!(run.comparisons[&0], Tally { compared: 4, disagreed: 1, unread: 0 });
    let said = judge_runs(std::slice::from_ref(&run)).reasons.last().unwrap().to_string();
    assert_eq!(
        said,
        "helpful: 4 pairs were compared in both orders; 1 are ties because the orders disagreed"
    );
    assert_eq!(run.regressions.len(), 1);
    assert_eq!(run.regressions[0].candidate.as_deref(), Some("poor"));
    for body in grader.bodies.lock().unwrap().iter() {
        assert_eq!((&body["model"], &body["temperature"]), (&Value::from("grader-1"), &Value::from(0.0)));
        assert_eq!(body["max_tokens"], 99);
        let text = body["messages"][0]["content"].as_str().unwrap();
        assert!(text.contains("Which is good?") && text.contains("[A good answer]\n4"), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_no_pass_and_is_counted() {
    let grader = FakeGrader::start().await;
    let texts: Vec<_> = (0..20).map(|at| if at == 3 { "mumbled" } else { "good" }).map(Some).collect();
    let green = vec![Some("good too"); 20];
    let run = run_quietly(&compared(20, grader.grader()), answers(&texts), answers(&green)).await.unwrap();
    assert_eq!(values(&run)[3], (None, None));
    assert_eq!(run.comparisons[&0].unread, 1);
    let judgment = judge_runs(&[run]);
    assert_eq!((judgment.verdict, judgment.metrics[0].missing), (Verdict::Invalid, 1));

    let refused = answers(&[Some("far too long")]);
    let run = run_quietly(&compared(1, grader.grader()), refused, answers(&[Some("good")])).await.unwrap();
    assert_eq!((values(&run), run.comparisons[&0].unread), (vec![(None, None)], 1));
}

#[tokio::test]
async fn a_model_grades_no_arm_that_it_is_itself() {
    let (engine, fake) = (FakeEngine::start().await, FakeGrader::start().await);
    let check = |grader: Grader, expected: String| {
        let suite = compared(1, grader);
        let (source, engine) = (answers(&[Some("good")]), engine.source());
        async move {
            let error = run_quietly(&suite, source, engine).await.unwrap_err();
            assert!(error.is_usage() && error.to_string().starts_with(&expected), "{error}");
        }
    };
    let other_name = engine.url.replace("127.0.0.1", "localhost");
    check(
        grader(&format!("{other_name}/v1/"), "another"),
        format!("s.toml: grader_model: {other_name} is an arm's address"),
    )
    .await;
    let same = format!("s.toml: grader_model: \"fake-1\" is the model of an arm, at {}", engine.url);
    check(grader(&fake.engine.url, "FAKE-1"), same).await;
    assert_eq!(fake.asked(), 0, "nothing is asked before that is known");

    let alone = Arc::new(compared(1, fake.grader()));
    let outlets = Outlets { samples: None, on_progress: &mut |_| {} };
    let error = run_one(&alone, engine.source(), &options(), outlets).await.unwrap_err();
    assert!(
        error.is_usage() && error.to_string().contains("helpful compares the answers of two arms"),
        "{error}"
    );
}

#[tokio::test]
async fn a_grader_that_fails_loses_nothing_and_is_not_asked_twice() {
    let (grader, folder, clock) = (FakeGrader::start().await, tempfile::tempdir().unwrap(), options().clock);
    let suite = Arc::new(compared(6, grader.grader()));
    let blue = ["good", "poor", "good", "poor", "mumbled", "good"].map(Some);
    let (blue, green) = (answers(&blue), answers(&[Some("good too"); 6]));
    let go = |log: SampleLog| {
        let (suite, blue, green) = (Arc::clone(&suite), blue.clone(), green.clone());
        async move {
            let (mut log, options) = (log, RunOptions { concurrency: 1, ..options() });
            let outlets = Outlets { samples: Some(&mut log), on_progress: &mut |_| {} };
            run(&suite, blue, green, &options, outlets).await
        }
    };
    let resume = || SampleLog::resume(folder.path(), vec!["s".to_owned()], Arc::clone(&clock)).unwrap();
    let kept = || std::fs::read_to_string(folder.path().join("comparisons.jsonl")).unwrap();
    // It answers five comparisons, and fails from then on.
    let first = go(SampleLog::create(folder.path(), Arc::clone(&clock)).unwrap());
    let failing = async {
        while grader.asked() < 5 {
            tokio::task::yield_now().await;
        }
        grader.failures.store(u32::MAX, Ordering::SeqCst);
    };
    let (ended, ()) = tokio::join!(first, failing);
    let error = ended.unwrap_err();
    assert!(
        !error.is_usage() && error.to_string().contains("its answer is not whole, at 3 tries: errored(500)"),
        "{error}"
    );
    let answered = grader.asked();
    assert_eq!(kept().lines().count(), answered);
    grader.failures.store(1, Ordering::SeqCst);
    let whole = go(resume()).await.unwrap();
    assert_eq!(grader.asked(), 12, "each order of each pair once");
    let mut torn = kept();
    torn.push_str("{\"suite\":\"s\",\"id\":");
    std::fs::write(folder.path().join("comparisons.jsonl"), torn).unwrap();
    drop(grader.engine);
    let again = go(resume()).await.unwrap();
    assert_eq!((values(&again), again.subject()), (values(&whole), whole.subject()));
    assert_eq!(again.comparisons, whole.comparisons);

    std::fs::write(folder.path().join("comparisons.jsonl"), "{}\n").unwrap();
    let error = go(resume()).await.unwrap_err().to_string();
    assert!(error.contains("comparisons.jsonl:1:1: not a comparison: missing field"), "{error}");
}

#[tokio::test]
async fn repeats_are_compared_with_each_other_and_cases_as_they_come() {
    let (engine, fake) = (FakeEngine::start().await, FakeGrader::start().await);
    let suite = Suite { repeats: 3, ..compared(2, fake.grader()) };
    let run = run_quietly(&suite, answers(&[Some("good"), Some("poor")]), engine.source()).await.unwrap();
    assert_eq!(values(&run), [(Some(1.0), Some(0.0)), (Some(0.5), Some(0.5))]);
    assert_eq!((run.baseline.samples[0].len(), run.candidate.samples[0].len(), fake.asked()), (1, 3, 12));
    assert_eq!(run.metrics()[0].noise, None);

    let suite = compared(60, fake.grader());
    let options = RunOptions { sequential: Some(0.01), ..options() };
    let (blue, green) = (vec![Some("good"); 60], vec![Some("poor"); 60]);
    let run = run_with(&suite, answers(&blue), answers(&green), &options, &mut |_| {}).await.unwrap();
    assert!(fake.asked() < 12 + 120, "it stopped when the cases had decided");
    assert_eq!(judge_runs(&[run]).verdict, Verdict::Fail);
}

#[tokio::test]
async fn comparisons_are_paid_from_the_same_purse() {
    let fake = FakeGrader::start().await;
    let caps = Caps { tokens_max: Some(40), cost_max: None };
    let options = RunOptions { caps, concurrency: 1, ..options() };
    let suite = compared(20, fake.grader());
    let (blue, green) = (vec![Some("good"); 20], vec![Some("poor"); 20]);
    let run = run_with(&suite, answers(&blue), answers(&green), &options, &mut |_| {}).await.unwrap();
    assert_eq!(fake.asked(), 6);
    assert_eq!(judge_runs(&[run]).verdict, Verdict::Invalid);
}
