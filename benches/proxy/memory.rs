//! What an idle process holds, and what an open stream adds.

use std::fmt;
use std::time::Duration;

use tokio::time::sleep;

use crate::client::{Line, stream_request};
use crate::options::Options;
use crate::process::{descriptors, resident_kib};
use crate::targets::{Kind, Ports, Target};

/// Four events a second, for longer than anybody looks.
const GAP: Duration = Duration::from_millis(250);
const TOKENS: usize = 1_000;

/// For a process to settle after its start, and for the streams to have some events behind them.
pub(crate) const SETTLE: Duration = Duration::from_secs(2);

/// Memory and descriptors of one fresh process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) idle_mib: f64,
    pub(crate) stream_kib: f64,
    pub(crate) stream_descriptors: f64,
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { idle_mib, stream_kib, stream_descriptors } = self;
        write!(
            f,
            "idle {idle_mib:.1} MiB, a stream {stream_kib:.1} KiB and {stream_descriptors:.2} descriptors"
        )
    }
}

/// Starts `kind` anew, opens streams and reads what they take; `None` when it is not installed.
pub(crate) async fn measure(options: &Options, kind: Kind, ports: Ports) -> anyhow::Result<Option<Used>> {
    let Some(target) = Target::start(kind, options, ports).await? else { return Ok(None) };
    let Some(pid) = target.pid else { return Ok(None) };
    sleep(SETTLE).await;
    let (idle_kib, idle_descriptors) = (resident_kib(pid)?, descriptors(pid)?);
    let request = stream_request(TOKENS, GAP);
    let mut lines = Vec::with_capacity(options.open_streams);
    for _ in 0..options.open_streams {
        let mut line = Line::open(target.addr).await?;
        line.send(&request).await?;
        lines.push(line);
    }
    for line in &mut lines {
        line.first_token().await?;
    }
    sleep(SETTLE).await;
    let (kib, open) = (resident_kib(pid)?, descriptors(pid)?);
    let streams = float(options.open_streams as u64);
    Ok(Some(Used {
        idle_mib: float(idle_kib) / 1_024.0,
        stream_kib: float(kib.saturating_sub(idle_kib)) / streams,
        stream_descriptors: float(open.saturating_sub(idle_descriptors)) / streams,
    }))
}

#[expect(clippy::cast_precision_loss, reason = "memory and counts of one process are far below 2^53")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}
