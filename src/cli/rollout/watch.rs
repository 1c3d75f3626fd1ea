//! `rollout watch`: what happened so far, then what happens.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;
use tokio::time::sleep;

use super::LATEST;
use super::api::{self, Api, ApiError};
use super::text::{self, Labels};
use super::wait::Patience;
use crate::admin::{NoteRecord, RolloutRecord};
use crate::cli::progress::StatusLine;
use crate::cli::{Context, Failure, Format};
use crate::wire::EventParser;

/// Before the stream is asked for again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Prints each note as one line. With an id it ends when that rollout is over, else when it is interrupted.
///
/// # Errors
/// When the port refuses, is away for too long, or stdout cannot be written.
pub(super) async fn run(api: &Api, id: Option<&str>, context: &Context) -> Result<(), Failure> {
    let mut view = View::new(id.filter(|id| *id != LATEST), context);
    match api.get(&["rollouts", id.unwrap_or(LATEST)]).await {
        Ok(rollout) => view.begin(api, &api::record(&rollout)?).await?,
        Err(error) if error.is_missing() && view.id.is_none() => {
            context.output.note("no rollout was started yet; waiting for one");
        }
        Err(error) => return Err(error.into()),
    }
    let mut patience = Patience::default();
    while !view.over {
        match follow(api, &mut view).await? {
            Ok(()) => patience = Patience::default(),
            Err(error) => patience.lose(error)?,
        }
        if !view.over {
            sleep(AGAIN_AFTER).await;
        }
    }
    Ok(())
}

/// Follows one stream to its end: `Ok` when it carried something or ended well, else why it did not.
async fn follow(api: &Api, view: &mut View<'_>) -> Result<Result<(), ApiError>, Failure> {
    let mut stream = match api.events(view.last).await {
        Ok(stream) => stream,
        Err(error) => return Ok(Err(error)),
    };
    let mut parser = EventParser::new();
    while !view.over {
        let Some(events) = next_events(&mut stream, &mut parser).await else { break };
        for event in events {
            view.take(event)?;
        }
    }
    if view.over {
        view.finish(api).await?;
    }
    Ok(Ok(()))
}

/// One event, its data still as it came.
enum Event {
    Note(Value),
    Status(Value),
}

/// The events of the next piece; `None` when the stream has ended, in whatever way: it is resumed either way.
async fn next_events(stream: &mut Response, parser: &mut EventParser) -> Option<Vec<Event>> {
    let piece = stream.chunk().await.ok()??;
    let mut events = Vec::new();
    let take = |event: crate::wire::Event<'_>| {
        let Ok(data) = serde_json::from_slice(event.data) else { return };
        match event.name {
            b"note" => events.push(Event::Note(data)),
            b"status" => events.push(Event::Status(data)),
            _ => {}
        }
    };
    parser.push(&piece, take).ok()?;
    Some(events)
}

/// What was seen and printed so far.
struct View<'a> {
    id: Option<&'a str>,
    context: &'a Context,
    line: StatusLine,
    labels: Labels,
    /// The last note that was printed.
    last: u64,
    /// The rollout that is watched is over.
    over: bool,
}

impl<'a> View<'a> {
    fn new(id: Option<&'a str>, context: &'a Context) -> Self {
        let line = StatusLine::new(context.output);
        Self { id, context, line, labels: Labels::default(), last: 0, over: false }
    }

    /// What happened before.
    async fn begin(&mut self, api: &Api, record: &RolloutRecord) -> Result<(), Failure> {
        self.labels = Labels::of(record);
        self.past(api, &record.id).await?;
        self.over = self.id.is_some() && record.mode == "over";
        Ok(())
    }

    /// What was said between the last note and the status that it is over.
    async fn finish(&mut self, api: &Api) -> Result<(), Failure> {
        match self.id {
            Some(id) => self.past(api, id).await,
            None => Ok(()),
        }
    }

    async fn past(&mut self, api: &Api, id: &str) -> Result<(), Failure> {
        let history = api.get(&["rollouts", id, "history"]).await?;
        for note in history["notes"].as_array().into_iter().flatten() {
            if note["id"].as_u64().is_none_or(|id| id == 0 || id > self.last) {
                self.print(note)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Note(note) => self.print(&note),
            Event::Status(status) => {
                let record = api::record(&status)?;
                self.over = self.id.is_some_and(|id| id != record.id || record.mode == "over");
                self.labels = Labels::of(&record);
                self.line.show(text::brief(&record));
                Ok(())
            }
        }
    }

    fn print(&mut self, note: &Value) -> Result<(), Failure> {
        let output = &self.context.output;
        if output.format() == Format::Json {
            self.line.aside(|| output.line(note))?;
            self.last = self.last.max(note["id"].as_u64().unwrap_or(0));
            return Ok(());
        }
        let Ok(note) = serde_json::from_value::<NoteRecord>(note.clone()) else { return Ok(()) };
        self.line.aside(|| output.line(self.labels.line(&note)))?;
        self.last = self.last.max(note.id);
        Ok(())
    }
}
