//! A share of traffic in parts per million: exact, comparable, and impossible to push past the whole.

use std::fmt;
use std::str::FromStr;

/// A share of the whole, from 0 to 100 %, in steps of one millionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Share(u32);

/// Why a text is not a share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Not a number followed by `%`.
    #[error("a share is written as a percentage such as \"1%\" or \"0.25%\", not {0:?}")]
    Form(String),
    /// Below 0 or above 100 %.
    #[error("a share lies between 0% and 100%, but {0:?} does not")]
    Range(String),
}

const WHOLE: u32 = 1_000_000;

impl Share {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const FULL: Self = Self(WHOLE);

    /// A share in parts per million; more than the whole is cut to the whole.
    #[must_use]
    pub const fn from_ppm(ppm: u32) -> Self {
        Self(if ppm > WHOLE { WHOLE } else { ppm })
    }

    /// Parts per million.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// The share as a fraction in [0, 1].
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// Whether a uniform 64-bit hash falls inside the share. Monotone: a hash inside a share is
    /// inside every larger share, so that raising a share only ever adds.
    #[must_use]
    pub const fn contains(self, hash: u64) -> bool {
        (hash as u128 * WHOLE as u128) >> 64 < self.0 as u128
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let form = || ShareError::Form(text.to_owned());
        let number = text.trim().strip_suffix('%').ok_or_else(form)?;
        let percent: f64 = number.trim().parse().map_err(|_| form())?;
        if !(0.0..=100.0).contains(&percent) {
            return Err(ShareError::Range(text.to_owned()));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
        Ok(Self((percent * 10_000.0).round() as u32))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<u32, &str>) {
        match text.parse::<Share>() {
            Ok(share) => assert_eq!(Ok(share.ppm()), expected.map_err(|_| ()), "{text}"),
            Err(error) => assert!(error.to_string().contains(expected.unwrap_err()), "{text}: {error}"),
        }
    }

    #[test]
    fn shares_are_percentages() {
        check("1%", Ok(10_000));
        check(" 0.25 % ", Ok(2_500));
        check("100%", Ok(1_000_000));
        check("0.5", Err("written as a percentage"));
        check("101%", Err("between 0% and 100%"));
        check("-1%", Err("between 0% and 100%"));
        check("NaN%", Err("between 0% and 100%"));
    }

    #[test]
    fn display_reads_back() {
        for ppm in [0, 1, 2_500, 10_000, 250_000, 1_000_000] {
            assert_eq!(Share::from_ppm(ppm).to_string().parse(), Ok(Share::from_ppm(ppm)));
        }
    }

    #[test]
    fn the_whole_holds_every_hash_and_nothing_holds_none() {
        for hash in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(Share::FULL.contains(hash));
            assert!(!Share::ZERO.contains(hash));
        }
    }
}
