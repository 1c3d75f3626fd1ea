//! How fast evidence comes: told by whoever asks, for the judge has no clock.

use std::fmt;
use std::time::Duration;

use super::{Judgment, Reason};

/// Records a second, kept to three digits: what a verdict says of time is then the same when it is read from its document
/// and judged again.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Pace {
    per_s: f64,
}

impl Pace {
    /// `per_s` records a second; `None` where that is no pace: zero, negative, infinite, not a number.
    #[must_use]
    pub fn of(per_s: f64) -> Option<Self> {
        let is_pace = |per_s: &f64| per_s.is_finite() && *per_s > 0.0;
        let per_s = Some(per_s).filter(is_pace)?;
        format!("{per_s:.2e}").parse().ok().filter(is_pace).map(|per_s| Self { per_s })
    }

    /// Records a second.
    #[must_use]
    pub const fn per_s(self) -> f64 {
        self.per_s
    }

    /// How long `records` take; `None` where that is longer than any duration.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of records")]
    pub fn time(self, records: u64) -> Option<Duration> {
        Duration::try_from_secs_f64(records as f64 / self.per_s).ok()
    }

    /// How long `records` take at this pace, as the end of a sentence; nothing where no duration is so long.
    #[must_use]
    pub fn clause(self, records: u64) -> String {
        let said = |time| format!(", {} at the present {self}", short_time(time));
        self.time(records).map_or_else(String::new, said)
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.per_s * 60.0 {
            minute if minute >= 10.0 => write!(f, "{minute:.0} a minute"),
            minute if minute >= 1.0 => write!(f, "{minute:.1} a minute"),
            minute => write!(f, "{:.1} an hour", minute * 60.0),
        }
    }
}

/// A time as people say it: two digits and a unit are enough.
#[must_use]
pub fn short_time(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil();
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

impl Judgment {
    /// The same judgment, told how fast evidence comes (records a second): reasons that say how much more is needed then
    /// say how long that takes. It changes no verdict.
    #[must_use]
    pub fn at_pace(mut self, per_s: Option<f64>) -> Self {
        self.pace = per_s.and_then(Pace::of);
        let of_metrics = self.metrics.iter_mut().map(|metric| &mut metric.reason);
        for reason in of_metrics.chain(&mut self.reasons) {
            if let Reason::NotEnough { pace, .. } = reason {
                *pace = self.pace;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_two_digits_and_a_unit() {
        let said: Vec<_> =
            [5.2, 300.0, 10_800.0, 864_000.0].map(Duration::from_secs_f64).map(short_time).into();
        assert_eq!(said, ["6 s", "5 min", "3.0 h", "10.0 days"]);
    }

    #[test]
    fn a_pace_is_the_same_when_it_is_read_back_and_none_is_made_of_nothing() {
        for per_s in [1.0 / 3.0, 1e-7, 98.765, 1e9] {
            let pace = Pace::of(per_s).unwrap();
            assert!((pace.per_s() / per_s - 1.0).abs() < 5e-3);
            assert_eq!(Pace::of(pace.per_s()), Some(pace));
        }
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Pace::of(none), None);
        }
    }

    #[test]
    fn time_is_told_with_the_pace_that_it_rests_on() {
        let check = |per_s, records, said: &str| assert_eq!(Pace::of(per_s).unwrap().clause(records), said);
        check(0.5, 120, ", 4 min at the present 30 a minute");
        check(100.0, 400, ", 4 s at the present 6000 a minute");
        check(0.05, 90, ", 30 min at the present 3.0 a minute");
        check(0.001, 1_000, ", 11.6 days at the present 3.6 an hour");
        check(1e-12, u64::MAX, "");
    }
}
