//! The timeline as an event stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use super::router::Shared;
use super::{NoteRecord, RolloutRecord};
use crate::control::{Feed, Status};
use crate::rollout::Note;

/// How often the whole status is sent at most. It changes with every look.
const STATUS_EVERY: Duration = Duration::from_millis(500);

/// `event: note` for every sentence, with an id to resume after; `event: status` for how the latest rollout
/// stands, without an id, because only the last one matters.
pub(super) async fn stream(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let last = match last.map(str::trim).filter(|text| !text.is_empty()).map(str::parse) {
        None => 0,
        Some(Ok(last)) => last,
        Some(Err(_)) => return Err(Problem::bad_request("Last-Event-ID must be a number".to_owned())),
    };
    let feed = shared.control.events(last).await?;
    let mut status = shared.control.watch();
    status.mark_changed();
    let reader = Reader { stop: shared.stop, feed, status, status_due: tokio::time::Instant::now() };
    let events = unfold(reader, |mut reader| async move { Some((Ok(reader.next().await?), reader)) });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// One reader of the stream.
struct Reader {
    stop: CancellationToken,
    feed: Feed,
    status: watch::Receiver<std::sync::Arc<Status>>,
    status_due: tokio::time::Instant,
}

impl Reader {
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                note = self.feed.next() => {
                    if let Some(event) = note_event(&note?) {
                        return Some(event);
                    }
                }
                changed = next_status(&mut self.status, self.status_due) => {
                    changed?;
                    self.status_due = tokio::time::Instant::now() + STATUS_EVERY;
                    let record = RolloutRecord::of(&self.status.borrow_and_update());
                    if let Some(event) = record.and_then(|record| json_event("status", &record)) {
                        return Some(event);
                    }
                }
            }
        }
    }
}

/// A note that could not be written has no id to resume after.
fn note_event(note: &Note) -> Option<Event> {
    let event = json_event("note", &NoteRecord::from(note))?;
    Some(if note.id == 0 { event } else { event.id(note.id.to_string()) })
}

/// The next change, not before it is due; `None` when the control task has ended.
async fn next_status(
    status: &mut watch::Receiver<std::sync::Arc<Status>>,
    due: tokio::time::Instant,
) -> Option<()> {
    tokio::time::sleep_until(due).await;
    status.changed().await.ok()
}

fn json_event(name: &str, record: &impl serde::Serialize) -> Option<Event> {
    Some(Event::default().event(name).data(serde_json::to_string(record).ok()?))
}
