//! A record that is refused leaves no trace.

use super::*;

fn half(baseline: f64, candidate: f64) -> Halves {
    Halves { baseline: Some(baseline), candidate: Some(candidate) }
}

fn collector() -> Collector {
    let specs = crate::judgment::Policy::default_live().specs();
    let mut collector = Collector::new(&specs).unwrap();
    let metrics = vec![("error".into(), half(0.0, 1.0)), (NULL_FAILED.into(), half(0.0, 0.0))];
    collector.push(&Record::Pair(Pair { seq: 1, id: "a".to_owned(), metrics })).unwrap();
    collector
}

#[test]
fn a_pair_that_is_refused_changes_nothing() {
    let names =
        ["error", "sameness", "disagreement", "length", "ttft_ms", NULL_FAILED, REQUEST_BYTES, "in_flight"];
    let values = [0.0, 0.5, 1.0, 5.0, -5.0, -0.0, 1e300, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE];
    let mut refused = 0;
    for name in names {
        for (baseline, candidate) in values.iter().flat_map(|one| values.map(|other| (*one, other))) {
            let mut collector = collector();
            let before = collector.snapshot().clone();
            // What comes before it in the record is lawful.
            let metrics = vec![("broken".into(), half(0.0, 1.0)), (name.into(), half(baseline, candidate))];
            let pair = Record::Pair(Pair { seq: 2, id: "b".to_owned(), metrics });
            if let Err(error) = collector.push(&pair) {
                refused += 1;
                assert!(
                    matches!(error, EvidenceError::Value { .. }),
                    "{name} {baseline} {candidate}: {error}"
                );
                assert!(*collector.snapshot() == before, "{name} {baseline} {candidate}");
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

#[test]
fn a_copy_that_failed_five_times_is_refused_by_name() {
    let mut collector = collector();
    let metrics = vec![("error".into(), half(0.0, 0.0)), (NULL_FAILED.into(), half(0.0, 5.0))];
    let refused = collector.push(&Record::Pair(Pair { seq: 2, id: "b".to_owned(), metrics }));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "record 2 (b): null_failed is 5, which a metric of kind harm cannot be"
    );
}
