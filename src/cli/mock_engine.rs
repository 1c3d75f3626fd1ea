//! `goldgate mock-engine`: an OpenAI-shaped server with recorded answers, scripted timing and faults.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::number::positive;
use super::{Blame, Context, Exit, Failure};
use crate::mock_engine::{Fault, Options, Recorded, Timing, start};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8101")]
    listen: SocketAddr,
    /// The model name to serve
    #[arg(long, value_name = "ID", default_value = "mock")]
    model: String,
    /// Recorded answers to replay; without them texts are made up
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// The dataset that says which question each answer belongs to; without it answers are found by the
    /// header x-goldgate-case alone
    #[arg(long, value_name = "FILE", requires = "answers")]
    cases: Option<PathBuf>,
    /// Seeds everything that is random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// What goes wrong, as kind:key=value,…; for example error:rate=0.04 or slow:share=0.03,factor=10
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// How many times faster than a 7B model on one GPU
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = positive)]
    speed: f64,
    /// Answer without any delay
    #[arg(long, conflicts_with = "speed")]
    instant: bool,
    /// Tokens in one chunk of a stream
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    tokens_per_chunk: u32,
    /// Requests that find the prefix cache empty
    #[arg(long, value_name = "N", default_value_t = 32)]
    cold_requests: u64,
    /// The system_fingerprint of answers
    #[arg(long, value_name = "TEXT", default_value = "mock-1")]
    fingerprint: String,
}

/// Serves until interrupted or terminated.
///
/// # Errors
/// Files that cannot be read, and an address that cannot be listened on.
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let listen = args.listen;
    let options = options(args)?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))
        .blame_world()?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::world)?;
    let model = options.model.clone();
    let running = start(options, listener).blame_world()?;
    context.output.note(format_args!("mock engine: {model} on {}", running.url()));
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Failure::world)?,
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(Exit::Success)
}

fn options(args: Args) -> Result<Options, Failure> {
    let recorded = match &args.answers {
        Some(answers) => Recorded::read(answers, args.cases.as_deref()).blame_usage()?,
        None => Recorded::default(),
    };
    let timing =
        if args.instant { Timing::instant() } else { Timing { speed: args.speed, ..Timing::default() } };
    let tokens_per_chunk = usize::try_from(args.tokens_per_chunk).map_err(Failure::bug)?;
    Ok(Options {
        recorded: Arc::new(recorded),
        seed: args.seed,
        timing: Timing { tokens_per_chunk, cold_requests: args.cold_requests, ..timing },
        faults: args.fault,
        fingerprint: args.fingerprint,
        ..Options::new(args.model)
    })
}
