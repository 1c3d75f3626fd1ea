//! Whether an endpoint should get requests, from what came of its last ones. Time is an argument.

use std::time::Duration;

/// Failures in a row that are no chance any more: with one failure in ten requests they come once in 100,000.
const IN_ROW_MAX: u32 = 5;

/// How long an endpoint is passed over at first; every further time is twice as long.
const EJECTED_FIRST: Duration = Duration::from_secs(5);

/// The longest: an engine that is restarted by hand should not wait for its requests.
const EJECTED_MAX: Duration = Duration::from_secs(300);

/// Between two reports that an endpoint fails, so that one which fails now and then does not fill the log.
const REPORTED_EVERY: Duration = Duration::from_secs(60);

/// One endpoint's record.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Failures since the last whole answer.
    in_row: u32,
    /// Ejections since the last whole answer.
    rounds: u32,
    /// Passed over until then; afterwards one request at a time may prove that it is well.
    until: Option<Duration>,
    /// Since its failing was reported, and it has not come back.
    is_reported: bool,
    quiet_until: Duration,
    /// Times that it answered after a failure: it may be another process since.
    pub(super) returns: u64,
    /// All failures.
    pub(super) failures: u64,
    /// All ejections.
    pub(super) ejections: u64,
}

impl Health {
    /// Whether no request should go there now.
    pub(super) fn is_ejected(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Whether the next request may go there, with `in_flight` under way.
    pub(super) fn takes(&self, now: Duration, in_flight: u32) -> bool {
        self.until.is_none_or(|until| now >= until && in_flight == 0)
    }

    /// Counts a failure; says whether it is worth a report.
    pub(super) const fn failed(&mut self, now: Duration) -> bool {
        self.failures += 1;
        self.in_row = self.in_row.saturating_add(1);
        let is_news = !self.is_reported && now.as_nanos() >= self.quiet_until.as_nanos();
        self.is_reported |= is_news;
        is_news
    }

    /// Counts a whole answer; gives the failures before it, when their end is worth a report. What an ejected endpoint
    /// still brings to its end was asked before, and proves nothing.
    pub(super) fn succeeded(&mut self, now: Duration) -> Option<u32> {
        if self.in_row == 0 || self.is_ejected(now) {
            return None;
        }
        let failures = std::mem::take(&mut self.in_row);
        (self.rounds, self.until) = (0, None);
        self.returns += 1;
        std::mem::take(&mut self.is_reported).then(|| {
            self.quiet_until = now + REPORTED_EVERY;
            failures
        })
    }

    /// Whether it has failed too often to go on with, or failed to prove itself.
    pub(super) fn is_suspect(&self, now: Duration) -> bool {
        self.in_row >= IN_ROW_MAX && !self.is_ejected(now)
    }

    /// Passes it over from now on; gives for how long.
    pub(super) fn eject(&mut self, now: Duration) -> Duration {
        let length = EJECTED_FIRST.saturating_mul(1 << self.rounds.min(16)).min(EJECTED_MAX);
        self.rounds = self.rounds.saturating_add(1);
        self.ejections += 1;
        self.until = Some(now + length);
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fail(health: &mut Health, now: Duration, times: u32) {
        for _ in 0..times {
            health.failed(now);
        }
    }

    #[test]
    fn failures_in_a_row_make_it_suspect_and_one_whole_answer_forgets_them() {
        let mut health = Health::default();
        fail(&mut health, at(1), IN_ROW_MAX - 1);
        assert!(!health.is_suspect(at(1)));
        health.succeeded(at(1));
        fail(&mut health, at(1), IN_ROW_MAX - 1);
        assert!(!health.is_suspect(at(1)));
        fail(&mut health, at(1), 1);
        assert!(health.is_suspect(at(1)));
    }

    #[test]
    fn each_ejection_is_twice_as_long_up_to_a_bound_until_it_answers() {
        let mut health = Health::default();
        let mut now = at(0);
        for expected in [5, 10, 20, 40, 80, 160, 300, 300] {
            fail(&mut health, now, IN_ROW_MAX);
            assert_eq!(health.eject(now), at(expected));
            assert!(!health.takes(now + at(expected - 1), 0));
            now += at(expected);
            // Back on trial: one at a time, and its first failure is one too many.
            assert!(health.takes(now, 0) && !health.takes(now, 1));
            fail(&mut health, now, 1);
            assert!(health.is_suspect(now));
        }
        health.succeeded(now);
        assert!(health.takes(now, 9));
        assert_eq!((health.eject(now), health.ejections), (at(5), 9));
    }

    #[test]
    fn an_answer_that_was_asked_for_before_the_ejection_does_not_end_it() {
        let mut health = Health::default();
        fail(&mut health, at(0), IN_ROW_MAX);
        health.eject(at(0));
        assert_eq!(health.succeeded(at(1)), None);
        assert!(health.is_ejected(at(1)));
        assert_eq!(health.succeeded(at(5)), Some(IN_ROW_MAX));
    }

    #[test]
    fn one_report_when_it_begins_to_fail_and_one_when_it_is_back() {
        let mut health = Health::default();
        let reports = (0..100).filter(|_| health.failed(at(60))).count();
        assert_eq!((reports, health.succeeded(at(61)), health.succeeded(at(61))), (1, Some(100), None));
        // One that fails every other time is not reported every other time.
        let again = (62..200).filter(|second| {
            let is_news = health.failed(at(*second));
            health.succeeded(at(*second));
            is_news
        });
        assert_eq!(again.count(), 2);
        assert_eq!(health.failures, 238);
    }
}
