//! A file of lines that only grows, and that a crash may have left in the middle of one.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::evals::error::EvalError;

/// The longest line that is read: an answer's text at its longest, with every letter escaped, and as much again.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// The file, open at its end.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: File,
}

impl Lines {
    /// The file at `path`, or a new one.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).read(true).open(&path)?;
        Ok(Self { path, file })
    }

    /// What the file is called.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Ends the last line: with its newline where only that is missing, else before it began. Whether a line was taken away.
    pub(super) fn mend(&mut self, is_whole: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
        let length = self.file.metadata()?.len();
        let tail = self.last_line(length)?;
        if tail.is_empty() {
            return Ok(false);
        }
        if is_whole(&tail) {
            return self.file.write_all(b"\n").map(|()| false);
        }
        self.file.set_len(length - tail.len() as u64)?;
        Ok(true)
    }

    /// What stands behind the last newline.
    fn last_line(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let begin = length.saturating_sub(LINE_BYTES_MAX);
        self.file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        (&self.file).take(LINE_BYTES_MAX).read_to_end(&mut bytes)?;
        let after = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        Ok(bytes.split_off(after))
    }

    /// Hands over every line.
    pub(super) fn each(&self, mut each: impl FnMut(&[u8])) -> Result<(), EvalError> {
        let mut lines = BufReader::new(File::open(&self.path).map_err(|source| self.broken(source))?);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
            if read.map_err(|source| self.broken(source))? == 0 {
                return Ok(());
            }
            each(&bytes);
        }
    }

    /// Appends one row in one write, so that no other crash than one of the machine can cut it.
    pub(super) fn append(&mut self, row: &impl Serialize) -> Result<(), EvalError> {
        let mut line = serde_json::to_vec(row).map_err(|error| self.broken(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|source| self.broken(source))
    }

    /// Waits until the disk has everything.
    pub(super) fn sync(&self) -> Result<(), EvalError> {
        self.file.sync_data().map_err(|source| self.broken(source))
    }

    fn broken(&self, source: io::Error) -> EvalError {
        EvalError::Keep { file: self.name(), source }
    }
}
