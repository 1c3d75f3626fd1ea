//! What a candidate that is broken does to the baseline's users while their requests are copied to it: 1 % of one
//! connection's, or all of many connections', so that the room for copies runs out.
//!
//! The candidate changes between short turns, healthy ones among them, so that a change can be told from the machine's own.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use goldgate::telemetry::{Clock as _, SystemClock};

use crate::client::{Line, get, request};
use crate::engine::Green;
use crate::figures::Spread;
use crate::options::Options;
use crate::targets::{Kind, Target};

/// Requests of a turn, over all connections, at most so many seconds long.
const REQUESTS: usize = 2_000;
const TURN_MAX: Duration = Duration::from_secs(4);

/// What the users saw, behind one proxy.
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    /// By how the candidate behaved; the first is healthy.
    pub(crate) turns: Vec<(Green, Vec<Turn>)>,
    /// Healthy turns of their own, to be compared with the others: what differs there is the machine's.
    pub(crate) noise: Vec<Turn>,
}

/// One turn, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Seen {
    /// Another turn's figure over the healthy turn of the same round.
    pub(crate) fn ratio(&self, turns: &[Turn], read: fn(&Turn) -> f64) -> Option<Spread> {
        let healthy = self.turns.first().map_or(&[][..], |(_, turns)| turns);
        Spread::of(turns.iter().zip(healthy).map(|(turn, healthy)| read(turn) / read(healthy)))
    }

    /// The longest that any request took while the candidate behaved so, in ms.
    pub(crate) fn longest_ms(turns: &[Turn]) -> f64 {
        turns.iter().map(|turn| turn.max).fold(0.0, f64::max) / 1_000.0
    }
}

pub(crate) const P50: fn(&Turn) -> f64 = |turn| turn.p50;
pub(crate) const P99: fn(&Turn) -> f64 = |turn| turn.p99;

/// Measures `target`, whose copies go to the engine's second port.
pub(crate) async fn measure(
    target: &Target,
    engine: std::net::SocketAddr,
    options: &Options,
) -> anyhow::Result<Seen> {
    let mut seen = Seen {
        kind: target.kind,
        turns: Green::ALL.map(|green| (green, Vec::new())).to_vec(),
        noise: Vec::new(),
    };
    for _ in 0..options.rounds {
        for (green, turns) in &mut seen.turns {
            get(engine, &format!("/green/{}", green.name())).await?;
            turns.push(turn(target).await?);
        }
        get(engine, &format!("/green/{}", Green::Healthy.name())).await?;
        seen.noise.push(turn(target).await?);
    }
    target.check().await?;
    Ok(seen)
}

async fn turn(target: &Target) -> anyhow::Result<Turn> {
    let connections = target.kind.connections();
    let users = (0..connections).map(|_| user(target, REQUESTS / connections));
    let mut times = try_join_all(users).await?.concat();
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    Ok(Turn { p50: at(50), p99: at(99), max: at(100) })
}

/// Asks one request after the other on a connection of its own, and gives what each took in µs.
async fn user(target: &Target, requests: usize) -> anyhow::Result<Vec<f64>> {
    let clock = SystemClock::start();
    let (mut line, request) = (Line::open(target.addr).await?, request());
    let expected = said(target.kind, line.whole(&request).await?)?;
    let until = clock.monotonic() + TURN_MAX;
    let mut times = Vec::with_capacity(requests);
    while times.len() < requests && clock.monotonic() < until {
        let started = clock.monotonic();
        let body = line.whole(&request).await?;
        times.push(clock.monotonic().saturating_sub(started).as_secs_f64() * 1e6);
        ensure!(said(target.kind, body)? == expected, "{}: an answer changed", target.kind.name());
    }
    Ok(times)
}

/// What must stay the same of an answer: all of it, or its text where the proxy writes answers anew.
fn said(kind: Kind, body: String) -> anyhow::Result<String> {
    if kind != Kind::LitellmMirror {
        return Ok(body);
    }
    let answer: serde_json::Value = serde_json::from_str(&body)?;
    Ok(answer["choices"][0]["message"]["content"].as_str().context("no text")?.to_owned())
}
