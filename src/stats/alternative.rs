//! Which departures from a null hypothesis a test looks for.

/// Which departures a test looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alternative {
    /// Either direction.
    TwoSided,
    /// Larger than the null value.
    Greater,
    /// Smaller than the null value.
    Less,
}

impl Alternative {
    /// The p-value of a statistic whose upper tail probability is `sf` and which is symmetric about 0.
    pub(super) fn p_value(self, statistic: f64, sf: impl Fn(f64) -> f64) -> f64 {
        match self {
            Self::TwoSided => (2.0 * sf(statistic.abs())).min(1.0),
            Self::Greater => sf(statistic),
            Self::Less => sf(-statistic),
        }
    }

    /// The share of α that each looked-at tail gets.
    pub(super) const fn tail_alpha(self, alpha: f64) -> f64 {
        match self {
            Self::TwoSided => alpha / 2.0,
            Self::Greater | Self::Less => alpha,
        }
    }
}
