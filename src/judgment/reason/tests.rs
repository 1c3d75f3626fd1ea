//! The sentences people read.

use super::*;

fn check(reason: Reason, expected: &str) {
    assert_eq!(reason.to_string(), expected);
}

const PAIRS: Seen = Seen { pairs: 612, users: 0 };
const BOTH: Seen = Seen { pairs: 600, users: 60 };

fn within(worst: f64, seen: Seen, alpha: f64) -> Reason {
    let (metric, margin, unit) = ("error".into(), 0.01, Unit::Points);
    Reason::WithinMargin { metric, worst: worst.into(), margin, unit, seen, alpha }
}

fn beyond(worse_by: Option<f64>, worse_by_users: Option<f64>, seen: Seen) -> Reason {
    Reason::BeyondMargin {
        metric: "error".into(),
        worse_by,
        worse_by_users,
        interval: worse_by.map(|by| Bounds::from((by - 0.01, by + 0.012))),
        margin: 0.005,
        unit: Unit::Points,
        seen,
        alpha: 0.01,
        question: Question::Mirror,
        opinion: None,
        strata: Strata::default(),
    }
}

#[test]
fn sentences_carry_number_interval_margin_and_pairs() {
    check(
        within(0.0031, PAIRS, 0.05),
        "error: worse by at most 0.31 points (95 %, at every look), within the margin of 1 points (612 pairs)",
    );
    check(
        within(-0.02, PAIRS, 0.05),
        "error: better by at least 2 points (95 %, at every look), within the margin of 1 points (612 pairs)",
    );
    check(
        beyond(Some(0.0312), None, PAIRS),
        "error: worse by 3.12 points, more than the margin of 0.5 points: proven at 1 % over the whole rollout \
         (612 pairs, 2.12 to 4.32 points at 95 % at every look)",
    );
    let not_enough = |interval, needed, pace| Reason::NotEnough {
        metric: "error".into(),
        seen: Seen { pairs: 40, users: 0 },
        interval,
        margin: 0.01,
        unit: Unit::Points,
        needed,
        pace,
        strata: Strata::default(),
    };
    check(
        not_enough(Some(Bounds::from((-0.004, 0.12))), Some(410), None),
        "error: not decided after 40 pairs (worse by -0.4 to 12 points at 95 % at every look, margin 1 points); \
         about 410 more if the trend holds",
    );
    check(
        not_enough(None, Some(410), Pace::of(0.5)),
        "error: not decided after 40 pairs (margin 1 points); about 410 more if the trend holds, 14 min at the present \
         30 a minute",
    );
    check(
        not_enough(None, None, Pace::of(0.5)),
        "error: not decided after 40 pairs (margin 1 points), and no trend toward passing",
    );
}

#[test]
fn what_users_under_a_split_say_is_told_from_what_pairs_say() {
    check(
        within(0.0031, BOTH, 0.05),
        "error: worse by at most 0.31 points (95 % by pairs alone, at every look), within the margin of 1 points \
         (600 pairs and 60 users)",
    );
    check(
        beyond(Some(0.0), Some(0.97), BOTH),
        "error: worse by 97 points by users under a split, more than the margin of 0.5 points: proven at 1 % over the \
         whole rollout (600 pairs and 60 users, -1 to 1.2 points at 95 % by pairs alone at every look)",
    );
    check(
        beyond(None, Some(0.97), Seen { pairs: 0, users: 60 }),
        "error: worse by 97 points by users under a split, more than the margin of 0.5 points: proven at 1 % over the \
         whole rollout (60 users)",
    );
}

#[test]
fn a_late_fault_is_not_called_more_than_the_margin_on_average() {
    check(
        beyond(Some(0.003), None, Seen { pairs: 10_700, users: 0 }),
        "error: worse by 0.3 points on average, and in part of the evidence by more than the margin of 0.5 points: proven at 1 % over \
         the whole rollout (10700 pairs, -0.7 to 1.5 points at 95 % at every look)",
    );
}

#[test]
fn the_level_in_a_sentence_is_the_policys() {
    let said = within(0.0031, PAIRS, 0.01).to_string();
    assert!(said.contains("(99 %, at every look)"), "{said}");
    let limit = LatencyLimit { tail: crate::domain::Tail::P99, ms: 800.0 };
    let kept = Reason::WithinLimit { metric: "ttft_ms".into(), limit, users: 600, alpha: 0.1 };
    check(kept, "ttft_ms: p99 800 ms is kept (90 %, at every look) for 600 users at their own load");
}
