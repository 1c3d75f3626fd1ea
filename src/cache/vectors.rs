//! Questions as vectors, partition by partition, and the exact nearest of them.
//!
//! A scan, not an index: it leaves out none of a partition's questions but those that cannot be among the nearest two, so these
//! are the true ones.

mod coarse;
mod columns;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::question::Item;
use super::{CacheKey, Namespace};
use crate::domain::ReleaseId;
pub(super) use columns::DIMENSIONS;
use columns::{Columns, Nearest, dot};

/// Questions of one partition; one more takes the oldest one's place. A scan of so many takes a fifth of a millisecond.
pub(super) const PARTITION_MAX: usize = 10_000;

/// Bytes of all questions together, however much else the cache may hold: some 80,000 of them.
const BYTES_MAX: usize = 125 << 20;

/// What a question takes beside its signs: five bytes a coordinate, two keys, and its places in tables.
const QUESTION_BYTES: usize = 5 * DIMENSIONS + 256;

/// What a partition takes without questions.
const PARTITION_BYTES: usize = 512;

/// Rounding of a unit vector's length that is no error.
const LENGTH_TOLERANCE: f32 = 1e-3;

/// All questions, within bounds: beyond them the partition that was used least recently goes. A scan holds its own partition
/// against whoever adds to it, and nobody else's.
#[derive(Debug)]
pub(super) struct Vectors {
    bytes_max: usize,
    /// Questions of one partition: never so many that it would be the one that has to go.
    partition_max: usize,
    all: Mutex<All>,
}

#[derive(Debug, Default)]
struct All {
    partitions: HashMap<CacheKey, Held>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Held {
    used: u64,
    bytes: usize,
    partition: Arc<RwLock<Partition>>,
}

/// Questions whose requests differ in nothing else.
#[derive(Debug, Default)]
struct Partition {
    /// Questions at most.
    most: usize,
    /// Where the next one goes once it is full.
    next: usize,
    items: Vec<Item>,
    /// Where the question stands that this answers.
    places: HashMap<CacheKey, usize>,
    columns: Columns,
    /// How far a list that replicas share was read.
    read_to: Option<String>,
    bytes: usize,
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

/// What was read of a partition's shared list.
#[derive(Debug)]
pub(super) struct Page {
    /// Where it begins: how far the list was read before.
    pub(super) after: Option<String>,
    pub(super) questions: Vec<(Vec<f32>, Item)>,
    /// How far the list is read now.
    pub(super) to: String,
}

impl Vectors {
    /// No questions yet, and never more than so many bytes of them.
    pub(super) fn within(bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(BYTES_MAX);
        let partition_max = (bytes_max / 2 / QUESTION_BYTES).clamp(1, PARTITION_MAX);
        Self { bytes_max, partition_max, all: Mutex::default() }
    }

    /// The nearest question with a cosine above `floor`.
    pub(super) fn nearest(&self, partition: &CacheKey, vector: &[f32], floor: f32) -> Option<Near> {
        let partition = self.find(partition)?;
        is_unit(vector).then(|| read(&partition).nearest(vector, floor)).flatten()
    }

    /// Leaves a question out from now on. Its place stays taken until its turn comes.
    pub(super) fn forget(&self, partition: &CacheKey, key: &CacheKey) {
        if let Some(partition) = self.find(partition) {
            write(&partition).forget(key);
        }
    }

    /// Adds a question. A vector that is none is not kept.
    pub(super) fn add(&self, partition: &CacheKey, vector: &[f32], item: Item) {
        if is_unit(vector) {
            self.change(partition, |questions| questions.add(vector, item));
        }
    }

    /// How far the shared list of a partition was read; `None`: nothing of it is held.
    pub(super) fn read_to(&self, partition: &CacheKey) -> Option<String> {
        let partition = self.find(partition)?;
        read(&partition).read_to.clone()
    }

    /// Adds what was read of a shared list, if it goes on where the list was read to. Another look-up may have read on meanwhile,
    /// or the partition be gone: then nothing is added, and it has to be read from where it stands.
    pub(super) fn read_on(&self, partition: &CacheKey, page: Page) -> bool {
        self.change(partition, |questions| {
            let goes_on = questions.read_to == page.after;
            if goes_on {
                page.questions.into_iter().for_each(|(vector, item)| questions.add(&vector, item));
                questions.read_to = Some(page.to);
            }
            goes_on
        })
    }

    /// Forgets every partition whose room `keep` does not want.
    pub(super) fn retain(&self, keep: impl Fn(&Namespace) -> bool) {
        let mut all = self.lock();
        let gone: Vec<Held> =
            all.partitions.extract_if(|key, _| !keep(&key.namespace)).map(|(_, held)| held).collect();
        all.bytes -= gone.iter().map(|held| held.bytes).sum::<usize>();
        // They are freed when nobody has to wait for it.
        drop(all);
    }

    /// Bytes that are held.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The same by release.
    pub(super) fn held(&self) -> Vec<(ReleaseId, usize)> {
        let all = self.lock();
        all.partitions.iter().map(|(key, held)| (key.namespace.release.clone(), held.bytes)).collect()
    }

    fn find(&self, partition: &CacheKey) -> Option<Arc<RwLock<Partition>>> {
        let mut all = self.lock();
        all.uses += 1;
        let used = all.uses;
        let held = all.partitions.get_mut(partition)?;
        held.used = used;
        Some(Arc::clone(&held.partition))
    }

    /// Changes a partition, which is made where there is none, and weighs it anew.
    fn change<T>(&self, key: &CacheKey, change: impl FnOnce(&mut Partition) -> T) -> T {
        let partition = self.find(key).unwrap_or_else(|| self.open(key));
        let mut guard = write(&partition);
        let changed = change(&mut guard);
        // Still held: whoever changes it next weighs it after this one.
        self.weigh(key, &partition, PARTITION_BYTES + guard.bytes);
        changed
    }

    fn open(&self, key: &CacheKey) -> Arc<RwLock<Partition>> {
        let mut all = self.lock();
        let used = all.uses;
        let empty = || {
            let partition = Partition { most: self.partition_max, ..Partition::default() };
            Held { used, bytes: 0, partition: Arc::new(RwLock::new(partition)) }
        };
        Arc::clone(&all.partitions.entry(key.clone()).or_insert_with(empty).partition)
    }

    fn weigh(&self, key: &CacheKey, partition: &Arc<RwLock<Partition>>, bytes: usize) {
        let mut guard = self.lock();
        let all = &mut *guard;
        // One that is gone meanwhile weighs nothing.
        if let Some(held) = all.partitions.get_mut(key).filter(|held| Arc::ptr_eq(&held.partition, partition))
        {
            all.bytes = all.bytes - held.bytes + bytes;
            held.bytes = bytes;
        }
        while all.bytes > self.bytes_max {
            let Some((oldest, _)) = all.partitions.iter().min_by_key(|(_, one)| one.used) else { return };
            let oldest = oldest.clone();
            all.bytes -= all.partitions.remove(&oldest).map_or(0, |one| one.bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(partition: &RwLock<Partition>) -> RwLockReadGuard<'_, Partition> {
    partition.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(partition: &RwLock<Partition>) -> RwLockWriteGuard<'_, Partition> {
    partition.write().unwrap_or_else(PoisonError::into_inner)
}

impl Partition {
    fn add(&mut self, vector: &[f32], item: Item) {
        if !is_unit(vector) {
            return;
        }
        let (place, is_new) = self.place(&item.key);
        self.columns.put(place, vector);
        self.bytes += QUESTION_BYTES + item.signs.bytes();
        if is_new {
            self.items.push(item);
            return;
        }
        let before = std::mem::replace(&mut self.items[place], item);
        self.bytes -= QUESTION_BYTES + before.signs.bytes();
        if self.places.get(&before.key) == Some(&place) && before.key != self.items[place].key {
            self.places.remove(&before.key);
        }
    }

    /// Where the question goes that `key` answers: its own place, a new one, or the oldest one's.
    fn place(&mut self, key: &CacheKey) -> (usize, bool) {
        let held = self.items.len();
        let Entry::Vacant(vacant) = self.places.entry(key.clone()) else {
            return (self.places[key], false);
        };
        if held < self.most {
            return (*vacant.insert(held), true);
        }
        let place = *vacant.insert(self.next);
        self.next = (place + 1) % self.most;
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
        let (vectors, partition) = (Vectors::within(BYTES_MAX), Case::default().key());
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
        let (vectors, partition) = (Vectors::within(BYTES_MAX), Case::default().key());
        let good = unit(&mut rng);
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
        let (vectors, partition) = (Vectors::within(BYTES_MAX), Case::default().key());
        let (first, filler) = (unit(&mut rng), unit(&mut rng));
        vectors.add(&partition, &first, item(0));
        vectors.add(&partition, &first, item(0));
        assert_eq!(vectors.bytes(), PARTITION_BYTES + QUESTION_BYTES);
        for number in 1..PARTITION_MAX {
            vectors.add(&partition, &filler, item(number));
        }
        assert!(vectors.nearest(&partition, &first, 0.9).is_some());
        vectors.add(&partition, &filler, item(PARTITION_MAX));
        assert!(vectors.nearest(&partition, &first, 0.9).is_none(), "the oldest one is gone");
        assert_eq!(vectors.bytes(), PARTITION_BYTES + PARTITION_MAX * QUESTION_BYTES);
        assert_eq!(read(&vectors.find(&partition).unwrap()).places.len(), PARTITION_MAX);
        vectors.add(&partition, &first, item(0));
        assert_eq!(vectors.nearest(&partition, &first, 0.9).unwrap().item.key, item(0).key);
    }

    #[test]
    fn beyond_its_bytes_the_partition_that_was_used_least_recently_goes() {
        let (vectors, vector) = (Vectors::within(3 * (PARTITION_BYTES + QUESTION_BYTES)), unit(&mut rng(6)));
        let partitions: Vec<CacheKey> = (100..104).map(|number| item(number).key).collect();
        for partition in &partitions[..3] {
            vectors.add(partition, &vector, item(0));
        }
        let holds = |at: usize| vectors.nearest(&partitions[at], &vector, 0.9).is_some();
        assert!(holds(0) && holds(2));
        vectors.add(&partitions[3], &vector, item(0));
        assert_eq!([holds(0), holds(1), holds(2), holds(3)], [true, false, true, true]);
        assert_eq!(vectors.bytes(), 3 * (PARTITION_BYTES + QUESTION_BYTES));
        vectors.retain(|_| false);
        assert_eq!((vectors.bytes(), holds(0)), (0, false));
    }

    #[test]
    fn a_page_that_does_not_go_on_where_the_list_was_read_to_is_not_taken() {
        let (vectors, partition, vector) =
            (Vectors::within(BYTES_MAX), Case::default().key(), unit(&mut rng(7)));
        let page = |after: Option<&str>, number, to: &str| Page {
            after: after.map(str::to_owned),
            questions: vec![(vector.clone(), item(number))],
            to: to.to_owned(),
        };
        assert!(!vectors.read_on(&partition, page(Some("1-0"), 1, "2-0")), "it is not held any more");
        assert!(vectors.read_on(&partition, page(None, 0, "1-0")));
        assert!(!vectors.read_on(&partition, page(None, 0, "1-0")), "another look-up read on");
        assert!(vectors.read_on(&partition, page(Some("1-0"), 1, "2-0")));
        assert_eq!(vectors.read_to(&partition).as_deref(), Some("2-0"));
    }

    /// Scans go on beside each other and beside what is added elsewhere.
    #[test]
    fn a_scan_keeps_nobody_from_another_partition_or_from_scanning_along() {
        let (vectors, vector) = (Vectors::within(BYTES_MAX), unit(&mut rng(8)));
        let (one, other) = (item(200).key, item(201).key);
        vectors.add(&one, &vector, item(0));
        let partition = vectors.find(&one).unwrap();
        let _scan = read(&partition);
        assert!(vectors.nearest(&one, &vector, 0.9).is_some());
        vectors.add(&other, &vector, item(1));
        assert!(vectors.nearest(&other, &vector, 0.9).is_some());
    }
}
