//! Why a statistic was refused: the input, the rule it broke, and the value.

use std::ops::{Bound, RangeBounds};

/// Refused input. Nothing here is computed from NaN, infinities, or values outside a method's range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// NaN or an infinity.
    #[error("{name} must be a finite number, but is {value}")]
    NotFinite {
        /// The input.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// Outside the range in which the method is defined.
    #[error("{name} must be {rule}, but is {value}")]
    OutOfRange {
        /// The input.
        name: &'static str,
        /// The range, in words.
        rule: &'static str,
        /// Its value.
        value: f64,
    },
    /// Fewer values than the method needs.
    #[error("{name} needs at least {min} values, but has {len}")]
    TooFew {
        /// The input.
        name: &'static str,
        /// How many there are.
        len: usize,
        /// How many are needed.
        min: usize,
    },
    /// Two inputs that belong together differ in length.
    #[error("{name} must have one entry for each value: {left} and {right} do not match")]
    Lengths {
        /// The input.
        name: &'static str,
        /// Length of the first.
        left: usize,
        /// Length of the second.
        right: usize,
    },
    /// Two states that bet differently cannot be added.
    #[error("only states with the same side, bets and null mean can be merged")]
    Mismatch,
    /// A count no longer fits its integer.
    #[error("{name} overflows")]
    Overflow {
        /// The count.
        name: &'static str,
    },
}

/// `value`, if it is neither NaN nor infinite.
pub(super) fn finite(name: &'static str, value: f64) -> Result<f64, StatsError> {
    if value.is_finite() { Ok(value) } else { Err(StatsError::NotFinite { name, value }) }
}

/// `value`, if it is finite and inside `range`; `rule` is the range in words.
pub(super) fn within(
    name: &'static str,
    value: f64,
    range: impl RangeBounds<f64>,
    rule: &'static str,
) -> Result<f64, StatsError> {
    finite(name, value)?;
    if range.contains(&value) { Ok(value) } else { Err(StatsError::OutOfRange { name, rule, value }) }
}

/// `value`, if it lies strictly between 0 and 1: error rates, levels, powers.
pub(super) fn open_unit(name: &'static str, value: f64) -> Result<f64, StatsError> {
    within(name, value, (Bound::Excluded(0.0), Bound::Excluded(1.0)), "strictly between 0 and 1")
}

/// `value`, if it lies in [0, 1]: probabilities and harms.
pub(super) fn unit(name: &'static str, value: f64) -> Result<f64, StatsError> {
    within(name, value, 0.0..=1.0, "between 0 and 1")
}

/// `values`, if there are at least `min` and every one is finite.
pub(super) fn all_finite(name: &'static str, values: &[f64], min: usize) -> Result<(), StatsError> {
    if values.len() < min {
        return Err(StatsError::TooFew { name, len: values.len(), min });
    }
    values.iter().try_for_each(|&value| finite(name, value).map(drop))
}
