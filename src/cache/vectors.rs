//! Questions as vectors, partition by partition, and the exact nearest of them.
//!
//! A scan, not an index: it finds the true nearest two or says that there is none above the floor. The first [`HEAD`]
//! coordinates stand apart; with the length of the rest they bound the whole product (Cauchy and Schwarz), so that most
//! vectors are passed over after a quarter of the work.

use std::collections::HashMap;

use super::CacheKey;
use super::guard::Signs;

/// Length of a vector.
pub(super) const DIMENSIONS: usize = 256;

/// Coordinates that are looked at first.
const HEAD: usize = 64;
const TAIL: usize = DIMENSIONS - HEAD;

/// Questions of one partition; one more takes the oldest one's place. A scan of so many takes a third of a millisecond.
const PARTITION_MAX: usize = 10_000;

/// Questions together: 100 MiB. Beyond it the partition that was used least recently goes.
const VECTORS_MAX: usize = 100_000;

/// Rounding of a unit vector's length that is no error.
const LENGTH_TOLERANCE: f32 = 1e-3;

/// All questions.
#[derive(Debug, Default)]
pub(super) struct Vectors {
    partitions: HashMap<CacheKey, Partition>,
    held: usize,
    uses: u64,
}

/// Questions whose requests differ in nothing else.
#[derive(Debug, Default)]
struct Partition {
    used: u64,
    /// Where the next one goes once it is full.
    next: usize,
    items: Vec<Item>,
    heads: Vec<f32>,
    tails: Vec<f32>,
    tail_lengths: Vec<f32>,
}

/// One question.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its answer.
    pub(super) key: CacheKey,
    pub(super) signs: Signs,
}

/// The nearest question.
#[derive(Clone, Debug)]
pub(super) struct Near {
    pub(super) item: Item,
    /// Cosine to it.
    pub(super) similarity: f32,
    /// By how much it is nearer than the next one, which is taken to lie at the floor where it lies below.
    pub(super) gap: f32,
}

impl Vectors {
    /// The nearest question with a cosine above `floor`.
    pub(super) fn nearest(&mut self, partition: &CacheKey, vector: &[f32], floor: f32) -> Option<Near> {
        self.uses += 1;
        let partition = self.partitions.get_mut(partition)?;
        partition.used = self.uses;
        is_unit(vector).then(|| partition.nearest(vector, floor)).flatten()
    }

    /// Adds a question. A vector that is none is not kept.
    pub(super) fn add(&mut self, partition: CacheKey, vector: &[f32], item: Item) {
        if !is_unit(vector) {
            return;
        }
        self.uses += 1;
        let entry = self.partitions.entry(partition).or_default();
        entry.used = self.uses;
        self.held += usize::from(entry.add(vector, item));
        while self.held > VECTORS_MAX {
            let Some(oldest) = self.partitions.iter().min_by_key(|(_, one)| one.used) else { return };
            let oldest = oldest.0.clone();
            self.held -= self.partitions.remove(&oldest).map_or(0, |one| one.items.len());
        }
    }
}

impl Partition {
    /// Says whether there is one more now.
    fn add(&mut self, vector: &[f32], item: Item) -> bool {
        let (head, tail) = vector.split_at(HEAD);
        let length = dot(tail, tail).sqrt();
        let known = self.items.iter().position(|known| known.key == item.key);
        let place = known.or_else(|| (self.items.len() >= PARTITION_MAX).then_some(self.next));
        let Some(place) = place else {
            self.items.push(item);
            self.heads.extend_from_slice(head);
            self.tails.extend_from_slice(tail);
            self.tail_lengths.push(length);
            return true;
        };
        self.next = if known.is_some() { self.next } else { (place + 1) % PARTITION_MAX };
        self.items[place] = item;
        self.heads[place * HEAD..(place + 1) * HEAD].copy_from_slice(head);
        self.tails[place * TAIL..(place + 1) * TAIL].copy_from_slice(tail);
        self.tail_lengths[place] = length;
        false
    }

    fn nearest(&self, vector: &[f32], floor: f32) -> Option<Near> {
        let (head, tail) = vector.split_at(HEAD);
        let length = dot(tail, tail).sqrt();
        let (mut best, mut second, mut place) = (floor, floor, None);
        for (at, (other, other_length)) in self.heads.chunks_exact(HEAD).zip(&self.tail_lengths).enumerate() {
            let begun = dot(head, other);
            if begun + length * other_length <= second {
                continue;
            }
            let similarity = begun + dot(tail, &self.tails[at * TAIL..(at + 1) * TAIL]);
            if similarity > best {
                (second, best, place) = (best, similarity, Some(at));
            } else {
                second = second.max(similarity);
            }
        }
        place.map(|at| Near { item: self.items[at].clone(), similarity: best, gap: best - second })
    }
}

/// Whether it has the right length in both senses; NaN has not.
fn is_unit(vector: &[f32]) -> bool {
    vector.len() == DIMENSIONS && (dot(vector, vector) - 1.0).abs() < LENGTH_TOLERANCE
}

/// The scalar product, in eight sums that the compiler keeps in registers.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (a, b) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::cache::testing::Case;

    fn unit(rng: &mut ChaCha8Rng) -> Vec<f32> {
        let raw: Vec<f32> = (0..DIMENSIONS).map(|_| rng.random_range(-1.0..1.0)).collect();
        let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
        raw.iter().map(|x| x / length).collect()
    }

    fn item(number: usize) -> Item {
        let case = Case { body: format!("{{\"q\":{number}}}"), ..Case::default() };
        Item { key: case.key(), signs: Signs::default() }
    }

    #[test]
    fn the_scan_finds_what_comparing_all_of_them_finds() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let all: Vec<Vec<f32>> = (0..500).map(|_| unit(&mut rng)).collect();
        let (mut vectors, partition) = (Vectors::default(), Case::default().key());
        for (number, vector) in all.iter().enumerate() {
            vectors.add(partition.clone(), vector, item(number));
        }
        for _ in 0..50 {
            let asked = unit(&mut rng);
            let mut products: Vec<(f32, usize)> =
                all.iter().enumerate().map(|(at, one)| (dot(&asked, one), at)).collect();
            products.sort_by(|one, other| other.0.total_cmp(&one.0));
            let near = vectors.nearest(&partition, &asked, -1.0).unwrap();
            assert_eq!(near.item.key, item(products[0].1).key);
            assert!((near.similarity - products[0].0).abs() < 1e-5);
            assert!((near.gap - (products[0].0 - products[1].0)).abs() < 1e-5);
            assert!(vectors.nearest(&partition, &asked, products[0].0 + 1e-4).is_none());
        }
    }

    #[test]
    fn what_is_no_vector_is_neither_kept_nor_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let (mut vectors, partition, good) = (Vectors::default(), Case::default().key(), unit(&mut rng));
        let mut broken = vec![vec![0.0; DIMENSIONS], vec![f32::NAN; DIMENSIONS], good[..100].to_vec()];
        broken.push([good.clone(), good.clone()].concat());
        for vector in &broken {
            vectors.add(partition.clone(), vector, item(0));
            assert!(vectors.nearest(&partition, &good, 0.5).is_none());
        }
        vectors.add(partition.clone(), &good, item(1));
        assert!(broken.iter().all(|vector| vectors.nearest(&partition, vector, 0.5).is_none()));
        assert!(vectors.nearest(&partition, &good, 0.5).is_some());
        assert!(vectors.nearest(&item(9).key, &good, 0.5).is_none(), "another partition");
    }

    #[test]
    fn a_full_partition_forgets_its_oldest_and_keeps_each_answer_once() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let (mut vectors, partition) = (Vectors::default(), Case::default().key());
        let first = unit(&mut rng);
        vectors.add(partition.clone(), &first, item(0));
        vectors.add(partition.clone(), &first, item(0));
        assert_eq!(vectors.held, 1);
        let filler = unit(&mut rng);
        let full = vectors.partitions.get_mut(&partition).unwrap();
        while full.items.len() < PARTITION_MAX {
            let at = full.items.len();
            full.items.push(item(at));
            full.heads.extend_from_slice(&filler[..HEAD]);
            full.tails.extend_from_slice(&filler[HEAD..]);
            full.tail_lengths.push(0.9);
        }
        vectors.add(partition.clone(), &filler, item(PARTITION_MAX + 1));
        let near = vectors.nearest(&partition, &first, 0.9);
        assert!(near.is_none(), "the oldest one is gone");
    }
}
