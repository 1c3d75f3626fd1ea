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
    explained(record, given, log_e_abort, Surface::Text(Style::Plain))
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
fn e_values_fit_a_table_however_large() {
    let shown = [-800.0, -1.9, 0.0, 20_f64.ln(), 100_f64.ln(), 700.0].map(e_value);
    assert_eq!(shown, ["< 0.01", "0.15", "1", "20", "100", "1e304"]);
}
