//! Vectors in one contiguous array, side by side: the scalar product of one with all of them.
//!
//! Blocks of [`LANES`] vectors are stored coordinate by coordinate. A product is a sum over coordinates in their order, so the
//! compiler computes many sums at once, on whatever registers the machine has, and every machine gets the same results. What
//! does not fill a block stands row by row behind it: a partition of one question takes one kilobyte, not 32.

/// Length of a vector.
pub(in crate::cache) const DIMENSIONS: usize = 256;

/// Vectors of a block: with fewer the sums wait for each other, and more do not fit into registers.
const LANES: usize = 32;

const BLOCK: usize = LANES * DIMENSIONS;

/// The vectors.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Whole blocks: coordinate 0 of 32 vectors, coordinate 1 of them, and so on.
    blocks: Vec<f32>,
    /// Up to 31 vectors, one after the other.
    rest: Vec<f32>,
}

impl Columns {
    const fn in_blocks(&self) -> usize {
        self.blocks.len() / DIMENSIONS
    }

    /// Puts `vector` at place `at`, or behind the last one where `at` is their number.
    pub(super) fn put(&mut self, at: usize, vector: &[f32]) {
        match at.checked_sub(self.in_blocks()) {
            None => {
                let (block, lane) = (at / LANES * BLOCK, at % LANES);
                let places = self.blocks[block..block + BLOCK].iter_mut().skip(lane).step_by(LANES);
                places.zip(vector).for_each(|(place, value)| *place = *value);
            }
            Some(row) if row * DIMENSIONS < self.rest.len() => {
                self.rest[row * DIMENSIONS..][..DIMENSIONS].copy_from_slice(vector);
            }
            Some(_) => self.push(vector),
        }
    }

    fn push(&mut self, vector: &[f32]) {
        self.rest.extend_from_slice(vector);
        if self.rest.len() == BLOCK {
            let rows = &self.rest;
            let turned = (0..DIMENSIONS).flat_map(|at| rows.iter().skip(at).step_by(DIMENSIONS));
            self.blocks.extend(turned);
            self.rest.clear();
        }
    }

    /// Gives the product of `vector` with each, by place.
    pub(super) fn products(&self, vector: &[f32], mut each: impl FnMut(usize, f32)) {
        for (number, block) in self.blocks.chunks_exact(BLOCK).enumerate() {
            for (lane, product) in block_products(vector, block).into_iter().enumerate() {
                each(number * LANES + lane, product);
            }
        }
        for (row, other) in self.rest.chunks_exact(DIMENSIONS).enumerate() {
            each(self.in_blocks() + row, dot(vector, other));
        }
    }
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
    use super::*;

    /// A vector of small whole numbers: its products have no rounding.
    fn whole(seed: usize) -> Vec<f32> {
        (0..DIMENSIONS).map(|at| f32::from(u8::try_from((seed * 7 + at * 5) % 11).unwrap()) - 5.0).collect()
    }

    fn all(columns: &Columns, vector: &[f32]) -> Vec<f32> {
        let mut found = Vec::new();
        columns.products(vector, |at, product| {
            assert_eq!(at, found.len(), "in order");
            found.push(product);
        });
        found
    }

    #[test]
    fn a_product_is_the_same_in_a_block_and_beside_it() {
        let mut columns = Columns::default();
        for number in 0..3 * LANES + 5 {
            columns.put(number, &whole(number));
            let expected: Vec<f32> = (0..=number).map(|other| dot(&whole(1), &whole(other))).collect();
            assert_eq!(all(&columns, &whole(1)), expected);
        }
        for replaced in [0, 40, 3 * LANES - 1, 3 * LANES, 3 * LANES + 4] {
            columns.put(replaced, &whole(1));
            assert_eq!(all(&columns, &whole(1))[replaced], dot(&whole(1), &whole(1)), "{replaced}");
        }
    }
}
