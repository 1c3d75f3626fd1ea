//! An engine that says one recorded thing: the stream that a real server broke.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The body of the recorded stream, as it came.
pub(super) const TRANSCRIPT: &str = include_str!("../../data/sse/llama-server-truncated-by-bad-utf8.sse");

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";

/// The engine. Dropping it closes its port.
pub(super) struct Replay {
    pub(super) url: String,
    _accepting: JoinSet<()>,
}

impl Replay {
    /// Serves `model`.
    pub(super) async fn start(model: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let models =
            format!("{{\"object\": \"list\", \"data\": [{{\"id\": \"{model}\", \"object\": \"model\"}}]}}");
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let models = models.clone();
                connections.spawn(async move { answer(stream, &models).await });
            }
        });
        Self { url, _accepting: accepting }
    }
}

/// One request, one answer. A client that left needs none.
async fn answer(mut stream: TcpStream, models: &str) -> Option<()> {
    let head = request(&mut stream).await?;
    if head.starts_with("GET ") {
        let length = models.len();
        let whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{models}"
        );
        return stream.write_all(whole.as_bytes()).await.ok();
    }
    stream.write_all(STREAM.as_bytes()).await.ok()?;
    // Event by event, as the server sent them, and then the end of a body that is whole to HTTP.
    for event in TRANSCRIPT.split_inclusive("\n\n") {
        stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
    }
    stream.write_all(b"0\r\n\r\n").await.ok()
}

/// Reads a whole request and gives its head.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().filter_map(|line| line.split_once(':'));
            let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length = length.filter_map(|(_, value)| value.trim().parse().ok()).next().unwrap_or(0);
            if body.len() >= length {
                return Some(head.to_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
