//! How long stored evidence takes to be judged again: `goldgate judge` over ten million pairs of a seeded stream, as
//! Parquet files like those a controller writes and as one file of pairs.
//!
//! `cargo bench --bench rejudge -- [PAIRS] [all]`: with `all` a pair carries every metric of the default policy, else
//! `error`, `ttft_ms` and its loads.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use goldgate::domain::{MetricKind, MetricName};
use goldgate::evidence::{Halves, IN_FLIGHT, Pair, Record};
use goldgate::judgment::Policy;
use goldgate::store::{EvidencePlace, EvidenceWriter};
use goldgate::telemetry::{Clock as _, SystemClock};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const PAIRS: u64 = 10_000_000;
const SEED: u64 = 7;

/// What a pair carries unless it is asked for all.
const FEW: [&str; 2] = ["error", "ttft_ms"];

/// A seeded stream of pairs.
struct Stream {
    metrics: Vec<(MetricName, MetricKind)>,
    random: ChaCha8Rng,
}

impl Stream {
    fn new(all: bool) -> Self {
        let metrics = Policy::default_live().metrics.into_iter().map(|rule| (rule.name, rule.kind));
        let metrics = metrics.filter(|(name, _)| all || FEW.contains(&name.as_str())).collect();
        Self { metrics, random: ChaCha8Rng::seed_from_u64(SEED) }
    }

    fn pair(&mut self, seq: u64) -> Pair {
        let Self { metrics, random } = self;
        let mut both = |value: fn(&mut ChaCha8Rng) -> f64| Halves {
            baseline: Some(value(random)),
            candidate: Some(value(random)),
        };
        let mut judged: Vec<_> = Vec::with_capacity(metrics.len() + 1);
        for (name, kind) in metrics {
            let halves = match kind {
                MetricKind::Latency => both(|random| (random.random_range(1_500..4_000) as f64) / 10.0),
                MetricKind::Length => both(|random| f64::from(random.random_range(20..200))),
                _ => both(|random| f64::from(u8::from(random.random_bool(0.002)))),
            };
            judged.push((name.clone(), halves));
        }
        judged.push((MetricName::from(IN_FLIGHT), both(|random| f64::from(random.random_range(3..6)))));
        Pair { seq, id: format!("gg-18c2f6a3b00-{seq:x}"), metrics: judged }
    }
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let all = args.iter().any(|arg| arg == "all");
    let pairs = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(PAIRS);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rejudge");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory)?;
    let (parquet, rows) = (directory.join("evidence"), directory.join("pairs.jsonl"));
    write_parquet(&parquet, pairs, all)?;
    time("parquet", &parquet, pairs)?;
    fs::remove_dir_all(&parquet)?;
    write_rows(&rows, pairs, all)?;
    time("jsonl", &rows, pairs)?;
    fs::remove_dir_all(&directory)?;
    Ok(())
}

fn write_parquet(root: &Path, pairs: u64, all: bool) -> anyhow::Result<()> {
    let place = EvidencePlace { rollout: "r1".into(), resets: 0, ordinal: 2, name: "mirror" };
    let mut writer = EvidenceWriter::new(root.to_owned(), place);
    let mut stream = Stream::new(all);
    for seq in 1..=pairs {
        writer.push(Record::Pair(stream.pair(seq)));
        if writer.is_full() {
            writer.flush()?;
        }
    }
    Ok(writer.flush()?)
}

fn write_rows(path: &PathBuf, pairs: u64, all: bool) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut stream = Stream::new(all);
    for seq in 1..=pairs {
        let Pair { id, metrics, .. } = stream.pair(seq);
        write!(out, "{{\"seq\":{seq},\"id\":\"{id}\",\"metrics\":{{")?;
        for (at, (name, halves)) in metrics.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let value = |half: Option<f64>| half.map_or_else(|| "null".to_owned(), |value| value.to_string());
            let (blue, green) = (value(halves.baseline), value(halves.candidate));
            write!(out, "{comma}\"{name}\":{{\"blue\":{blue},\"green\":{green}}}")?;
        }
        out.write_all(b"}}\n")?;
    }
    Ok(out.flush()?)
}

/// Judges it once, as a user would, and says what it took.
fn time(what: &str, evidence: &Path, pairs: u64) -> anyhow::Result<()> {
    let bytes = bytes_below(evidence)?;
    let clock = SystemClock::start();
    let before = clock.wall();
    let judged = Command::new(env!("CARGO_BIN_EXE_goldgate"))
        .args(["judge", "--format", "json"])
        .arg(evidence)
        .output()
        .context("goldgate judge")?;
    let seconds = clock.wall().since(before).as_secs_f64();
    let verdict: serde_json::Value = serde_json::from_slice(&judged.stdout)
        .with_context(|| String::from_utf8_lossy(&judged.stderr).into_owned())?;
    ensure!(verdict["metrics"][0]["pairs"] == pairs, "{verdict}");
    let (evidence, us) = (&verdict["evidence"], seconds * 1e6 / pairs as f64);
    writeln!(
        std::io::stdout(),
        "{what}: {pairs} pairs ({evidence}, {} MB) judged in {seconds:.2} s, {us:.3} us a pair",
        bytes / 1_000_000
    )?;
    Ok(())
}

fn bytes_below(path: &Path) -> std::io::Result<u64> {
    if path.is_file() {
        return Ok(fs::metadata(path)?.len());
    }
    let inside = fs::read_dir(path)?.map(|entry| bytes_below(&entry?.path()));
    inside.sum()
}
