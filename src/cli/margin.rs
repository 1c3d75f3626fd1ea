//! `--margin`: another margin than the suite's, for one metric or for all.

use std::str::FromStr;

use anyhow::{anyhow, bail};

use super::judge::margin;
use crate::evals::Suite;

/// One margin as it is typed: `0.02`, `2%`, or `number@gsm8k-flexible=2%`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MarginArg {
    /// `None`: every grader.
    pub(super) metric: Option<String>,
    pub(super) value: f64,
}

impl FromStr for MarginArg {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (metric, value) = text.rsplit_once('=').map_or((None, text), |(name, value)| (Some(name), value));
        let value = margin(value).filter(|value| *value > 0.0 && *value < 1.0);
        let value = value
            .ok_or_else(|| anyhow!("a margin lies between 0 and 1, as in 0.02, 2% or METRIC=2%: {text:?}"))?;
        Ok(Self { metric: metric.map(|name| name.trim().to_owned()), value })
    }
}

/// Judges `suites` by other margins.
///
/// # Errors
/// When a metric is named that none of them judges.
pub(super) fn apply(suites: &mut [Suite], margins: &[MarginArg]) -> anyhow::Result<()> {
    for MarginArg { metric, value } in margins {
        let set: usize = suites.iter_mut().map(|suite| suite.set_margin(metric.as_deref(), *value)).sum();
        if set == 0 {
            let known: Vec<_> = suites.iter().flat_map(Suite::metric_names).collect();
            let named = metric.as_deref().unwrap_or("any metric");
            bail!("--margin: no suite judges {named}\n  hint: judged are {}", known.join(", "));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(Option<&str>, f64)>) {
        let parsed = text.parse::<MarginArg>().ok();
        let expected = expected.map(|(metric, value)| MarginArg { metric: metric.map(str::to_owned), value });
        assert_eq!(parsed, expected, "{text}");
    }

    #[test]
    fn a_margin_is_a_fraction_or_a_percentage_for_one_metric_or_for_all() {
        check("0.02", Some((None, 0.02)));
        check("2%", Some((None, 0.02)));
        check("number@gsm8k-flexible=2%", Some((Some("number@gsm8k-flexible"), 0.02)));
        for nonsense in ["", "two", "0", "-0.1", "1.5", "NaN", "x=", "200%"] {
            check(nonsense, None);
        }
    }

    #[test]
    fn a_metric_that_no_suite_judges_is_told_with_those_that_are() {
        let mut suites = [Suite::read("eval-suites/gsm8k.toml".as_ref()).unwrap()];
        let typo = apply(&mut suites, &["number=0.1".parse().unwrap()]).unwrap_err().to_string();
        assert!(typo.contains("judged are number@gsm8k-flexible, similarity@cosine, ttft_ms"), "{typo}");
        apply(&mut suites, &["5%".parse().unwrap(), "ttft_ms=20%".parse().unwrap()]).unwrap();
        assert_eq!((suites[0].metrics[0].margin, suites[0].latency.ttft), (0.05, Some(0.2)));
    }
}
