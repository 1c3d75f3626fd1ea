//! Runs that an engine, a cap or a crash holds up.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::HeaderMap;

use super::*;
use crate::evals::SampleLog;

/// An engine that is full for the first `refusals` requests.
async fn full_at_first(refusals: usize, head: &'static [(&'static str, &'static str)]) -> FakeEngine {
    let count = Arc::new(AtomicUsize::new(0));
    let models = get(|| async { r#"{"data":[{"id":"fake-1"}]}"# });
    let answer = post(move |body: String| {
        let earlier = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match earlier < refusals {
                true => {
                    let head: HeaderMap = head
                        .iter()
                        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                        .collect();
                    (StatusCode::TOO_MANY_REQUESTS, head, "{}").into_response()
                }
                false => chat(body).await.into_response(),
            }
        }
    });
    FakeEngine::serve(Router::new().route("/v1/models", models).route("/v1/chat/completions", answer)).await
}

#[tokio::test]
async fn a_full_engine_is_asked_again_and_the_refusals_are_told_and_scored_nowhere() {
    let engine = full_at_first(3, &[("retry-after", "1")]).await;
    let answers =
        recorded("{\"id\": \"case-0\", \"output\": \"A: 4\"}\n{\"id\": \"case-1\", \"output\": \"A: 4\"}");
    let began = options().clock;
    let run = run_quietly(&suite(&["2+2", "1+3"]), answers, engine.source()).await.unwrap();
    assert!(began.monotonic_ms() >= 1_000.0, "Retry-After is kept");
    let right = Halves { baseline: Some(1.0), candidate: Some(1.0) };
    assert_eq!((halves(&run, 0)["case-0"], halves(&run, 0)["case-1"]), (right, right));
    assert_eq!((run.candidate.refused, run.baseline.refused), (3, 0));
    assert!(run.notes().iter().any(|note| note.contains("refused 3 times")), "{:?}", run.notes());
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_refuses_to_the_end_has_lost_the_answer() {
    let engine = full_at_first(usize::MAX, &[]).await;
    let answers = recorded("{\"id\": \"case-0\", \"output\": \"A: 4\"}");
    let run = run_quietly(&suite(&["2+2"]), answers, engine.source()).await.unwrap();
    assert_eq!(halves(&run, 0)["case-0"], Halves { baseline: Some(1.0), candidate: None });
    let error = run_quietly(&suite(&["2+2"; 40]), engine.source(), engine.source()).await.unwrap_err();
    assert!(error.to_string().contains("refuses every request"), "{error}");
}

#[tokio::test]
async fn a_cap_ends_the_run_and_half_a_sample_is_not_judged() {
    let engine = FakeEngine::start().await;
    let caps = Caps { tokens_max: Some(30), cost_max: None };
    let options = RunOptions { caps, concurrency: 1, ..options() };
    let suite = suite(&["2+2"; 20]);
    let run = run_with(&suite, engine.source(), engine.source(), &options, &mut |_| {}).await.unwrap();
    assert_eq!(run.baseline.samples.iter().chain(&run.candidate.samples).flatten().count(), 10);
    let judgment = judge_runs(&[run]);
    assert_eq!((judgment.verdict, judgment.metrics[0].missing), (Verdict::Invalid, 0));
    let said = judgment.reasons[0].to_string();
    assert!(
        said.starts_with("budget: the run was ended by 30 output tokens, the cap is 30, after 10 of 40"),
        "{said}"
    );
}

/// An engine that keeps every prompt it was asked.
async fn listening() -> (FakeEngine, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    let models = get(|| async { r#"{"data":[{"id":"fake-1"}]}"# });
    let answer = post(move |body: String| {
        let body: Value = serde_json::from_str(&body).unwrap();
        heard.lock().unwrap().push(body["messages"][0]["content"].as_str().unwrap().to_owned());
        async { ([(header::CONTENT_TYPE, "text/event-stream")], STREAM) }
    });
    let router = Router::new().route("/v1/models", models).route("/v1/chat/completions", answer);
    (FakeEngine::serve(router).await, seen)
}

#[tokio::test]
async fn a_nonce_begins_every_prompt_and_no_two_are_alike() {
    let (engine, seen) = listening().await;
    let mut suite = Suite { repeats: 2, ..suite(&["2+2"; 3]) };
    suite.request.nonce = true;
    let options = RunOptions { warm_up: 2, ..options() };
    run_with(&suite, engine.source(), engine.source(), &options, &mut |_| {}).await.unwrap();
    let seen: HashSet<String> = seen.lock().unwrap().iter().cloned().collect();
    assert_eq!(seen.len(), 12 + 4);
    assert!(seen.iter().all(|text| text.starts_with('[') && text.ends_with("]\n2+2")), "{seen:?}");
}

#[tokio::test]
async fn a_warm_up_comes_first_and_counts_nowhere() {
    let ((blue, asked), (green, also)) = (listening().await, listening().await);
    let options = RunOptions { warm_up: 3, concurrency: 1, ..options() };
    let suite = suite(&["a", "b"]);
    let run = run_with(&suite, blue.source(), green.source(), &options, &mut |_| {}).await.unwrap();
    for asked in [asked, also] {
        assert_eq!(asked.lock().unwrap()[..3], ["a", "b", "a"]);
        assert_eq!(asked.lock().unwrap().len(), 5);
    }
    assert_eq!(run.baseline.latency[0].micros.len(), 2);
}

#[tokio::test]
async fn a_run_that_goes_on_gives_what_an_uninterrupted_one_gives_and_asks_nothing_twice() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), options().clock);
    let engine = FakeEngine::start().await;
    let suite = Arc::new(Suite { repeats: 2, ..suite(&["2+2", "fail", "1+3", "break", "4"]) });
    let asked = |log: Option<SampleLog>, options: RunOptions| {
        let (suite, baseline, candidate) = (Arc::clone(&suite), engine.source(), engine.source());
        async move {
            let (mut log, mut steps) = (log, 0);
            let outlets = Outlets { samples: log.as_mut(), on_progress: &mut |_| steps += 1 };
            let run = run(&suite, baseline, candidate, &options, outlets).await.unwrap();
            (run, steps)
        }
    };
    let caps = Caps { tokens_max: Some(9), cost_max: None };
    let first = SampleLog::create(folder.path(), Arc::clone(&clock)).unwrap();
    let (_, before) = asked(Some(first), RunOptions { caps, ..options() }).await;
    assert!((3..20).contains(&before), "{before}");
    let resume = || Some(SampleLog::resume(folder.path(), Vec::new(), Arc::clone(&clock)).unwrap());
    let (whole, after) = asked(resume(), options()).await;
    assert_eq!(before + after, 20);
    // All there: no engine is needed any more, and every number is as it was.
    let (again, steps) = asked(resume(), options()).await;
    assert_eq!((steps, again.subject().evidence), (0, whole.subject().evidence.clone()));
    assert_eq!(
        (again.baseline.samples, again.candidate.samples),
        (whole.baseline.samples.clone(), whole.candidate.samples.clone())
    );
    let (fresh, _) = asked(None, options()).await;
    assert_eq!(fresh.metrics()[0], whole.metrics()[0]);
    assert_eq!(fresh.regressions, whole.regressions);
}

#[tokio::test]
async fn tags_repeats_and_unreadable_answers_are_told_beside_the_score() {
    let mut suite = suite(&["2+2"; 40]);
    for (at, case) in suite.cases.iter_mut().enumerate() {
        case.tags = vec!["all".to_owned(), if at % 4 == 0 { "rare" } else { "usual" }.to_owned()];
    }
    let rows = |broken: usize| -> String {
        let text = |at| if at % 4 == 0 && at < broken { "no idea" } else { "A: 4" };
        (0..40).map(|at| format!("{{\"id\": \"case-{at}\", \"output\": \"{}\"}}\n", text(at))).collect()
    };
    let run = run_quietly(&suite, recorded(&rows(0)), recorded(&rows(20))).await.unwrap();
    let judgment = judge_runs(&[run]);
    let [number, unparsable] = &judgment.metrics[..] else { panic!("{:?}", judgment.metrics) };
    let slices: Vec<_> = number.slices.iter().map(|slice| (slice.name.as_str(), slice.cases)).collect();
    assert_eq!(slices, [("rare", 10), ("usual", 30)], "a tag that every case has is no slice");
    assert_eq!(number.slices[0].difference, Some(-0.5));
    assert_eq!((unparsable.name.as_str(), unparsable.required), ("number:unparsable", false));
    assert_eq!((unparsable.baseline, unparsable.candidate), (Some(0.0), Some(0.125)));
    assert_eq!(number.noise, None);

    let engine = FakeEngine::start().await;
    suite.repeats = 2;
    let run = run_quietly(&suite, engine.source(), engine.source()).await.unwrap();
    let noise = judge_runs(&[run]).metrics[0].noise.unwrap();
    assert_eq!((noise.flips_baseline, noise.flips_candidate), (Some(0.0), Some(0.0)));
}
