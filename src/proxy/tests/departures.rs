//! A client that leaves, in every window, many times: how soon the engine is free, what is recorded, what is left.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::rig::*;
use crate::domain::{Finish, Outcome, Slot};
use crate::telemetry::{Clock, SystemClock};
use crate::upstream::testing::{Engine, Seen, Step, chunk, chunked_head, whole};

/// Departures in each window; the 99th percentile is then the second longest.
const TIMES: usize = 100;

/// From the client's leaving to the engine's seeing it. On an idle machine it is well below a millisecond.
const CLOSED_WITHIN_P99: Duration = Duration::from_millis(250);

/// What has not been closed by then is not going to be.
const NEVER: Duration = Duration::from_secs(10);

/// One window, and what the client has seen when it leaves.
struct Window {
    name: &'static str,
    fields: &'static str,
    /// What the client sends behind its request, in one piece with it.
    behind: &'static str,
    plays: fn() -> Vec<Step>,
    sees: &'static str,
    outcome: Outcome,
}

fn begun(events: &[String]) -> Vec<Step> {
    let head = [Step::Send(chunked_head("text/event-stream"))];
    head.into_iter().chain(events.iter().map(|event| Step::Send(chunk(event)))).chain([Step::Hang]).collect()
}

fn half_a_body() -> Vec<Step> {
    vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"choices\"".to_vec()), Step::Hang]
}

const STREAM: &str = r#","stream":true"#;

const WINDOWS: [Window; 9] = [
    window("before the first byte", STREAM, || vec![Step::Hang], ""),
    window("between head and first event", STREAM, || begun(&[]), "HTTP/1.1 200"),
    window("in mid-stream", STREAM, || begun(&[token("a")]), "content"),
    window("without a stream, before the first byte", "", || vec![Step::Hang], ""),
    window("without a stream, in mid-body", "", half_a_body, "choices"),
    // The server reads nothing more while it has bytes of what comes next.
    Window { behind: "\r\n", ..window("with an empty line behind it", "", || vec![Step::Hang], "") },
    Window {
        behind: "GET /v1/models HTTP/1.1\r\nhost: g\r\n\r\n",
        ..window("with another request behind it", "", || vec![Step::Hang], "")
    },
    window("between the last token and [DONE]", STREAM, || begun(&[token("a"), finish()]), "stop"),
    // The client has had all of its answer: clients leave at `[DONE]`, and that is how a whole answer ends.
    Window {
        outcome: Outcome::Complete(Finish::Stop),
        ..window("between [DONE] and the end", STREAM, || begun(&[token("a"), finish(), done()]), "[DONE]")
    },
];

const fn window(
    name: &'static str,
    fields: &'static str,
    plays: fn() -> Vec<Step>,
    sees: &'static str,
) -> Window {
    Window { name, fields, behind: "", plays, sees, outcome: Outcome::ClientGone }
}

/// What one process holds for the proxy and its engine: tasks of this test's runtime, and open sockets of the two
/// ports. Descriptors of the process would count those of the tests beside this one as well.
fn held(ports: &[u16]) -> (usize, usize) {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let is_open = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let port = |at: usize| u16::from_str_radix(fields[at].split_once(':').unwrap().1, 16).unwrap();
        // A socket that no descriptor refers to has no inode.
        fields[9] != "0" && (ports.contains(&port(1)) || ports.contains(&port(2)))
    };
    (Handle::current().metrics().num_alive_tasks(), table.lines().skip(1).filter(is_open).count())
}

/// What is held once nothing changes any more: what has been dropped takes a turn of the runtime to end.
async fn settled(ports: &[u16]) -> (usize, usize) {
    let (mut last, mut same) = (held(ports), 0);
    while same < 5 {
        sleep(Duration::from_millis(10)).await;
        let now = held(ports);
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

fn port(engine: &Engine) -> u16 {
    engine.endpoint().authority().rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Leaves `TIMES` times, each time by a client that `come` brought into the window.
async fn leave(
    name: &str,
    rig: &mut Rig,
    engines: &[&Engine],
    outcome: Outcome,
    come: impl AsyncFn(&Rig) -> Client,
) {
    let clock = SystemClock::start();
    let ports: Vec<u16> =
        engines.iter().map(|engine| port(engine)).chain([rig.proxy.addr().port()]).collect();
    let before = settled(&ports).await;
    let mut took = Vec::new();
    for _ in 0..TIMES {
        let client = come(rig).await;
        let left_at = clock.monotonic();
        drop(client);
        for engine in engines {
            assert!(timeout(NEVER, engine.gone()).await.is_ok(), "{name}: the engine is not freed");
        }
        took.push(clock.monotonic().saturating_sub(left_at));
        assert_eq!(rig.sample().await.serving.outcome, outcome, "{name}");
    }
    took.sort_unstable();
    let p99 = took[TIMES * 99 / 100 - 1];
    println!("{name}: p50 {:?}, p99 {p99:?}", took[TIMES / 2]);
    assert!(p99 <= CLOSED_WITHIN_P99, "{name}: p99 is {p99:?}");
    let after = settled(&ports).await;
    assert!(
        after.0 <= before.0 && after.1 <= before.1,
        "{name}: tasks and sockets {after:?}, before {before:?}"
    );
    assert_eq!(rig.counters.snapshot().in_flight, 0, "{name}");
    for slot in [Slot::Blue, Slot::Green] {
        let in_flight = rig.slots.occupant(slot).map_or(0, |occupant| occupant.pool.in_flight());
        assert_eq!(in_flight, 0, "{name}: {slot}");
    }
    let gone = rig.counters.snapshot().requests.client_gone;
    assert_eq!(gone, if outcome.is_censored() { TIMES as u64 } else { 0 }, "{name}");
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_engine_within_a_quarter_second_in_every_window() {
    for window in WINDOWS {
        let engine = Engine::always((window.plays)()).await;
        let mut rig = Rig::plain(&engine).await;
        leave(window.name, &mut rig, &[&engine], window.outcome, async |rig| {
            let mut client = rig.client().await;
            let body = chat(window.fields);
            let head = format!("POST {CHAT} HTTP/1.1\r\nhost: g\r\ncontent-length: {}\r\n\r\n", body.len());
            client.send([&head, &body, window.behind].concat().as_bytes()).await;
            engine.arrived(1).await;
            client.sees(window.sees).await;
            client
        })
        .await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_copy_along_within_a_quarter_second() {
    let plays = || begun(&[token("a")]);
    let (blue, green) = (Engine::always(plays()).await, Engine::always(plays()).await);
    let mut rig = Rig::new(&blue, Some(&green), |setup| {
        setup.table = all_mirrored();
        setup.table.mirror.null_share = crate::domain::Share::ZERO;
    })
    .await;
    leave("with a copy under way", &mut rig, &[&blue, &green], Outcome::ClientGone, async |rig| {
        let mut client = rig.client().await;
        client.post(CHAT, "", &chat(STREAM)).await;
        blue.arrived(1).await;
        green.arrived(1).await;
        client.sees("content").await;
        client
    })
    .await;
    let counts = rig.counters.snapshot().mirror;
    assert_eq!((counts.sent, counts.orphaned_client_gone), (TIMES as u64, TIMES as u64));
}

/// Answers `/v1/models`, closes the kept connection on what comes next, and hangs on the retry.
fn stale(seen: &Seen, kept: &std::sync::atomic::AtomicBool) -> Vec<Step> {
    use std::sync::atomic::Ordering::SeqCst;
    if seen.head.starts_with("GET") {
        kept.store(true, SeqCst);
        return vec![Step::Send(whole("200 OK", "application/json", "{}"))];
    }
    if kept.swap(false, SeqCst) { vec![Step::Close] } else { vec![Step::Hang] }
}

#[tokio::test]
async fn a_client_that_leaves_during_a_retry_frees_the_engine_within_a_quarter_second() {
    let kept = std::sync::atomic::AtomicBool::new(false);
    let engine = Engine::start(move |seen| stale(seen, &kept)).await;
    let mut rig = Rig::plain(&engine).await;
    leave("during a retry", &mut rig, &[&engine], Outcome::ClientGone, async |rig| {
        let mut first = rig.client().await;
        first.send(b"GET /v1/models HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n").await;
        assert_eq!(first.answer().await.status, 200);
        let mut client = rig.client().await;
        client.post(CHAT, "", &chat("")).await;
        engine.arrived(3).await;
        // The engine closed the kept connection by itself.
        engine.gone().await;
        client
    })
    .await;
    assert_eq!(engine.seen().len(), 3 * TIMES);
}
