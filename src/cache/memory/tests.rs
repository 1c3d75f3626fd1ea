//! Bounds and rooms of the store in memory.

use super::*;
use crate::cache::testing::Case;
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
