//! A proxy with two scripted engines, and a client that sees bytes.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::cache::{Cache, CacheOptions, SemanticOptions};
use crate::domain::{AnswerRule, MetricName, ReleaseId, Share, Slot, VectorSource};
use crate::evidence::Sample;
use crate::proxy::{
    Counters, Deployed, Occupant, ProxyOptions, ProxyParts, Running, Slots, StickySource, WarmUp,
    WarmUpOptions, start,
};
use crate::release::Prompts;
use crate::routing::{MirrorPlan, RouteTable, TrafficSplit};
use crate::telemetry::{Clock, SystemClock};
use crate::upstream::testing::{Engine, LAST_CHUNK, Step, chunk, chunked_head, whole};
use crate::upstream::{Pool, PoolOptions, Timeouts};
use crate::wire::LiveGrader;

/// Limits that nothing healthy reaches.
pub(super) const PATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(20),
    first_byte: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    total: None,
};

pub(super) const CHAT: &str = "/v1/chat/completions";

/// What a test sets before the proxy starts.
pub(super) struct Setup {
    pub(super) options: ProxyOptions,
    pub(super) timeouts: Timeouts,
    pub(super) table: RouteTable,
    pub(super) cache: bool,
    /// Whose requests the next release is asked.
    pub(super) warm_up: Option<WarmUpOptions>,
    /// Answers messages by something alike, too.
    pub(super) semantic: bool,
    pub(super) samples_max: usize,
    pub(super) temperature: f64,
    /// Whether the engines take a `cache_salt`.
    pub(super) salts_prefixes: bool,
    pub(super) client_may_set: Option<Vec<String>>,
}

pub(super) struct Rig {
    pub(super) proxy: Running,
    pub(super) samples: mpsc::Receiver<Sample>,
    pub(super) table: Arc<ArcSwap<RouteTable>>,
    pub(super) counters: Arc<Counters>,
    pub(super) cache: Option<Arc<Cache>>,
    pub(super) warm_up: Option<Arc<WarmUp>>,
    pub(super) slots: Arc<Slots>,
}

/// Everything to the baseline, everything mirrored, everything with a null copy.
pub(super) fn all_mirrored() -> RouteTable {
    let mirror = MirrorPlan { share: Share::FULL, null_share: Share::FULL };
    RouteTable { mirror, ..steady() }
}

pub(super) fn steady() -> RouteTable {
    RouteTable::steady(1, 7, Slot::Blue)
}

pub(super) fn split(candidate: Share) -> RouteTable {
    RouteTable { split: TrafficSplit::new(candidate), ..steady() }
}

impl Rig {
    pub(super) async fn plain(blue: &Engine) -> Self {
        Self::new(blue, None, |_| ()).await
    }

    pub(super) async fn new(blue: &Engine, green: Option<&Engine>, change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup {
            options: ProxyOptions { sticky: StickySource::defaults(), ..ProxyOptions::default() },
            timeouts: PATIENT,
            table: steady(),
            cache: false,
            warm_up: None,
            semantic: false,
            samples_max: 64,
            temperature: 0.0,
            salts_prefixes: false,
            client_may_set: None,
        };
        change(&mut setup);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let slots = Arc::new(Slots::new());
        let engines = [(Slot::Blue, Some(blue)), (Slot::Green, green)];
        for (slot, engine) in engines {
            slots.occupy(slot, engine.map(|engine| occupant(slot, engine, &setup, &clock)));
        }
        let (sender, samples) = mpsc::channel(setup.samples_max);
        let cache = setup.cache.then(|| Arc::new(cache(setup.semantic, &clock)));
        let warm_up = setup.warm_up.map(|options| Arc::new(WarmUp::new(options)));
        let table = Arc::new(ArcSwap::from_pointee(setup.table));
        let counters = Arc::new(Counters::default());
        let parts = ProxyParts {
            table: Arc::clone(&table),
            slots: Arc::clone(&slots),
            cache: cache.clone(),
            warm_up: warm_up.clone(),
            samples: sender,
            graders: vec![
                LiveGrader::new(MetricName::from("polite"), &AnswerRule::Pattern("please".into())).unwrap(),
            ],
            clock,
            counters: Arc::clone(&counters),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = start(setup.options, parts, listener).unwrap();
        Self { proxy, samples, table, counters, cache, warm_up, slots }
    }

    pub(super) async fn client(&self) -> Client {
        Client { stream: TcpStream::connect(self.proxy.addr()).await.unwrap(), buffer: Vec::new() }
    }

    /// One request on a connection of its own.
    pub(super) async fn ask(&self, body: &str) -> Answer {
        self.client().await.ask(CHAT, "", body).await
    }

    pub(super) async fn sample(&mut self) -> Sample {
        self.samples.recv().await.unwrap()
    }
}

fn cache(semantic: bool, clock: &Arc<dyn Clock>) -> Cache {
    let cache = Cache::in_memory(CacheOptions::default(), Arc::clone(clock), None).unwrap();
    let options = SemanticOptions {
        vectors: VectorSource::BuiltIn,
        templates: Vec::new(),
        messages: true,
        similarity_min: 0.2,
        gap_min: 0.0,
        audit_every: 1_000,
        false_hits_max: 0.05,
    };
    if semantic { cache.with_semantic(options).unwrap() } else { cache }
}

fn occupant(slot: Slot, engine: &Engine, setup: &Setup, clock: &Arc<dyn Clock>) -> Occupant {
    let options = PoolOptions { endpoints: vec![engine.endpoint()], timeouts: setup.timeouts };
    let sampling = serde_json::json!({"temperature": setup.temperature}).as_object().unwrap().clone();
    let deployed = Deployed {
        sem: ReleaseId::new(format!("sem:{slot}")),
        model: Some(format!("{slot}-model")),
        sampling,
        client_may_set: setup.client_may_set.clone(),
        salts_prefixes: setup.salts_prefixes,
        prompts: Arc::new(Prompts::default()),
    };
    Occupant { pool: Arc::new(Pool::new(options, Arc::clone(clock)).unwrap()), deployed: Arc::new(deployed) }
}

/// A client that speaks bytes.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    buffer: Vec<u8>,
}

/// What a client got.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    /// The body without its framing.
    pub(super) body: String,
    /// Whether the framing was whole.
    pub(super) is_whole: bool,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

impl Client {
    /// Sends a POST; `headers` are whole lines with their ends.
    pub(super) async fn post(&mut self, path: &str, headers: &str, body: &str) {
        let length = body.len();
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: gateway\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.send(text.as_bytes()).await;
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(super) async fn ask(&mut self, path: &str, headers: &str, body: &str) -> Answer {
        self.post(path, headers, body).await;
        self.answer().await
    }

    /// Reads one answer to its end, whole or broken.
    pub(super) async fn answer(&mut self) -> Answer {
        let head = self.answer_head().await;
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer { status, head, body: String::new(), is_whole: true };
        let length: Option<usize> = answer.header("content-length").map(|text| text.parse().unwrap());
        let mut body = Vec::new();
        answer.is_whole = match length {
            Some(length) => self.take(length, &mut body).await,
            None if answer.header("transfer-encoding").is_some() => self.chunks(&mut body).await,
            None => {
                while self.fill().await {}
                body.append(&mut self.buffer);
                true
            }
        };
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    pub(super) async fn answer_head(&mut self) -> String {
        self.until(b"\r\n\r\n").await.expect("a response head")
    }

    /// Takes in at least `bytes` more.
    pub(super) async fn reads_some(&mut self, bytes: usize) {
        let wanted = self.buffer.len() + bytes;
        while self.buffer.len() < wanted {
            assert!(self.fill().await, "closed after {} bytes", self.buffer.len());
        }
    }

    /// Whether the connection ends here in order, with nothing left to read.
    pub(super) async fn closes(&mut self) -> bool {
        self.buffer.is_empty() && matches!(self.stream.read_buf(&mut self.buffer).await, Ok(0))
    }

    /// Waits until the body so far contains `text`, framing included.
    pub(super) async fn sees(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.buffer).contains(text) {
            assert!(self.fill().await, "closed before {text:?}: {}", String::from_utf8_lossy(&self.buffer));
        }
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> bool {
        loop {
            let Some(line) = self.until(b"\r\n").await else { return false };
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            let mut end = Vec::new();
            if !self.take(size, body).await || !self.take(2, &mut end).await {
                return false;
            }
            if size == 0 {
                return true;
            }
        }
    }

    async fn until(&mut self, mark: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|window| window == mark) {
                let rest = self.buffer.split_off(at + mark.len());
                return String::from_utf8(std::mem::replace(&mut self.buffer, rest)).ok();
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    async fn take(&mut self, length: usize, into: &mut Vec<u8>) -> bool {
        while self.buffer.len() < length {
            if !self.fill().await {
                into.append(&mut self.buffer);
                return false;
            }
        }
        into.extend_from_slice(&self.buffer[..length]);
        self.buffer.drain(..length);
        true
    }

    async fn fill(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(count) if count > 0)
    }
}

/// A streamed answer of the given text, ended as engines end it.
pub(super) fn stream_of(text: &str) -> Vec<Step> {
    let mut steps = vec![Step::Send(chunked_head("text/event-stream"))];
    steps.extend([token(text), finish(), done()].iter().map(|event| Step::Send(chunk(event))));
    steps.push(Step::Send(LAST_CHUNK.to_vec()));
    steps
}

/// An unstreamed answer of the given text.
pub(super) fn body_of(text: &str) -> Vec<Step> {
    let body = serde_json::json!({
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    });
    vec![Step::Send(whole("200 OK", "application/json", &body.to_string()))]
}

pub(super) fn token(text: &str) -> String {
    let chunk = serde_json::json!({"choices": [{"index": 0, "delta": {"content": text}}]});
    format!("data: {chunk}\n\n")
}

pub(super) fn finish() -> String {
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".to_owned()
}

pub(super) fn usage() -> String {
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n".to_owned()
}

pub(super) fn done() -> String {
    "data: [DONE]\n\n".to_owned()
}

/// A chat request; `fields` go in as they are.
pub(super) fn chat(fields: &str) -> String {
    format!(r#"{{"model":"chat","messages":[{{"role":"user","content":"hi"}}]{fields}}}"#)
}
