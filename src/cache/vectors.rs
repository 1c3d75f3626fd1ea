//! Questions as vectors, partition by partition, and the exact nearest of them.
//!
//! A scan, not an index: it leaves out none of a partition's questions but those that cannot be among the nearest two, so these
//! are the true ones.

mod coarse;
mod columns;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::CacheKey;
use super::question::Item;
pub(super) use columns::DIMENSIONS;
use columns::{Columns, Nearest, dot};

/// Questions of one partition; one more takes the oldest one's place. A scan of so many takes a fifth of a millisecond.
pub(super) const PARTITION_MAX: usize = 10_000;

/// Questions together: 125 MiB, five bytes a coordinate. Beyond it the partition that was used least recently goes.
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
    /// Where the question stands that this answers.
    places: HashMap<CacheKey, usize>,
    columns: Columns,
    /// How far a list that replicas share was read.
    read_to: Option<String>,
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

    /// Leaves a question out from now on. Its place stays taken until its turn comes.
    pub(super) fn forget(&mut self, partition: &CacheKey, key: &CacheKey) {
        if let Some(partition) = self.partitions.get_mut(partition) {
            partition.forget(key);
        }
    }

    /// Adds a question. A vector that is none is not kept.
    pub(super) fn add(&mut self, partition: &CacheKey, vector: &[f32], item: Item) {
        if !is_unit(vector) {
            return;
        }
        self.uses += 1;
        let entry = self.partitions.entry(partition.clone()).or_default();
        entry.used = self.uses;
        self.held += usize::from(entry.add(vector, item));
        while self.held > VECTORS_MAX {
            let Some(oldest) = self.partitions.iter().min_by_key(|(_, one)| one.used) else { return };
            let oldest = oldest.0.clone();
            self.held -= self.partitions.remove(&oldest).map_or(0, |one| one.items.len());
        }
    }

    /// How far the shared list of a partition was read; `None`: nothing of it is held.
    pub(super) fn read_to(&self, partition: &CacheKey) -> Option<String> {
        self.partitions.get(partition)?.read_to.clone()
    }

    /// Notes how far the shared list of a partition was read. A partition that went meanwhile is read from the start.
    pub(super) fn set_read_to(&mut self, partition: &CacheKey, place: String) {
        if let Some(partition) = self.partitions.get_mut(partition) {
            partition.read_to = Some(place);
        }
    }
}

impl Partition {
    /// Says whether there is one more now.
    fn add(&mut self, vector: &[f32], item: Item) -> bool {
        let (place, is_new) = self.place(&item.key);
        self.columns.put(place, vector);
        if is_new {
            self.items.push(item);
        } else {
            let before = std::mem::replace(&mut self.items[place], item);
            if self.places.get(&before.key) == Some(&place) && before.key != self.items[place].key {
                self.places.remove(&before.key);
            }
        }
        is_new
    }

    /// Where the question goes that `key` answers: its own place, a new one, or the oldest one's.
    fn place(&mut self, key: &CacheKey) -> (usize, bool) {
        let held = self.items.len();
        let Entry::Vacant(vacant) = self.places.entry(key.clone()) else {
            return (self.places[key], false);
        };
        if held < PARTITION_MAX {
            return (*vacant.insert(held), true);
        }
        let place = *vacant.insert(self.next);
        self.next = (place + 1) % PARTITION_MAX;
        (place, false)
    }

    /// A vector without length is near nothing.
    fn forget(&mut self, key: &CacheKey) {
        if let Some(at) = self.places.get(key) {
            self.columns.put(*at, &[0.0; DIMENSIONS]);
        }
    }

    fn nearest(&self, vector: &[f32], floor: f32) -> Option<Near> {
        let Nearest { place, best, second } = self.columns.nearest(vector, floor);
        place.map(|at| Near { item: self.items[at].clone(), similarity: best, gap: best - second })
    }
}

/// Whether it has the right length in both senses; NaN has not.
pub(super) fn is_unit(vector: &[f32]) -> bool {
    vector.len() == DIMENSIONS && (dot(vector, vector) - 1.0).abs() < LENGTH_TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::{Case, item, rng, unit};

    #[test]
    fn the_scan_finds_what_comparing_all_of_them_finds() {
        let mut rng = rng(3);
        let all: Vec<Vec<f32>> = (0..500).map(|_| unit(&mut rng)).collect();
        let (mut vectors, partition) = (Vectors::default(), Case::default().key());
        for (number, vector) in all.iter().enumerate() {
            vectors.add(&partition, vector, item(number));
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
        let mut rng = rng(4);
        let (mut vectors, partition, good) = (Vectors::default(), Case::default().key(), unit(&mut rng));
        let mut broken = vec![vec![0.0; DIMENSIONS], vec![f32::NAN; DIMENSIONS], good[..100].to_vec()];
        broken.push([good.clone(), good.clone()].concat());
        for vector in &broken {
            vectors.add(&partition, vector, item(0));
            assert!(vectors.nearest(&partition, &good, 0.5).is_none());
        }
        vectors.add(&partition, &good, item(1));
        assert!(broken.iter().all(|vector| vectors.nearest(&partition, vector, 0.5).is_none()));
        assert!(vectors.nearest(&partition, &good, 0.5).is_some());
        assert!(vectors.nearest(&item(9).key, &good, 0.5).is_none(), "another partition");
    }

    #[test]
    fn a_full_partition_forgets_its_oldest_and_keeps_each_answer_once() {
        let mut rng = rng(5);
        let (mut vectors, partition) = (Vectors::default(), Case::default().key());
        let (first, filler) = (unit(&mut rng), unit(&mut rng));
        vectors.add(&partition, &first, item(0));
        vectors.add(&partition, &first, item(0));
        assert_eq!(vectors.held, 1);
        for number in 1..PARTITION_MAX {
            vectors.add(&partition, &filler, item(number));
        }
        assert!(vectors.nearest(&partition, &first, 0.9).is_some());
        vectors.add(&partition, &filler, item(PARTITION_MAX));
        assert!(vectors.nearest(&partition, &first, 0.9).is_none(), "the oldest one is gone");
        assert_eq!(
            (vectors.held, vectors.partitions[&partition].places.len()),
            (PARTITION_MAX, PARTITION_MAX)
        );
        vectors.add(&partition, &first, item(0));
        assert_eq!(vectors.nearest(&partition, &first, 0.9).unwrap().item.key, item(0).key);
    }
}
