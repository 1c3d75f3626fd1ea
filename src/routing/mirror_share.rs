//! The adaptive mirror share: how much is copied, so that the judge can decide before the stage's time is over.
//!
//! The judge's promises hold whatever is done here: a share is set from evidence that is past, and which requests it
//! selects does not depend on how they are answered.

use std::time::Duration;

use crate::domain::Share;

/// How often a stage sets its share anew. A candidate that cannot bear its copies shows it within a twentieth of
/// the stage, before they double again.
const SETTINGS: u32 = 20;

/// The judge's forecast is the middle of what may come: where chance is against it, twice as many pairs are needed, and
/// again time to get them.
const AIM: u32 = 4;

/// A smaller change is not worth a table.
const CHANGE_MIN: f64 = 1.25;

/// The shares between which a mirror stage copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorRange {
    /// The least, and what the stage begins with.
    pub least: Share,
    /// The most.
    pub most: Share,
}

/// Whether more copies would find a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// None was dropped since the share was set.
    Free,
    /// Some were dropped, or the judge falls behind: more of them would only be dropped.
    Full,
}

/// What is known when the share is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MirrorDemand {
    /// The share that is copied now.
    pub share: Share,
    /// Pairs that the judge still needs; `None` while it sees no trend to foresee them by: as many as there may be.
    pub pairs: Option<u64>,
    /// Pairs a second that come at this share.
    pub pairs_per_s: f64,
    /// Time in which they are to come.
    pub within: Duration,
    /// Whether more copies would find a place.
    pub room: Room,
}

impl MirrorRange {
    /// Whether there is nothing to choose.
    #[must_use]
    pub fn is_fixed(self) -> bool {
        self.most <= self.least
    }

    /// Time between two settings in a stage of at most `window`.
    #[must_use]
    pub fn every(window: Duration) -> Duration {
        window / SETTINGS
    }

    /// Time in which pairs are to come, when so much is left of a stage at least and at most.
    #[must_use]
    pub fn aim(left_min: Duration, left_max: Duration) -> Duration {
        left_min.max(left_max / AIM)
    }

    /// The share that brings the pairs in time: within the range, at most twice the present one, and no larger while
    /// copies are dropped. It is lowered, by half at most, once none is needed any more.
    #[must_use]
    pub fn next(self, demand: &MirrorDemand) -> Share {
        let now = f64::from(demand.share.ppm());
        let most = if demand.room == Room::Free { (2.0 * now).min(ppm(self.most)) } else { now };
        let least = (now / 2.0).max(ppm(self.least)).min(most);
        let wanted = match demand.pairs {
            Some(0) => 0.0,
            None => most,
            Some(pairs) => now.max(now * count(pairs) / (demand.pairs_per_s * demand.within.as_secs_f64())),
        };
        // Where no pair comes and nothing is copied, there is nothing to go by.
        let next = if wanted.is_nan() { now } else { wanted.clamp(least, most) };
        let is_change = next >= now * CHANGE_MIN || next <= now / CHANGE_MIN;
        if is_change { rounded_up(next) } else { demand.share }
    }

    /// Pairs that `rate` requests a second make at most in a stage of `window`: twice as many at every setting.
    #[must_use]
    pub fn pairs_max(self, rate: f64, window: Duration) -> f64 {
        let shares = (0..SETTINGS).map(|nth| (ppm(self.least) * f64::from(nth).exp2()).min(ppm(self.most)));
        rate * Self::every(window).as_secs_f64() * shares.sum::<f64>() / ppm(Share::FULL)
    }
}

fn ppm(share: Share) -> f64 {
    f64::from(share.ppm())
}

#[expect(clippy::cast_precision_loss, reason = "a count of pairs")]
const fn count(pairs: u64) -> f64 {
    pairs as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
fn rounded_up(ppm: f64) -> Share {
    Share::from_ppm(ppm.ceil() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RANGE: MirrorRange = MirrorRange { least: Share::from_ppm(10_000), most: Share::from_ppm(100_000) };

    fn demand(share: &str, pairs: u64, pairs_per_s: f64, within_s: u64) -> MirrorDemand {
        let (share, within) = (share.parse().unwrap(), Duration::from_secs(within_s));
        MirrorDemand { share, pairs: Some(pairs), pairs_per_s, within, room: Room::Free }
    }

    fn check(demand: MirrorDemand, expected: &str) {
        assert_eq!(RANGE.next(&demand).to_string(), expected, "{demand:?}");
    }

    #[test]
    fn the_share_follows_what_the_judge_needs() {
        check(demand("2%", 300, 1.0, 200), "3%");
        check(demand("2%", 220, 1.0, 200), "2%");
        check(demand("4%", 120, 1.0, 200), "4%");
    }

    #[test]
    fn the_share_doubles_and_halves_at_most_and_stays_in_its_range() {
        check(demand("1%", 1_000_000, 1.0, 200), "2%");
        check(demand("1%", 300, 0.0, 200), "2%");
        check(demand("8%", 1_000_000, 1.0, 200), "10%");
        check(demand("8%", 0, 1.0, 200), "4%");
        check(demand("1.5%", 0, 0.0, 200), "1%");
        check(demand("1%", 0, 1.0, 200), "1%");
        check(MirrorDemand { pairs: None, ..demand("1%", 0, 1.0, 200) }, "2%");
    }

    #[test]
    fn the_share_never_grows_while_copies_are_dropped() {
        let full = |share, pairs| MirrorDemand { room: Room::Full, ..demand(share, pairs, 1.0, 200) };
        check(full("2%", 1_000_000), "2%");
        check(full("4%", 0), "2%");
    }

    #[test]
    fn pairs_are_to_come_well_before_the_stage_ends_but_not_before_it_may() {
        let aim = |left_min, left_max| {
            MirrorRange::aim(Duration::from_secs(left_min), Duration::from_secs(left_max)).as_secs()
        };
        assert_eq!([aim(0, 400), aim(300, 600), aim(30, 0)], [100, 300, 30]);
    }

    #[test]
    fn doubling_from_the_least_share_bounds_the_pairs_of_a_stage() {
        let window = Duration::from_secs(600);
        // 30 s each at 1, 2, 4 and 8 %, then 480 s at 10 %.
        assert!((RANGE.pairs_max(100.0, window) - (450.0 + 4_800.0)).abs() < 1e-6);
        let fixed = MirrorRange { most: RANGE.least, ..RANGE };
        assert!(fixed.is_fixed() && (fixed.pairs_max(100.0, window) - 600.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn no_demand_leads_out_of_the_range(
            now in 10_000_u32..=100_000,
            pairs in proptest::option::of(any::<u64>()),
            pairs_per_s in prop_oneof![Just(0.0), 0.0..1e6_f64],
            within in 0_u64..10_000,
            is_full in any::<bool>(),
        ) {
            let room = if is_full { Room::Full } else { Room::Free };
            let (share, within) = (Share::from_ppm(now), Duration::from_secs(within));
            let next = RANGE.next(&MirrorDemand { share, pairs, pairs_per_s, within, room });
            prop_assert!(RANGE.least <= next && next <= RANGE.most);
            prop_assert!(next.ppm() <= 2 * now && next.ppm() >= now / 2);
            prop_assert!(!is_full || next <= share);
        }
    }
}
