//! Speed of the data plane beside its peers, in one run: what a proxied request, a streamed frame and an open
//! stream cost.
//!
//! The proxy under test has one core to itself; the load client (this process) and the engine share the
//! other. Rounds are interleaved (direct, nginx, HAProxy …, goldgate, goldgate with copies, then again), because
//! on a shared machine two measurements compare only when they were made within the same few seconds. Ratios
//! of one run are the result; the absolute numbers belong to the machine.
//!
//! `cargo bench --bench proxy -- [--rounds N] [--seconds S] [--record]`, and for many open streams
//! `cargo bench --bench proxy -- streams [--streams N] [--record]`

mod chunked;
mod client;
mod engine;
mod figures;
mod green;
mod measure;
mod memory;
mod options;
mod peers;
mod process;
mod relay;
mod report;
mod streams;
mod targets;

use std::io::Write as _;

use figures::Figures;
use options::{Options, Role};
use targets::{Fleet, Kind, Target, loopback};

fn main() -> anyhow::Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    match options.role {
        Role::Engine => return runtime()?.block_on(engine::run()),
        Role::Relay(port) => return relay::runtime()?.block_on(relay::run(port)),
        Role::Bench | Role::Streams => {}
    }
    // Before any thread or child exists, so that all of them inherit it.
    process::pin_self(options.cores.load)?;
    runtime()?.block_on(run(&options))
}

/// One thread: load and engine share a core, and more threads would only trade places on it.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn run(options: &Options) -> anyhow::Result<()> {
    if options.role == Role::Streams {
        return run_streams(options).await;
    }
    let engine = targets::start_engine().await?;
    let mut figures = Figures::default();
    let fleet = Fleet::start(options, engine.ports).await?;
    for kind in fleet.missing() {
        say(format_args!("{} is not installed: the run goes on without it", kind.name()));
    }
    for round in 0..options.rounds {
        // Every kind comes first in some round: whatever the machine does at the beginning hits all alike.
        for kind in Kind::ALL.iter().cycle().skip(round).take(Kind::ALL.len()) {
            if let Some(target) = fleet.target(*kind) {
                let measured = measure::round(target, options).await?;
                say(format_args!("round {:>2}  {:<18} {measured}", round + 1, kind.name()));
                figures.push(*kind, measured);
            }
        }
    }
    figures.copies = fleet.copies().await?;
    drop(fleet);
    for kind in [Kind::NginxMirror, Kind::LitellmMirror, Kind::Enduring, Kind::EnduringAll] {
        let Some(target) = Target::start(kind, options, engine.ports).await? else { continue };
        figures.green.push(green::measure(&target, loopback(engine.ports.blue), options).await?);
    }
    for _ in 0..options.memory_rounds {
        for kind in [Kind::Nginx, Kind::Relay, Kind::Goldgate] {
            if let Some(used) = memory::measure(options, kind, engine.ports).await? {
                say(format_args!("memory    {:<18} {used}", kind.name()));
                figures.push_memory(kind, used);
            }
        }
    }
    let page = report::page(&figures, options);
    say(format_args!("\n{page}"));
    if options.record {
        report::record("proxy.md", &page)?;
        report::record_in_readme(&report::short(&figures))?;
    }
    Ok(())
}

async fn run_streams(options: &Options) -> anyhow::Result<()> {
    // Before the engine exists, so that it inherits the limit.
    process::descriptors_max()?;
    let engine = targets::start_engine().await?;
    let page = streams::page(options, engine.ports).await?;
    say(format_args!("{page}"));
    if options.record {
        report::record("streams.md", &page)?;
    }
    Ok(())
}

/// Prints a line; a closed stdout leaves nobody to tell.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
