//! One target's turn in a round.

use std::fmt;
use std::time::Duration;

use futures_util::future::try_join_all;
use goldgate::telemetry::{Clock as _, SystemClock};

use crate::client::{Line, request, stream_request};
use crate::engine::EVENTS_BESIDE;
use crate::options::Options;
use crate::process::cpu_seconds;
use crate::targets::{Kind, Target};

/// Tokens of a stream whose first one is timed.
const TTFT_TOKENS: usize = 16;

/// Tokens of a stream whose frames are counted, and the time between two of them. The engine waits in whole
/// milliseconds, so that the streams come in bunches, as they do from an engine that decodes in steps.
const FRAME_TOKENS: usize = 1_000;
const FRAME_GAP: Duration = Duration::from_millis(2);

/// Streams at once for a peer that would need minutes for all.
const SLOW_STREAMS: usize = 4;

/// Requests of a turn that are not measured: connections are opened, caches filled.
const WARM_REQUESTS: usize = 200;

/// Two quantiles, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quantiles {
    pub us_p50: f64,
    pub us_p99: f64,
}

/// What a turn measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) requests_per_s: f64,
    /// `None` where there is no proxy.
    pub(crate) requests_per_cpu_s: Option<f64>,
    pub(crate) latency: Quantiles,
    pub(crate) ttft: Quantiles,
    pub(crate) frame_cpu_us: Option<f64>,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests_per_s, requests_per_cpu_s, latency, ttft, frame_cpu_us } = self;
        write!(f, "{requests_per_s:>6.0}/s")?;
        if let (Some(per_cpu_s), Some(frame)) = (requests_per_cpu_s, frame_cpu_us) {
            write!(f, "  {per_cpu_s:>6.0}/CPU s  {frame:>5.2} µs/frame")?;
        }
        write!(f, "  p50 {:.0} p99 {:.0} µs", latency.us_p50, latency.us_p99)?;
        write!(f, "  first token p50 {:.0} p99 {:.0} µs", ttft.us_p50, ttft.us_p99)
    }
}

/// Time that one-after-the-other measurements may take at most: a peer that is slow is asked less often.
const SERIES_MAX: Duration = Duration::from_secs(5);

/// Measures everything that takes time, once.
pub(crate) async fn round(target: &Target, options: &Options) -> anyhow::Result<Measured> {
    let clock = SystemClock::start();
    warm(target).await?;
    let (requests_per_s, requests_per_cpu_s) = throughput(target, options, clock).await?;
    Ok(Measured {
        requests_per_s,
        requests_per_cpu_s,
        latency: latency(target, options.latency_requests, clock).await?,
        ttft: ttft(target, options.ttft_streams, clock).await?,
        frame_cpu_us: frames(target, options.frame_streams, clock).await?,
    })
}

async fn warm(target: &Target) -> anyhow::Result<()> {
    let (mut line, request) = (Line::open(target.addr).await?, request());
    for _ in 0..WARM_REQUESTS {
        line.exchange(&request).await?;
    }
    Ok(())
}

fn cpu_of(target: &Target) -> anyhow::Result<Option<f64>> {
    target.pid.map(cpu_seconds).transpose()
}

/// Processor seconds of the target since `before`.
fn cpu_since(target: &Target, before: Option<f64>) -> anyhow::Result<Option<f64>> {
    Ok(cpu_of(target)?.zip(before).map(|(now, before)| now - before))
}

/// Answers a second, and answers a second of the proxy's processor.
async fn throughput(
    target: &Target,
    options: &Options,
    clock: SystemClock,
) -> anyhow::Result<(f64, Option<f64>)> {
    let request = request();
    let mut lines = Vec::new();
    for _ in 0..options.concurrency {
        lines.push(Line::open(target.addr).await?);
    }
    let (before, started) = (cpu_of(target)?, clock.monotonic());
    let until = started + options.throughput;
    let request = &request;
    let loads = lines.into_iter().map(|mut line| async move {
        let mut answers = 0_u32;
        while clock.monotonic() < until {
            line.exchange(request).await?;
            answers += 1;
        }
        anyhow::Ok(answers)
    });
    let answers = f64::from(try_join_all(loads).await?.into_iter().sum::<u32>());
    let seconds = clock.monotonic().saturating_sub(started).as_secs_f64();
    let cpu = cpu_since(target, before)?;
    Ok((answers / seconds, cpu.map(|cpu| answers / cpu)))
}

async fn latency(target: &Target, requests: usize, clock: SystemClock) -> anyhow::Result<Quantiles> {
    let (mut line, request) = (Line::open(target.addr).await?, request());
    let mut times = Vec::with_capacity(requests);
    let until = clock.monotonic() + SERIES_MAX;
    while times.len() < requests && clock.monotonic() < until {
        let started = clock.monotonic();
        line.exchange(&request).await?;
        times.push(clock.monotonic().saturating_sub(started));
    }
    Ok(quantiles(times))
}

async fn ttft(target: &Target, streams: usize, clock: SystemClock) -> anyhow::Result<Quantiles> {
    let mut line = Line::open(target.addr).await?;
    let request = stream_request(TTFT_TOKENS, Duration::ZERO);
    let mut times = Vec::with_capacity(streams);
    let until = clock.monotonic() + SERIES_MAX;
    while times.len() < streams && clock.monotonic() < until {
        let streamed = line.streamed(&request, clock).await?;
        check_events(target.kind, streamed.events, TTFT_TOKENS)?;
        times.push(streamed.first_token);
    }
    Ok(quantiles(times))
}

/// Microseconds of the proxy's processor for one frame.
async fn frames(target: &Target, streams: usize, clock: SystemClock) -> anyhow::Result<Option<f64>> {
    let Some(before) = cpu_of(target)? else { return Ok(None) };
    let request = stream_request(FRAME_TOKENS, FRAME_GAP);
    let request = &request;
    let streams = if target.kind == Kind::Litellm { SLOW_STREAMS } else { streams };
    let loads = (0..streams).map(|_| async move {
        let streamed = Line::open(target.addr).await?.streamed(request, clock).await?;
        check_events(target.kind, streamed.events, FRAME_TOKENS).map(|()| streamed.events)
    });
    let events: usize = try_join_all(loads).await?.into_iter().sum();
    let events = f64::from(u32::try_from(events)?);
    Ok(cpu_since(target, Some(before))?.map(|cpu| cpu * 1e6 / events))
}

/// LiteLLM makes events of its own; all others pass on what they get.
fn check_events(kind: Kind, events: usize, tokens: usize) -> anyhow::Result<()> {
    let all = if kind == Kind::Litellm { events >= tokens } else { events == tokens + EVENTS_BESIDE };
    anyhow::ensure!(all, "{events} events came of {tokens} tokens");
    Ok(())
}

fn quantiles(mut times: Vec<Duration>) -> Quantiles {
    times.sort_unstable();
    let at = |share: usize| {
        let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    Quantiles { us_p50: at(50), us_p99: at(99) }
}
