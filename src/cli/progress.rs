//! A bar on stderr for work that takes long; nothing where nobody looks.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Output;
use crate::evals::Progress;

/// A bar that follows a run.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar with `title` before it; hidden unless `output` shows progress.
    pub(super) fn new(output: &Output, title: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, target(output));
        // The template is a constant; if it were broken, the plain bar is as good.
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}  {elapsed}, {eta} left")
        {
            bar.set_style(style);
        }
        bar.set_message(title.to_owned());
        Self(bar)
    }

    /// Moves the bar.
    pub(super) fn follow(&self, progress: Progress) {
        self.0.set_length(progress.total as u64);
        self.0.set_position(progress.done as u64);
    }
}

/// A count of bytes that were read, where nobody knows how many there are.
#[derive(Debug)]
pub(super) struct ByteCount(ProgressBar);

impl ByteCount {
    /// A count with `title` before it; hidden unless `output` shows progress.
    pub(super) fn new(output: &Output, title: &str) -> Self {
        let line = ProgressBar::with_draw_target(None, target(output));
        if let Ok(style) = ProgressStyle::with_template("{msg} {bytes}  {bytes_per_sec}") {
            line.set_style(style);
        }
        line.set_message(title.to_owned());
        Self(line)
    }

    /// Counts more.
    pub(super) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for ByteCount {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn target(output: &Output) -> ProgressDrawTarget {
    if output.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

/// One line that says how things stand, below lines that stay.
#[derive(Debug)]
pub(super) struct StatusLine {
    output: Output,
    line: ProgressBar,
}

impl StatusLine {
    /// An empty line; hidden unless `output` shows progress.
    pub(super) fn new(output: Output) -> Self {
        let line = ProgressBar::with_draw_target(None, target(&output));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            line.set_style(style);
        }
        Self { output, line }
    }

    /// Replaces the line.
    pub(super) fn show(&self, text: String) {
        self.line.set_message(text);
        self.line.tick();
    }

    /// Takes the line away for the time of `write`, so that what is written to stdout stands alone.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.line.suspend(write)
    }

    /// Writes a line that stays above it.
    pub(super) fn note(&self, text: impl std::fmt::Display) {
        self.line.suspend(|| self.output.note(text));
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}

/// The line is taken away, so that what follows stands alone.
impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
