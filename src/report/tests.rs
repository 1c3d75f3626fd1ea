//! No two surfaces can disagree.

use proptest::prelude::*;

use super::*;
use crate::domain::{MetricKind, MetricName};
use crate::judgment::{Bounds, Check, CheckState, Judgment, MetricJudgment, Reason, Verdict};
use crate::wire::{VerdictRecord, fixture};

const VERDICTS: [Verdict; 4] = [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail, Verdict::Invalid];

/// What a surface says: the verdict, and each metric's, as words.
type Said = (String, Vec<String>);

fn word_in(line: &str) -> String {
    let words = VERDICTS.map(Verdict::as_str);
    line.split_whitespace().rev().find(|word| words.contains(word)).unwrap_or("?").to_owned()
}

fn text_says(text: &str, names: &[String]) -> Said {
    let headline = text.split_whitespace().next().unwrap_or("?").to_lowercase();
    let row = |name: &String| {
        text.lines().find(|line| line.trim().starts_with(name.as_str())).map_or("?".to_owned(), word_in)
    };
    (headline, names.iter().map(row).collect())
}

fn markdown_says(text: &str, names: &[String]) -> Said {
    let row = |name: &String| {
        let start = format!("| {}", markdown::escaped(name));
        let line = text.lines().find(|line| line.starts_with(&start)).unwrap_or("?");
        word_in(line.trim_end_matches(" |"))
    };
    (word_in(text.lines().next().unwrap_or("?")), names.iter().map(row).collect())
}

fn json_says(text: &str) -> Said {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let word = |value: &serde_json::Value| value["verdict"].as_str().unwrap_or("?").to_owned();
    (word(&value), value["metrics"].as_array().unwrap().iter().map(word).collect())
}

/// The word a JUnit case stands for: a skipped guard is an inconclusive one.
fn case_says(junit: &str, class: &str, name: &str) -> String {
    let start = format!("<testcase classname=\"goldgate.{class}\" name=\"{name}\"");
    let rest = junit.split_once(&start).unwrap().1;
    if rest.starts_with("/>") {
        return "pass".to_owned();
    }
    let body = rest.split_once("</testcase>").unwrap().0;
    match body.split_once("type=\"") {
        Some((_, rest)) => rest.split_once('"').unwrap().0.to_owned(),
        None if body.contains("<skipped") => "inconclusive".to_owned(),
        None => "?".to_owned(),
    }
}

fn junit_says(junit: &str, names: &[String]) -> Said {
    let metrics = names.iter().map(|name| case_says(junit, "metric", name)).collect();
    (case_says(junit, "verdict", "verdict"), metrics)
}

fn sarif_says(text: &str, names: &[String]) -> Said {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let said = &value["runs"][0]["properties"];
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
    (word(&said["verdict"]), names.iter().map(|name| word(&said["metrics"][name])).collect())
}

fn any_metric(index: usize) -> impl Strategy<Value = MetricJudgment> {
    let kinds = [
        MetricKind::Event,
        MetricKind::Harm,
        MetricKind::Score,
        MetricKind::Latency,
        MetricKind::Disagreement,
        MetricKind::Length,
    ];
    let number = prop::option::of(prop::num::f64::ANY);
    let interval = prop::option::of((prop::num::f64::ANY, prop::num::f64::ANY));
    let numbers = (number.clone(), number.clone(), number, interval, prop::num::f64::ANY);
    let words = (prop::sample::select(&VERDICTS[..]), prop::sample::select(kinds.to_vec()), any::<bool>());
    (words, numbers, any::<u32>(), ".{0,40}").prop_map(move |(words, numbers, pairs, reason)| {
        MetricJudgment {
            name: MetricName::new(format!("metric_{index}_ms")),
            verdict: words.0,
            kind: words.1,
            required: words.2,
            pairs: u64::from(pairs),
            baseline: numbers.0,
            candidate: numbers.1,
            difference: numbers.2,
            interval: numbers.3.map(Bounds::from),
            margin: numbers.4,
            reason: Reason::Note(reason),
            ..fixture::judgment().metrics.remove(0)
        }
    })
}

fn any_judgment() -> impl Strategy<Value = Judgment> {
    let metrics = (any_metric(0), any_metric(1), any_metric(2), 0..=3usize);
    let state = prop_oneof![
        Just(CheckState::Ok),
        ".{0,20}".prop_map(CheckState::Unknown),
        ".{0,20}".prop_map(CheckState::Alarm),
    ];
    (prop::sample::select(&VERDICTS[..]), metrics, state, prop::collection::vec(".{0,60}", 0..3)).prop_map(
        |(verdict, (a, b, c, count), state, reasons)| Judgment {
            verdict,
            metrics: [a, b, c].into_iter().take(count).collect(),
            checks: vec![Check { name: "sample_ratio", state }],
            reasons: reasons.into_iter().map(Reason::Note).collect(),
            ..fixture::judgment()
        },
    )
}

proptest! {
    #[test]
    fn no_two_surfaces_disagree(judgment in any_judgment()) {
        let names: Vec<String> = judgment.metrics.iter().map(|metric| metric.name.to_string()).collect();
        let words = judgment.metrics.iter().map(|metric| metric.verdict.as_str().to_owned()).collect();
        let expected: Said = (judgment.verdict.as_str().to_owned(), words);
        prop_assert_eq!(&text_says(&render_text(&judgment, Style::Plain), &names), &expected);
        prop_assert_eq!(&json_says(&render_json(&judgment)), &expected);
        prop_assert_eq!(&markdown_says(&render_markdown(&judgment), &names), &expected);
        prop_assert_eq!(&junit_says(&render_junit(&judgment), &names), &expected);
        prop_assert_eq!(&sarif_says(&render_sarif(&judgment), &names), &expected);
        let back = VerdictRecord::from_json_bytes(render_json(&judgment).as_bytes()).unwrap();
        prop_assert_eq!(back.verdict.exit_code(), judgment.verdict.exit_code());
    }
}

#[test]
fn colour_changes_no_word() {
    let judgment = fixture::judgment();
    let (plain, ansi) = (render_text(&judgment, Style::Plain), render_text(&judgment, Style::Ansi));
    assert!(ansi.contains("\u{1b}[") && !plain.contains('\u{1b}'));
    let bare = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().replace_all(&ansi, "").into_owned();
    let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(trimmed(&bare), trimmed(&plain));
}

#[test]
fn text_shows_what_people_ask_for() {
    assert_eq!(render_text(&fixture::judgment(), Style::Plain), include_str!("testdata/verdict.txt"));
}

#[test]
fn junit_counts_its_cases_and_never_passes_what_is_undecided() {
    assert_eq!(render_junit(&fixture::judgment()), include_str!("testdata/verdict.xml"));
}

#[test]
fn hostile_text_stays_text() {
    let mut judgment = fixture::judgment();
    judgment.reasons = vec![Reason::Note("<script>|\n@team \u{0} \"x\"".to_owned())];
    let (markdown, junit) = (render_markdown(&judgment), render_junit(&judgment));
    assert!(!markdown.contains("<script>") && !markdown.contains("@team"), "{markdown}");
    assert!(!junit.contains("<script>") && !junit.contains('\u{0}'), "{junit}");
}
