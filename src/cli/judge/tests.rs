//! Judged again from files: the same bytes, other margins, and evidence that is refused.

use std::fmt::Write;
use std::path::Path;

use super::evidence::Judged;
use super::*;
use crate::evidence::{Collector, EvidenceDigest, Halves, Pair, REQUEST_BYTES, Record, STREAMED};
use crate::judgment::{Ask, LedgerPoint, Policy, Question, Subject, Verdict, judge};
use crate::report::{Input, render_json, write_run};
use crate::store::{Digests, EvidencePlace, EvidenceWriter};
use crate::wire::{VerdictRecord, read_pairs};

/// `count` pairs; in every `bad_every`-th the candidate fails where the baseline did not.
fn pairs(count: usize, bad_every: usize) -> String {
    (1..=count).fold(String::new(), |mut text, seq| {
        let bad = u8::from(seq.is_multiple_of(bad_every));
        let metrics = format!("{{\"error\":{{\"blue\":0,\"green\":{bad}}}}}");
        writeln!(text, "{{\"seq\":{seq},\"id\":\"r{seq}\",\"metrics\":{metrics}}}").unwrap();
        text
    })
}

fn judged(path: &Path, changes: &[&str]) -> Result<(Verdict, String), String> {
    let changes: Vec<WhatIf> = changes.iter().map(|change| change.parse().unwrap()).collect();
    let evidence = Evidence::find(path, None).map_err(|failure| failure.to_string())?;
    let judgment = evidence.judge(&changes).map_err(|failure| failure.to_string())?.judgment;
    Ok((judgment.verdict, render_json(&judgment)))
}

fn check(text: &str, changes: &[&str], expected: Result<Verdict, &str>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pairs.jsonl");
    std::fs::write(&path, text).unwrap();
    match judged(&path, changes) {
        Ok((verdict, _)) => assert_eq!(Ok(verdict), expected),
        Err(said) => assert!(said.contains(expected.unwrap_err()), "{said}"),
    }
}

#[test]
fn pairs_get_the_verdict_they_deserve() {
    check(&pairs(1_000, 2_000), &[], Ok(Verdict::Pass));
    check(&pairs(1_000, 10), &[], Ok(Verdict::Fail));
    check(&pairs(20, 100), &[], Ok(Verdict::Inconclusive));
}

#[test]
fn another_margin_is_another_answer() {
    check(&pairs(1_000, 10), &["error.margin=30%"], Ok(Verdict::Pass));
    check(&pairs(1_000, 2_000), &["margin=0.001"], Ok(Verdict::Inconclusive));
    check(&pairs(10, 20), &["eror.margin=0.1"], Err("judged are error"));
}

#[test]
fn bad_evidence_is_refused_by_file_and_line() {
    check("", &[], Err("never a pass"));
    check(&pairs(2, 9).replace(":0}", ":NaN}"), &[], Err("pairs.jsonl:1:"));
    check(&pairs(2, 9).replace("r2", "r1"), &[], Err("pairs.jsonl:2:1: id: \"r1\" stands on line 1 already"));
}

fn check_form(text: &str, valid: bool) {
    assert_eq!(text.parse::<WhatIf>().is_ok(), valid, "{text}");
}

#[test]
fn what_if_is_a_rule_and_a_value() {
    check_form("margin=0.02", true);
    check_form("number@gsm8k-flexible.margin=2%", true);
    check_form("ttft_ms.abort_margin=10%", true);
    check_form("abort_alpha=0.5%", true);
    check_form("promote_alpha=0.1", true);
    check_form("error.required=false", true);
    check_form("required=true", true);
    check_form("ttft_ms.judged=false", true);
    check_form("margin", false);
    check_form("error.alpha=0.1", false);
    check_form("error.abort_alpha=0.1", false);
    check_form("error.required=no", false);
    check_form("ttft_ms.judged=true", false);
    check_form("judged=false", false);
    check_form("margin=NaN", false);
    check_form("margin=-1", false);
    let said = "error.alpha=0.1".parse::<WhatIf>().unwrap_err().to_string();
    assert!(said.contains("abort_alpha=0.005") && said.contains("\"error.alpha=0.1\""), "{said}");
}

#[test]
fn other_error_budgets_are_another_answer() {
    check(&pairs(350, 2_000), &[], Ok(Verdict::Inconclusive));
    check(&pairs(350, 2_000), &["promote_alpha=0.2"], Ok(Verdict::Pass));
    check(&pairs(60, 10), &["abort_alpha=0.2"], Ok(Verdict::Fail));
    check(&pairs(60, 10), &["abort_alpha=0.0001"], Ok(Verdict::Inconclusive));
    check(&pairs(60, 10), &["abort_alpha=1"], Err("abort_alpha is a probability between 0 and 1"));
}

/// `error` is well, `broken` is not.
fn two_metrics() -> String {
    let with_broken = |line: &str| {
        let bad = line.contains("\"green\":1");
        let broken = format!("\"green\":0}},\"broken\":{{\"blue\":0,\"green\":{}}}}}}}", u8::from(bad));
        line.replace("\"green\":1", "\"green\":0").replace("\"green\":0}}}", &broken)
    };
    pairs(1_000, 10).lines().map(|line| with_broken(line) + "\n").collect()
}

#[test]
fn a_metric_that_need_not_pass_still_fails_and_one_that_is_left_out_does_not() {
    check(&two_metrics(), &[], Ok(Verdict::Fail));
    check(&two_metrics(), &["broken.required=false"], Ok(Verdict::Fail));
    check(&two_metrics(), &["broken.judged=false"], Ok(Verdict::Pass));
    check(&two_metrics(), &["error.judged=false", "broken.margin=30%"], Ok(Verdict::Pass));
    check(&two_metrics(), &["error.required=false", "broken.required=false"], Err("no metric is required"));
    check(&pairs(10, 20), &["eror.judged=false"], Err("judged are error"));
}

/// What the evidence of [`leave_run`] is of.
fn of(candidate: &str) -> Digests {
    let [baseline, candidate, policy] = ["rel:b", candidate, "pol:with-graders"].map(str::to_owned);
    Digests { baseline, candidate, policy }
}

/// A run as a controller leaves it: its verdict was given at record `look`, before the last ones came.
fn leave_run(directory: &Path, records: &[Record], look: usize) -> String {
    let policy = Policy::default_live();
    let place = EvidencePlace { rollout: "r1".into(), resets: 0, ordinal: 2, name: "mirror" };
    let mut writer = EvidenceWriter::new(directory.join("evidence"), place).of(of("rel:c"));
    records.iter().cloned().for_each(|record| writer.push(record));
    writer.flush().unwrap();
    let mut collector = Collector::new(&policy.specs()).unwrap();
    let mut digest = EvidenceDigest::default();
    collector.open_stage();
    for record in &records[..look] {
        collector.push(record).unwrap();
        digest.push(record);
    }
    let subject = Subject {
        baseline: "rel:b".to_owned(),
        candidate: "rel:c".to_owned(),
        policy: "pol:with-graders".to_owned(),
        evidence: digest.text_so_far(),
    };
    let ask = Ask { question: Question::Mirror, subject, must_pass: vec!["error".into()] };
    let judgment = judge(collector.snapshot(), &policy, &ask).at_pace(Some(1.0 / 3.0));
    let input = Input {
        ledger: LedgerPoint::of(collector.snapshot().records(), &judgment).into_iter().collect(),
        policy: Some(policy),
        ..Input::of_verdict("run", VerdictRecord::from(&judgment))
    };
    write_run(directory, &input).unwrap();
    render_json(&judgment)
}

/// Pairs of two kinds of answers and three of prompts.
fn records() -> Vec<Record> {
    let pairs = read_pairs(pairs(600, 10).as_bytes(), |_| None).unwrap();
    let with_kinds = pairs.into_iter().map(|mut pair| {
        let both = |value: u64| Halves { baseline: Some(value as f64), candidate: Some(value as f64) };
        pair.metrics.push((STREAMED.into(), both(pair.seq % 2)));
        pair.metrics.push((REQUEST_BYTES.into(), both(pair.seq * 7_919 % 30_000)));
        Record::Pair(pair)
    });
    with_kinds.collect()
}

#[test]
fn a_run_judged_again_gives_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let then = leave_run(directory.path(), &records(), 400);
    assert!(then.contains("\"opinion\": \"sustained\"") && then.contains("\"stratum\": \"long\""), "{then}");
    assert_eq!(judged(directory.path(), &[]), Ok((Verdict::Fail, then.clone())));
    assert_eq!(std::fs::read_to_string(directory.path().join("verdict.json")).unwrap(), then);
    let (verdict, other) = judged(directory.path(), &["error.margin=0.3"]).unwrap();
    assert!(verdict == Verdict::Pass && other != then);
}

/// A run that ended in its candidate's warm-up, whose rules are made of the rollout's.
fn leave_warm_up(directory: &Path) -> String {
    let policy = Policy::default_live().beside_warm_up();
    let rules = policy.of_warm_up();
    let place = EvidencePlace { rollout: "r1".into(), resets: 0, ordinal: 0, name: "prepare" }.of_warm_up();
    let mut writer = EvidenceWriter::new(directory.join("evidence"), place);
    let (mut collector, mut digest) = (Collector::new(&rules.specs()).unwrap(), EvidenceDigest::default());
    for seq in 1..=40 {
        let metrics = vec![("broken".into(), Halves { baseline: Some(0.02), candidate: Some(1.0) })];
        let record = Record::Pair(Pair { seq, id: format!("entry-{seq}"), metrics });
        collector.push(&record).unwrap();
        digest.push(&record);
        writer.push(record);
    }
    writer.flush().unwrap();
    let subject = Subject { evidence: digest.text_so_far(), ..Subject::default() };
    let ask = Ask { question: Question::WarmUp, subject, must_pass: Vec::new() };
    let judgment = judge(collector.snapshot(), &rules, &ask);
    let input = Input { policy: Some(policy), ..Input::of_verdict("run", VerdictRecord::from(&judgment)) };
    write_run(directory, &input).unwrap();
    render_json(&judgment)
}

#[test]
fn a_warm_up_judged_again_gives_the_same_bytes_and_is_known_by_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let then = leave_warm_up(directory.path());
    assert_eq!(judged(directory.path(), &[]), Ok((Verdict::Fail, then.clone())));
    let (verdict, bare) = judged(&directory.path().join("evidence"), &[]).unwrap();
    assert!(verdict == Verdict::Fail && bare.contains("\"question\": \"warm_up\""), "{bare}");
    let (verdict, _) = judged(directory.path(), &["broken.margin=0.99"]).unwrap();
    assert_eq!(verdict, Verdict::Inconclusive);
}

#[test]
fn an_undecided_run_judged_again_says_the_same_of_the_time_it_needs() {
    let directory = tempfile::tempdir().unwrap();
    let then = leave_run(directory.path(), &records()[..9], 8);
    assert!(then.contains("at the present 20 a minute") && then.contains("\"pairs_per_s\": 0.333"), "{then}");
    assert_eq!(judged(directory.path(), &[]), Ok((Verdict::Inconclusive, then)));
}

#[test]
fn rules_of_a_run_are_changed_for_a_question_and_so_is_what_had_to_pass() {
    let directory = tempfile::tempdir().unwrap();
    leave_run(directory.path(), &records(), 400);
    let ask = |changes: &[&str]| judged(directory.path(), changes).unwrap().0;
    assert_eq!(ask(&["error.judged=false"]), Verdict::Inconclusive, "nothing is left that had to pass");
    assert_eq!(ask(&["error.margin=0.3"]), Verdict::Pass);
    assert_eq!(ask(&["error.margin=0.3", "broken.required=true"]), Verdict::Inconclusive, "never measured");
    assert_eq!(ask(&["error.margin=0.3", "error.required=false"]), Verdict::Inconclusive);
}

/// The run of `records` with the evidence of a run of `others` in place of its own.
fn swapped(records: &[Record], others: &[Record]) -> tempfile::TempDir {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    leave_run(directory.path(), records, records.len());
    std::fs::remove_dir_all(directory.path().join("evidence")).unwrap();
    leave_run(other.path(), others, others.len());
    std::fs::rename(other.path().join("evidence"), directory.path().join("evidence")).unwrap();
    directory
}

#[test]
fn evidence_that_a_verdict_was_not_given_on_is_invalid_and_never_a_pass() {
    let healthy = |count: usize| -> Vec<Record> {
        read_pairs(pairs(count, 5_000).as_bytes(), |_| None).unwrap().into_iter().map(Record::Pair).collect()
    };
    let directory = swapped(&healthy(1_000), &healthy(999));
    for changes in [&[][..], &["margin=0.3"]] {
        let (verdict, text) = judged(directory.path(), changes).unwrap();
        assert_eq!(verdict, Verdict::Invalid);
        assert!(text.contains("evidence: the stored verdict was given on ev:"), "{text}");
    }
    let unchanged = swapped(&healthy(1_000), &healthy(1_000));
    assert_eq!(judged(unchanged.path(), &[]).unwrap().0, Verdict::Pass);
}

#[test]
fn evidence_of_another_release_or_policy_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    leave_run(directory.path(), &records(), 600);
    let verdict = directory.path().join("verdicts.jsonl");
    let then = std::fs::read_to_string(&verdict).unwrap();
    for (was, is, said) in [
        ("\"rel:c\"", "\"rel:d\"", "is evidence of candidate rel:c, but rel:d is expected"),
        ("\"rel:b\"", "\"rel:a\"", "is evidence of baseline rel:b, but rel:a is expected"),
        (
            "\"pol:with-graders\"",
            "\"pol:x\"",
            "is evidence of policy pol:with-graders, but pol:x is expected",
        ),
    ] {
        std::fs::write(&verdict, then.replace(was, is)).unwrap();
        let failure = Evidence::find(directory.path(), None).unwrap().judge(&[]).unwrap_err();
        assert!(failure.to_string().contains(said) && failure.exit() == Exit::Invalid, "{failure}");
    }
}

#[test]
fn files_that_do_not_say_what_they_are_of_are_judged_with_a_note() {
    let directory = tempfile::tempdir().unwrap();
    leave_run(directory.path(), &records(), 600);
    let place = EvidencePlace { rollout: "r1".into(), resets: 0, ordinal: 2, name: "mirror" };
    std::fs::remove_dir_all(directory.path().join("evidence")).unwrap();
    let mut writer = EvidenceWriter::new(directory.path().join("evidence"), place);
    records().into_iter().for_each(|record| writer.push(record));
    writer.flush().unwrap();
    let Judged { judgment, notes } = Evidence::find(directory.path(), None).unwrap().judge(&[]).unwrap();
    assert_eq!(judgment.verdict, Verdict::Fail);
    assert!(notes[0].contains("1 of the files of evidence do not say"), "{notes:?}");
}

#[test]
fn a_bare_directory_of_evidence_names_the_releases_that_its_files_are_of() {
    let directory = tempfile::tempdir().unwrap();
    leave_run(directory.path(), &records(), 600);
    let (_, text) = judged(&directory.path().join("evidence"), &[]).unwrap();
    assert!(text.contains("\"candidate\": \"rel:c\"") && text.contains("\"baseline\": \"rel:b\""), "{text}");
}

#[test]
fn a_policy_file_judges_in_place_of_the_default() {
    let directory = tempfile::tempdir().unwrap();
    let (pairs_path, policy_path) = (directory.path().join("p.jsonl"), directory.path().join("policy.toml"));
    std::fs::write(&pairs_path, pairs(1_000, 10)).unwrap();
    let text =
        "version = 1\n[judge]\n[[judge.metrics]]\nname = \"error\"\nmargin = \"30%\"\nrequired = true\n";
    std::fs::write(&policy_path, text).unwrap();
    let rules = load_policy(&policy_path).unwrap();
    let judgment = Evidence::find(&pairs_path, Some(rules)).unwrap().judge(&[]).unwrap().judgment;
    assert_eq!((judgment.verdict, judgment.metrics.len()), (Verdict::Pass, 1));
}
