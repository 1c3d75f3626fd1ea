//! What is said of a rollout that waits, of one that is over, and of one that nobody judged.

use serde_json::json;

use super::*;
use crate::judgment::Judgment;
use crate::report::Style;
use crate::wire::fixture;

fn record(live: Option<&Judgment>) -> RolloutRecord {
    let live = live.map(VerdictRecord::from);
    serde_json::from_value(json!({
        "id": "chat-v2", "stage": "ramp[0]", "label": "ramp 25%", "mode": "held", "share": "25%", "epoch": 3,
        "elapsed_seconds": 724, "waiting": ["an operator: the evidence did not decide"], "decided": null,
        "stages": [
            {"stage": "mirror", "label": "mirror", "share": "0%"},
            {"stage": "ramp[0]", "label": "ramp 25%", "share": "25%"},
            {"stage": "done", "label": "done", "share": "100%"},
        ],
        "records": 1204, "alphas": {"abort": 0.01, "promote": 0.05}, "gate": null, "live": live, "store": "works",
    }))
    .unwrap()
}

fn explain(record: &RolloutRecord, given: &[Given], log_e_abort: Option<f64>) -> String {
    let look = |log_e| json!({"records": 1204, "log_e_abort": log_e, "metrics": []});
    let looks = log_e_abort.map(|log_e| serde_json::from_value(look(log_e)).unwrap());
    let kept = Kept { looks: looks.into_iter().collect(), margins: Vec::new() };
    explained(record, given, &kept, Surface::Text(Style::Plain))
}

fn check(text: &str, lines: &[&str]) {
    for line in lines {
        let words: Vec<_> = line.split_whitespace().collect();
        let found = text.lines().any(|seen| seen.split_whitespace().collect::<Vec<_>>() == words);
        assert!(found, "no line {line:?} in\n{text}");
    }
}

#[test]
fn the_decisive_reason_the_numbers_and_every_e_value_against_its_threshold() {
    let record = record(Some(&fixture::judgment()));
    check(
        &explain(&record, &[], Some(4.7)),
        &[
            "chat-v2 held at ramp 25%: 25% of clients on the candidate (epoch 3, 12m 4s in this stage)",
            "because the judge says fail: ttft_ms is 21.4 % slower, beyond the margin of 5 %",
            "waits for an operator: the evidence did not decide",
            "to pass error 30.3 of 20 reached",
            "ttft_ms < 0.01 of 20 not reached",
            "to fail all metrics 109.9 of 100 a regression is proven",
            "needs nothing more",
        ],
    );
}

#[test]
fn what_nobody_judged_waits_and_what_is_over_says_how_it_ended() {
    check(
        &explain(&record(None), &[], None),
        &["because nothing was judged yet; it waits for an operator: the evidence did not decide"],
    );
    let mut over = record(None);
    over.decided = Some(crate::admin::DecisionRecord {
        ending: "regression_proven".to_owned(),
        exit_code: 1,
        why: Some("error: worse by 3 points".to_owned()),
    });
    let verdict = serde_json::to_value(VerdictRecord::from(&fixture::judgment())).unwrap();
    let given = [Given { at_ms: 1_764_225_600_000, stage: "mirror".to_owned(), records: 412, verdict }];
    check(
        &explain(&over, &given, None),
        &[
            "because regression proven: error: worse by 3 points",
            "verdicts 2025-11-27T06:40:00Z mirror fail 412 records ttft_ms is 21.4 % slower, beyond the margin of 5 %",
        ],
    );
}

#[test]
fn the_ledger_over_the_evidence_what_moved_when_and_what_other_margins_would_have_said() {
    let looks = json!([
        {"stage": "mirror", "records": 50, "log_e_abort": -0.1, "metrics": [["error", -0.4, 0.9], ["ttft_ms", null, -0.2]]},
        {"stage": "mirror", "records": 450, "log_e_abort": 1.2, "metrics": [["error", -0.9, 3.1], ["ttft_ms", 3.0, -2.0]]},
        {"stage": "ramp[0]", "records": 1204, "log_e_abort": 5.4, "metrics": [["error", -1.9, 3.41], ["ttft_ms", 7.2, -9.5]]},
    ]);
    let at = |factor: f64, verdict: &str| {
        json!({"factor": factor, "verdict": verdict, "metrics": [
            {"name": "error", "kind": "event", "margin": 0.01 * factor, "verdict": verdict}]})
    };
    let margins: Margins =
        serde_json::from_value(json!({"at": [at(0.5, "inconclusive"), at(1.0, "pass")]})).unwrap();
    let kept = Kept {
        looks: serde_json::from_value(looks).unwrap(),
        margins: margins.at.into_iter().map(AtMargins::from).collect(),
    };
    let record = record(Some(&fixture::judgment()));
    check(
        &explained(&record, &[], &kept, Surface::Text(Style::Plain)),
        &[
            "records stage against (of 100) error (of 20)",
            "50 mirror 0.90 2.5",
            "1204 ramp 25% 221.4 30.3",
            "moved error: the evidence for passing reached 22.2 of 20 by 450 records",
            "ttft_ms: the evidence against the candidate reached 1339.4 of 400 by 1,204 records",
            "all metrics: the evidence against the candidate reached 221.4 of 100 by 1,204 records",
            "margins error 0.5 points: inconclusive; 1 points (as set): pass",
            "all together × 0.5: inconclusive; as set: pass",
        ],
    );
}
