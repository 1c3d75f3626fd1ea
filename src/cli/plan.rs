//! `goldgate plan`: how long a rollout needs, before any token is spent on it.

mod drawing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::context::environment;
use super::number::positive;
use super::{Blame, Context, Exit, Failure, Format};
use crate::config::Config;
use crate::domain::Share;
use crate::evidence::{Collector, EvidenceError, RecordBatch, Snapshot};
use crate::judgment::{
    BaseHarm, LimitForecast, MetricForecast, MetricPolicy, Policy, RampForecast, Spread, forecast,
    forecast_limits, forecast_ramp, forecast_tails,
};
use crate::routing::MirrorRange;
use crate::stats::WalletPairs;
use crate::store::{EvidenceFiles, Found};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Client requests a second
    #[arg(long, value_name = "N", value_parser = positive)]
    rate: f64,
    /// Copied share of the requests, for example 2%, which then never changes; default: mirror.share of the
    /// configuration, raised up to mirror.share_max
    #[arg(long, value_name = "SHARE", value_parser = str::parse::<Share>)]
    share: Option<Share>,
    /// Evidence of an earlier rollout, or its run directory: its pairs say how much answers differ by themselves. May be
    /// given more than once; what is assumed counts for 100 pairs beside them
    #[arg(long, value_name = "DIR")]
    evidence: Vec<PathBuf>,
    /// Milliseconds of one GPU that one request costs; with it the copies are priced
    #[arg(long, value_name = "MS", value_parser = positive)]
    gpu_ms: Option<f64>,
}

/// What the plan is for.
pub(super) struct Question {
    rate: f64,
    /// What is copied at first, and at most.
    share: MirrorRange,
    window: Duration,
    gpu_ms: Option<f64>,
}

/// What is found.
pub(super) struct Plan {
    question: Question,
    metrics: Vec<MetricForecast>,
    /// Pairs of earlier rollouts that each metric's spread rests on, in the order of the metrics.
    seen: Vec<u64>,
    /// What guards the latencies beside their bodies.
    tails: Vec<MetricForecast>,
    ramp: Vec<RampForecast>,
    limits: Vec<LimitForecast>,
    /// The share, and per metric the margin, that would decide within the window.
    remedies: Vec<Remedy>,
}

/// A required metric that the window is too short for.
pub(super) struct Remedy {
    metric: String,
    share: Option<f64>,
    margin: Option<f64>,
    /// Whether the mirror stage gets there by itself, within `mirror.share_max`.
    adapts: bool,
}

/// Margins that are tried in its place, as factors.
const WIDER: [f64; 8] = [1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0];

/// Runs the command. It says what is to be expected and decides nothing.
///
/// # Errors
/// A configuration or evidence that cannot be read: exit 2.
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let config = Config::load(&context.config, environment()).blame_usage()?;
    let policy = &config.live_judge().policy;
    let earlier: Vec<_> = args.evidence.iter().map(|dir| fold(dir, policy)).collect::<Result<_, _>>()?;
    let rollout = &config.rollout.plan;
    let question = Question {
        rate: args.rate,
        share: args.share.map_or(rollout.mirror_range(), |share| MirrorRange { least: share, most: share }),
        window: rollout.mirror.max(),
        gpu_ms: args.gpu_ms,
    };
    let plan = plan(question, policy, rollout.ramp.shares(), &earlier).blame_usage()?;
    match context.output.format() {
        Format::Json => context.output.json(&plan.json())?,
        _ => context.output.text(drawing::text(&plan))?,
    }
    Ok(Exit::Success)
}

/// What `policy` needs, by what was seen `earlier` and what is assumed beside it.
fn plan(
    question: Question,
    policy: &Policy,
    shares: &[Share],
    earlier: &[Snapshot],
) -> Result<Plan, EvidenceError> {
    let spread = |rule: &MetricPolicy| Spread::learned(rule, earlier).value;
    let metrics = forecast(policy, spread)?;
    let remedies = metrics
        .iter()
        .filter(|metric| metric.required && !question.decides(metric.pass))
        .map(|metric| remedy(&question, policy, metric))
        .collect();
    Ok(Plan {
        seen: policy.metrics.iter().map(|rule| Spread::learned(rule, earlier).pairs).collect(),
        tails: forecast_tails(policy, spread)?,
        ramp: forecast_ramp(policy, shares, |rule| BaseHarm::learned(rule, earlier).value)?,
        limits: forecast_limits(policy)?,
        question,
        metrics,
        remedies,
    })
}

/// The evidence of one rollout, folded a file at a time.
fn fold(dir: &Path, policy: &Policy) -> Result<Snapshot, Failure> {
    let inside = dir.join("evidence");
    let mut files = EvidenceFiles::of(if inside.is_dir() { &inside } else { dir }).blame_usage()?;
    let mut collector = Collector::new(&policy.specs()).blame_usage()?;
    let mut batch = RecordBatch::default();
    while files.next(&mut batch).blame_usage()? != Found::End {
        for record in batch.records() {
            collector.push(record).blame_usage()?;
        }
    }
    Ok(collector.into_snapshot())
}

/// A wider share or a wider margin, whichever the team can afford.
fn remedy(question: &Question, policy: &Policy, metric: &MetricForecast) -> Remedy {
    let share = metric.pass.map(|pairs| pairs.p90 / (question.rate * question.window.as_secs_f64()));
    let passes_at = |margin: f64| {
        let mut wider = policy.clone();
        let rule = wider.metrics.iter_mut().find(|rule| rule.name == metric.name)?;
        (rule.margin, rule.abort_margin) = (margin, None);
        let all = forecast(&wider, |_| metric.spread).ok()?;
        let same = all.into_iter().find(|one| one.name == metric.name)?;
        question.decides(same.pass).then_some(margin)
    };
    let tried = WIDER.iter().map(|factor| metric.margin * factor).filter(|margin| *margin < 1.0);
    Remedy {
        adapts: metric.pass.is_some_and(|pairs| question.reaches(pairs.p90)),
        metric: metric.name.to_string(),
        share: share.filter(|share| *share <= 1.0),
        margin: tried.into_iter().find_map(passes_at),
    }
}

impl Question {
    /// Pairs a second at first.
    fn pair_rate(&self) -> f64 {
        self.rate * self.share.least.fraction()
    }

    /// How long `pairs` take; `None` where no request is copied.
    fn time(&self, pairs: f64) -> Option<Duration> {
        Duration::try_from_secs_f64(pairs / self.pair_rate()).ok()
    }

    /// Whether the window brings so many `pairs`, when the share grows as fast as it may.
    fn reaches(&self, pairs: f64) -> bool {
        pairs <= self.share.pairs_max(self.rate, self.window)
    }

    /// Whether nine in ten such rollouts are decided within the window.
    fn decides(&self, pairs: Option<WalletPairs>) -> bool {
        pairs.and_then(|pairs| self.time(pairs.p90)).is_some_and(|time| time <= self.window)
    }
}

impl Plan {
    fn json(&self) -> Value {
        let Question { rate, share, window, gpu_ms } = &self.question;
        let pairs = |pairs: Option<WalletPairs>| {
            pairs.map(|pairs| {
                let seconds = |pairs| self.question.time(pairs).map(|time| time.as_secs_f64().ceil());
                json!({
                    "median": pairs.median.ceil(), "p90": pairs.p90.ceil(),
                    "median_s": seconds(pairs.median), "p90_s": seconds(pairs.p90),
                })
            })
        };
        let metric = |metric: &MetricForecast, seen: Option<u64>| {
            let find = metric.find.iter();
            let find = find.map(|finding| json!({"effect": finding.effect, "pairs": pairs(finding.pairs)}));
            let (assumed, value) = match metric.spread {
                Spread::Discordance(share) => ("discordance", share),
                Spread::LogNoise(deviation) => ("log_noise", deviation),
            };
            json!({
                "name": metric.name.as_str(), "required": metric.required, "margin": metric.margin,
                "assumed": {assumed: value}, "seen_pairs": seen, "pass": pairs(metric.pass), "find": find.collect::<Vec<_>>(),
                "decides": self.question.decides(metric.pass),
            })
        };
        let remedy = |one: &Remedy| json!({"metric": one.metric, "share": one.share, "margin": one.margin, "adapts": one.adapts});
        let keys = |keys: Option<WalletPairs>| {
            keys.map(|keys| json!({"median": keys.median.ceil(), "p90": keys.p90.ceil()}))
        };
        let ramp = |one: &RampForecast| {
            json!({
                "share": one.share.fraction(), "metric": one.name.as_str(), "assumed": {"baseline": one.base.0},
                "pass_keys": keys(one.pass), "find_five_points_keys": keys(one.find),
            })
        };
        let limit = |one: &LimitForecast| {
            json!({
                "metric": one.name.as_str(), "limit": one.limit.to_string(), "pass_users": keys(one.pass),
                "find_five_points_users": keys(one.find),
            })
        };
        let seen = self.metrics.iter().zip(&self.seen).map(|(one, seen)| metric(one, Some(*seen)));
        json!({
            "rate": rate, "mirror_share": share.least.fraction(),
            "mirror_share_max": share.most.fraction(), "window_s": window.as_secs(), "gpu_ms": gpu_ms,
            "metrics": seen.collect::<Vec<_>>(),
            "tails": self.tails.iter().map(|one| metric(one, None)).collect::<Vec<_>>(),
            "ramp": self.ramp.iter().map(ramp).collect::<Vec<_>>(),
            "limits": self.limits.iter().map(limit).collect::<Vec<_>>(),
            "remedies": self.remedies.iter().map(remedy).collect::<Vec<_>>(),
        })
    }
}
