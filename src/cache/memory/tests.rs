//! Bounds and rooms of the store in memory.

use super::*;
use crate::cache::testing::{Case, item, rng, unit};
use crate::domain::Timestamp;
use crate::telemetry::ManualClock;

/// What an entry costs here: its body, one header, and what every entry costs.
const COST: usize = 100 + 16 + 12 + 64 + crate::cache::entry::ENTRY_OVERHEAD_BYTES;

/// A store with room for `entries` entries of 100 bytes.
fn memory(entries: usize) -> Memory {
    let options = CacheOptions { bytes_max: entries * COST, ..CacheOptions::default() };
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    Memory::open(options, clock, StandingFile::default()).unwrap()
}

impl Memory {
    fn case(&self, release: &str, question: &str) -> Case {
        let namespace = self.standing.load().namespace(&ReleaseId::from(release)).unwrap();
        Case { namespace, body: format!("{{\"q\":\"{question}\"}}"), ..Case::default() }
    }

    fn add(&self, release: &str, question: &str) {
        let case = self.case(release, question);
        self.put(&case.key(), case.entry(&[b'x'; 100]));
    }

    fn has(&self, release: &str, question: &str) -> bool {
        self.lock().find(&self.case(release, question).key()).is_some()
    }

    fn bytes(&self) -> usize {
        self.lock().bytes
    }
}

#[test]
fn a_new_release_does_not_push_the_old_ones_answers_out() {
    let memory = memory(4);
    for question in ["1", "2"] {
        memory.add("sem:blue", question);
    }
    for question in 0..50 {
        memory.add("sem:green", &question.to_string());
    }
    assert!(memory.has("sem:blue", "1") && memory.has("sem:blue", "2"));
    assert!(memory.has("sem:green", "49") && !memory.has("sem:green", "0"));
}

#[test]
fn the_least_recently_read_goes_first() {
    let memory = memory(2);
    memory.add("r", "1");
    memory.add("r", "2");
    assert!(memory.has("r", "1"));
    memory.add("r", "3");
    assert!(memory.has("r", "1") && !memory.has("r", "2") && memory.has("r", "3"));
}

#[test]
fn counters_add_up_under_replacement_and_eviction() {
    let memory = memory(3);
    for round in 0..7 {
        memory.add("a", &(round % 2).to_string());
        memory.add("b", &round.to_string());
    }
    let held = memory.held();
    let entries: usize = held.iter().map(|one| one.entries).sum();
    assert_eq!(held.iter().map(|one| one.bytes).sum::<usize>(), memory.bytes());
    assert_eq!((memory.bytes(), held.len()), (entries * COST, 2));
}

#[tokio::test]
async fn an_emptied_room_gives_its_memory_back() {
    let memory = memory(4);
    for (release, question) in [("a", "1"), ("a", "2"), ("b", "1")] {
        memory.add(release, question);
    }
    memory.apply(&Change::Empty(ReleaseId::from("a"))).await.unwrap();
    assert_eq!(memory.bytes(), COST);
    assert!(!memory.has("a", "1") && memory.has("b", "1"));
    assert!(memory.remove(memory.case("b", "1").key().digest).await.unwrap());
    assert_eq!(memory.bytes(), 0);
}

#[tokio::test]
async fn questions_count_as_bytes_and_answers_make_room_for_them() {
    let memory = memory(400);
    let bytes_max = memory.options.bytes_max;
    for question in 0..400 {
        memory.add("a", &question.to_string());
    }
    assert_eq!(memory.bytes(), bytes_max);
    let (partition, vector) = (memory.case("a", "like these").key(), unit(&mut rng(1)));
    let total = || memory.held().iter().map(|one| one.bytes).sum::<usize>();
    for number in 0..300 {
        memory.learn(&partition, &vector, item(number)).await.unwrap();
        assert!(total() <= bytes_max, "{number}: {} of {bytes_max}", total());
    }
    let questions = memory.vectors.bytes();
    assert!(questions > bytes_max / 10 && questions <= bytes_max / 2, "{questions} of {bytes_max}");
    assert!(memory.has("a", "399") && !memory.has("a", "0"));
    assert!(memory.nearest(&partition, &vector, 0.9).await.unwrap().is_some());
    memory.apply(&Change::Revoke(ReleaseId::from("a"))).await.unwrap();
    assert_eq!((memory.vectors.bytes(), total()), (0, 0));
}
