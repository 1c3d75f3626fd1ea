//! Worlds that pairs come from. In each, both arms share what happens to them, and the candidate's harm is the
//! baseline's plus an effect, at every moment: so the truth about the margin is known.

use rand::{Rng, RngExt};

/// What the traffic is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    /// Every answer fails with the same small chance.
    Alike,
    /// Failures come in bursts that both arms share.
    Bursts,
    /// The chance grows over the run.
    Drifting,
    /// Most prompts never fail, a few often do.
    HardPrompts,
    /// Both arms are down for a while.
    SharedOutage,
}

impl World {
    pub(crate) const ALL: [Self; 5] =
        [Self::Alike, Self::Bursts, Self::Drifting, Self::HardPrompts, Self::SharedOutage];
}

/// A stream of pairs: whether each arm's answer failed.
pub(crate) struct Stream<'r, R> {
    world: World,
    /// The baseline's chance of failing when nothing is special.
    base: f64,
    /// What the candidate adds to it.
    effect: f64,
    rng: &'r mut R,
    seen: u32,
    in_burst: bool,
}

impl<'r, R: Rng> Stream<'r, R> {
    pub(crate) const fn new(world: World, base: f64, effect: f64, rng: &'r mut R) -> Self {
        Self { world, base, effect, rng, seen: 0, in_burst: false }
    }

    /// The next pair: (baseline failed, candidate failed), as 0 or 1.
    pub(crate) fn pair(&mut self) -> (f64, f64) {
        let base = self.chance();
        self.seen += 1;
        let mut fails = |chance: f64| f64::from(u8::from(self.rng.random::<f64>() < chance));
        (fails(base), fails(base + self.effect))
    }

    /// The baseline's chance for this prompt, now.
    fn chance(&mut self) -> f64 {
        match self.world {
            World::Alike => self.base,
            World::Bursts => {
                let leaves = if self.in_burst { 0.05 } else { 0.005 };
                if self.rng.random::<f64>() < leaves {
                    self.in_burst = !self.in_burst;
                }
                if self.in_burst { 0.2 } else { self.base }
            }
            World::Drifting => self.base * f64::from(1 + self.seen / 1_000),
            World::HardPrompts => {
                if self.rng.random::<f64>() < 0.05 {
                    0.2
                } else {
                    0.0
                }
            }
            World::SharedOutage => {
                if (1_000..1_200).contains(&self.seen) {
                    0.9
                } else {
                    self.base
                }
            }
        }
    }
}
