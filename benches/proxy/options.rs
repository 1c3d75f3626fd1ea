//! What can be set about a run.

use std::time::Duration;

use anyhow::{Context as _, bail};

/// What this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Measures.
    Bench,
    /// Measures many open streams, and nothing else.
    Streams,
    /// The child that answers.
    Engine,
    /// The child that relays to the engine on this port, and does nothing else.
    Relay(u16),
}

/// Which core does what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    /// Load client and engine.
    pub(crate) load: usize,
    /// The proxy under test.
    pub(crate) proxy: usize,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) role: Role,
    pub(crate) cores: Cores,
    /// Interleaved rounds of everything that takes time.
    pub(crate) rounds: usize,
    /// Fresh processes whose memory is read.
    pub(crate) memory_rounds: usize,
    /// Length of one throughput measurement.
    pub(crate) throughput: Duration,
    /// Connections of a throughput measurement.
    pub(crate) concurrency: usize,
    /// Requests of one latency measurement, one after the other.
    pub(crate) latency_requests: usize,
    /// Streams of one measurement of the first token, one after the other.
    pub(crate) ttft_streams: usize,
    /// Streams at once while the cost of a frame is measured.
    pub(crate) frame_streams: usize,
    /// Open streams whose memory is measured.
    pub(crate) open_streams: usize,
    /// Open streams whose every event is counted, where the system allows so many.
    pub(crate) streams: usize,
    /// Whether the table replaces the one that is kept.
    pub(crate) record: bool,
}

impl Options {
    /// Reads the command line. `cargo bench` adds `--bench` of its own.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut options = Self {
            role: Role::Bench,
            cores: Cores { load: 1, proxy: 0 },
            rounds: 7,
            memory_rounds: 3,
            throughput: Duration::from_secs(3),
            concurrency: 32,
            latency_requests: 3_000,
            ttft_streams: 1_000,
            frame_streams: 64,
            open_streams: 1_000,
            streams: 10_000,
            record: false,
        };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let text = arguments.next().with_context(|| format!("{argument} needs a number"))?;
                text.parse::<usize>().with_context(|| format!("{argument} {text}"))
            };
            match argument.as_str() {
                "streams" => options.role = Role::Streams,
                "--streams" => options.streams = number()?,
                "engine" => options.role = Role::Engine,
                "relay" => options.role = Role::Relay(u16::try_from(number()?)?),
                "--rounds" => options.rounds = number()?,
                "--memory-rounds" => options.memory_rounds = number()?,
                "--seconds" => options.throughput = Duration::from_secs(number()? as u64),
                "--record" => options.record = true,
                "--bench" => {}
                other => bail!("{other} is not known"),
            }
        }
        Ok(options)
    }
}
