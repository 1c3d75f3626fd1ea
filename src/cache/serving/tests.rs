//! What the cache gives back, whichever store it has: the same checks over each.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use super::stores::Shared;
use super::*;
use crate::cache::Selector;
use crate::cache::guard::Signs;
use crate::cache::key::TenantSecret;
use crate::cache::question::Item;
use crate::cache::testing::{rng, unit};
use crate::domain::Timestamp;
use crate::telemetry::ManualClock;

const TTL: Duration = Duration::from_secs(60);
const BODY: &str = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}],"seed":1}"#;

/// A question of one tenant to one release.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) release: ReleaseId,
    pub(crate) tenant: Tenant,
    pub(crate) family: &'static str,
    pub(crate) body: String,
}

pub(crate) fn question(release: &str) -> Question {
    let tenant = Tenant::of(&TenantSecret::default(), Some(b"ann"));
    Question {
        release: ReleaseId::from(release),
        tenant,
        family: "/v1/chat/completions",
        body: BODY.to_owned(),
    }
}

impl Question {
    fn request(&self) -> Request<'_> {
        Request {
            release: &self.release,
            tenant: self.tenant,
            family: self.family,
            body: self.body.as_bytes(),
        }
    }

    /// What the cache answers.
    pub(crate) async fn ask(&self, cache: &Cache) -> Option<String> {
        match cache.look_up(&self.request()).await {
            Found::Hit(hit) => Some(String::from_utf8(hit.entry.body.to_vec()).unwrap()),
            Found::Miss(_) | Found::Revoked => None,
        }
    }

    pub(crate) async fn ticket(&self, cache: &Cache) -> Option<Ticket> {
        cache.ticket(&self.request()).await
    }

    /// The partition of the semantic tier, as far as it depends on what the key depends on, and a vector of the body.
    async fn point(&self, cache: &Cache) -> Option<(CacheKey, Vec<f32>)> {
        let ticket = self.ticket(cache).await?;
        let key = CacheKey::new(ticket.key.namespace(), &self.request(), None, "test");
        Some((key, unit(&mut rng(self.body.len() as u64))))
    }

    /// Makes the question known, answered by its own answer.
    pub(crate) async fn learn(&self, cache: &Cache) {
        let Some((partition, vector)) = self.point(cache).await else { return };
        let (key, signs) = (self.ticket(cache).await.unwrap().key, Signs::default());
        cache.entries.learn(&partition, &vector, Item { key, signs }).await.unwrap();
    }

    /// Whose answer is offered to the same question.
    pub(crate) async fn near(&self, cache: &Cache) -> Option<CacheKey> {
        let (partition, vector) = self.point(cache).await?;
        let near = cache.entries.nearest(&partition, &vector, 0.5).await.ok()??;
        Some(near.item.key)
    }

    pub(crate) async fn answer(&self, cache: &Cache, text: &str) {
        let Some(ticket) = self.ticket(cache).await else { return };
        write(cache, ticket, text).await;
    }
}

pub(crate) async fn write(cache: &Cache, ticket: Ticket, text: &str) {
    let body = Bytes::copy_from_slice(text.as_bytes());
    let answer =
        Answer { template: Some("t".to_owned()), arm: Arm::Baseline, headers: HeaderMap::new(), body };
    cache.write(ticket, answer).await;
}

/// Writes until it can be read: a server that has just come back is asked again after a rest.
pub(crate) async fn keep(cache: &Cache, asked: &Question, text: &str) {
    while asked.ask(cache).await.as_deref() != Some(text) {
        asked.answer(cache, text).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for a store as long as a busy machine may need: what is tested is what it says.
pub(crate) fn patient() -> CacheOptions {
    CacheOptions { store_max: Duration::from_secs(20), ..CacheOptions::default() }
}

/// One cache over each store, with the clock that all of them share.
pub(crate) async fn each(check: impl AsyncFn(&Cache, &ManualClock)) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
    let options = CacheOptions { ttl: TTL, ..patient() };
    check(&Cache::in_memory(options, clock.clone(), None).unwrap(), &clock).await;
    for shared in Shared::both().await {
        check(&shared.open(options, clock.clone(), None).unwrap(), &clock).await;
    }
}

fn changes() -> Vec<(&'static str, Question)> {
    let of = |what, change: fn(&mut Question)| {
        let mut changed = question("sem:a");
        change(&mut changed);
        (what, changed)
    };
    vec![
        of("release", |question| question.release = ReleaseId::from("sem:b")),
        of("tenant", |question| question.tenant = Tenant::of(&TenantSecret::default(), Some(b"bob"))),
        of("no tenant", |question| question.tenant = Tenant::of(&TenantSecret::default(), None)),
        of("installation", |question| question.tenant = Tenant::of(&TenantSecret::new("x"), Some(b"ann"))),
        of("family", |question| question.family = "/v1/completions"),
        of("model", |question| question.body = BODY.replace("chat", "other")),
        of("question", |question| question.body = BODY.replace("hi", "ho")),
        of("role", |question| question.body = BODY.replace("user", "system")),
        of("a known field", |question| question.body = BODY.replace(":1}", ":2}")),
        of("an unknown field", |question| question.body = BODY.replace(":1}", ":1,\"new\":null}")),
    ]
}

#[tokio::test]
async fn on_every_store_one_changed_component_is_a_miss_whether_read_or_written() {
    each(async |cache, _| {
        let asked = question("sem:a");
        for (what, changed) in changes() {
            cache.change(&Change::Empty(ReleaseId::from("sem:a"))).await.unwrap();
            cache.change(&Change::Empty(ReleaseId::from("sem:b"))).await.unwrap();
            asked.answer(cache, "right").await;
            assert_eq!(changed.ask(cache).await, None, "{what} changed on look-up: {cache:?}");
            assert_eq!(asked.ask(cache).await.as_deref(), Some("right"), "{what}: {cache:?}");
            changed.answer(cache, "another").await;
            assert_eq!(
                asked.ask(cache).await.as_deref(),
                Some("right"),
                "{what} changed on write: {cache:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_flip_reads_another_room_a_rollback_is_warm_and_content_deployed_again_finds_its_own() {
    each(async |cache, _| {
        let (blue, green) = (question("sem:blue"), question("sem:green"));
        blue.answer(cache, "b").await;
        assert_eq!(green.ask(cache).await, None);
        green.answer(cache, "g").await;
        assert_eq!(blue.ask(cache).await.as_deref(), Some("b"));
        assert_eq!(question("sem:green").ask(cache).await.as_deref(), Some("g"));
    })
    .await;
}

#[tokio::test]
async fn a_life_is_counted_from_the_writing_and_not_from_the_last_hit() {
    each(async |cache, clock| {
        let asked = question("sem:a");
        asked.answer(cache, "x").await;
        clock.advance(TTL / 2);
        assert!(asked.ask(cache).await.is_some());
        clock.advance(TTL / 2);
        assert_eq!(asked.ask(cache).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_release_is_unreadable_and_unwritable_even_if_someone_flips_back() {
    each(async |cache, _| {
        let (bad, good) = (question("sem:bad"), question("sem:good"));
        bad.answer(cache, "x").await;
        good.answer(cache, "y").await;
        let late = bad.ticket(cache).await.unwrap();
        cache.change(&Change::Revoke(bad.release.clone())).await.unwrap();
        write(cache, late, "late").await;
        bad.answer(cache, "again").await;
        assert_eq!(bad.ask(cache).await, None);
        assert_eq!(bad.ticket(cache).await, None);
        assert_eq!(good.ask(cache).await.as_deref(), Some("y"));
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_ends_after_the_flip_writes_to_its_own_room() {
    each(async |cache, _| {
        let (blue, green) = (question("sem:blue"), question("sem:green"));
        let streaming = blue.ticket(cache).await.unwrap();
        assert_eq!(green.ask(cache).await, None);
        write(cache, streaming, "b").await;
        assert_eq!(green.ask(cache).await, None);
        assert_eq!(blue.ask(cache).await.as_deref(), Some("b"));
    })
    .await;
}

#[tokio::test]
async fn a_purge_takes_the_late_answer_of_an_earlier_question_too() {
    each(async |cache, _| {
        let asked = question("sem:a");
        let late = asked.ticket(cache).await.unwrap();
        let tenant = Some(asked.tenant.hex());
        cache.change(&Change::Purge(Selector { tenant, ..Selector::default() })).await.unwrap();
        write(cache, late, "old").await;
        assert_eq!(asked.ask(cache).await, None);
        asked.answer(cache, "new").await;
        assert_eq!(asked.ask(cache).await.as_deref(), Some("new"));
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_took_longer_than_purges_are_remembered_is_not_kept() {
    each(async |cache, clock| {
        let asked = question("sem:a");
        let late = asked.ticket(cache).await.unwrap();
        clock.advance(ANSWER_MAX + Duration::from_millis(1));
        write(cache, late, "late").await;
        assert_eq!(asked.ask(cache).await, None, "{cache:?}");
    })
    .await;
}

#[tokio::test]
async fn one_entry_is_deleted_by_the_id_that_its_hit_names() {
    each(async |cache, _| {
        let asked = question("sem:a");
        asked.answer(cache, "x").await;
        let Found::Hit(hit) = cache.look_up(&asked.request()).await else { panic!("no hit") };
        assert!(!cache.remove("no id").await.unwrap());
        assert!(cache.remove(&hit.id).await.unwrap() && !cache.remove(&hit.id).await.unwrap());
        assert_eq!(asked.ask(cache).await, None);
    })
    .await;
}

#[tokio::test]
async fn look_ups_are_counted_by_release_and_what_is_too_large_is_not_kept() {
    each(async |cache, _| {
        let asked = question("sem:a");
        asked.answer(cache, &"x".repeat(cache.entry_bytes_max() + 1)).await;
        assert_eq!(asked.ask(cache).await, None);
        asked.answer(cache, "x").await;
        assert!(asked.ask(cache).await.is_some());
        let stats = cache.stats()[&asked.release].clone();
        assert_eq!((stats.hits, stats.misses, stats.writes), (1, 1, 1));
    })
    .await;
}

#[tokio::test]
async fn what_is_revoked_stays_so_when_the_process_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.json");
    let open = || {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
        Cache::in_memory(CacheOptions::default(), clock, Some(file.clone())).unwrap()
    };
    open().change(&Change::Revoke(ReleaseId::from("sem:bad"))).await.unwrap();
    assert_eq!(question("sem:bad").ticket(&open()).await, None);
    assert!(question("sem:good").ticket(&open()).await.is_some());
}
