//! The load client: prepared bytes out, as little reading as tells a whole answer from a broken one.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use goldgate::telemetry::{Clock as _, SystemClock};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engine::{self, TOKEN, header};

/// The last bytes of a chunked body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// One kept-alive connection.
pub(crate) struct Line {
    stream: TcpStream,
    held: Vec<u8>,
}

/// One streamed answer, as the client saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streamed {
    /// From the request's first byte to the first event with content.
    pub(crate) first_token: Duration,
    pub(crate) events: usize,
}

impl Line {
    pub(crate) async fn open(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await.with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, held: Vec::with_capacity(16_384) })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(&mut self.held).await? > 0, "the connection closed in mid-answer");
        Ok(())
    }

    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        Ok(self.stream.write_all(request).await?)
    }

    /// Gives the length of the answer's head, with at least that much read.
    async fn head(&mut self) -> anyhow::Result<usize> {
        loop {
            if let Some(end) = memmem::find(&self.held, b"\r\n\r\n") {
                if !self.held.starts_with(b"HTTP/1.1 2") {
                    bail!("refused: {}", String::from_utf8_lossy(&self.held));
                }
                return Ok(end + 4);
            }
            self.more().await?;
        }
    }

    /// Asks for an answer in one piece and gives its body.
    pub(crate) async fn whole(&mut self, request: &[u8]) -> anyhow::Result<String> {
        self.send(request).await?;
        let head = self.head().await?;
        let length = header(&self.held[..head], "content-length").context("no content-length")?;
        while self.held.len() < head + length {
            self.more().await?;
        }
        let body = String::from_utf8_lossy(&self.held[head..head + length]).into_owned();
        self.held.drain(..head + length);
        Ok(body)
    }

    /// Asks for an answer in one piece and checks its length alone.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.send(request).await?;
        let head = self.head().await?;
        // A peer that writes answers anew makes them longer or shorter.
        let length = header(&self.held[..head], "content-length").context("no content-length")?;
        while self.held.len() < head + length {
            self.more().await?;
        }
        self.held.clear();
        Ok(())
    }

    /// Waits for the first token of a stream that was asked for.
    pub(crate) async fn first_token(&mut self) -> anyhow::Result<()> {
        self.head().await?;
        while memmem::find(&self.held, TOKEN).is_none() {
            self.more().await?;
        }
        Ok(())
    }

    /// Reads a stream to its end and counts its events.
    pub(crate) async fn finish(&mut self) -> anyhow::Result<usize> {
        let mut events = count_events(&self.held);
        while !self.held.ends_with(LAST_CHUNK) {
            // An event's end or the last chunk may be cut in two: what is counted already goes, its tail stays.
            let kept = self.held.len().saturating_sub(LAST_CHUNK.len());
            self.held.drain(..kept);
            let counted = count_events(&self.held);
            self.more().await?;
            events += count_events(&self.held) - counted;
        }
        self.held.clear();
        Ok(events)
    }

    pub(crate) async fn streamed(&mut self, request: &[u8], clock: SystemClock) -> anyhow::Result<Streamed> {
        let started = clock.monotonic();
        self.send(request).await?;
        self.first_token().await?;
        let first_token = clock.monotonic().saturating_sub(started);
        Ok(Streamed { first_token, events: self.finish().await? })
    }
}

fn count_events(bytes: &[u8]) -> usize {
    memmem::find_iter(bytes, b"\n\n").count()
}

/// A request of about 600 bytes, as a chat has them.
pub(crate) fn request() -> Vec<u8> {
    asking("", 256, "")
}

fn asking(extra_headers: &str, tokens: usize, stream: &str) -> Vec<u8> {
    let question = "Name the largest number of the following list and say why it is the largest. ".repeat(4);
    let body = format!(
        r#"{{"model":"bench","messages":[{{"role":"system","content":"You are helpful."}},{{"role":"user","content":"{question}"}}],"temperature":0,"max_tokens":{tokens}{stream}}}"#
    );
    post("/v1/chat/completions", extra_headers, &body)
}

/// Any POST of JSON.
pub(crate) fn post(path: &str, extra_headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-bench\r\ncontent-type: application/json\r\naccept: */*\r\nuser-agent: bench/1\r\n{extra_headers}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A request for a stream of so many tokens.
pub(crate) fn stream_request(tokens: usize, gap: Duration) -> Vec<u8> {
    asking(&format!("{}: {}\r\n", engine::GAP_US, gap.as_micros()), tokens, r#","stream":true"#)
}

/// The same, of numbered tokens.
pub(crate) fn numbered_request(tokens: usize, gap: Duration) -> Vec<u8> {
    let headers = format!("{}: {}\r\n{}: 1\r\n", engine::GAP_US, gap.as_micros(), engine::NUMBERED);
    asking(&headers, tokens, r#","stream":true"#)
}

/// A GET whose answer has a length.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> anyhow::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    Line::open(addr).await?.whole(request.as_bytes()).await
}
