//! What `gate` and `eval` share: how a suite is run from the command line.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::number::positive;
use super::{Blame, Failure, Output};
use crate::evals::{Arrivals, Caps, CostCap, Pace, Price, RunOptions, SampleLog, Suite, Trace, Unsupported};
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
    /// How requests are spread over time: poisson (independent users) or constant (equal distances) at --rate, or as they
    /// came once: trace:FILE, one moment a line or a CSV table with a column TIMESTAMP
    #[arg(long, value_name = "poisson|constant|trace:FILE")]
    arrivals: Option<Spread>,
    /// Asks each engine so many cases before the first that counts; their answers are kept nowhere
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    warm_up: usize,
    /// Gives up on an answer after this time
    #[arg(long, default_value = "5m", value_parser = humantime::parse_duration, value_name = "DURATION")]
    timeout: Duration,
    /// Ends the run when so many output tokens were paid for, both arms and a model that grades together; then it is invalid, and --resume goes on
    #[arg(long, value_name = "NUMBER")]
    tokens_max: Option<u64>,
    /// Ends the run when so much was spent at --price
    #[arg(long, value_parser = positive, value_name = "NUMBER", requires = "price")]
    cost_max: Option<f64>,
    /// What a million tokens cost, of prompts and of answers, as in 0.5,1.5
    #[arg(long, value_parser = price, value_name = "INPUT,OUTPUT", requires = "cost_max")]
    price: Option<Price>,
    /// Writes every answer with its scores to DIR/samples.jsonl as it comes; a gate adds its verdict and what a report needs
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Goes on from the answers in DIR/samples.jsonl of a run that was cut off; none of them is asked for again
    #[arg(long, requires = "out")]
    resume: bool,
}

/// What `--arrivals` may say.
#[derive(Clone, Debug)]
enum Spread {
    Made(Arrivals),
    Trace(PathBuf),
}

impl FromStr for Spread {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("trace:")) {
            ("constant", _) => Ok(Self::Made(Arrivals::Constant)),
            ("poisson", _) => Ok(Self::Made(Arrivals::Poisson)),
            (_, Some(file)) if !file.is_empty() => Ok(Self::Trace(file.into())),
            _ => Err("poisson, constant or trace:FILE".to_owned()),
        }
    }
}

impl RunArgs {
    /// The options of a run.
    ///
    /// # Errors
    /// A trace that cannot be read, or arrivals and a rate that do not go together: exit 2.
    pub(super) fn options(&self) -> Result<RunOptions, Failure> {
        let timeouts = Timeouts { total: Some(self.timeout), ..Timeouts::default() };
        let (concurrency, clock) = (usize::from(self.concurrency), Arc::new(SystemClock::start()));
        let cost_max = self.cost_max.zip(self.price).map(|(max, price)| CostCap { max, price });
        let caps = Caps { tokens_max: self.tokens_max, cost_max };
        let (seed, pace, warm_up, sequential) = (self.seed, self.pace()?, self.warm_up, None);
        Ok(RunOptions { concurrency, seed, pace, warm_up, caps, sequential, timeouts, clock })
    }

    fn pace(&self) -> Result<Option<Pace>, Failure> {
        let made = |per_s, arrivals| Some(Pace::Rate { per_s, arrivals });
        match (self.rate, &self.arrivals) {
            (None, None) => Ok(None),
            (Some(per_s), None) => Ok(made(per_s, Arrivals::Poisson)),
            (Some(per_s), Some(Spread::Made(arrivals))) => Ok(made(per_s, *arrivals)),
            (None, Some(Spread::Trace(file))) => Ok(Some(Pace::Trace(Trace::read(file).blame_usage()?))),
            (None, Some(Spread::Made(_))) => {
                Err(Failure::usage(anyhow::anyhow!("--arrivals: made-up arrivals need a --rate")))
            }
            (Some(_), Some(Spread::Trace(_))) => Err(Failure::usage(anyhow::anyhow!(
                "--rate: a trace has its own rate: leave one of them out"
            ))),
        }
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
    pub(super) fn samples(
        &self,
        suites: &[Suite],
        options: &RunOptions,
        output: &Output,
    ) -> Result<Option<SampleLog>, Failure> {
        let Some(folder) = &self.out else { return Ok(None) };
        let clock = Arc::clone(&options.clock);
        let names = || suites.iter().map(|suite| suite.name.clone()).collect();
        let log = match self.resume {
            true => SampleLog::resume(folder, names(), clock),
            false => SampleLog::create(folder, clock),
        };
        let log = log
            .map_err(|error| anyhow::anyhow!("--out: {} cannot be written: {error}", folder.display()))
            .blame_usage()?;
        log.note().into_iter().for_each(|note| output.note(note));
        Ok(Some(log))
    }
}

/// Two prices.
fn price(text: &str) -> Result<Price, String> {
    let number =
        |text: &str| text.trim().parse().ok().filter(|price: &f64| price.is_finite() && *price >= 0.0);
    let both = text.split_once(',').and_then(|(input, output)| number(input).zip(number(output)));
    let (input, output) = both.ok_or_else(|| "two prices, as in 0.5,1.5".to_owned())?;
    Ok(Price { input, output })
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
