//! Digests of files, kept from one lock to the next: weights take minutes to read, and seldom change.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ReleaseError;
use crate::domain::Timestamp;

/// Smaller files are read each time.
const KEPT_BYTES_MIN: u64 = 16 << 20;

/// A file that changed so lately may change again within one tick of its clock: its digest is not kept.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// A digest, and the file as it was when it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    inode: u64,
    blake3: String,
}

/// Digests by path, and where they are kept.
#[derive(Default)]
pub struct FileHashes<'a> {
    /// `None`: nothing is kept.
    store: Option<PathBuf>,
    known: BTreeMap<PathBuf, Known>,
    changed: bool,
    /// When files are read.
    now: Timestamp,
    /// Told of bytes as they are read.
    on_bytes: Option<&'a mut dyn FnMut(u64)>,
}

impl<'a> FileHashes<'a> {
    /// Reads every file, and keeps nothing.
    #[must_use]
    pub fn unkept() -> Self {
        Self::default()
    }

    /// Believes what `store` holds of files whose path, size, time of change and inode are what they were. A store
    /// that is absent or cannot be read holds nothing. Of a file that changed just before `now` nothing is kept.
    #[must_use]
    pub fn kept_in(store: PathBuf, now: Timestamp) -> Self {
        let known = fs::read(&store).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { known: known.unwrap_or_default(), store: Some(store), now, ..Self::default() }
    }

    /// Tells `on_bytes` how many bytes were read, again and again.
    #[must_use]
    pub fn telling(self, on_bytes: &'a mut dyn FnMut(u64)) -> Self {
        Self { on_bytes: Some(on_bytes), ..self }
    }

    /// BLAKE3 of a file in hex, and its bytes.
    pub(super) fn of(&mut self, path: &Path) -> Result<(String, u64), ReleaseError> {
        let unreadable = |source| ReleaseError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let before = file.metadata().map_err(unreadable)?;
        let place = fs::canonicalize(path).map_err(unreadable)?;
        if let Some(known) = self.known.get(&place).filter(|known| known.is(&before)) {
            return Ok((known.blake3.clone(), known.bytes));
        }
        let blake3 = self.read(file).map_err(unreadable)?;
        let keeps = self.store.is_some() && before.len() >= KEPT_BYTES_MIN && self.is_settled(&before);
        if keeps {
            self.known.insert(place, Known::new(&before, &blake3));
            self.changed = true;
        }
        Ok((blake3, before.len()))
    }

    fn read(&mut self, mut file: File) -> std::io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; READ_BYTES];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                return Ok(hasher.finalize().to_hex().to_string());
            }
            hasher.update(&piece[..read]);
            if let Some(on_bytes) = &mut self.on_bytes {
                on_bytes(read as u64);
            }
        }
    }

    fn is_settled(&self, file: &Metadata) -> bool {
        let seconds = u64::try_from(file.mtime()).unwrap_or(u64::MAX);
        self.now.since(Timestamp::from_millis(seconds.saturating_mul(1_000))) > SETTLED_AFTER
    }

    /// Writes what was learned, so that the next lock need not read it again; what cannot be kept is read again then.
    pub fn keep(&self) {
        let Some(store) = self.store.as_ref().filter(|_| self.changed) else { return };
        let fresh = store.with_extension("new");
        let written = store.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            fs::write(&fresh, serde_json::to_vec(&self.known).unwrap_or_default())?;
            fs::rename(&fresh, store)
        });
        let _ = written;
    }
}

impl Known {
    fn new(file: &Metadata, blake3: &str) -> Self {
        let modified = (file.mtime(), file.mtime_nsec());
        Self { bytes: file.len(), modified, inode: file.ino(), blake3: blake3.to_owned() }
    }

    fn is(&self, file: &Metadata) -> bool {
        *self == Self::new(file, &self.blake3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the files of these tests were written, in seconds.
    const WRITTEN: u64 = 1_000_000;

    /// A large file of one byte over and over.
    fn fill(path: &Path, byte: u8) {
        fs::write(path, vec![byte; 16 << 20]).unwrap();
        let written = std::time::UNIX_EPOCH + Duration::from_secs(WRITTEN);
        File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
    }

    /// The digest of `path` and the bytes that were read for it, so many seconds after it was written.
    fn read(store: Option<&Path>, path: &Path, later: u64) -> (String, u64) {
        let mut bytes = 0;
        let mut count = |more| bytes += more;
        let now = Timestamp::from_millis((WRITTEN + later) * 1_000);
        let kept = |store: &Path| FileHashes::kept_in(store.to_owned(), now);
        let mut hashes = store.map_or_else(FileHashes::unkept, kept).telling(&mut count);
        let (blake3, _) = hashes.of(path).unwrap();
        hashes.keep();
        drop(hashes);
        (blake3, bytes)
    }

    #[test]
    fn a_large_file_is_read_again_only_where_it_may_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, store) = (folder.path().join("weights"), folder.path().join("kept/hashes.json"));
        fill(&path, 1);
        let whole = 16 << 20;
        let first = read(Some(&store), &path, 60);
        assert_eq!(first.1, whole);
        assert_eq!(read(Some(&store), &path, 60), (first.0.clone(), 0), "kept");
        assert_eq!(read(None, &path, 60), first, "paranoid: read again");
        let other = folder.path().join("other");
        fill(&other, 2);
        fs::rename(&other, &path).unwrap();
        let changed = read(Some(&store), &path, 60);
        assert!(changed.1 == whole && changed.0 != first.0, "another inode");
        fs::write(&store, "no JSON").unwrap();
        assert_eq!(read(Some(&store), &path, 60), changed, "a broken store is none");
    }

    #[test]
    fn a_file_that_changed_just_now_is_not_believed_to_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (path, store) = (folder.path().join("weights"), folder.path().join("hashes.json"));
        fill(&path, 1);
        read(Some(&store), &path, 1);
        assert!(!store.exists());
        read(Some(&store), &path, 3);
        assert!(store.exists());
    }
}
