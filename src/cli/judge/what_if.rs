//! `--what-if`: another margin, for one metric or for all.

use std::str::FromStr;

use anyhow::{anyhow, bail};

use crate::config::JudgeConfig;

/// One changed margin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WhatIf {
    /// `None`: every metric.
    metric: Option<String>,
    side: Side,
    value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The margin of passing, and of failing where that is not set apart.
    Both,
    Abort,
}

impl FromStr for WhatIf {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form =
            || anyhow!("written as metric.margin=0.02, metric.abort_margin=5% or margin=0.02, not {text:?}");
        let (path, value) = text.split_once('=').ok_or_else(form)?;
        // A metric's name may hold dots itself; the last part is the margin's.
        let (metric, side) =
            path.rsplit_once('.').map_or((None, path), |(metric, side)| (Some(metric), side));
        let side = match side.trim() {
            "margin" => Side::Both,
            "abort_margin" => Side::Abort,
            _ => return Err(form()),
        };
        let value = margin(value).ok_or_else(form)?;
        Ok(Self { metric: metric.map(|metric| metric.trim().to_owned()), side, value })
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

/// `rules` with other margins.
///
/// # Errors
/// When a metric is named that the policy does not judge.
pub(super) fn applied(rules: &JudgeConfig, changes: &[WhatIf]) -> anyhow::Result<JudgeConfig> {
    let mut rules = rules.clone();
    for WhatIf { metric, side, value } in changes {
        let mut found = false;
        let meant = |name: &str| metric.as_deref().is_none_or(|metric| metric == name);
        for rule in rules.policy.metrics.iter_mut().filter(|rule| meant(rule.name.as_str())) {
            found = true;
            match side {
                Side::Both => rule.margin = *value,
                Side::Abort => rule.abort_margin = Some(*value),
            }
        }
        if !found {
            let known: Vec<_> = rules.policy.metrics.iter().map(|rule| rule.name.as_str()).collect();
            bail!(
                "--what-if names {:?}, but judged are {}",
                metric.as_deref().unwrap_or("every metric"),
                known.join(", ")
            );
        }
    }
    Ok(rules)
}
