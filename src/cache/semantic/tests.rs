//! The tier over the polarity set: nothing opposed is ever found, what means the same is.

use futures_util::FutureExt;

use super::*;
use crate::cache::guard::polarity::{alike, opposed};
use crate::cache::testing::Case;
use crate::telemetry::SystemClock;

fn semantic(similarity_min: f64) -> Semantic {
    let options = SemanticOptions {
        vectors: VectorSource::BuiltIn,
        templates: vec!["answer".to_owned()],
        messages: false,
        similarity_min,
        gap_min: 0.0,
        audit_every: 10,
        false_hits_max: 0.05,
    };
    Semantic::new(options, Arc::new(SystemClock::start())).unwrap()
}

fn place(semantic: &Semantic, partition: CacheKey, text: &str, template: &str) -> Placed {
    semantic.place(partition, text, Some(template)).now_or_never().unwrap().unwrap()
}

fn placed(semantic: &Semantic, text: &str) -> Placed {
    place(semantic, Case::default().key(), text, "answer")
}

/// How near the answer to `b` is to whoever asks `a`, where it would be given; in a partition called `id`.
fn finds(semantic: &Semantic, id: &str, a: &str, b: &str) -> Option<f32> {
    let partition = Case { body: format!("{{\"id\":\"{id}\"}}"), ..Case::default() }.key();
    let placed = |text: &str| place(semantic, partition.clone(), text, "answer");
    semantic.learn(&placed(b), Case::default().key());
    semantic.nearest(&placed(a)).map(|candidate| candidate.similarity)
}

#[test]
fn no_pair_of_the_polarity_set_is_served_at_any_threshold() {
    let all = opposed();
    let (one, mut above) = (semantic(0.0), 0);
    for (id, a, b) in &all {
        assert_eq!(finds(&one, id, a, b), None, "{id}: {a:?} {b:?}");
        let cosine = placed(&one, a).vector.cosine(&placed(&one, b).vector);
        above += usize::from(cosine >= 0.9);
    }
    println!("{} pairs, {above} of them with a cosine of 0.9 and more, 0 served", all.len());
    assert!(above > 20, "without the guard {above} would be served: the set is too easy");
}

#[test]
fn questions_that_mean_the_same_are_found_at_a_lower_threshold() {
    let all = alike();
    let one = semantic(0.0);
    let near: Vec<_> = all.iter().map(|(id, a, b)| finds(&one, id, a, b).unwrap_or(-1.0)).collect();
    let counts = [0.0, 0.5, 0.7, 0.9].map(|least| near.iter().filter(|near| **near >= least).count());
    println!("of {} pairs that mean the same, found at 0.0, 0.5, 0.7, 0.9: {counts:?}", all.len());
    assert!(counts[0] * 10 >= all.len() * 9 && counts[3] > 0, "{counts:?}");
}

#[test]
fn two_questions_that_are_equally_near_answer_nothing() {
    let mut one = semantic(0.5);
    one.options.gap_min = 0.01;
    let ask = "How do I reset my password?";
    one.learn(&placed(&one, ask), Case::default().key());
    assert!(one.nearest(&placed(&one, ask)).is_some());
    let other = Case { body: "{}".to_owned(), ..Case::default() }.key();
    one.learn(&placed(&one, ask), other);
    assert!(one.nearest(&placed(&one, ask)).is_none());
}

#[test]
fn another_partition_is_another_world() {
    let one = semantic(0.5);
    one.learn(&placed(&one, "What is the boiling point of water?"), Case::default().key());
    for (what, case) in crate::cache::testing::changed() {
        let asked = place(&one, case.key(), "What is the boiling point of water?", "answer");
        assert!(one.nearest(&asked).is_none(), "{what}");
    }
}

#[test]
fn audits_that_differ_demote_the_template_and_no_other() {
    let one = semantic(0.5);
    let (good, bad) = (placed(&one, "a"), place(&one, Case::default().key(), "a", "other"));
    for _ in 0..300 {
        one.audit(&good, "Water boils at 100 degrees.", "Water boils at 100 degrees.")
            .now_or_never()
            .unwrap();
        one.audit(&bad, "Water boils at 100 degrees.", "Water boils at 90 degrees.").now_or_never().unwrap();
    }
    assert_eq!((one.next(&good), one.next(&bad)), (Use::Serve, Use::Audit));
    let serves: Vec<_> = one.stats().iter().map(|stats| (stats.template.clone(), stats.serves)).collect();
    assert_eq!(serves, [("answer".to_owned(), true), ("other".to_owned(), false)]);
}
