//! What kind of number a metric is: this fixes how two of them are compared.

use std::fmt;

/// How a metric's value is read, and so how it becomes a harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// 0 or 1; 1 is bad. Harm is the value.
    Event,
    /// In [0, 1]; higher is worse. Harm is the value.
    Harm,
    /// In [0, 1]; higher is better. Harm is `1 − score`.
    Score,
    /// Positive, lower is better (milliseconds). Compared as a ratio.
    Latency,
    /// In [0, 1]: how far an answer differs from the baseline's answer to the same prompt. The
    /// baseline's value is the noise floor: how far its own second answer differs.
    Disagreement,
    /// A positive count (output tokens), compared as a ratio, both directions harmful.
    Length,
}

impl MetricKind {
    /// The word used in configuration files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Harm => "harm",
            Self::Score => "score",
            Self::Latency => "latency",
            Self::Disagreement => "disagreement",
            Self::Length => "length",
        }
    }

    /// Whether margins of this kind are ratios (`5%` of the baseline) and not points.
    #[must_use]
    pub const fn is_ratio(self) -> bool {
        matches!(self, Self::Latency | Self::Length)
    }

    /// Whether `value` is one this kind can take. NaN and infinities never are.
    #[must_use]
    pub fn admits(self, value: f64) -> bool {
        match self {
            Self::Event => value == 0.0 || value == 1.0,
            Self::Harm | Self::Score | Self::Disagreement => (0.0..=1.0).contains(&value),
            Self::Latency | Self::Length => value.is_finite() && value > 0.0,
        }
    }
}

impl fmt::Display for MetricKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a latency may be in itself, whatever the baseline's: "p99 800ms".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyLimit {
    /// The quantile.
    pub tail: Tail,
    /// Its largest value in milliseconds.
    pub ms: f64,
}

impl LatencyLimit {
    /// The share of answers that may take longer: 1 point at p99, 5 at p95.
    #[must_use]
    pub fn share_over(self) -> f64 {
        1.0 - self.tail.quantile()
    }
}

impl fmt::Display for LatencyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ms", self.tail.as_str(), self.ms)
    }
}

/// The tail quantile watched beside a latency's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tail {
    /// The baseline's running 95th percentile.
    P95,
    /// The baseline's running 99th percentile.
    P99,
}

impl Tail {
    /// The quantile in (0, 1).
    #[must_use]
    pub const fn quantile(self) -> f64 {
        match self {
            Self::P95 => 0.95,
            Self::P99 => 0.99,
        }
    }

    /// The word used in files and metric names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }

    /// The share of requests that may newly exceed the threshold: 1 point at p95, half a point at p99.
    #[must_use]
    pub const fn default_margin(self) -> f64 {
        match self {
            Self::P95 => 0.01,
            Self::P99 => 0.005,
        }
    }
}
