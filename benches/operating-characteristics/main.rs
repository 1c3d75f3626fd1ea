//! Operating characteristics of the shipped judge beside the design's figures and the rules of other judges.
//!
//! `cargo bench --bench operating-characteristics -- [--runs N] [--record]`; with `--record` the page goes to
//! `benches/record/operating-characteristics.md`. Runs are numbered under one seed: the same commit writes the same
//! figures on any machine.

mod compared;
mod design;
mod ours;
mod page;
mod rules;
mod watch;

use std::io::Write;
use std::process::Command;

/// Rollouts of a row where a rate of one in a hundred is looked for; other rows take a share of them.
const RUNS: u64 = 800;

fn main() -> anyhow::Result<()> {
    let (runs, record) = options(std::env::args().skip(1))?;
    let mut page =
        page::head(&git(&["describe", "--always", "--dirty"]), &git(&["log", "-1", "--format=%cs"]));
    let ours = [ours::promises, ours::opinions, ours::times, ours::sticky];
    let design = [
        design::at_the_margin,
        design::weights,
        design::among_many,
        design::passing,
        design::bodies,
        design::triples,
        design::ramps,
    ];
    let others = [compared::events, compared::power, compared::latencies];
    for part in ours.into_iter().chain(design).chain(others) {
        let text = part(runs)?;
        say(&text);
        page += &text;
    }
    if record {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/record");
        std::fs::write(folder.join("operating-characteristics.md"), page)?;
    }
    Ok(())
}

fn options(arguments: impl Iterator<Item = String>) -> anyhow::Result<(u64, bool)> {
    let (mut runs, mut record) = (RUNS, false);
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--record" => record = true,
            "--runs" => runs = arguments.next().unwrap_or_default().parse()?,
            // What cargo itself says.
            "--bench" => {}
            other => anyhow::bail!("{other} is not known: --runs N, --record"),
        }
    }
    Ok((runs.max(10), record))
}

fn say(text: &str) {
    // A reader that left is no failure of the run.
    let _ = write!(std::io::stdout().lock(), "{text}");
}

fn git(arguments: &[&str]) -> String {
    let ran = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    ran.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
