//! Ten thousand open streams of five events a second: whether every event comes, once and in its place, what one of them
//! costs, and what memory does before, meanwhile and afterwards.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, stream};
use goldgate::telemetry::{Clock as _, SystemClock};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::chunked::Chunked;
use crate::client::numbered_request;
use crate::engine::TOKEN;
use crate::memory::{SETTLE, float};
use crate::options::Options;
use crate::process::{cpu_seconds, descriptors_max, resident_kib};
use crate::report;
use crate::targets::{Kind, Ports, Target};

const GAP: Duration = Duration::from_millis(200);

/// For longer than anybody looks.
const TOKENS: usize = 10_000;

/// Streams that are opened at once.
const OPENING: usize = 128;

const WINDOWS: usize = 3;
const WINDOW: Duration = Duration::from_secs(10);

/// Descriptors of a process beside those of its streams.
const OTHER_DESCRIPTORS: usize = 100;

/// A proxy has two sockets for a stream.
const DESCRIPTORS_A_STREAM: usize = 2;

/// Seconds after the last stream has ended at which memory is read.
const AFTERWARDS_S: [u64; 4] = [1, 10, 60, 120];

/// What all streams saw.
#[derive(Debug, Default)]
struct Seen {
    events: AtomicU64,
    /// Events that did not follow the one before.
    misplaced: AtomicU64,
}

/// Ten seconds in the middle.
#[derive(Clone, Copy, Debug)]
struct Window {
    events_per_s: f64,
    cpu_us_per_event: f64,
    stream_kib: f64,
}

/// Measures the least relay and goldgate, one after the other, and says so in a table.
pub(crate) async fn page(options: &Options, ports: Ports) -> anyhow::Result<String> {
    let streams = options.streams.min((descriptors_max()? - OTHER_DESCRIPTORS) / DESCRIPTORS_A_STREAM);
    let per_s = float(streams as u64) / GAP.as_secs_f64();
    let mut page = format!(
        "# Open streams\n\n`cargo bench --bench proxy -- streams --record`, commit {}. {}\n{streams} streams, of {} that were asked for: this system \
         allows {} descriptors a process, and a proxy needs two for a stream. {per_s:.0} events/s are sent.\n\n| | window | events/s | lost or misplaced | CPU per event (µs) | memory per stream (KiB) |\n|---|--:|--:|--:|--:|--:|\n",
        report::commit(),
        report::machine(options),
        options.streams,
        descriptors_max()?,
    );
    let mut after = String::from("\n| memory (MiB) | idle | all streams open |");
    let _ = AFTERWARDS_S.iter().try_for_each(|s| write!(after, " {s} s after |"));
    let _ = writeln!(after, "\n|---|--:|--:|{}", "--:|".repeat(AFTERWARDS_S.len()));
    for kind in [Kind::Relay, Kind::Goldgate] {
        let Some(target) = Target::start(kind, options, ports).await? else { continue };
        measure(&target, streams, &mut page, &mut after).await?;
    }
    Ok(page + &after)
}

async fn measure(
    target: &Target,
    streams: usize,
    page: &mut String,
    after: &mut String,
) -> anyhow::Result<()> {
    let pid = target.pid.context("a process of its own")?;
    sleep(SETTLE).await;
    let idle_kib = resident_kib(pid)?;
    let (seen, mut readers) = (Arc::new(Seen::default()), JoinSet::new());
    // Many at once: the more streams are open, the longer each step of opening one more waits for its turn.
    let mut opening = stream::iter(0..streams).map(|_| Stream::open(target.addr)).buffer_unordered(OPENING);
    while let Some(stream) = opening.next().await {
        readers.spawn(stream?.follow(Arc::clone(&seen)));
    }
    drop(opening);
    for nth in 1..=WINDOWS {
        let window = window(pid, streams, idle_kib, &seen).await?;
        let misplaced = seen.misplaced.load(Ordering::Relaxed);
        let Window { events_per_s, cpu_us_per_event, stream_kib } = window;
        let name = target.kind.name();
        let _ = writeln!(
            page,
            "| {name} | {nth} | {events_per_s:.0} | {misplaced} | {cpu_us_per_event:.2} | {stream_kib:.1} |"
        );
        ensure!(readers.len() == streams && readers.try_join_next().is_none(), "streams ended meanwhile");
    }
    let mib = |kib: u64| float(kib) / 1_024.0;
    let _ =
        write!(after, "| {} | {:.1} | {:.1} |", target.kind.name(), mib(idle_kib), mib(resident_kib(pid)?));
    readers.shutdown().await;
    let mut passed = 0;
    for seconds in AFTERWARDS_S {
        sleep(Duration::from_secs(seconds - passed)).await;
        passed = seconds;
        let _ = write!(after, " {:.1} |", mib(resident_kib(pid)?));
    }
    after.push('\n');
    Ok(())
}

async fn window(pid: u32, streams: usize, idle_kib: u64, seen: &Seen) -> anyhow::Result<Window> {
    let clock = SystemClock::start();
    let count = || seen.events.load(Ordering::Relaxed);
    let (events, cpu, started) = (count(), cpu_seconds(pid)?, clock.monotonic());
    sleep(WINDOW).await;
    let (events, cpu) = (float(count() - events), cpu_seconds(pid)? - cpu);
    Ok(Window {
        events_per_s: events / clock.monotonic().saturating_sub(started).as_secs_f64(),
        cpu_us_per_event: cpu * 1e6 / events,
        stream_kib: float(resident_kib(pid)?.saturating_sub(idle_kib)) / float(streams as u64),
    })
}

/// One stream, whose head was read.
struct Stream {
    stream: TcpStream,
    body: Chunked,
    next: u64,
}

impl Stream {
    async fn open(addr: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&numbered_request(TOKENS, GAP)).await?;
        let mut held = Vec::with_capacity(1_024);
        loop {
            ensure!(stream.read_buf(&mut held).await? > 0, "the connection closed before an answer");
            if let Some(end) = memmem::find(&held, b"\r\n\r\n") {
                ensure!(held.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&held));
                held.drain(..end + 4);
                return Ok(Self { stream, body: Chunked::begun(&held)?, next: 0 });
            }
        }
    }

    /// Reads until it is dropped, or the stream ends, which it should not.
    async fn follow(mut self, seen: Arc<Seen>) -> anyhow::Result<()> {
        let mut read = Vec::with_capacity(2_048);
        loop {
            self.count(&seen)?;
            read.clear();
            ensure!(self.stream.read_buf(&mut read).await? > 0, "the stream ended");
            self.body.push(&read)?;
        }
    }

    /// Counts the whole events that have come and compares their numbers.
    fn count(&mut self, seen: &Seen) -> anyhow::Result<()> {
        let body = &mut self.body.decoded;
        let whole = memmem::rfind(body, b"\n\n").map_or(0, |end| end + 2);
        for at in memmem::find_iter(&body[..whole], TOKEN) {
            let rest = &body[at + TOKEN.len()..whole];
            let end = rest.iter().position(|&byte| byte == b'"').context("an event without an end")?;
            let number: u64 = std::str::from_utf8(&rest[..end])?.trim().parse()?;
            seen.events.fetch_add(1, Ordering::Relaxed);
            if number != self.next {
                seen.misplaced.fetch_add(1, Ordering::Relaxed);
            }
            self.next = number + 1;
        }
        body.drain(..whole);
        if body.len() > 1 << 20 {
            bail!("no event ends");
        }
        Ok(())
    }
}
