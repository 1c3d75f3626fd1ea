//! Two files from what was typed to the verdict.

use std::fmt::Write;

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::cli::{ColorChoice, Format, GlobalArgs};
use crate::judgment::Verdict;
use crate::report::render_json;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn context() -> Context {
    let (config, log) = ("goldgate.toml".into(), String::new());
    Context::new(GlobalArgs { config, color: ColorChoice::Never, format: Format::Text, log })
}

fn compare(blue: &str, green: &str, more: &[&str]) -> Result<Judgment, Failure> {
    let folder = TempDir::new().unwrap();
    let place = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (blue, green) = (place("blue.jsonl", blue), place("green.jsonl", green));
    let files = ["compare".into(), blue.into_os_string(), green.into_os_string()];
    let words = files.into_iter().chain(more.iter().map(|word| (*word).into()));
    judged(&Line::try_parse_from(words).unwrap().args, &context())
}

fn check(blue: &str, green: &str, more: &[&str], expected: Verdict) {
    let judgment = compare(blue, green, more).unwrap();
    assert_eq!(judgment.verdict, expected, "{more:?}: {:?}", judgment.reasons);
}

fn check_failure(blue: &str, green: &str, more: &[&str], said: &str) {
    let failure = compare(blue, green, more).expect_err(said);
    assert_eq!(failure.exit(), Exit::Usage, "{failure}");
    assert!(failure.to_string().contains(said), "{failure}");
}

/// Rows of `count` cases; `right` says which are right.
fn rows(count: usize, right: impl Fn(usize) -> bool) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        writeln!(text, "{{\"id\":\"c{n}\",\"right\":{}}}", right(n)).unwrap();
        text
    })
}

fn reversed(text: &str) -> String {
    text.lines().rev().fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn the_shipped_scores_of_two_models_say_what_their_gate_says() {
    let scores = |name: &str| PathBuf::from(format!("datasets/gsm8k/scores/{name}.jsonl"));
    let (small, large) = (scores("6b-finetuning"), scores("175b-finetuning"));
    let args = |blue: &Path, green: &Path| Args {
        blue: blue.to_owned(),
        green: green.to_owned(),
        metric: Vec::new(),
        margin: Vec::new(),
        blue_provider: None,
        green_provider: None,
        on_inconclusive: OnInconclusive::default(),
    };
    let better = judged(&args(&small, &large), &context()).unwrap();
    let metric = &better.metrics[0];
    let flips = metric.flips.unwrap();
    assert_eq!((better.verdict, better.question), (Verdict::Pass, Question::Compare));
    assert_eq!((metric.pairs, flips.worse, flips.better), (1_319, 88, 260));
    assert_eq!(format!("{:+.4}", metric.difference.unwrap()), "+0.1304");
    assert_eq!(better.subject.candidate, "datasets/gsm8k/scores/175b-finetuning.jsonl");
    assert_eq!(judged(&args(&large, &small), &context()).unwrap().verdict, Verdict::Fail);
}

#[test]
fn the_order_of_rows_says_nothing() {
    let (blue, green) = (rows(400, |n| n % 3 == 0), rows(400, |n| n % 3 == 0 || n % 50 == 0));
    let forward = compare(&blue, &green, &[]).unwrap();
    let mut backward = compare(&reversed(&blue), &reversed(&green), &[]).unwrap();
    assert_eq!(backward.subject.evidence, forward.subject.evidence);
    assert_eq!(backward.subject.policy, forward.subject.policy);
    backward.subject = forward.subject.clone();
    assert_eq!(render_json(&backward), render_json(&forward));
}

#[test]
fn margins_decide_and_are_part_of_the_policy() {
    let (blue, green) = (rows(1_000, |_| true), rows(1_000, |n| n % 25 != 0));
    check(&blue, &green, &[], Verdict::Fail);
    check(&blue, &green, &["--margin", "10%"], Verdict::Pass);
    check(&blue, &green, &["--margin", "right=0.04"], Verdict::Inconclusive);
    check_failure(&blue, &green, &["--margin", "wrong=0.04"], "compared are right");
    let policy = |more: &[&str]| compare(&blue, &green, more).unwrap().subject.policy;
    assert_ne!(policy(&[]), policy(&["--margin", "3%"]));
    assert_eq!(policy(&[]), policy(&["--margin", "2%"]));
}

#[test]
fn no_data_is_never_a_pass() {
    check("", "", &[], Verdict::Invalid);
    check("", "", &["--margin", "20%"], Verdict::Invalid);
    check(&rows(50, |_| true), "", &[], Verdict::Invalid);
    check("{\"id\":\"a\"}\n", "{\"id\":\"a\"}\n", &[], Verdict::Invalid);
    // Other cases, and another metric: nothing is a pair.
    check(&rows(50, |_| true), &rows(50, |_| true).replace("\"c", "\"d"), &[], Verdict::Invalid);
    check(&rows(50, |_| true), &rows(50, |_| true).replace("right", "good"), &[], Verdict::Invalid);
}

#[test]
fn what_only_one_file_has_counts_as_the_worst_case() {
    let whole = rows(1_000, |_| true);
    let lost = |count: usize| whole.lines().skip(count).fold(String::new(), |all, line| all + line + "\n");
    let judgment = compare(&whole, &lost(10), &[]).unwrap();
    assert_eq!((judgment.metrics[0].pairs, judgment.metrics[0].missing), (1_000, 10));
    assert!(judgment.metrics[0].difference.unwrap() < -0.009);
    // A baseline that lost them does not make the candidate better.
    let judgment = compare(&lost(10), &whole, &[]).unwrap();
    assert!(judgment.metrics[0].difference.unwrap() <= 0.0);
    check(&whole, &lost(21), &[], Verdict::Invalid);
    let nulls = whole.replacen("true", "null", 21);
    check(&whole, &nulls, &[], Verdict::Invalid);
}

#[test]
fn times_are_compared_as_ratios_and_metrics_can_be_chosen() {
    let timed = |factor: f64| {
        (0..200).fold(String::new(), |mut text, n| {
            let ms = 200.0 * factor * (1.0 + f64::from(n % 7) / 100.0);
            writeln!(text, "{{\"id\":\"c{n}\",\"right\":true,\"ttft_ms\":{ms},\"tokens\":531}}").unwrap();
            text
        })
    };
    let (blue, green) = (timed(1.0), timed(1.2));
    check_failure(&blue, &green, &[], "tokens: 531 is no score");
    let times = ["--metric", "ttft_ms"];
    let judgment = compare(&blue, &green, &times).unwrap();
    let names: Vec<_> = judgment.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!((judgment.verdict, &names[..]), (Verdict::Fail, &["ttft_ms", "ttft_ms:threefold"][..]));
    assert!((judgment.metrics[0].difference.unwrap() - 0.2).abs() < 1e-9);
    check(&blue, &green, &["--metric", "ttft_ms", "--margin", "ttft_ms=25%"], Verdict::Pass);
    check(&blue, &green, &["--metric", "right", "--margin", "5%"], Verdict::Pass);
    check_failure(&blue, &green, &["--metric", "ttft_ms", "--margin", "25%"], "do not hold a score");
    check_failure(&blue, &green, &["--metric", "rigth"], "no row of either file has \"rigth\"");
}

#[test]
fn clusters_make_a_verdict_less_sure_and_must_agree() {
    let (blue, green) = (rows(600, |_| true), rows(600, |n| n >= 6));
    let clustered = |text: &str| {
        let rows = text.lines().enumerate();
        rows.fold(String::new(), |all, (n, row)| {
            all + &row.replace('}', &format!(",\"cluster\":\"k{}\"}}\n", n / 60))
        })
    };
    check(&blue, &green, &["--margin", "2.5%"], Verdict::Pass);
    check(&clustered(&blue), &clustered(&green), &["--margin", "2.5%"], Verdict::Inconclusive);
    // One file may name them alone; two must name the same.
    check(&blue, &clustered(&green), &["--margin", "2.5%"], Verdict::Inconclusive);
    check_failure(
        &clustered(&blue),
        &clustered(&green).replace("k0", "k9"),
        &[],
        "is in cluster \"k0\" here",
    );
    let evidence = |text: &str| compare(text, &green, &[]).unwrap().subject.evidence;
    assert_ne!(evidence(&blue), evidence(&clustered(&blue)));
}

#[test]
fn bad_files_are_told_by_file_and_line() {
    let good = rows(3, |_| true);
    check_failure(
        &good,
        &good.replace("c1", "c0"),
        &[],
        "green.jsonl:2:1: id: \"c0\" stands on line 1 already",
    );
    check_failure("<html>", &good, &[], "blue.jsonl:1:1: not a row");
    check_failure(&good.replace("true", "NaN"), &good, &[], "blue.jsonl:1:");
    let words = ["compare", "none.jsonl", "none.jsonl"];
    let missing = judged(&Line::try_parse_from(words).unwrap().args, &context()).unwrap_err();
    assert!(missing.exit() == Exit::Usage && missing.to_string().contains("none.jsonl: cannot be read"));
}

/// The shipped labels of a model as lm-evaluation-harness writes samples down.
fn samples_of(model: &str) -> String {
    let labels = std::fs::read_to_string(format!("datasets/gsm8k/scores/{model}.jsonl")).unwrap();
    labels.lines().enumerate().fold(String::new(), |mut text, (n, line)| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let right = f64::from(u8::from(row["label_correct"].as_bool().unwrap()));
        writeln!(
            text,
            "{{\"doc_id\": {n}, \"filter\": \"none\", \"metrics\": [\"exact_match\"], \"doc_hash\": \"d{n}\", \
             \"prompt_hash\": \"p{n}\", \"target_hash\": \"t{n}\", \"exact_match\": {right:?}}}"
        )
        .unwrap();
        text
    })
}

#[test]
fn published_labels_as_samples_of_lm_eval_say_what_they_say_as_scores() {
    let scores = |name: &str| std::fs::read_to_string(format!("datasets/gsm8k/scores/{name}.jsonl")).unwrap();
    let [small, large] = ["6b-finetuning", "175b-finetuning"];
    let plain = compare(&scores(small), &scores(large), &[]).unwrap();
    let read = compare(&samples_of(small), &reversed(&samples_of(large)), &[]).unwrap();
    let [plain, read] = [&plain.metrics[0], &read.metrics[0]];
    assert_eq!(read.name.as_str(), "exact_match,none");
    let flips = read.flips.unwrap();
    assert_eq!((read.pairs, read.missing, flips.worse, flips.better), (1_319, 0, 88, 260));
    assert_eq!((read.baseline, read.candidate), (Some(286.0 / 1_319.0), Some(458.0 / 1_319.0)));
    assert_eq!(read.interval, plain.interval);
    assert_eq!((read.flips, read.verdict), (plain.flips, plain.verdict));
    let said = plain.reason.to_string();
    assert_eq!(read.reason.to_string(), said.replace("label_correct", "exact_match,none"));
    assert!(said.contains("McNemar p"), "{said}");
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("tests/data/results/{name}")).unwrap()
}

#[test]
fn one_id_with_two_prompts_is_refused_and_both_files_named() {
    let (blue, green) = (fixture("lm-eval-blue.jsonl"), fixture("lm-eval-green.jsonl"));
    let changed = green.replace("\"prompt_hash\": \"f7fba", "\"prompt_hash\": \"00000");
    check_failure(&blue, &changed, &[], "green.jsonl: \"1\" asks one thing here and another there");
    check_failure(&changed, &blue, &[], "blue.jsonl and ");
    // Also when the other file has its question under another id.
    let moved = green.replace("\"doc_id\": 1", "\"doc_id\": 3");
    let pushed = blue.replace("\"doc_id\": 0", "\"doc_id\": 3").replace("\"doc_id\": 2", "\"doc_id\": 0");
    check_failure(&pushed.replace("\"doc_hash\": \"29", "\"doc_hash\": \"00"), &moved, &[], "asks one thing");
}

#[test]
fn cases_that_were_counted_anew_are_paired_by_what_they_ask() {
    let (blue, green) = (fixture("lm-eval-blue.jsonl"), fixture("lm-eval-green.jsonl"));
    let renumbered = ["0", "1", "2"].iter().fold(green.clone(), |text, id| {
        text.replace(
            &format!("\"doc_id\": {id},"),
            &format!("\"doc_id\":{},", (id.len() + id.parse::<usize>().unwrap()) % 3),
        )
    });
    let metrics = |green: &str| compare(&blue, green, &[]).unwrap().metrics;
    assert_eq!(metrics(&renumbered), metrics(&green));
    assert_eq!(metrics(&green)[1].flips.unwrap().worse, 2);
}

#[test]
fn a_metric_that_only_one_file_has_is_named_and_judged_invalid() {
    let (blue, green) = (rows(50, |_| true), rows(50, |_| true));
    let more = blue.replace('}', ",\"f1\":1}");
    check(&more, &green, &[], Verdict::Invalid);
    let read = |text: &str| crate::wire::read_scores(text.as_bytes(), &[]).unwrap();
    let (more, green) = (read(&more), read(&green));
    let notes = |blue: &[ScoreRow], green: &[ScoreRow]| {
        Paired::new(blue, green).unwrap().notes("a.jsonl".as_ref(), "b.jsonl".as_ref())
    };
    assert!(notes(&more, &green)[0].starts_with("a.jsonl: metric \"f1\" is in this file only"));
    assert!(notes(&green, &more)[0].starts_with("b.jsonl: metric \"f1\" is in this file only"));
}

#[test]
fn two_providers_of_one_file_are_compared() {
    let text = fixture("promptfoo.json");
    let who = ["--blue-provider", "blue", "--green-provider", "green"];
    let judgment = compare(&text, &text, &who).unwrap();
    let success = &judgment.metrics[0];
    assert_eq!((judgment.verdict, success.pairs, success.missing), (Verdict::Invalid, 3, 1));
    assert!(judgment.subject.candidate.ends_with("green.jsonl (green)"), "{}", judgment.subject.candidate);
    check_failure(&text, &text, &[], "blue.jsonl:1:1: the answers of several providers");
}
