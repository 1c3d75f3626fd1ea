//! What a suite can find whose cases are judged as they come.

use std::fmt;

use super::deviation;
use crate::domain::MetricName;
use crate::evals::error::EvalError;
use crate::evals::golden::Early;
use crate::evals::suite::Suite;
use crate::judgment::{MetricPolicy, Spread, forecast, least_found};
use crate::stats::WalletPairs;

/// What one metric can find when every case is a look.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyPower {
    /// The metric.
    pub metric: MetricName,
    /// Cases at most.
    pub cases: usize,
    /// The margin it is judged by.
    pub margin: f64,
    /// The smallest true loss that is proven within these cases in nine of ten runs; `None`: none is.
    pub detectable: Option<f64>,
    /// Cases until an identical release passes; `None`: it is not expected to.
    pub pass: Option<WalletPairs>,
    /// The assumed standard deviation of the difference of one case.
    pub deviation: f64,
}

/// What each required metric of `suite` can find by the tests of live evidence, which hold at every look: [`forecast`] and
/// [`least_found`], with the noise that [`super::power`] assumes.
///
/// # Errors
/// When a margin leaves no room for a test.
pub fn early_power(suite: &Suite, abort_alpha: f64) -> Result<Vec<EarlyPower>, EvalError> {
    let policy = Early::policy_of(suite, abort_alpha);
    let of = |name: &MetricName| suite.metrics.iter().find(|metric| metric.name == *name);
    let spread = |rule: &MetricPolicy| match of(&rule.name) {
        // The variance of a share of pairs that differ by a whole point is that share.
        Some(metric) => Spread::Discordance(deviation(metric).powi(2)),
        None => Spread::assumed(rule),
    };
    #[expect(clippy::cast_precision_loss, reason = "a count of cases")]
    let cases = suite.cases.len() as f64;
    let least = least_found(&policy, spread, cases)?;
    let each = forecast(&policy, spread)?.into_iter().zip(least).filter(|(metric, _)| metric.required);
    let power = each.filter_map(|(metric, detectable)| {
        let deviation = deviation(of(&metric.name)?);
        let (cases, margin, pass) = (suite.cases.len(), metric.margin, metric.pass);
        Some(EarlyPower { metric: metric.name, cases, margin, detectable, pass, deviation })
    });
    Ok(power.collect())
}

impl fmt::Display for EarlyPower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metric, cases, margin, detectable, pass, deviation } = self;
        write!(
            f,
            "{metric}: up to {cases} cases, judged as they come, margin {:.1} points: ",
            margin * 100.0
        )?;
        match detectable {
            Some(loss) => write!(f, "a loss of {:.1} points is found (power 90 %), ", loss * 100.0)?,
            None => f.write_str("no loss can be found, ")?,
        }
        match pass {
            Some(WalletPairs { median, p90 }) => {
                write!(f, "an identical release passes after {median:.0} (nine in ten runs after {p90:.0})")?
            }
            None => f.write_str("an identical release is not expected to pass")?,
        }
        write!(f, ", assumed deviation of a pair {deviation:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_stops_early_says_what_its_own_test_can_find() {
        let suite = Suite::read("eval-suites/gsm8k.toml".as_ref()).unwrap();
        let power = early_power(&suite, 0.01).unwrap();
        assert_eq!(power.len(), 1, "guards are not planned for: {power:?}");
        let fixed = super::super::power(&suite)[0].clone();
        let early = &power[0];
        assert!(
            early.detectable > fixed.detectable,
            "looking at every case has its price: {early:?} {fixed:?}"
        );
        let pass = early.pass.unwrap();
        assert!(pass.median > 1_319.0 && pass.p90 > pass.median, "{pass:?}");
        let said = early.to_string();
        assert!(
            said.starts_with(
                "number@gsm8k-flexible: up to 1319 cases, judged as they come, margin 2.0 points: a loss of "
            ),
            "{said}"
        );
        let empty = Suite { cases: Vec::new(), ..suite };
        assert_eq!(early_power(&empty, 0.01).unwrap()[0].detectable, None);
    }
}
