//! The rules of other judges, as they are published, for comparison. None of them is part of the product.
//!
//! Each sees the same pairs and is asked at every look. What "promote" means is each one's own: Kayenta, PipeCD, Diffy
//! and GrowthBook have no margin and let through at the deadline what they did not stop.

use goldgate::stats::{Alternative, RankMethod, mann_whitney};

/// Pairs in one point of a time series: a minute at the design point.
pub(crate) const POINT_PAIRS: usize = 50;

/// Points between looks of the rules that look at time series.
const LOOK_POINTS: usize = 10;

/// One pair, with the baseline's second answer to the same prompt; 0 or 1, or milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) baseline: f64,
    pub(crate) candidate: f64,
    pub(crate) null: f64,
}

/// What a rule says at a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    GoOn,
    Abort,
    Promote,
}

/// A rule of judging.
pub(crate) trait Rule {
    /// Takes one pair.
    fn see(&mut self, pair: Seen);
    /// A look, every [`POINT_PAIRS`] pairs.
    fn look(&mut self) -> Said;
    /// What happens to what is undecided at the deadline.
    fn deadline(&self) -> Said {
        Said::Promote
    }
}

/// Means over minutes: what a metrics store hands to a judge of time series.
#[derive(Debug, Default)]
struct Series {
    sums: (f64, f64),
    pairs: usize,
    baseline: Vec<f64>,
    candidate: Vec<f64>,
}

impl Series {
    fn see(&mut self, pair: Seen) {
        self.sums.0 += pair.baseline;
        self.sums.1 += pair.candidate;
        self.pairs += 1;
        if self.pairs.is_multiple_of(POINT_PAIRS) {
            self.baseline.push(self.sums.0 / POINT_PAIRS as f64);
            self.candidate.push(self.sums.1 / POINT_PAIRS as f64);
            self.sums = (0.0, 0.0);
        }
    }

    fn is_due(&self) -> bool {
        !self.baseline.is_empty() && self.baseline.len().is_multiple_of(LOOK_POINTS)
    }
}

/// Kayenta's NetflixACAJudge: a Mann-Whitney interval at 98 % around the Hodges-Lehmann shift; High when it lies above a
/// quarter of that shift. One metric that must not increase, so that the score is 0 or 100, against a pass mark of 95 and
/// a fail mark of 75; all points since the start at every look. Without its removal of outliers.
#[derive(Debug, Default)]
pub(crate) struct Kayenta(Series);

/// Share of the shift that is tolerated, and z of the interval's level 98 %.
const KAYENTA_TOLERANCE: f64 = 0.25;
const Z_98: f64 = 2.326_347_874_040_841;

impl Rule for Kayenta {
    fn see(&mut self, pair: Seen) {
        self.0.see(pair);
    }

    fn look(&mut self) -> Said {
        if !self.0.is_due() || self.0.baseline == self.0.candidate {
            return Said::GoOn;
        }
        let Shift { lower, estimate, .. } = hodges_lehmann(&self.0.candidate, &self.0.baseline, Z_98);
        let score = if lower > KAYENTA_TOLERANCE * estimate.abs() { 0.0 } else { 100.0 };
        if score < 75.0 { Said::Abort } else { Said::GoOn }
    }
}

/// The Hodges-Lehmann shift of two samples with its Mann-Whitney interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shift {
    pub(crate) lower: f64,
    pub(crate) estimate: f64,
    pub(crate) upper: f64,
}

/// Median of all differences x − y, and the order statistics that the normal approximation to U allows at `z`.
pub(crate) fn hodges_lehmann(x: &[f64], y: &[f64], z: f64) -> Shift {
    let mut all: Vec<f64> = x.iter().flat_map(|x| y.iter().map(move |y| x - y)).collect();
    all.sort_unstable_by(f64::total_cmp);
    let (m, n) = (x.len() as f64, y.len() as f64);
    let reach = z * (m * n * (m + n + 1.0) / 12.0).sqrt();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank, at least 1")]
    let rank = (m * n / 2.0 - reach).max(1.0) as usize;
    let middle = (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0;
    Shift { lower: all[rank - 1], estimate: middle, upper: all[all.len() - rank] }
}

/// PipeCD's automated analysis: a two-sided Mann-Whitney test at 5 % on the points since the look before, at every look.
#[derive(Debug, Default)]
pub(crate) struct PipeCd(Series);

const PIPECD_ALPHA: f64 = 0.05;

impl Rule for PipeCd {
    fn see(&mut self, pair: Seen) {
        self.0.see(pair);
    }

    fn look(&mut self) -> Said {
        if !self.0.is_due() {
            return Said::GoOn;
        }
        let (baseline, candidate) =
            (std::mem::take(&mut self.0.baseline), std::mem::take(&mut self.0.candidate));
        let test = mann_whitney(&candidate, &baseline, RankMethod::NormalCorrected, Alternative::TwoSided);
        // Points that are all alike have no test, and differ in nothing.
        let p = test.ok().flatten().map_or(1.0, |test| test.p);
        if p < PIPECD_ALPHA { Said::Abort } else { Said::GoOn }
    }
}

/// Diffy: answers that differ from the baseline's beside those that the baseline gives otherwise by itself; stopped
/// where the two differ by more than 20 % of their sum and 0.03 % of the requests.
#[derive(Debug, Default)]
pub(crate) struct Diffy {
    raw: f64,
    noise: f64,
    pairs: f64,
}

const DIFFY_RELATIVE: f64 = 0.20;
const DIFFY_ABSOLUTE: f64 = 0.0003;

impl Rule for Diffy {
    fn see(&mut self, pair: Seen) {
        let differs = |other: f64| f64::from(u8::from(other != pair.baseline));
        self.raw += differs(pair.candidate);
        self.noise += differs(pair.null);
        self.pairs += 1.0;
    }

    fn look(&mut self) -> Said {
        let beyond = (self.raw - self.noise).abs();
        let failing =
            beyond > DIFFY_RELATIVE * (self.raw + self.noise) && beyond > DIFFY_ABSOLUTE * self.pairs;
        if failing { Said::Abort } else { Said::GoOn }
    }
}

/// A z test of the paired mean against the margin, on each side, as if every look were the only one. Ratios are judged by
/// their logarithms.
#[derive(Debug)]
pub(crate) struct PeekingZ {
    margin: f64,
    /// Beyond it, the test rejects: 1.64 for 5 % a side.
    z: f64,
    ratio: bool,
    moments: Moments,
}

const Z_95: f64 = 1.644_853_626_951_472_2;

impl PeekingZ {
    pub(crate) fn points(margin: f64) -> Self {
        Self::at(margin, Z_95)
    }

    pub(crate) fn at(margin: f64, z: f64) -> Self {
        Self { margin, z, ratio: false, moments: Moments::default() }
    }

    pub(crate) fn ratio(margin: f64) -> Self {
        Self { margin: margin.ln_1p(), ratio: true, ..Self::at(margin, Z_95) }
    }
}

impl Rule for PeekingZ {
    fn see(&mut self, pair: Seen) {
        let ratio = || (pair.candidate / pair.baseline).ln();
        self.moments.add(if self.ratio { ratio() } else { pair.candidate - pair.baseline });
    }

    fn look(&mut self) -> Said {
        let Moments { count, .. } = self.moments;
        let error = (self.moments.variance() / count).sqrt();
        let z = (self.moments.mean() - self.margin) / error;
        match z {
            z if z > self.z => Said::Abort,
            // No difference at all has no spread, and no test.
            z if z < -self.z && error > 0.0 => Said::Promote,
            _ => Said::GoOn,
        }
    }

    fn deadline(&self) -> Said {
        Said::GoOn
    }
}

/// GrowthBook's sequential test: an asymptotic confidence sequence (Waudby-Smith et al. 2024) at 95 % for the difference
/// of two unpaired means, tuned to 5,000 units; a guardrail is stopped where it excludes zero.
#[derive(Debug, Default)]
pub(crate) struct GrowthBook {
    baseline: Moments,
    candidate: Moments,
}

const GROWTHBOOK_ALPHA: f64 = 0.05;
const GROWTHBOOK_TUNED_TO: f64 = 5_000.0;

impl Rule for GrowthBook {
    fn see(&mut self, pair: Seen) {
        self.baseline.add(pair.baseline);
        self.candidate.add(pair.candidate);
    }

    fn look(&mut self) -> Said {
        let variance = self.baseline.variance() + self.candidate.variance();
        let half =
            asymptotic_half_width(variance, self.baseline.count, GROWTHBOOK_ALPHA, GROWTHBOOK_TUNED_TO);
        let difference = self.candidate.mean() - self.baseline.mean();
        if difference > half { Said::Abort } else { Said::GoOn }
    }
}

/// Half the width of the two-sided asymptotic confidence sequence after `n` units of variance `variance`.
pub(crate) fn asymptotic_half_width(variance: f64, n: f64, alpha: f64, tuned_to: f64) -> f64 {
    let log = -2.0 * alpha.ln();
    let rho = ((log + log.ln_1p()) / tuned_to).sqrt();
    let scaled = n * rho * rho + 1.0;
    (variance * 2.0 * scaled / (n * rho).powi(2) * (scaled.sqrt() / alpha).ln()).sqrt()
}

/// Count, mean and variance of what was added.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(&self) -> f64 {
        self.sum / self.count
    }

    fn variance(&self) -> f64 {
        ((self.squares - self.count * self.mean() * self.mean()) / (self.count - 1.0)).max(0.0)
    }
}
