//! `goldgate rollout`: the operator's verbs, through the admin API.
//!
//! Nothing here knows more than the API says, and `--format json` passes its documents through as they came.

mod address;
mod api;
mod explain;
mod text;
mod wait;
mod watch;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::{Value, json};

use super::on_inconclusive::OnInconclusive;
use super::{Context, Exit, Failure, Format};
use api::Api;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The admin API; default: server.admin of the configuration where there is one, else http://127.0.0.1:8081.
    /// A token is taken from GOLDGATE_TOKEN
    #[arg(long, global = true, env = "GOLDGATE_ADMIN", value_name = "URL")]
    admin: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Start a rollout of the candidate's slot
    Start {
        /// Its name; default: the next number
        #[arg(long, value_name = "NAME")]
        id: Option<String>,
    },
    /// Say how a rollout stands and what it waits for
    Status(StatusArgs),
    /// Follow what happens, line by line; with an ID until that rollout is over
    Watch {
        /// The rollout; default: the latest, and those after it
        #[arg(value_name = "ID", value_parser = rollout_id)]
        id: Option<String>,
    },
    /// Move on to the next stage without waiting for the judge
    Promote(VerbArgs),
    /// Stop the clock; a proven regression still rolls back
    Pause(VerbArgs),
    /// Go on after a pause or a hold
    Resume(VerbArgs),
    /// Send everybody back to the baseline
    Abort(VerbArgs),
    /// Send everybody back after a promotion, while the old baseline is kept warm
    Rollback(VerbArgs),
    /// Print what happened when
    History(Which),
    /// Say why a rollout stands where it stands: reasons, numbers, e-values, what is missing
    Explain(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The rollout; default: the latest
    #[arg(value_name = "ID", default_value = LATEST, hide_default_value = true, value_parser = rollout_id)]
    id: String,
}

#[derive(Debug, clap::Args)]
struct StatusArgs {
    #[command(flatten)]
    which: Which,
    /// Waits until the rollout is decided, and ends with the decision's exit code
    #[arg(long)]
    wait: bool,
    /// Waits no longer than this; a rollout that is not decided by then is inconclusive
    #[arg(long, requires = "wait", value_parser = humantime::parse_duration, value_name = "DURATION")]
    timeout: Option<Duration>,
    #[command(flatten)]
    on_inconclusive: OnInconclusive,
}

#[derive(Debug, clap::Args)]
struct VerbArgs {
    #[command(flatten)]
    which: Which,
    /// Why, for the history; kept for abort and rollback
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
}

/// What the API calls the latest rollout.
const LATEST: &str = "latest";

/// A name that can stand in a path. What else a name must be, the controller says.
fn rollout_id(text: &str) -> Result<String, String> {
    if text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Ok(text.to_owned());
    }
    Err("a rollout's name begins with a letter or digit".to_owned())
}

/// Runs the command.
///
/// # Errors
/// A verb or name that the controller refuses (2), or an admin port that does not answer (4).
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let api = Api::new(&address::resolve(args.admin, context)?, address::token())?;
    match args.verb {
        Verb::Start { id } => show(&api.post(&["rollouts"], &start_body(id)).await?, context)?,
        Verb::Status(args) => return status(&api, args, context).await,
        Verb::Watch { id } => watch::run(&api, id.as_deref(), context).await?,
        Verb::Promote(args) => say("promote", &api, args, context).await?,
        Verb::Pause(args) => say("pause", &api, args, context).await?,
        Verb::Resume(args) => say("resume", &api, args, context).await?,
        Verb::Abort(args) => say("abort", &api, args, context).await?,
        Verb::Rollback(args) => say("rollback", &api, args, context).await?,
        Verb::History(Which { id }) => history(&api, &id, context).await?,
        Verb::Explain(Which { id }) => explain::run(&api, &id, context).await?,
    }
    Ok(Exit::Success)
}

fn start_body(id: Option<String>) -> Value {
    id.map_or_else(|| json!({}), |id| json!({ "id": id }))
}

/// Gives a verb, and shows what has become of the rollout.
async fn say(verb: &str, api: &Api, args: VerbArgs, context: &Context) -> Result<(), Failure> {
    let VerbArgs { which: Which { id }, why } = args;
    if why.is_some() && !matches!(verb, "abort" | "rollback") {
        context.output.note(format_args!("note: --why is kept for abort and rollback, not for {verb}"));
    }
    let body = why.map_or_else(|| json!({}), |why| json!({ "why": why }));
    show(&api.post(&["rollouts", &id, verb], &body).await?, context)
}

async fn status(api: &Api, args: StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let StatusArgs { which: Which { id }, wait, timeout, on_inconclusive } = args;
    let now = api.get(&["rollouts", &id]).await?;
    if !wait {
        show(&now, context)?;
        return Ok(Exit::Success);
    }
    let (then, exit) = wait::until_decided(api, now, timeout, context).await?;
    show(&then, context)?;
    Ok(on_inconclusive.map(exit))
}

/// A rollout on stdout.
fn show(rollout: &Value, context: &Context) -> Result<(), Failure> {
    match context.output.format() {
        Format::Json => context.output.json(rollout),
        _ => context.output.text(text::status(&api::record(rollout)?)),
    }
}

async fn history(api: &Api, id: &str, context: &Context) -> Result<(), Failure> {
    let history = api.get(&["rollouts", id, "history"]).await?;
    if context.output.format() == Format::Json {
        return context.output.json(&history);
    }
    let rollout = api::record(&api.get(&["rollouts", id]).await?)?;
    let labels = text::Labels::of(&rollout);
    for note in api::notes(&history)? {
        context.output.line(labels.line(&note))?;
    }
    Ok(())
}
