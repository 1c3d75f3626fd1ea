//! `goldgate judge`: stored evidence, judged again. The same evidence and policy give the same bytes.

mod evidence;
mod fold;
mod source;
mod what_if;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use super::on_inconclusive::OnInconclusive;
use super::{Blame, Context, Exit, Failure, verdict};
use crate::config::load_policy;
use crate::wire::VerdictRecord;
use evidence::Evidence;
use what_if::WhatIf;

pub(super) use source::located;
pub(super) use what_if::margin;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file of pairs (JSON Lines), a run directory, or a directory of Parquet evidence
    #[arg(value_name = "FILE|DIR")]
    evidence: PathBuf,
    /// Judges by the rules of this file (`version` and `[judge]`) in place of those that belong to the evidence
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Asks what other rules would have said; may be given more than once: `error.margin=0.02`,
    /// `ttft_ms.abort_margin=10%`, `broken.required=false` (without a metric: of every one), `length.judged=false`
    /// leaves a metric out, `abort_alpha=0.005`, `promote_alpha=0.1`
    #[arg(long = "what-if", value_name = "[METRIC.]RULE=VALUE")]
    what_if: Vec<WhatIf>,
    #[command(flatten)]
    on_inconclusive: OnInconclusive,
}

/// Runs the command.
///
/// # Errors
/// Evidence that cannot be read (exit 2) or holds nothing to judge (exit 4).
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let rules = args.policy.as_deref().map(load_policy).transpose().blame_usage()?;
    let judged = Evidence::find(&args.evidence, rules)?.judge(&args.what_if)?;
    for note in &judged.notes {
        context.output.note(note);
    }
    Ok(args.on_inconclusive.map(verdict::show(&VerdictRecord::from(&judged.judgment), context)?))
}
