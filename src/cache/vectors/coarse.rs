//! How near each vector can come at most, from one byte of each coordinate: a quarter of the reading.
//!
//! A vector v is rounded to v' = step · C, C whole numbers from -127 to 127, and a question q to q' = Q / [`PARTS`]. By Cauchy and
//! Schwarz, q·v ≤ q'·v' + ‖q - q'‖ ‖v‖ + ‖q'‖ ‖v - v'‖. Products of Q and C lose their last eight bits before they are added up, so
//! that the sums have 16 bits: eight of them at once on every machine. A product that is 0 loses nothing, any other less than 256.

use super::columns::{BLOCK, DIMENSIONS, LANES, lane_mut};

/// Parts of 1 that a question's coordinates are counted in. |ΣQC| / 256 ≤ ‖Q‖ ‖C‖ / 256 < 4010 · (127 · √256) / 256 < 32,000, and
/// with the 256 that are lost below 2¹⁵.
const PARTS: f32 = 4_000.0;

/// Largest C.
const CODE_MAX: f32 = 127.0;

/// What a product loses at most, which is also what a sum counts in.
const LOST_MAX: f32 = 256.0;

/// Above the length of a vector, and of a question also where it is rounded.
const LENGTH_MAX: f32 = 1.01;

/// Above what rounding can add to a scalar product of two such vectors, 256 · 2⁻²⁴, and to the few products and sums here.
const ROUNDING: f32 = 5e-5;

/// The vectors, block by block as in [`super::columns`].
#[derive(Debug, Default)]
pub(super) struct Coarse {
    /// C, in two's complement.
    codes: Vec<u8>,
    /// By how much a product grows with a sum, by place.
    steps: Vec<f32>,
    /// What a product can have more than that, by place.
    slack: Vec<f32>,
}

/// A question.
pub(super) struct Question {
    parts: [i16; DIMENSIONS],
    /// What a product can have more for what was rounded off.
    slack: f32,
}

impl Coarse {
    /// Makes room for one more block.
    pub(super) fn grow(&mut self) {
        self.codes.resize(self.codes.len() + BLOCK, 0);
        self.steps.resize(self.steps.len() + LANES, 0.0);
        self.slack.resize(self.slack.len() + LANES, 0.0);
    }

    /// Puts `vector`, of length 1 or 0, at place `at` of the blocks.
    pub(super) fn put(&mut self, at: usize, vector: &[f32]) {
        let step = vector.iter().fold(0.0, |most: f32, value| most.max(value.abs())) / CODE_MAX;
        let per_step = if step > 0.0 { step.recip() } else { 0.0 };
        let (mut counted, mut lost) = (0.0, 0.0);
        for (place, value) in lane_mut(&mut self.codes, at).zip(vector) {
            let (whole, [code, ..]) = rounded(value * per_step);
            *place = code;
            counted += f32::from(u8::from(code != 0));
            lost += (value - whole * step).powi(2);
        }
        self.steps[at] = step * LOST_MAX / PARTS;
        self.slack[at] = counted * self.steps[at] + lost.sqrt() * LENGTH_MAX + ROUNDING;
    }

    /// A number that no product of the question with a vector of a block is above.
    pub(super) fn reach(&self, block: usize, question: &Question) -> f32 {
        let sums = sums(&question.parts, &self.codes[block * BLOCK..][..BLOCK]);
        let (steps, slack) = (&self.steps[block * LANES..][..LANES], &self.slack[block * LANES..][..LANES]);
        let each =
            sums.iter().zip(steps).zip(slack).map(|((sum, step), slack)| f32::from(*sum) * step + slack);
        each.fold(f32::MIN, |most, reach| if reach > most { reach } else { most }) + question.slack
    }
}

impl Question {
    /// Of a vector of length 1.
    pub(super) fn of(vector: &[f32]) -> Self {
        let (mut parts, mut lost) = ([0; DIMENSIONS], 0.0);
        for (part, value) in parts.iter_mut().zip(vector) {
            let (whole, [low, high, ..]) = rounded(value * PARTS);
            *part = i16::from_le_bytes([low, high]);
            lost += (value - whole / PARTS).powi(2);
        }
        Self { parts, slack: lost.sqrt() * LENGTH_MAX }
    }
}

/// The nearest whole number, and its bytes in two's complement, least first. For values below 2²² without their sign: there,
/// adding 1.5 · 2²³ leaves no bits for a fraction.
fn rounded(value: f32) -> (f32, [u8; 4]) {
    const WHOLE: f32 = 12_582_912.0;
    let shifted = value + WHOLE;
    (shifted - WHOLE, shifted.to_bits().to_le_bytes())
}

/// ΣQC / 256 for the vectors of one block.
#[inline(never)]
fn sums(parts: &[i16; DIMENSIONS], block: &[u8]) -> [i16; LANES] {
    let mut sums = [0_i16; LANES];
    for (part, codes) in parts.iter().zip(block.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            // The code as the upper byte: then what is kept is the upper half of the product.
            let code = i16::from_le_bytes([0, codes[lane]]);
            let [_, _, low, high] = (i32::from(*part) * i32::from(code)).to_le_bytes();
            // Never wraps: see PARTS. The check would cost more than the sum.
            sums[lane] = sums[lane].wrapping_add(i16::from_le_bytes([low, high]));
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::{rng, unit};
    use crate::cache::vectors::columns::dot;

    #[test]
    fn the_reach_of_a_block_is_above_its_products_and_not_far() {
        let mut rng = rng(6);
        let spike =
            |at: usize| (0..DIMENSIONS).map(|one| f32::from(u8::from(one == at))).collect::<Vec<f32>>();
        let flat = vec![1.0 / 16.0; DIMENSIONS];
        // 43.49 steps lose 0.49, and 250 · 43 more than 254 of 256.
        let step = (127.0_f32.powi(2) + 255.0 * 43.49_f32.powi(2)).sqrt().recip();
        let hard = (0..DIMENSIONS).map(|at| step * if at == 0 { 127.0 } else { 43.49 }).collect();
        let special = [spike(0), spike(255), hard, flat.clone(), flat.iter().map(|value| -value).collect()];
        let random: Vec<Vec<f32>> = (0..60).map(|_| unit(&mut rng)).collect();
        let all = || special.iter().chain(&random);
        for vector in all() {
            let mut coarse = Coarse::default();
            coarse.grow();
            (0..LANES).for_each(|lane| coarse.put(lane, vector));
            for asked in all() {
                let (product, reach) = (dot(asked, vector), coarse.reach(0, &Question::of(asked)));
                assert!(product <= reach && reach < product + 0.05, "{product} {reach}");
            }
        }
    }
}
