//! Vectors in one contiguous array, side by side: the two that are nearest to another one.
//!
//! Blocks of [`LANES`] vectors are stored coordinate by coordinate. A product is a sum over coordinates in their order, so the
//! compiler computes many sums at once, on whatever registers the machine has, and every machine gets the same results. What
//! does not fill a block stands row by row behind it: a partition of one question takes one kilobyte, not 32.
//!
//! A block is only computed if one of its vectors may be nearer than the second nearest before it ([`Coarse`]); what is left out
//! would change nothing.

use super::coarse::{Coarse, Question};

/// Length of a vector.
pub(in crate::cache) const DIMENSIONS: usize = 256;

/// Vectors of a block: with fewer the sums wait for each other, and more do not fit into registers.
pub(super) const LANES: usize = 32;

pub(super) const BLOCK: usize = LANES * DIMENSIONS;

/// Once half of the blocks had to be computed, and so many more, the rest is computed at once: where all vectors are about equally
/// near, to ask first is work for nothing.
const UNASKED_MIN: usize = 16;

/// The vectors.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Whole blocks: coordinate 0 of 32 vectors, coordinate 1 of them, and so on.
    blocks: Vec<f32>,
    /// The same vectors, one byte a coordinate.
    coarse: Coarse,
    /// Up to 31 vectors, one after the other.
    rest: Vec<f32>,
}

/// The nearest two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Nearest {
    /// Where the nearest one is; the first of several, and `None` where none is above the floor.
    pub(super) place: Option<usize>,
    /// Its product, or the floor.
    pub(super) best: f32,
    /// The product of the next one, or the floor.
    pub(super) second: f32,
}

impl Nearest {
    pub(super) const fn above(floor: f32) -> Self {
        Self { place: None, best: floor, second: floor }
    }

    pub(super) const fn take(&mut self, place: usize, product: f32) {
        if product > self.best {
            *self = Self { place: Some(place), best: product, second: self.best };
        } else {
            self.second = self.second.max(product);
        }
    }
}

impl Columns {
    const fn in_blocks(&self) -> usize {
        self.blocks.len() / DIMENSIONS
    }

    /// Puts `vector`, of length 1 or 0, at place `at`, or behind the last one where `at` is their number.
    pub(super) fn put(&mut self, at: usize, vector: &[f32]) {
        match at.checked_sub(self.in_blocks()) {
            None => self.put_in_block(at, vector),
            Some(row) if row * DIMENSIONS < self.rest.len() => {
                self.rest[row * DIMENSIONS..][..DIMENSIONS].copy_from_slice(vector);
            }
            Some(_) => self.push(vector),
        }
    }

    fn put_in_block(&mut self, at: usize, vector: &[f32]) {
        lane_mut(&mut self.blocks, at).zip(vector).for_each(|(place, value)| *place = *value);
        self.coarse.put(at, vector);
    }

    fn push(&mut self, vector: &[f32]) {
        self.rest.extend_from_slice(vector);
        if self.rest.len() == BLOCK {
            let (first, rows) = (self.in_blocks(), std::mem::take(&mut self.rest));
            self.blocks.resize(self.blocks.len() + BLOCK, 0.0);
            self.coarse.grow();
            for (row, vector) in rows.chunks_exact(DIMENSIONS).enumerate() {
                self.put_in_block(first + row, vector);
            }
        }
    }

    /// The nearest two to `vector`, of length 1, with products above `floor`.
    pub(super) fn nearest(&self, vector: &[f32], floor: f32) -> Nearest {
        let (mut nearest, question) = (Nearest::above(floor), Question::of(vector));
        let mut computed = 0;
        for (number, block) in self.blocks.chunks_exact(BLOCK).enumerate() {
            let is_asked = 2 * computed <= number + UNASKED_MIN;
            if is_asked && self.coarse.reach(number, &question) <= nearest.second {
                continue;
            }
            computed += 1;
            for (lane, product) in block_products(vector, block).into_iter().enumerate() {
                nearest.take(number * LANES + lane, product);
            }
        }
        for (row, other) in self.rest.chunks_exact(DIMENSIONS).enumerate() {
            nearest.take(self.in_blocks() + row, dot(vector, other));
        }
        nearest
    }
}

/// The coordinates of the vector at place `at` of blocks.
pub(super) fn lane_mut<T>(blocks: &mut [T], at: usize) -> impl Iterator<Item = &mut T> {
    let start = at / LANES * BLOCK;
    blocks[start..start + BLOCK].iter_mut().skip(at % LANES).step_by(LANES)
}

/// The products of `vector` with the vectors of one block.
#[inline(never)]
fn block_products(vector: &[f32], block: &[f32]) -> [f32; LANES] {
    let mut sums = [0.0_f32; LANES];
    for (value, others) in vector.iter().zip(block.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += value * others[lane];
        }
    }
    sums
}

/// The scalar product, added up in the order of the coordinates.
pub(super) fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).fold(0.0, |sum, (a, b)| sum + a * b)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::cache::testing::{rng, unit};

    /// A vector of one of the kinds that are hard to tell apart, or to round.
    fn some(rng: &mut ChaCha8Rng, before: &[Vec<f32>]) -> Vec<f32> {
        let share = [1.0, 1.0, 0.2, 0.01, 1e-4, 1e-6, 0.0][rng.random_range(0..7)];
        let mut vector = unit(rng);
        if !before.is_empty() {
            let known = &before[rng.random_range(0..before.len())];
            vector
                .iter_mut()
                .zip(known)
                .for_each(|(value, known)| *value = *value * share + known * (1.0 - share));
        }
        // Most coordinates of short texts are zero.
        let kept = [DIMENSIONS, DIMENSIONS, DIMENSIONS, 40, 3, 1][rng.random_range(0..6)];
        vector[kept..].fill(0.0);
        let length = dot(&vector, &vector).sqrt();
        vector.iter_mut().for_each(|value| *value = if length > 0.0 { *value / length } else { 0.0 });
        vector
    }

    /// What comparing with each of them finds.
    fn of_all(all: &[Vec<f32>], vector: &[f32], floor: f32) -> Nearest {
        let mut nearest = Nearest::above(floor);
        all.iter().enumerate().for_each(|(at, other)| nearest.take(at, dot(vector, other)));
        nearest
    }

    #[test]
    fn the_nearest_two_are_bit_for_bit_those_of_comparing_with_each() {
        for seed in 0..80 {
            let rng = &mut rng(seed);
            let (mut columns, mut all) = (Columns::default(), Vec::new());
            // None, one, and up to a few blocks with and without a rest.
            let put =
                [0, 1, 2, LANES - 1, LANES, LANES + 1, 3 * LANES, 150][usize::try_from(seed % 8).unwrap()];
            for step in 0..put + put / 2 {
                let vector =
                    if rng.random_range(0..10) == 0 { vec![0.0; DIMENSIONS] } else { some(rng, &all) };
                // Once all are there: replaced, or forgotten by a vector of zeros.
                let at = if step < put { step } else { rng.random_range(0..put) };
                columns.put(at, &vector);
                if at == all.len() { all.push(vector) } else { all[at] = vector }
            }
            for _ in 0..5 {
                let asked = some(rng, &all);
                let asked = if dot(&asked, &asked) > 0.0 { asked } else { unit(rng) };
                for floor in [-1.0, 0.0, 0.5, 0.9] {
                    let (found, expected) = (columns.nearest(&asked, floor), of_all(&all, &asked, floor));
                    let bits = |one: Nearest| (one.place, one.best.to_bits(), one.second.to_bits());
                    assert_eq!(bits(found), bits(expected), "seed {seed}, floor {floor}");
                }
            }
        }
    }
}
