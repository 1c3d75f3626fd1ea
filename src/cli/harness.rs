//! What `gate` and `eval` share: how a suite is run from the command line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Blame, Failure};
use crate::domain::Arm;
use crate::evals::{ArmRun, Arrivals, Pace, RunOptions, Suite, Unsupported, write_samples};
use crate::telemetry::SystemClock;
use crate::upstream::Timeouts;

/// What was typed about the run itself.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// Seeds the order of the requests; default: each suite's own seed
    #[arg(long)]
    seed: Option<u64>,
    /// Requests in flight at once, all arms together
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    concurrency: u16,
    /// Requests a second, all arms together, whether or not earlier ones were answered; default: as fast as --concurrency
    /// allows. Latencies count from the moment a request was due
    #[arg(long, value_parser = rate, value_name = "NUMBER")]
    rate: Option<f64>,
    /// How the requests of --rate are spread over time
    #[arg(long, value_enum, default_value = "poisson", requires = "rate")]
    arrivals: Spread,
    /// Gives up on an answer after this time
    #[arg(long, default_value = "5m", value_parser = humantime::parse_duration, value_name = "DURATION")]
    timeout: Duration,
    /// Writes every answer with its scores to DIR/samples.jsonl; a gate adds its verdict and what a report needs
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Spread {
    /// At equal distances
    Constant,
    /// As independent users come
    Poisson,
}

impl Spread {
    const fn arrivals(self) -> Arrivals {
        match self {
            Self::Constant => Arrivals::Constant,
            Self::Poisson => Arrivals::Poisson,
        }
    }
}

impl RunArgs {
    /// The options of a run.
    pub(super) fn options(&self) -> RunOptions {
        let timeouts = Timeouts { total: Some(self.timeout), ..Timeouts::default() };
        let (concurrency, clock) = (usize::from(self.concurrency), Arc::new(SystemClock::start()));
        let pace = self.rate.map(|per_s| Pace { per_s, arrivals: self.arrivals.arrivals() });
        RunOptions { concurrency, seed: self.seed, pace, timeouts, clock }
    }

    /// Where files go, when they are asked for.
    pub(super) fn out(&self) -> Option<&Path> {
        self.out.as_deref()
    }

    /// The file of samples, when one is asked for. It is opened before the first request: an answer that
    /// cannot be kept should not be paid for.
    ///
    /// # Errors
    /// When it cannot be made: exit 2.
    pub(super) fn samples(&self) -> Result<Option<SampleFile>, Failure> {
        self.out.as_deref().map(SampleFile::create).transpose()
    }
}

/// What was typed about suites that another tool wrote.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// Leaves out the assertions of an imported suite that cannot be checked (code, other models), and says so in the verdict
    #[arg(long)]
    allow_unsupported: bool,
}

impl ImportArgs {
    /// Reads the suites.
    ///
    /// # Errors
    /// Everything that is wrong with any of them: exit 2.
    pub(super) fn suites(&self, files: &[PathBuf]) -> Result<Vec<Suite>, Failure> {
        let unsupported = if self.allow_unsupported { Unsupported::Allowed } else { Unsupported::Refused };
        Suite::read_all_with(files, unsupported).blame_usage()
    }
}

/// A positive number.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|per_s: &f64| per_s.is_finite() && *per_s > 0.0);
    number.ok_or_else(|| "a positive number of requests a second, as in 20 or 0.5".to_owned())
}

/// `samples.jsonl`, open for writing.
#[derive(Debug)]
pub(super) struct SampleFile(BufWriter<File>);

impl SampleFile {
    fn create(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("samples.jsonl");
        let file = std::fs::create_dir_all(folder).and_then(|()| File::create(&path));
        let file =
            file.map_err(|error| anyhow::anyhow!("--out: {} cannot be written: {error}", path.display()));
        Ok(Self(BufWriter::new(file.blame_usage()?)))
    }

    /// Appends what an arm did.
    ///
    /// # Errors
    /// When the disk does not take it: exit 4.
    pub(super) fn write(&mut self, suite: &Suite, arm: Arm, run: &ArmRun) -> Result<(), Failure> {
        write_samples(&mut self.0, suite, arm, run).blame_world()?;
        self.0.flush().blame_world()
    }
}
