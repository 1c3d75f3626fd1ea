//! Rounding to whole units, without a call.

/// From here on every f64 is a whole number.
const WHOLE_FROM: f64 = (1_u64 << 52) as f64;

/// The whole number nearest to `x`, halves away from zero; saturates beyond an `i64`.
///
/// `f64::round` is a call where the processor is not known to have an instruction for it, and sums in fixed point
/// round some forty times a pair. The largest f64 below one half counts as one half here.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "`as` cuts towards zero and saturates")]
pub(crate) fn nearest(x: f64) -> i64 {
    let half = if x.abs() < WHOLE_FROM { 0.5 } else { 0.0 };
    (x + f64::copysign(half, x)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_round_gives() {
        for x in [0.0, 0.3, 0.5, 0.75, 1.5, 2.5, 1e9 + 0.5, 4.5e15, WHOLE_FROM + 1.0, 8e18] {
            assert_eq!(nearest(x) as f64, x.round(), "{x}");
            assert_eq!(nearest(-x) as f64, (-x).round(), "-{x}");
        }
        assert_eq!((nearest(1e300), nearest(f64::NAN)), (i64::MAX, 0));
    }
}
