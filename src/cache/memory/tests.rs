//! Bounds, lives and rooms of the cache.

use super::*;
use crate::cache::Tenant;
use crate::domain::Timestamp;
use crate::telemetry::ManualClock;

const TTL: Duration = Duration::from_secs(60);

struct Rig {
    cache: Cache,
    clock: Arc<ManualClock>,
}

/// A cache with room for `entries` entries of 100 bytes.
fn rig(entries: usize) -> Rig {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    let options =
        CacheOptions { bytes_max: entries * (100 + ENTRY_OVERHEAD_BYTES), entry_bytes_max: 100, ttl: TTL };
    Rig { cache: Cache::new(options, clock.clone()), clock }
}

fn key(namespace: &str, question: &str) -> CacheKey {
    CacheKey::new(ReleaseId::from(namespace), Tenant::of(None), "/v1/completions", question.as_bytes())
}

fn entry(length: usize) -> Entry {
    Entry { headers: HeaderMap::new(), body: Bytes::from(vec![b'x'; length]) }
}

impl Rig {
    fn put(&self, namespace: &str, question: &str) {
        self.cache.put(key(namespace, question), entry(100));
    }

    fn has(&self, namespace: &str, question: &str) -> bool {
        self.cache.get(&key(namespace, question)).is_some()
    }
}

#[test]
fn a_flip_looks_into_another_room_and_a_rollback_finds_the_old_one_warm() {
    let rig = rig(10);
    rig.put("sem:blue", "q");
    assert!(rig.has("sem:blue", "q"));
    assert!(!rig.has("sem:green", "q"));
    rig.put("sem:green", "q");
    rig.cache.forget(&ReleaseId::from("sem:green"));
    assert!(!rig.has("sem:green", "q"));
    assert!(rig.has("sem:blue", "q"));
}

#[test]
fn a_new_release_does_not_push_the_old_ones_answers_out() {
    let rig = rig(4);
    for question in ["1", "2"] {
        rig.put("sem:blue", question);
    }
    for question in 0..50 {
        rig.put("sem:green", &question.to_string());
    }
    assert!(rig.has("sem:blue", "1") && rig.has("sem:blue", "2"));
    assert!(rig.has("sem:green", "49") && !rig.has("sem:green", "0"));
}

#[test]
fn the_least_recently_read_goes_first() {
    let rig = rig(2);
    rig.put("r", "1");
    rig.put("r", "2");
    assert!(rig.has("r", "1"));
    rig.put("r", "3");
    assert!(rig.has("r", "1") && !rig.has("r", "2") && rig.has("r", "3"));
}

#[test]
fn a_life_is_counted_from_the_writing_and_not_from_the_last_hit() {
    let rig = rig(2);
    rig.put("r", "q");
    rig.clock.advance(TTL / 2);
    assert!(rig.has("r", "q"));
    rig.clock.advance(TTL / 2);
    assert!(!rig.has("r", "q"));
    assert_eq!(rig.cache.stats()[0].bytes, 0);
}

#[test]
fn what_is_larger_than_its_bound_is_not_kept() {
    let rig = rig(2);
    rig.cache.put(key("r", "q"), entry(101));
    assert!(!rig.has("r", "q"));
}

#[test]
fn counters_add_up_under_replacement_and_eviction() {
    let rig = rig(3);
    for round in 0..7 {
        rig.put("a", &(round % 2).to_string());
        rig.put("b", &round.to_string());
    }
    assert!(rig.has("a", "0") && !rig.has("a", "9"));
    let stats = rig.cache.stats();
    let held: usize = stats.iter().map(|stat| stat.bytes).sum();
    let entries: usize = stats.iter().map(|stat| stat.entries).sum();
    assert_eq!(held, rig.cache.lock().bytes);
    assert_eq!(held, entries * (100 + ENTRY_OVERHEAD_BYTES));
    assert_eq!((stats[0].hits, stats[0].misses), (1, 1));
}
