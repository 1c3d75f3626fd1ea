//! The engine: prepared bytes, no thought and no delay, so that the proxy is what is measured.
//!
//! A streamed answer is as long as the request's `max_tokens` and as slow as its header [`GAP_US`] says, where the
//! proxy passes that on. Every event is a write of its own, as engines do it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// Header: microseconds between two events of a stream.
pub(crate) const GAP_US: &str = "x-bench-gap-us";
/// Header: the tokens of a stream are numbered from 0.
pub(crate) const NUMBERED: &str = "x-bench-numbered";
/// What the first event with content contains, and the one with the role alone does not.
pub(crate) const TOKEN: &[u8] = b"\"content\":\" tok";
/// Events of a stream beside its tokens: the role, the finish, the end.
pub(crate) const EVENTS_BESIDE: usize = 3;

const ROLE: &str = r#"data: {"id":"chatcmpl-0","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}"#;
const CHUNK: &str = r#"data: {"id":"chatcmpl-0","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}]}"#;
const FINISH: &str = r#"data: {"id":"chatcmpl-0","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}"#;
const USAGE: &str = r#"data: {"id":"chatcmpl-0","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[],"usage":{"prompt_tokens":40,"completion_tokens":16,"total_tokens":56}}"#;
const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
/// Length of the body of an answer in one piece.
pub(crate) const WHOLE_BYTES: usize = 1_024;

/// How the second port behaves: the candidate of a rollout. Set by `GET /green/NAME` at the first port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Green {
    Healthy,
    /// Takes requests and never answers.
    Hung,
    /// Reads a request and closes the connection.
    Closing,
    /// Does not listen.
    Gone,
    /// Answers after [`SLOW`].
    Slow,
    /// Sends one byte a second.
    Trickling,
}

impl Green {
    pub(crate) const ALL: [Self; 6] =
        [Self::Healthy, Self::Hung, Self::Closing, Self::Gone, Self::Slow, Self::Trickling];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Hung => "hung",
            Self::Closing => "closing",
            Self::Gone => "gone",
            Self::Slow => "slow",
            Self::Trickling => "trickling",
        }
    }

    fn now() -> Self {
        Self::ALL[GREEN.load(Ordering::Relaxed) % Self::ALL.len()]
    }
}

/// More than ten times what a healthy answer takes.
const SLOW: Duration = Duration::from_millis(10);

/// Position of the present behaviour in [`Green::ALL`].
static GREEN: AtomicUsize = AtomicUsize::new(0);
static CHANGED: Notify = Notify::const_new();

/// Serves two ports until the parent goes away, and says on stdout which ones.
pub(crate) async fn run() -> anyhow::Result<()> {
    let (blue, green) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    let green_at = green.local_addr()?;
    writeln!(std::io::stdout(), "{} {}", blue.local_addr()?.port(), green_at.port())?;
    let mut green = Some(green);
    let mut connections = JoinSet::new();
    let (left, mut parent) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        // The parent holds the other end of the pipe for as long as it lives.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(left);
    });
    loop {
        let (accepted, is_green) = tokio::select! {
            accepted = blue.accept() => (accepted, false),
            accepted = accept(green.as_ref()) => (accepted, true),
            () = CHANGED.notified() => {
                green = match (Green::now(), green) {
                    (Green::Gone, _) => None,
                    (_, Some(green)) => Some(green),
                    (_, None) => Some(TcpListener::bind(green_at).await?),
                };
                continue;
            }
            Some(_) = connections.join_next() => continue,
            _ = &mut parent => return Ok(()),
        };
        let (stream, _) = accepted?;
        stream.set_nodelay(true)?;
        connections.spawn(async move {
            // A proxy that closes its connection is no fault.
            let _ = serve(stream, is_green).await;
        });
    }
}

/// Waits for a connection, for ever where nobody listens.
async fn accept(listener: Option<&TcpListener>) -> std::io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn serve(mut stream: TcpStream, is_green: bool) -> std::io::Result<()> {
    let whole = whole();
    let mut held = Vec::with_capacity(4_096);
    loop {
        let Some(length) = complete(&held) else {
            if stream.read_buf(&mut held).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let request: Vec<u8> = held.drain(..length).collect();
        if let Some(name) = request.strip_prefix(b"GET /green/") {
            let position = Green::ALL.iter().position(|green| name.starts_with(green.name().as_bytes()));
            GREEN.store(position.unwrap_or(0), Ordering::Relaxed);
            CHANGED.notify_one();
        }
        match if is_green { Green::now() } else { Green::Healthy } {
            Green::Healthy => {}
            Green::Hung => return std::future::pending().await,
            Green::Closing | Green::Gone => return Ok(()),
            Green::Slow => sleep(SLOW).await,
            Green::Trickling => {
                for byte in whole.chunks(1) {
                    stream.write_all(byte).await?;
                    sleep(Duration::from_secs(1)).await;
                }
                continue;
            }
        }
        if memmem::find(&request, b"\"stream\":true").is_some() {
            answer_in_events(&mut stream, &request).await?;
        } else {
            stream.write_all(&whole).await?;
        }
    }
}

/// Length of the request at the front, once all of it is there.
fn complete(held: &[u8]) -> Option<usize> {
    let head = memmem::find(held, b"\r\n\r\n")? + 4;
    let length = head + header(&held[..head], "content-length").unwrap_or(0);
    (held.len() >= length).then_some(length)
}

/// The number that a header says, whatever its case.
pub(crate) fn header(head: &[u8], name: &str) -> Option<usize> {
    let lines = head.split(|&byte| byte == b'\n');
    lines
        .filter_map(|line| line.split_at_checked(name.len()))
        .find(|(start, rest)| start.eq_ignore_ascii_case(name.as_bytes()) && rest.first() == Some(&b':'))
        .and_then(|(_, rest)| std::str::from_utf8(&rest[1..]).ok()?.trim().parse().ok())
}

/// The number behind `"max_tokens":` in a request's body, however it is spaced.
fn max_tokens(request: &[u8]) -> usize {
    const KEY: &[u8] = b"\"max_tokens\":";
    let digits =
        memmem::find(request, KEY).map_or(&[][..], |at| request[at + KEY.len()..].trim_ascii_start());
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(&digits[..end]).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

async fn answer_in_events(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<()> {
    let gap = Duration::from_micros(header(request, GAP_US).unwrap_or(0) as u64);
    let (chunk, mut due) = (framed(CHUNK), Instant::now());
    stream.write_all(&[STREAM_HEAD.as_bytes(), &framed(ROLE)].concat()).await?;
    let numbered = header(request, NUMBERED).is_some();
    for n in 0..max_tokens(request) {
        if !gap.is_zero() {
            due += gap;
            sleep_until(due).await;
        }
        if numbered {
            stream.write_all(&framed(&CHUNK.replace(" token", &format!(" tok {n}")))).await?;
        } else {
            stream.write_all(&chunk).await?;
        }
    }
    stream.write_all(&framed(FINISH)).await?;
    if memmem::find(request, b"\"include_usage\":true").is_some() {
        stream.write_all(&framed(USAGE)).await?;
    }
    stream.write_all(&[framed("data: [DONE]").as_slice(), b"0\r\n\r\n"].concat()).await
}

fn framed(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\n\n\r\n", event.len() + 2).into_bytes()
}

fn whole() -> Vec<u8> {
    let around = r#"{"id":"chatcmpl-0","object":"chat.completion","created":1700000000,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"|"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":40,"completion_tokens":160,"total_tokens":200}}"#;
    let room = WHOLE_BYTES + 1 - around.len();
    let text: String =
        "The answer is in the words that follow this one. ".chars().cycle().take(room).collect();
    let body = around.replace('|', &text);
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}
