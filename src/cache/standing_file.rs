//! The record of what may be read, on disk: what is revoked stays so when the process or its store starts anew.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{CacheError, Standing};

/// One save at a time: until it is in its place, the next record stands under one name.
static SAVING: Mutex<()> = Mutex::new(());

/// The file; without one the record lives as long as the process.
#[derive(Clone, Debug, Default)]
pub(super) struct StandingFile(Option<PathBuf>);

impl StandingFile {
    pub(super) const fn at(path: Option<PathBuf>) -> Self {
        Self(path)
    }

    /// The record; `None` when none was ever written.
    pub(super) fn load(&self) -> Result<Option<Standing>, CacheError> {
        let Some(path) = &self.0 else { return Ok(None) };
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(failed(path))?,
        };
        let place = path.display().to_string();
        let wrong = |error: serde_json::Error| CacheError::Record { place, detail: error.to_string() };
        serde_json::from_str(&text).map(Some).map_err(wrong)
    }

    /// Puts the record in the place of the one before, whole or not at all.
    pub(super) fn save(&self, standing: &Standing) -> Result<(), CacheError> {
        self.0.as_deref().map_or(Ok(()), |path| replace(path, standing).map_err(failed(path)))
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> CacheError {
    let path = path.display().to_string();
    move |source| CacheError::File { path: path.clone(), source: Arc::new(source) }
}

fn replace(path: &Path, standing: &Standing) -> io::Result<()> {
    let _alone = SAVING.lock().unwrap_or_else(PoisonError::into_inner);
    let next = path.with_extension("next");
    let mut file = File::create(&next)?;
    file.write_all(&serde_json::to_vec(standing)?)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::Change;
    use crate::domain::{ReleaseId, Timestamp};

    #[test]
    fn a_record_is_read_back_and_a_broken_one_is_said_to_be_broken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.json");
        let file = StandingFile::at(Some(path.clone()));
        assert_eq!(file.load().unwrap(), None);
        let standing = Standing::new(Timestamp::from_millis(5));
        file.save(&standing).unwrap();
        assert_eq!(file.load().unwrap(), Some(standing));
        fs::write(&path, "{\"base\":").unwrap();
        assert!(file.load().unwrap_err().to_string().contains("cache.json holds no record"));
        assert!(
            StandingFile::at(Some(folder.path().join("no/cache.json"))).save(&Standing::default()).is_err()
        );
    }

    #[test]
    fn records_that_are_saved_at_the_same_time_leave_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = StandingFile::at(Some(folder.path().join("cache.json")));
        let long = |number: u64| ReleaseId::new("x".repeat(usize::try_from(number % 7).unwrap() * 300));
        std::thread::scope(|scope| {
            for number in 0..8 {
                let file = &file;
                scope.spawn(move || {
                    for round in 0..20 {
                        let before = Standing::new(Timestamp::from_millis(number));
                        let change = Change::Revoke(long(number + round));
                        file.save(&before.after(&change, Timestamp::from_millis(round), Duration::ZERO))
                            .unwrap();
                        assert!(file.load().unwrap().is_some());
                    }
                });
            }
        });
    }
}
