//! A range of values that the data do not refute.

/// An interval and the level at which it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end; −∞ where a side is left open.
    pub lower: f64,
    /// Upper end; +∞ where a side is left open.
    pub upper: f64,
    /// Probability with which it covers, in (0, 1).
    pub level: f64,
}

impl Interval {
    /// Whether `value` lies inside, ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.lower..=self.upper).contains(&value)
    }
}
