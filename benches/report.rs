//! How long a report over many releases takes: `goldgate report` over ten million rows of stored evidence, beside a plain
//! pandas script that does the same from the same files in the same run.
//!
//! `cargo bench --bench report -- [ROWS] [PYTHON]`: `PYTHON` is an interpreter that has pandas and pyarrow; without one only
//! goldgate is timed.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use goldgate::domain::MetricName;
use goldgate::evidence::{Halves, Pair, Record};
use goldgate::store::{EvidencePlace, EvidenceWriter};
use goldgate::telemetry::{Clock as _, SystemClock};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const ROWS: u64 = 10_000_000;
/// Releases that the rows are spread over.
const RELEASES: u64 = 10;
/// Rows of one pair: one a metric.
const METRICS: u64 = 2;
const SEED: u64 = 11;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let rows = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(ROWS);
    let python = args.iter().find(|arg| arg.contains("python"));
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    let _ = fs::remove_dir_all(&directory);
    let releases = (1..=RELEASES).map(|release| write(&directory, release, rows / RELEASES / METRICS));
    let releases: Vec<PathBuf> = releases.collect::<Result<_, _>>()?;
    say(format_args!("{rows} rows, {RELEASES} releases, {METRICS} metrics"))?;
    let ours = directory.join("ours.csv");
    let mut goldgate = Command::new(env!("CARGO_BIN_EXE_goldgate"));
    goldgate.arg("report").args(&releases).arg("--out").arg(&ours);
    time("goldgate", &mut goldgate)?;
    if let Some(python) = python {
        let theirs = directory.join("pandas.csv");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/report.py");
        time("pandas", Command::new(python).arg(script).arg(&theirs).args(&releases))?;
        agree(&ours, &theirs)?;
    }
    fs::remove_dir_all(&directory)?;
    Ok(())
}

/// The evidence of one release, in files like those a controller writes.
fn write(directory: &Path, release: u64, pairs: u64) -> anyhow::Result<PathBuf> {
    let place = EvidencePlace {
        rollout: format!("r{release:02}").as_str().into(),
        resets: 0,
        ordinal: 2,
        name: "mirror",
    };
    let root = directory.join("evidence");
    let folder = place.rollout_dir(&root);
    let mut writer = EvidenceWriter::new(root, place);
    let mut random = ChaCha8Rng::seed_from_u64(SEED + release);
    let slower = 1.0 + 0.01 * (release as f64);
    for seq in 1..=pairs {
        let mut event = || Some(f64::from(u8::from(random.random_bool(0.01))));
        let error = Halves { baseline: event(), candidate: event() };
        let ms = f64::from(random.random_range(1_500..4_000)) / 10.0;
        let time =
            Halves { baseline: Some(ms), candidate: Some(ms * slower * random.random_range(0.9..1.1)) };
        let metrics = vec![(MetricName::from("error"), error), (MetricName::from("ttft_ms"), time)];
        writer.push(Record::Pair(Pair { seq, id: format!("gg-{release:x}-{seq:x}"), metrics }));
        if writer.is_full() {
            writer.flush()?;
        }
    }
    writer.flush()?;
    Ok(folder)
}

fn say(line: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// Runs a command and prints how long it took and how much memory it had at most.
fn time(name: &str, command: &mut Command) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let mut child = command.stdout(std::process::Stdio::null()).spawn().with_context(|| name.to_owned())?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = String::new();
    let ended = loop {
        // The peak is asked for until the end: a process that ended has none.
        let text = fs::read_to_string(&status).unwrap_or_default();
        if let Some(line) = text.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
            peak = line.trim().to_owned();
        }
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    ensure!(ended.success(), "{name}: {ended}");
    say(format_args!("{name:>10}  {:>7.2} s  peak {peak}", clock.monotonic_ms() / 1_000.0))
}

/// Both tables hold the same differences.
fn agree(ours: &Path, theirs: &Path) -> anyhow::Result<()> {
    let (ours, theirs) = (differences(ours)?, differences(theirs)?);
    ensure!(!ours.is_empty() && ours.len() == theirs.len(), "{} rows and {}", ours.len(), theirs.len());
    for ((key, one), (other_key, other)) in ours.iter().zip(&theirs) {
        ensure!(key == other_key && (one - other).abs() < 1e-9, "{key} {one}, {other_key} {other}");
    }
    say(format_args!("both say the same of {} points", ours.len()))
}

fn differences(path: &Path) -> anyhow::Result<Vec<(String, f64)>> {
    let mut table = csv::Reader::from_path(path)?;
    let columns = table.headers()?.clone();
    let at = |name: &str| columns.iter().position(|column| column == name).context("a column");
    let (candidate, metric, difference) = (at("candidate")?, at("metric")?, at("difference")?);
    let rows = table.records().map(|row| {
        let row = row?;
        Ok((format!("{} {}", &row[metric], &row[candidate]), row[difference].parse()?))
    });
    let mut rows: Vec<(String, f64)> = rows.collect::<anyhow::Result<_>>()?;
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(rows)
}
