//! `--what-if`: other rules for the same evidence.

use std::str::FromStr;

use anyhow::{anyhow, bail};

use crate::config::JudgeConfig;
use crate::domain::MetricName;
use crate::judgment::MetricPolicy;

/// One changed rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WhatIf {
    /// `abort_alpha`: the probability of ever failing a release within its margins.
    AbortAlpha(f64),
    /// `promote_alpha`: the probability of ever passing a metric that is worse by its margin.
    PromoteAlpha(f64),
    /// A metric's rule; without a name that of every metric.
    Rule { metric: Option<String>, change: Change },
}

/// What becomes of one metric's rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    /// The margin of passing, and of failing where that is not set apart.
    Margin(f64),
    AbortMargin(f64),
    /// Whether it must pass.
    Required(bool),
    /// It is judged no more, and the others share its part of the budget.
    LeftOut,
}

impl FromStr for WhatIf {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || {
            anyhow!(
                "written as metric.margin=0.02, metric.abort_margin=5%, metric.required=true, metric.judged=false \
                 (the first three without a metric: of every one), abort_alpha=0.005 or promote_alpha=0.1, not {text:?}"
            )
        };
        let (path, value) = text.split_once('=').ok_or_else(form)?;
        let value = value.trim();
        // A metric's name may hold dots itself; the last part is the rule's.
        let (metric, key) =
            path.rsplit_once('.').map_or((None, path), |(metric, key)| (Some(metric.trim()), key));
        let change = match (key.trim(), metric) {
            ("abort_alpha", None) => return Ok(Self::AbortAlpha(margin(value).ok_or_else(form)?)),
            ("promote_alpha", None) => return Ok(Self::PromoteAlpha(margin(value).ok_or_else(form)?)),
            ("margin", _) => Change::Margin(margin(value).ok_or_else(form)?),
            ("abort_margin", _) => Change::AbortMargin(margin(value).ok_or_else(form)?),
            ("required", _) => Change::Required(value.parse().map_err(|_| form())?),
            ("judged", Some(_)) if value == "false" => Change::LeftOut,
            _ => return Err(form()),
        };
        Ok(Self::Rule { metric: metric.map(str::to_owned), change })
    }
}

/// A margin, written as a fraction (`0.02`) or as a percentage (`2%`).
pub(in crate::cli) fn margin(text: &str) -> Option<f64> {
    let text = text.trim();
    let value: f64 = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// `rules` with those changes.
///
/// # Errors
/// When a metric is named that the policy does not judge.
pub(super) fn applied(rules: &JudgeConfig, changes: &[WhatIf]) -> anyhow::Result<JudgeConfig> {
    let mut rules = rules.clone();
    for change in changes {
        match change {
            WhatIf::AbortAlpha(alpha) => rules.policy.abort_alpha = *alpha,
            WhatIf::PromoteAlpha(alpha) => rules.policy.promote_alpha = *alpha,
            WhatIf::Rule { metric, change } => {
                change_rule(&mut rules.policy.metrics, metric.as_deref(), *change)?
            }
        }
    }
    Ok(rules)
}

fn change_rule(rules: &mut Vec<MetricPolicy>, metric: Option<&str>, change: Change) -> anyhow::Result<()> {
    let meant = |rule: &MetricPolicy| metric.is_none_or(|metric| metric == rule.name.as_str());
    if !rules.iter().any(meant) {
        let known: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
        bail!("--what-if names {:?}, but judged are {}", metric.unwrap_or("every metric"), known.join(", "));
    }
    if change == Change::LeftOut {
        rules.retain(|rule| !meant(rule));
    }
    for rule in rules.iter_mut().filter(|rule| meant(rule)) {
        match change {
            Change::Margin(margin) => rule.margin = margin,
            Change::AbortMargin(margin) => rule.abort_margin = Some(margin),
            Change::Required(required) => rule.required = required,
            Change::LeftOut => {}
        }
    }
    Ok(())
}

/// What had to pass then, and with these changes has to; `judged` are the metrics that are judged with them.
pub(super) fn must_pass(
    then: Vec<MetricName>,
    judged: &[MetricPolicy],
    changes: &[WhatIf],
) -> Vec<MetricName> {
    let mut names = then;
    for change in changes {
        let WhatIf::Rule { metric, change: Change::Required(required) } = change else { continue };
        let meant = |name: &MetricName| metric.as_deref().is_none_or(|metric| metric == name.as_str());
        names.retain(|name| !meant(name));
        if *required {
            names.extend(judged.iter().map(|rule| rule.name.clone()).filter(meant));
        }
    }
    names.retain(|name| judged.iter().any(|rule| rule.name == *name));
    names
}
