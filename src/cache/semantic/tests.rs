//! The tier over the polarity set: nothing opposed is ever found, what means the same is.

use futures_util::FutureExt;

use super::*;
use crate::cache::CacheOptions;
use crate::cache::guard::polarity::{alike, opposed};
use crate::cache::memory::Memory;
use crate::cache::standing_file::StandingFile;
use crate::cache::testing::Case;
use crate::telemetry::SystemClock;

/// The tier over a store in memory.
struct Tier {
    semantic: Semantic,
    store: Memory,
}

impl Tier {
    fn place(&self, partition: CacheKey, text: &str, template: &str) -> Placed {
        self.semantic.place(partition, text, Some(template)).now_or_never().unwrap().unwrap()
    }

    fn placed(&self, text: &str) -> Placed {
        self.place(Case::default().key(), text, "answer")
    }

    fn learn(&self, placed: &Placed, key: CacheKey) {
        placed.learn(&self.store, key).now_or_never().unwrap();
    }

    fn nearest(&self, placed: &Placed) -> Option<Candidate> {
        self.semantic.nearest(&self.store, placed).now_or_never().unwrap()
    }

    fn audit(&self, placed: &Placed, served: &str, asked: &str) {
        self.semantic.audit(placed, served, asked).now_or_never().unwrap();
    }

    /// How near the answer to `b` is to whoever asks `a`, where it would be given; in a partition called `id`.
    fn finds(&self, id: &str, a: &str, b: &str) -> Option<f32> {
        let partition = Case { body: format!("{{\"id\":\"{id}\"}}"), ..Case::default() }.key();
        let placed = |text: &str| self.place(partition.clone(), text, "answer");
        self.learn(&placed(b), Case::default().key());
        self.nearest(&placed(a)).map(|candidate| candidate.similarity)
    }
}

fn semantic(similarity_min: f64) -> Tier {
    let options = SemanticOptions {
        vectors: VectorSource::BuiltIn,
        templates: vec!["answer".to_owned()],
        messages: false,
        similarity_min,
        gap_min: 0.0,
        audit_every: 10,
        false_hits_max: 0.05,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let store = Memory::open(CacheOptions::default(), Arc::clone(&clock), StandingFile::default()).unwrap();
    Tier { semantic: Semantic::new(options, clock).unwrap(), store }
}

#[test]
fn no_pair_of_the_polarity_set_is_served_at_any_threshold() {
    let all = opposed();
    let (one, mut above) = (semantic(0.0), 0);
    for (id, a, b) in &all {
        assert_eq!(one.finds(id, a, b), None, "{id}: {a:?} {b:?}");
        let cosine = one.placed(a).vector.cosine(&one.placed(b).vector);
        above += usize::from(cosine >= 0.9);
    }
    println!("{} pairs, {above} of them with a cosine of 0.9 and more, 0 served", all.len());
    assert!(above > 20, "without the guard {above} would be served: the set is too easy");
}

#[test]
fn questions_that_mean_the_same_are_found_at_a_lower_threshold() {
    let all = alike();
    let one = semantic(0.0);
    let near: Vec<_> = all.iter().map(|(id, a, b)| one.finds(id, a, b).unwrap_or(-1.0)).collect();
    let counts = [0.0, 0.5, 0.7, 0.9].map(|least| near.iter().filter(|near| **near >= least).count());
    println!("of {} pairs that mean the same, found at 0.0, 0.5, 0.7, 0.9: {counts:?}", all.len());
    assert!(counts[0] * 10 >= all.len() * 9 && counts[3] > 0, "{counts:?}");
}

#[test]
fn two_questions_that_are_equally_near_answer_nothing() {
    let mut one = semantic(0.5);
    one.semantic.options.gap_min = 0.01;
    let ask = "How do I reset my password?";
    one.learn(&one.placed(ask), Case::default().key());
    assert!(one.nearest(&one.placed(ask)).is_some());
    let other = Case { body: "{}".to_owned(), ..Case::default() }.key();
    one.learn(&one.placed(ask), other);
    assert!(one.nearest(&one.placed(ask)).is_none());
}

#[test]
fn a_question_whose_answer_is_gone_stands_in_nobodys_way() {
    let one = semantic(0.5);
    let (old, new) = (Case::default().key(), Case { body: "{}".to_owned(), ..Case::default() }.key());
    let asked = one.placed("How do I reset my password?");
    one.learn(&asked, old.clone());
    asked.forget(&one.store, &old).now_or_never().unwrap();
    assert!(one.nearest(&asked).is_none());
    one.learn(&asked, new.clone());
    assert_eq!(one.nearest(&asked).unwrap().key, new);
}

#[test]
fn another_partition_is_another_world() {
    let one = semantic(0.5);
    one.learn(&one.placed("What is the boiling point of water?"), Case::default().key());
    for (what, case) in crate::cache::testing::changed() {
        let asked = one.place(case.key(), "What is the boiling point of water?", "answer");
        assert!(one.nearest(&asked).is_none(), "{what}");
    }
}

#[test]
fn audits_that_differ_demote_the_template_and_no_other() {
    let one = semantic(0.5);
    let (good, bad) = (one.placed("a"), one.place(Case::default().key(), "a", "other"));
    for _ in 0..300 {
        one.audit(&good, "Water boils at 100 degrees.", "Water boils at 100 degrees.");
        one.audit(&bad, "Water boils at 100 degrees.", "Water boils at 90 degrees.");
    }
    assert_eq!((one.semantic.next(&good), one.semantic.next(&bad)), (Use::Serve, Use::Audit));
    let serves: Vec<_> =
        one.semantic.stats().iter().map(|stats| (stats.template.clone(), stats.serves)).collect();
    assert_eq!(serves, [("answer".to_owned(), true), ("other".to_owned(), false)]);
}
