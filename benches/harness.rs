//! What the golden harness costs: streamed requests a second that one core of the client sustains against a mock engine
//! on another, and the memory of a gate over recorded answers.
//!
//! `cargo bench --bench harness -- [REQUESTS] [RECORDED]`: so many streamed requests, and so many recorded cases of two arms.
//! The client must keep up with 2,000 requests a second, and the gate must do with 300 MiB for 100,000 cases.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use goldgate::evals::{ArmSource, Caps, Endpoint, Outlets, RunOptions, SampleLog, Suite, run_one};
use goldgate::telemetry::{Clock as _, SystemClock};
use goldgate::upstream::Timeouts;

const REQUESTS: usize = 20_000;
const RECORDED: usize = 100_000;

/// Requests in flight: enough that neither side waits for the other.
const CONCURRENCY: usize = 64;

const PER_SECOND_MIN: f64 = 2_000.0;
const MIB_MAX: u64 = 300;

/// Ticks of a second in `/proc/PID/stat`; fixed on every Linux that has one.
const TICKS_PER_S: f64 = 100.0;

const PROGRAM: &str = env!("CARGO_BIN_EXE_goldgate");

const SUITE: &str = "name = \"harness\"\ndataset = \"cases.jsonl\"\n[request]\nmax_tokens = 16\n\
                     [[metric]]\ngrader = \"non_empty@1\"\nmargin = 0.02\nrequired = true\n";

/// A child that ends with this program.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() -> anyhow::Result<()> {
    let numbers = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect::<Vec<usize>>();
    let requests = numbers.first().copied().unwrap_or(REQUESTS);
    let recorded = numbers.get(1).copied().unwrap_or(RECORDED);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("harness");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("suite.toml"), SUITE)?;
    speed(&directory, requests)?;
    memory(&directory, recorded)?;
    fs::remove_dir_all(&directory)?;
    Ok(())
}

fn write_cases(directory: &Path, cases: usize) -> anyhow::Result<()> {
    let mut rows = String::new();
    for case in 0..cases {
        writeln!(
            rows,
            "{{\"id\": \"case-{case}\", \"prompt\": \"What is {case} and {case}? Give a reason.\"}}"
        )?;
    }
    Ok(fs::write(directory.join("cases.jsonl"), rows)?)
}

/// One arm over HTTP, every answer graded and kept, all of the client on one thread.
fn speed(directory: &Path, requests: usize) -> anyhow::Result<()> {
    write_cases(directory, requests)?;
    let (_engine, url) = engine()?;
    let suite = Arc::new(Suite::read(&directory.join("suite.toml"))?);
    let clock = Arc::new(SystemClock::start());
    let options = RunOptions {
        concurrency: CONCURRENCY,
        seed: None,
        pace: None,
        warm_up: 0,
        caps: Caps::default(),
        sequential: None,
        timeouts: Timeouts::default(),
        clock: Arc::clone(&clock) as _,
    };
    let mut log = SampleLog::create(&directory.join("out"), Arc::clone(&clock) as _)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (began, cpu_before) = (clock.monotonic(), cpu_seconds()?);
    let outlets = Outlets { samples: Some(&mut log), on_progress: &mut |_| {} };
    let source = ArmSource::Engine(Endpoint::new(&url)?);
    let (run, _) = runtime.block_on(run_one(&suite, source, &options, outlets))?;
    let (seconds, cpu) = ((clock.monotonic() - began).as_secs_f64(), cpu_seconds()? - cpu_before);
    let whole =
        run.samples.iter().flatten().filter(|sample| sample.outcome.is_some_and(|it| it.is_complete()));
    ensure!(whole.count() == requests, "answers were lost or broken");
    let (per_second, per_cpu_second) = (requests as f64 / seconds, requests as f64 / cpu);
    say(format!(
        "harness: {requests} streamed requests in {seconds:.2} s, {per_second:.0} a second; the client's core could do \
         {per_cpu_second:.0} ({:.0} us of CPU each)",
        1e6 / per_cpu_second
    ))?;
    ensure!(
        cfg!(debug_assertions) || per_cpu_second >= PER_SECOND_MIN,
        "the client is the bottleneck below {PER_SECOND_MIN} requests a second"
    );
    Ok(())
}

/// A mock engine in a process of its own, and where it is.
fn engine() -> anyhow::Result<(Running, String)> {
    let args = ["mock-engine", "--listen", "127.0.0.1:0", "--instant"];
    let child = Command::new(PROGRAM).args(args).stderr(Stdio::piped()).spawn().context("the mock engine")?;
    let mut engine = Running(child);
    let mut line = String::new();
    BufReader::new(engine.0.stderr.take().context("a pipe")?).read_line(&mut line)?;
    let url = line.split_whitespace().last().context("an address")?.to_owned();
    Ok((engine, url))
}

/// A gate over two files of recorded answers; the kernel says what it held at most.
fn memory(directory: &Path, cases: usize) -> anyhow::Result<()> {
    write_cases(directory, cases)?;
    for (name, answer) in
        [("blue", "It is the sum, because that is how"), ("green", "The sum of both, for that is what")]
    {
        let mut rows = String::new();
        for case in 0..cases {
            writeln!(
                rows,
                "{{\"id\": \"case-{case}\", \"output\": \"{answer} {case} is added: {}.\"}}",
                2 * case
            )?;
        }
        fs::write(directory.join(format!("{name}.jsonl")), rows)?;
    }
    let args = ["gate", "--suite", "suite.toml", "--blue", "file:blue.jsonl", "--green", "file:green.jsonl"];
    let clock = SystemClock::start();
    let mut command = Command::new(PROGRAM);
    command.args(args).args(["--out", "recorded"]).current_dir(directory);
    let mut gate = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("the gate")?);
    let mut kib_max = 0;
    let status = loop {
        // The mark only rises, so the last one seen is what it was but for the last moments.
        kib_max = kib_max.max(high_water_kib(gate.0.id()).unwrap_or(0));
        if let Some(status) = gate.0.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = clock.monotonic().as_secs_f64();
    ensure!(status.success(), "the gate ended with {status}");
    let (mib, rate) = (kib_max / 1_024, cases as f64 / seconds);
    say(format!(
        "harness: a gate over {cases} recorded cases in {seconds:.2} s, {rate:.0} cases a second, {mib} MiB at most"
    ))?;
    ensure!(cases > RECORDED || mib <= MIB_MAX, "more than {MIB_MAX} MiB");
    Ok(())
}

fn high_water_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// Seconds of processor that this process has used, in user and kernel.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The second field is the name in parentheses, which may hold spaces; times are fields 14 and 15.
    let (_, rest) = stat.rsplit_once(')').context("an unreadable /proc/self/stat")?;
    let ticks = rest.split_whitespace().skip(11).take(2).map(|text| text.parse::<f64>());
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS_PER_S)
}

fn say(line: String) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
