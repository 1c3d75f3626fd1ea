//! The timeline as an event stream.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use super::router::Shared;
use super::{NoteRecord, RolloutRecord};
use crate::control::{Feed, Handle, Status};
use crate::store::Note;

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
    let Feed { kept, live } = shared.control.events(last).await?;
    let mut status = shared.control.watch();
    status.mark_changed();
    let reader = Reader {
        control: shared.control,
        stop: shared.stop,
        waiting: kept.into(),
        live,
        status,
        status_due: tokio::time::Instant::now(),
        last,
    };
    let events = unfold(reader, |mut reader| async move { Some((Ok(reader.next().await?), reader)) });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// One reader of the stream.
struct Reader {
    control: Handle,
    stop: CancellationToken,
    waiting: VecDeque<Note>,
    live: broadcast::Receiver<Note>,
    status: watch::Receiver<std::sync::Arc<Status>>,
    status_due: tokio::time::Instant,
    /// Id of the last note that was sent.
    last: u64,
}

impl Reader {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(note) = self.waiting.pop_front() {
                if let Some(event) = self.note(&note) {
                    return Some(event);
                }
                continue;
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                note = self.live.recv() => match note {
                    Ok(note) => self.waiting.push_back(note),
                    // Too slow: what was missed is in the store.
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        let Feed { kept, live } = self.control.events(self.last).await.ok()?;
                        (self.waiting, self.live) = (kept.into(), live);
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
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

    fn note(&mut self, note: &Note) -> Option<Event> {
        if note.id != 0 && note.id <= self.last {
            return None;
        }
        let event = json_event("note", &NoteRecord::from(note))?;
        if note.id == 0 {
            return Some(event);
        }
        self.last = note.id;
        Some(event.id(note.id.to_string()))
    }
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
