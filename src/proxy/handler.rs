//! The walk of one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, Response};
use hyper::body::{Body, Incoming};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::admission::{Ask, Place};
use super::along::read_along;
use super::apply::{Applied, apply};
use super::asking::{Keeping, Next, before_asking};
use super::caching::{Lookup, is_event_stream, look_up, recorder};
use super::connection::Peer;
use super::counters::{Counters, bump};
use super::flight::{Flight, end_of};
use super::headers::{self, Answered, CacheWord};
use super::leading::lead;
use super::mirror::Copying;
use super::recorder::Recorder;
use super::refusal::Refusal;
use super::relay::{Live, RelayBody, State};
use super::route::Route;
use super::usage_filter::UsageFilter;
use super::{ProxyOptions, ProxyParts};
use crate::domain::{Arm, RequestId};
use crate::upstream::{Outgoing, Reply};

/// What every request of one proxy shares.
pub(super) struct Shared {
    pub(super) options: ProxyOptions,
    pub(super) parts: ProxyParts,
    /// Owns what goes on beside clients: copies and the handing over of samples.
    pub(super) tracker: TaskTracker,
    /// Where the tracker's tasks run, also when a request is dropped outside of it.
    pub(super) runtime: Handle,
    /// Ends the copies at shutdown.
    pub(super) cut: CancellationToken,
    /// Places for requests; see [`super::Limits::requests_max`].
    pub(super) places: Arc<Semaphore>,
    /// Places for copies; see [`super::MirrorOptions::in_flight_max`].
    pub(super) copies: Arc<Semaphore>,
    /// Bytes of the bodies of copies; see [`super::MirrorOptions::in_flight_bytes_max`].
    pub(super) copied_bytes: Arc<Semaphore>,
    /// When the process began, as part of request ids.
    pub(super) started: u64,
    /// Requests so far, as the other part.
    pub(super) sequence: AtomicU64,
}

impl Shared {
    /// Milliseconds from `arrival` until now.
    pub(super) fn ms_since(&self, arrival: Duration) -> f64 {
        self.parts.clock.monotonic().saturating_sub(arrival).as_secs_f64() * 1_000.0
    }

    fn request_id(&self, headers: &HeaderMap) -> RequestId {
        headers::client_request_id(headers).unwrap_or_else(|| {
            let number = self.sequence.fetch_add(1, Ordering::Relaxed);
            RequestId::new(format!("{}-{:x}-{number:x}", self.options.node, self.started))
        })
    }
}

/// One request's place, held until its last byte.
pub(super) struct InFlight {
    counters: Arc<Counters>,
    _permit: OwnedSemaphorePermit,
}

impl InFlight {
    fn enter(shared: &Shared) -> Result<Self, Refusal> {
        let permit = Arc::clone(&shared.places).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let counters = Arc::clone(&shared.parts.counters);
        counters.enter();
        Ok(Self { counters, _permit: permit })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.counters.leave();
    }
}

/// Answers one request; a refusal is an answer too.
pub(super) async fn handle(
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Response<RelayBody> {
    let id = shared.request_id(request.headers());
    bump(&shared.parts.counters.requests.requests);
    let mut response = match walk(&shared, &peer, request, id.clone()).await {
        Ok(response) => response,
        Err(refusal) => refuse(&shared, &id, &refusal),
    };
    headers::name_request(response.headers_mut(), &id);
    response
}

fn refuse(shared: &Shared, id: &RequestId, refusal: &Refusal) -> Response<RelayBody> {
    let counters = &shared.parts.counters.requests;
    let is_client = refusal.status().is_client_error();
    bump(if is_client { &counters.refused_client } else { &counters.refused_server });
    debug!(request = %id, status = refusal.status().as_u16(), "refused: {refusal}");
    refusal.response()
}

/// The answer to a head that could not be read, as bytes. It is the last one on its connection.
pub(super) fn refuse_unread(shared: &Shared, refusal: &Refusal) -> Vec<u8> {
    bump(&shared.parts.counters.requests.requests);
    let id = shared.request_id(&HeaderMap::new());
    let mut response = refuse(shared, &id, refusal);
    headers::name_request(response.headers_mut(), &id);
    let body = refusal.body();
    let mut bytes =
        format!("HTTP/1.1 {}\r\ncontent-length: {}\r\n", response.status(), body.len()).into_bytes();
    for (name, value) in response.headers() {
        bytes.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend_from_slice(&[b"\r\n", &body[..]].concat());
    bytes
}

async fn walk(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: Request<Incoming>,
    id: RequestId,
) -> Result<Response<RelayBody>, Refusal> {
    let arrival = shared.parts.clock.monotonic();
    let in_flight = InFlight::enter(shared)?;
    let ask = Arc::new(Ask::read(request, id, arrival, &shared.options).await?);
    if let (Route::Models, Some(model)) = (ask.route, &shared.options.model) {
        return Ok(models(model));
    }
    let place = ask.place(shared, peer)?;
    let found = match look_up(shared, &ask, &place).await {
        Lookup::Hit(replay) => return Ok(replay.response(shared, &ask, &place)),
        Lookup::Miss(ticket) => (ticket, CacheWord::Miss),
        Lookup::Refresh(ticket) => (ticket, CacheWord::Bypass),
        Lookup::Off => (None, CacheWord::Bypass),
    };
    let applied = match &ask.head {
        Some(head) => {
            let deployed = &place.occupant.deployed;
            apply(deployed, ask.route, head, &ask.body, shared.options.usage)?
        }
        None => Applied { body: ask.body.clone(), added_usage: false, temperature: None, choices: 1 },
    };
    let word = found.1;
    let keeping = match before_asking(shared, &ask, &place, &applied, found).await {
        Next::Replay(replay) => return Ok(replay.response(shared, &ask, &place)),
        Next::Along(follower, head) => {
            return Ok(read_along(shared, &ask, &place, (follower, head), in_flight));
        }
        Next::Ask(keeping) => keeping.map(|keeping| *keeping),
    };
    let outgoing = ask.outgoing(applied.body.clone());
    if ask.pin.is_some() {
        bump(&shared.parts.counters.requests.pinned);
    }
    let flight = ask.is_evidence().then(|| {
        let copies = Copying::start(shared, &ask, &place);
        Flight::new(shared, &ask, &place, copies)
    });
    count_arm(shared, place.arm);
    let going = Going { ask, place, applied, outgoing, word, keeping, flight, in_flight };
    match going.keeping.as_ref().is_some_and(|keeping| keeping.feed.is_listed()) {
        true => lead(shared, going).await,
        false => going.send(shared).await,
    }
}

/// A request on its way to an engine.
pub(super) struct Going {
    ask: Arc<Ask>,
    place: Place,
    applied: Applied,
    outgoing: Outgoing,
    word: CacheWord,
    pub(super) keeping: Option<Keeping>,
    flight: Option<Flight>,
    in_flight: InFlight,
}

impl Going {
    pub(super) async fn send(self, shared: &Arc<Shared>) -> Result<Response<RelayBody>, Refusal> {
        let Self { ask, place, applied, outgoing, word, keeping, mut flight, in_flight } = self;
        match place.occupant.pool.send(&outgoing).await {
            Ok(reply) => {
                if let Some(flight) = &mut flight {
                    flight.head(&reply);
                }
                let recorder =
                    keeping.and_then(|keeping| recorder(shared, &ask, &place, &applied, &reply, keeping));
                let is_stream = reply.status.is_success() && is_event_stream(&reply.headers);
                let filter = (applied.added_usage && is_stream).then(UsageFilter::default);
                let live = Relaying { flight, filter, recorder, in_flight };
                Ok(relay(shared, &ask, &place, reply, word, live))
            }
            Err(error) => {
                debug!(request = %ask.id, arm = %place.arm, reason = error.as_str(), "no answer: {error}");
                match &mut flight {
                    Some(flight) if error.is_local() => flight.void(),
                    Some(flight) => drop(flight.finish(end_of(&error))),
                    None => {}
                }
                if error.is_local() {
                    bump(&shared.parts.counters.requests.exhausted);
                }
                if let Some(keeping) = keeping {
                    keeping.feed.begin(None);
                }
                Err(Refusal::from(&error))
            }
        }
    }
}

fn count_arm(shared: &Shared, arm: Arm) {
    let counters = &shared.parts.counters.requests;
    bump(match arm {
        Arm::Baseline => &counters.relayed_baseline,
        Arm::Candidate => &counters.relayed_candidate,
    });
}

/// The one model that clients can name, when it is fixed by configuration.
fn models(model: &str) -> Response<RelayBody> {
    let list = json!({"object": "list", "data": [{"id": model, "object": "model", "created": 0, "owned_by": "goldgate"}]});
    let mut response = Response::new(RelayBody::whole(Bytes::from(list.to_string())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What belongs to an answer beside its reply.
struct Relaying {
    flight: Option<Flight>,
    filter: Option<UsageFilter>,
    recorder: Option<Recorder>,
    in_flight: InFlight,
}

fn relay(
    shared: &Arc<Shared>,
    ask: &Ask,
    place: &Place,
    reply: Reply,
    word: CacheWord,
    relaying: Relaying,
) -> Response<RelayBody> {
    let engine = shared.parts.clock.monotonic().saturating_sub(reply.sent);
    let Reply { status, headers: mut fields, body, .. } = reply;
    headers::towards_client(&mut fields);
    if relaying.filter.is_some() {
        fields.remove(CONTENT_LENGTH);
    }
    name_answer(shared, ask, place, word, Some(engine), &mut fields);
    let Relaying { flight, filter, recorder, in_flight } = relaying;
    let has_ended = body.is_end_stream();
    let mut live = Live {
        shared: Arc::clone(shared),
        body,
        flight,
        filter,
        recorder,
        state: State::Running,
        _in_flight: in_flight,
    };
    if has_ended {
        live.end();
    }
    let mut response = Response::new(RelayBody::Live(Box::new(live)));
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    response
}

/// Adds who answered to a response.
pub(super) fn name_answer(
    shared: &Shared,
    ask: &Ask,
    place: &Place,
    cache: CacheWord,
    engine: Option<Duration>,
    fields: &mut HeaderMap,
) {
    let total = shared.parts.clock.monotonic().saturating_sub(ask.arrival);
    let release = &place.occupant.deployed.sem;
    headers::name_answer(fields, &Answered { release, arm: place.arm, cache, total, engine });
}
