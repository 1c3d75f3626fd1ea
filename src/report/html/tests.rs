//! The page holds the whole run, escapes whatever came from outside and fetches nothing.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hdrhistogram::Histogram;
use sha2::Digest as _;

use super::rows::EXAMPLE_LETTERS_MAX;
use super::*;
use crate::domain::MetricName;
use crate::judgment::{AtMargin, AtMargins, LedgerPoint, Policy, Verdict};
use crate::report::{CaseRow, Example, ScoreCounts};
use crate::wire::fixture;

/// A run with everything on it.
pub(in crate::report) fn run() -> Input {
    let mirror = VerdictRecord::from(&fixture::judgment());
    let gate = VerdictRecord {
        verdict: Verdict::Pass,
        question: crate::judgment::Question::Golden,
        ..mirror.clone()
    };
    let curve = |metric: &str, arm, slow: u64| {
        let mut histogram = Histogram::new(3).unwrap();
        (0..1_000_u64)
            .for_each(|n| histogram.record(180_000 + n * 90 + if n > 970 { slow * n } else { 0 }).unwrap());
        LatencyCurve { metric: metric.to_owned(), arm, histogram }
    };
    let look = |n: u32| LedgerPoint {
        records: u64::from(n) * 10,
        log_e_abort: 4.7 * (f64::from(n) / 60.0).powi(2),
        metrics: vec![
            (MetricName::from("error"), -0.02 * f64::from(n), 0.05 * f64::from(n)),
            (MetricName::from("ttft_ms"), 6.5 * (f64::from(n) / 60.0).powi(2), -0.03 * f64::from(n)),
        ],
    };
    Input {
        title: "chat-v2 over chat-v1".to_owned(),
        verdict: Verdict::Fail,
        reason: "ttft_ms is 21.4 % slower, beyond the margin of 5 %".to_owned(),
        verdicts: vec![gate, mirror],
        flips: vec![ScoreFlips {
            metric: "number".to_owned(),
            both_right: 198,
            both_wrong: 773,
            better: 260,
            worse: 88,
        }],
        curves: vec![
            curve("ttft_ms", Arm::Baseline, 0),
            curve("ttft_ms", Arm::Candidate, 900),
            curve("e2e_ms", Arm::Baseline, 10),
            curve("e2e_ms", Arm::Candidate, 300),
        ],
        ledger: (0..=60).map(look).collect(),
        margins: [0.5, 1.0].map(at_margins).into(),
        policy: Some(Policy::default_live()),
        timeline: vec![
            event(0, "gate", "smoke suite passed: 20 of 20 cases"),
            event(3_200, "mirror", "copying 1 % of the baseline's traffic"),
            event(
                61_950,
                "rolled_back",
                "ttft_ms +21.4 % > margin 5 % after 600 pairs: all traffic on the baseline",
            ),
        ],
        examples: vec![Example {
            id: "gsm8k-test-0017".to_owned(),
            note: "only the baseline was right".to_owned(),
            question: "What is 6 × 7?".to_owned(),
            baseline: Some("The answer is 42.".to_owned()),
            candidate: None,
        }],
        scores: vec![ScoreCounts {
            metric: "f1@squad".to_owned(),
            baseline: vec![2, 0, 8],
            candidate: vec![4, 1, 5],
        }],
        cases: vec![case("gsm8k-test-0017", Some(1.0), Some(0.0)), case("gsm8k-test-0018", None, Some(0.5))],
    }
}

fn event(at_ms: u64, stage: &str, text: &str) -> TimelineEntry {
    TimelineEntry { at_ms, stage: stage.to_owned(), text: text.to_owned() }
}

fn at_margins(factor: f64) -> AtMargins {
    let (name, kind) = (MetricName::from("ttft_ms"), crate::domain::MetricKind::Latency);
    let one = AtMargin { name, kind, margin: 0.05 * factor, verdict: Verdict::Fail };
    AtMargins { factor, verdict: Verdict::Fail, metrics: vec![one] }
}

fn case(id: &str, baseline: Option<f64>, candidate: Option<f64>) -> CaseRow {
    let (tags, question) = (vec!["sums".to_owned()], "What is 6 × 7?".to_owned());
    CaseRow { id: id.to_owned(), tags, question, baseline, candidate }
}

#[test]
fn the_page_names_every_part_of_the_run() {
    let page = html(&run()).unwrap();
    for part in [
        "exit code 1",
        "chat-v2 over chat-v1",
        "Mirror: <span class=\"word v-fail\">fail</span>",
        "1:01.9",
        "Golden cases",
        "260<small>won",
        "Time to first token",
        "Against the candidate",
        "ttft_ms: the evidence against the candidate reached",
        "2.5 %: fail; 5 % (as set): fail",
        "ev:c0ffee",
        "12 null pairs, 50 needed",
        "(missing)",
        "f1@squad",
        "highest bar: 8 cases",
        "data-kind=\"worse\"",
        "data-kind=\"better\"",
    ] {
        assert!(page.contains(part), "{part:?} is not on the page");
    }
}

#[test]
fn the_page_fetches_nothing_and_runs_only_its_own_script() {
    let page = html(&run()).unwrap();
    assert_eq!(page.matches("<script").count(), 1);
    let digest = BASE64_STANDARD.encode(sha2::Sha256::digest(SCRIPT.as_bytes()));
    assert!(
        page.contains(&format!("script-src 'sha256-{digest}'"))
            && page.contains(&format!("<script>{SCRIPT}</script>"))
    );
    let without = html(&Input { cases: Vec::new(), ..run() }).unwrap();
    assert!(!without.contains("script"), "no cases, nothing to search");
    for word in ["<link", "<img", "src=", "href=", "url(", "http://", "https://"] {
        assert!(!page.contains(word), "{word:?} is on the page");
    }
}

#[test]
fn hostile_answers_stay_text() {
    const HOSTILE: &str = "</pre><script>alert(1)</script>\"'><svg onload=x>{{ 7 * 7 }}";
    let mut input = run();
    input.title = HOSTILE.to_owned();
    input.reason = HOSTILE.to_owned();
    input.timeline[0].text = HOSTILE.to_owned();
    input.flips[0].metric = HOSTILE.to_owned();
    input.curves[0].metric = HOSTILE.to_owned();
    input.ledger.iter_mut().for_each(|look| look.metrics[0].0 = MetricName::from(HOSTILE));
    input.verdicts[0].metrics[0].name = HOSTILE.to_owned();
    input.verdicts[0].metrics[0].examples = vec![HOSTILE.to_owned()];
    let example = &mut input.examples[0];
    for text in [&mut example.id, &mut example.note, &mut example.question] {
        *text = HOSTILE.to_owned();
    }
    example.candidate = Some(HOSTILE.to_owned());
    example.baseline = Some(format!("{HOSTILE} and more"));
    input.cases[0] =
        CaseRow { question: HOSTILE.to_owned(), tags: vec![HOSTILE.to_owned()], ..case(HOSTILE, None, None) };
    input.scores[0].metric = HOSTILE.to_owned();
    let page = html(&input).unwrap();
    assert!(page.matches("<script").count() == 1 && !page.contains("<svg onload"), "markup came through");
    assert!(page.contains("&lt;script&gt;") && page.contains("{{ 7 * 7 }}"), "the text itself is lost");
}

#[test]
fn a_page_about_nothing_is_still_a_page() {
    let mut input = run();
    input.verdicts.clear();
    let empty = Input {
        title: String::new(),
        verdict: Verdict::Invalid,
        ..Input::of_verdict("", VerdictRecord::from(&fixture::judgment()))
    };
    for input in [input, Input { verdicts: Vec::new(), ..empty }] {
        assert!(html(&input).unwrap().trim_end().ends_with("</html>"));
    }
}

#[test]
fn long_texts_and_long_lists_are_cut() {
    let mut input = run();
    input.examples = vec![Example { question: "é".repeat(10_000), ..Example::default() }; 50];
    input.timeline = vec![input.timeline[0].clone(); 700];
    let page = html(&input).unwrap();
    assert_eq!(page.matches('é').count(), EXAMPLES_MAX * EXAMPLE_LETTERS_MAX);
    assert!(page.contains("200 earlier events are left out"));
}
