//! What stores do for replicas and for questions: the same checks over each.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::join_all;

use super::tests::{each, keep, patient, question};
use crate::cache::qdrant::testing::Collection;
use crate::cache::redis::testing::Server;
use crate::cache::testing::{Case, changed, item, rng, unit};
use crate::cache::{Cache, CacheError, CacheKey, CacheOptions, Change};
use crate::domain::ReleaseId;
use crate::telemetry::{Clock, SystemClock};

/// A store that two replicas share.
pub(crate) enum Shared {
    Redis(Box<Server>),
    Qdrant(Collection),
}

impl Shared {
    pub(crate) async fn redis() -> Self {
        Self::Redis(Box::new(Server::start().await))
    }

    pub(crate) async fn both() -> [Self; 2] {
        [Self::redis().await, Self::Qdrant(Collection::new())]
    }

    pub(crate) fn open(
        &self,
        options: CacheOptions,
        clock: Arc<dyn Clock>,
        file: Option<PathBuf>,
    ) -> Result<Cache, CacheError> {
        match self {
            Self::Redis(server) => Cache::in_redis(&server.url(), options, clock, file),
            Self::Qdrant(collection) => Cache::in_qdrant(&collection.url(), options, clock, file),
        }
    }
}

#[tokio::test]
async fn replicas_share_answers_and_questions_and_what_one_revokes_no_other_reads() {
    for shared in Shared::both().await {
        let open = || shared.open(patient(), Arc::new(SystemClock::start()), None).unwrap();
        let (one, other, asked) = (open(), open(), question("sem:a"));
        keep(&one, &asked, "x").await;
        asked.learn(&one).await;
        assert_eq!(asked.ask(&other).await.as_deref(), Some("x"));
        assert_eq!(asked.near(&other).await, Some(asked.ticket(&one).await.unwrap().key));
        one.change(&Change::Revoke(asked.release.clone())).await.unwrap();
        assert_eq!((asked.ask(&other).await, asked.near(&other).await), (None, None));
        assert_eq!(asked.ticket(&other).await, None);
    }
}

/// The store may forget it, and the replica that revoked it may be gone.
#[tokio::test]
async fn what_one_replica_revoked_is_on_the_disk_of_every_replica_that_saw_it() {
    for shared in Shared::both().await {
        let folder = tempfile::tempdir().unwrap();
        let (clock, file) = (Arc::new(SystemClock::start()), folder.path().join("other.json"));
        let one = shared.open(patient(), clock.clone(), None).unwrap();
        let other = shared.open(patient(), clock.clone(), Some(file.clone())).unwrap();
        let (bad, good) = (question("sem:bad"), question("sem:good"));
        keep(&other, &good, "x").await;
        one.change(&Change::Revoke(bad.release.clone())).await.unwrap();
        assert_eq!(good.ask(&other).await.as_deref(), Some("x"), "any look is enough");
        let alone = Cache::in_memory(CacheOptions::default(), clock, Some(file)).unwrap();
        assert_eq!((bad.ticket(&alone).await, good.ticket(&alone).await.is_some()), (None, true));
    }
}

#[tokio::test]
async fn replicas_that_start_at_once_share_one_record_and_lose_no_change() {
    for shared in Shared::both().await {
        let open = |_| shared.open(patient(), Arc::new(SystemClock::start()), None).unwrap();
        let (replicas, asked): (Vec<Cache>, _) = ((0..4).map(open).collect(), question("sem:a"));
        let revoke = |number: usize| Change::Revoke(ReleaseId::new(format!("sem:{number}")));
        let changes = replicas.iter().enumerate().map(async |(number, cache)| {
            cache.change(&revoke(number)).await.unwrap();
        });
        join_all(changes).await;
        let mut keys = Vec::new();
        for cache in &replicas {
            asked.ask(cache).await;
            keys.push(asked.ticket(cache).await.unwrap().key);
            for number in 0..replicas.len() {
                assert_eq!(question(&format!("sem:{number}")).ticket(cache).await, None, "{number}");
            }
        }
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
}

#[tokio::test]
async fn on_every_store_a_question_is_found_in_its_own_partition_only_and_forgotten_with_its_answer() {
    each(async |cache, _| {
        let mut rng = rng(7);
        let (partition, one, other) = (Case::default().key(), unit(&mut rng), unit(&mut rng));
        let near = async |partition: &CacheKey, vector: &[f32]| {
            cache.entries.nearest(partition, vector, -1.0).await.unwrap()
        };
        for (number, vector) in [(1, &one), (2, &other), (2, &other)] {
            cache.entries.learn(&partition, vector, item(number)).await.unwrap();
        }
        for (what, case) in changed() {
            assert!(near(&case.key(), &one).await.is_none(), "{what}: {cache:?}");
        }
        let cosine: f32 = one.iter().zip(&other).map(|(a, b)| a * b).sum();
        let found = near(&partition, &one).await.unwrap();
        assert_eq!(found.item, item(1), "{cache:?}");
        assert!(
            (found.similarity - 1.0).abs() < 1e-4 && (found.gap - (1.0 - cosine)).abs() < 1e-4,
            "{found:?}"
        );
        cache.entries.forget(&partition, &item(1).key).await.unwrap();
        let left = cache.entries.nearest(&partition, &one, 0.9).await.unwrap();
        assert!(left.is_none(), "{cache:?}");
        assert_eq!(near(&partition, &other).await.unwrap().item, item(2));
    })
    .await;
}
