//! The users of the demo: real arrival times, real questions, and a count of what they saw.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Clients that may wait at once. When all wait, the next one waits for a place: it is late, not lost.
const CLIENTS_MAX: usize = 4_096;

/// Users whose conversations come back; each stays on one arm.
const USERS: u64 = 5_000;

/// One request in this many is not streamed.
const PLAIN_EVERY: u64 = 10;

/// What the users ask, and when.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The data port's address, `http://host:port`.
    pub(super) url: String,
    /// Moments of arrival since the start; repeated from the beginning when they run out.
    pub(super) arrivals: Arc<[Duration]>,
    /// The questions.
    pub(super) questions: Arc<[String]>,
    /// Seeds who asks what.
    pub(super) seed: u64,
}

/// What the users saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Whole answers from the baseline's pool.
    pub(super) baseline: AtomicU64,
    /// Whole answers from the candidate's pool.
    pub(super) candidate: AtomicU64,
    /// Answers that came from the cache.
    pub(super) cached: AtomicU64,
    /// Requests that failed.
    pub(super) errors: AtomicU64,
    /// Streams that began and did not end.
    pub(super) broken: AtomicU64,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { baseline, candidate, cached, errors, broken } = self;
        let [baseline, candidate, cached, errors, broken] =
            [baseline, candidate, cached, errors, broken].map(|count| count.load(Ordering::Relaxed));
        write!(f, "users saw: {baseline} answers from the baseline, {candidate} from the candidate, ")?;
        write!(f, "{cached} from the cache, {errors} errors, {broken} broken streams")
    }
}

/// Sends requests at their moments until `stop`, then waits for those that are under way.
pub(super) async fn run(plan: Plan, seen: Arc<Seen>, stop: CancellationToken) {
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().unwrap_or_default();
    let places = Arc::new(Semaphore::new(CLIENTS_MAX));
    let mut clients = JoinSet::new();
    let mut dice = ChaCha8Rng::seed_from_u64(plan.seed);
    let start = Instant::now();
    for number in 0_u64.. {
        let body = plan.body(number, &mut dice);
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep_until(start + plan.moment(number)) => {}
        }
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let request = client
            .post(format!("{}/v1/chat/completions", plan.url))
            .header("x-request-id", format!("demo-{}-{number:06}", plan.seed))
            .json(&body);
        let seen = Arc::clone(&seen);
        clients.spawn(async move {
            read(request, &seen).await;
            drop(place);
        });
        while clients.try_join_next().is_some() {}
    }
    while clients.join_next().await.is_some() {}
}

impl Plan {
    /// When request `number` is due, since the start.
    fn moment(&self, number: u64) -> Duration {
        let length = self.arrivals.len() as u64;
        let round = u32::try_from(number / length).unwrap_or(u32::MAX);
        let within = usize::try_from(number % length).unwrap_or(0);
        let whole = self.arrivals.last().copied().unwrap_or_default();
        whole * round + self.arrivals[within]
    }

    fn body(&self, number: u64, dice: &mut ChaCha8Rng) -> Value {
        let question = &self.questions[dice.random_range(0..self.questions.len())];
        let user = format!("user-{}", dice.random_range(0..USERS));
        let mut body = json!({
            "model": "chat",
            "prompt": {"id": "answer", "variables": {"question": question}},
            "user": user,
        });
        if !number.is_multiple_of(PLAIN_EVERY) {
            body["stream"] = Value::Bool(true);
            body["stream_options"] = json!({"include_usage": true});
        }
        body
    }
}

async fn read(request: reqwest::RequestBuilder, seen: &Seen) {
    let Ok(response) = request.send().await else {
        seen.errors.fetch_add(1, Ordering::Relaxed);
        return;
    };
    if !response.status().is_success() {
        seen.errors.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (arm, cache) = (header("x-goldgate-arm"), header("x-goldgate-cache"));
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        if chunk.is_err() {
            seen.broken.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
    let counter = match (cache.as_deref(), arm.as_deref()) {
        (Some("hit" | "shared"), _) => &seen.cached,
        (_, Some("candidate")) => &seen.candidate,
        _ => &seen.baseline,
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            url: String::new(),
            arrivals: [0, 10, 25].map(Duration::from_millis).into(),
            questions: ["a".to_owned(), "b".to_owned()].into(),
            seed: 1,
        }
    }

    #[test]
    fn arrivals_go_round_without_a_gap_or_a_step_back() {
        let moments: Vec<_> = (0..7).map(|number| plan().moment(number).as_millis()).collect();
        assert_eq!(moments, [0, 10, 25, 25, 35, 50, 50]);
    }

    #[test]
    fn one_seed_asks_the_same_questions() {
        let ask = |seed| {
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            (0..20).map(|number| plan().body(number, &mut dice).to_string()).collect::<Vec<_>>()
        };
        assert_eq!(ask(3), ask(3));
        assert_ne!(ask(3), ask(4));
    }
}
