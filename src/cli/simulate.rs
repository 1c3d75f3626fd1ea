//! `goldgate simulate`: how often a policy is wrong, and how soon it is right, in worlds whose truth is known.

mod drawing;
mod record;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::anyhow;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::context::environment;
use super::judge::margin;
use super::progress::Bar;
use super::{Blame, Context, Exit, Failure, Format};
use crate::config::Config;
use crate::evals::Progress;
use crate::judgment::{MetricPolicy, Policy};
use crate::simulation::{Characteristics, Repeats, Scenario, Traffic, World, repeat};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Rollouts of each world and effect
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// What the rollouts are drawn from: the same seed gives the same bytes on any number of cores
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Pairs that a rollout is watched for; users where clients are split
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pairs: u64,
    /// A world to play in; may be given more than once; default: all
    #[arg(long = "world", value_name = "NAME", value_parser = world_parser())]
    worlds: Vec<World>,
    /// What the candidate is worse by, in points of harm or percent of a latency: `--effect 0,1,5`; default: nothing,
    /// the margin, and five times the margin
    #[arg(long = "effect", value_name = "POINTS", value_delimiter = ',', value_parser = points)]
    effects: Vec<f64>,
    /// Another margin for the metric that a world is worse in, such as 0.02 or 2%
    #[arg(long, value_name = "MARGIN", value_parser = proper_margin)]
    margin: Option<f64>,
}

/// A regression that is to be found where no effect is named, as a factor on the margin.
const BEYOND: f64 = 5.0;

/// The margins of the metric that a world is about.
#[derive(Clone, Copy)]
struct Margins {
    promote: f64,
    abort: f64,
}

/// What is found of one world and one truth.
struct Row {
    scenario: Scenario,
    margins: Margins,
    found: Characteristics,
}

/// What is found.
struct Page {
    runs: u64,
    seed: u64,
    pairs: u64,
    policy: Policy,
    rows: Vec<Row>,
}

/// Runs the command. It says what is to be expected and decides nothing.
///
/// # Errors
/// A configuration that cannot be read, or a policy that judges nothing of what was asked: exit 2.
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let policy = policy(context)?;
    let scenarios = scenarios(&args, &policy, context)?;
    for rule in policy.metrics.iter().filter(|rule| rule.required && !Traffic::speaks_of(rule)) {
        let name = &rule.name;
        context
            .output
            .note(format_args!("{name} must pass and simulated answers say nothing of it: none is promoted"));
    }
    let bar = Bar::new(&context.output, "rollouts");
    let total = scenarios.len() * usize::try_from(args.runs).unwrap_or(usize::MAX);
    let done = AtomicUsize::new(0);
    let heard = || bar.follow(Progress { done: done.fetch_add(1, Ordering::Relaxed) + 1, total });
    let repeats = Repeats::new(args.runs, args.seed);
    let play = |(scenario, margins): (Scenario, Margins)| {
        let ended = repeat(&scenario, repeats, &heard).blame_usage()?;
        Ok(Row { found: Characteristics::of(&ended), scenario, margins })
    };
    let rows = scenarios.into_iter().map(play).collect::<Result<_, Failure>>()?;
    drop(bar);
    let page = Page { runs: args.runs, seed: args.seed, pairs: args.pairs, policy, rows };
    match context.output.format() {
        Format::Json => context.output.json(&record::json(&page))?,
        _ => context.output.text(drawing::text(&page))?,
    }
    Ok(Exit::Success)
}

impl Margins {
    fn of(rule: &MetricPolicy) -> Self {
        Self { promote: rule.margin, abort: rule.abort_margin.unwrap_or(rule.margin) }
    }

    /// What is tried where no effect is named, ascending.
    fn effects(self) -> Vec<f64> {
        let mut effects = vec![0.0, self.promote, self.abort, BEYOND * self.promote];
        effects.sort_unstable_by(f64::total_cmp);
        effects.dedup();
        effects
    }
}

/// The configuration's policy; the default one where no configuration lies and none was named.
fn policy(context: &Context) -> Result<Policy, Failure> {
    if context.config == Path::new("goldgate.toml") && !context.config.exists() {
        context.output.note("no goldgate.toml here: the default policy");
        return Ok(Policy::default_live());
    }
    Ok(Config::load(&context.config, environment()).blame_usage()?.live_judge().policy)
}

/// What is played, each with its margins.
fn scenarios(args: &Args, policy: &Policy, context: &Context) -> Result<Vec<(Scenario, Margins)>, Failure> {
    let worlds = if args.worlds.is_empty() { &World::ALL } else { &args.worlds[..] };
    let mut scenarios = Vec::new();
    for &world in worlds {
        let scenario =
            Scenario { records: args.pairs, ..Scenario::of(world, judged_by(policy, world, args.margin)) };
        let Some(rule) = scenario.rule() else {
            context
                .output
                .note(format_args!("{world} is left out: the policy does not judge {}", world.metric()));
            continue;
        };
        let margins = Margins::of(rule);
        let effects = if args.effects.is_empty() { margins.effects() } else { args.effects.clone() };
        let each = effects.into_iter().map(|effect| (Scenario { effect, ..scenario.clone() }, margins));
        scenarios.extend(each);
    }
    if scenarios.is_empty() {
        let metrics: Vec<_> = worlds.iter().map(|world| world.metric()).collect();
        return Err(Failure::usage(anyhow!(
            "nothing to play: the policy judges none of {}",
            metrics.join(", ")
        )));
    }
    Ok(scenarios)
}

/// `policy` with another margin for the metric that `world` is about.
fn judged_by(policy: &Policy, world: World, margin: Option<f64>) -> Policy {
    let mut policy = policy.clone();
    let rule = policy.metrics.iter_mut().find(|rule| rule.name.as_str() == world.metric());
    if let (Some(rule), Some(margin)) = (rule, margin) {
        (rule.margin, rule.abort_margin) = (margin, None);
    }
    policy
}

fn world_parser() -> impl TypedValueParser<Value = World> {
    PossibleValuesParser::new(World::ALL.map(World::as_str)).try_map(|name| name.parse::<World>())
}

/// Points as typed, as a fraction.
fn points(text: &str) -> Result<f64, String> {
    let points: Option<f64> = text.trim().parse().ok();
    let points = points.filter(|points| (0.0..=100.0).contains(points));
    points.map(|points| points / 100.0).ok_or_else(|| "must be from 0 to 100".to_owned())
}

fn proper_margin(text: &str) -> Result<f64, String> {
    let proper = margin(text).filter(|margin| *margin < 1.0);
    proper.ok_or_else(|| "must be from 0 to 1, as in 0.02 or 2%".to_owned())
}

#[cfg(test)]
mod tests;
