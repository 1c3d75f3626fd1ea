//! The timeline of a rollout as lines: when, in which stage, what happened.

use std::fmt;
use std::time::Duration;

use crate::control::{ControlError, Feed, Handle};
use crate::domain::Timestamp;
use crate::rollout::Note;

/// Letters of the longest stage that is common, `keep warm`; longer ones push their text to the right.
const STAGE_WIDTH: usize = 9;

/// One line: time since a beginning, the stage as people call it, the sentence.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) since: Duration,
    pub(super) stage: String,
    pub(super) text: String,
}

impl Line {
    /// `note` at its time since `beginning`, its stage in the words of the rollout's plan.
    pub(super) fn of(note: Note, beginning: Timestamp, control: &Handle) -> Self {
        let status = control.status();
        let plan = status.rollout.as_ref().map(|rollout| &rollout.parts().plan);
        let stage = plan.map_or_else(|| note.stage.to_string(), |plan| plan.label(note.stage));
        Self { since: note.at.since(beginning), stage, text: note.text }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, tenths) = (self.since.as_secs(), self.since.subsec_millis() / 100);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        write!(f, "{minutes:>3}:{seconds:02}.{tenths}  {:<STAGE_WIDTH$}  {}", self.stage, self.text)
    }
}

/// A reader of what happens from now on, and when now was.
pub(super) struct Told {
    control: Handle,
    feed: Feed,
    beginning: Timestamp,
}

/// Begins to listen. What happened before is in the history and is not told again.
pub(super) fn told_from_now(control: &Handle) -> Result<Told, ControlError> {
    let beginning = control.status().at;
    let feed = control.events_from_now()?;
    Ok(Told { control: control.clone(), feed, beginning })
}

/// Gives every line to `each` until the controller ends.
pub(super) async fn tell(mut told: Told, mut each: impl FnMut(Line)) {
    while let Some(note) = told.feed.next().await {
        each(Line::of(note, told.beginning, &told.control));
    }
}
