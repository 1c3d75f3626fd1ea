//! Clients of the data port, which read what they got to its last byte.

use serde_json::{Value, json};

use super::admin::http;
use super::deadline::DEADLINE;

/// Whoever asks.
#[derive(Clone)]
pub(crate) struct Clients {
    url: String,
    http: reqwest::Client,
}

/// One question.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) question: String,
    pub(crate) stream: bool,
    pub(crate) user: String,
    /// Further fields of the body.
    pub(crate) fields: Value,
}

/// What came back, whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) arm: String,
    pub(crate) release: String,
    pub(crate) cache: String,
    /// The text in it.
    pub(crate) content: String,
}

/// A response whose head has come, and its body to read.
pub(crate) struct Reading {
    response: reqwest::Response,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(question: &str) -> Self {
        Self { question: question.to_owned(), stream: false, user: "user".to_owned(), fields: json!({}) }
    }

    pub(crate) fn streamed(question: &str) -> Self {
        Self { stream: true, ..Self::new(question) }
    }

    fn body(&self) -> Value {
        let messages = json!([{"role": "user", "content": self.question}]);
        let mut body =
            json!({"model": "chat", "messages": messages, "stream": self.stream, "user": self.user});
        for (key, value) in self.fields.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        body
    }
}

impl Clients {
    pub(crate) fn of(url: &str) -> Self {
        Self { url: url.to_owned(), http: http() }
    }

    /// Where the port is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether the port is open. Nothing is asked.
    pub(crate) async fn can_connect(&self) -> bool {
        let address = self.url.trim_start_matches("http://");
        tokio::net::TcpStream::connect(address).await.is_ok()
    }

    /// Whether something is at `path` and well.
    pub(crate) async fn finds(&self, path: &str) -> bool {
        let found = self.http.get(format!("{}{path}", self.url)).send().await;
        found.is_ok_and(|response| response.status().is_success())
    }

    /// Asks, and gives the answer as soon as its head is there.
    pub(crate) async fn begin(&self, ask: &Ask) -> Result<Reading, String> {
        let request = self.http.post(format!("{}/v1/chat/completions", self.url)).json(&ask.body());
        let response = request.timeout(DEADLINE).send().await.map_err(|error| format!("{error:?}"))?;
        Ok(Reading { response, body: Vec::new() })
    }

    /// Asks and reads to the end. What is not a whole, complete answer is an error.
    pub(crate) async fn ask(&self, ask: &Ask) -> Result<Answer, String> {
        let mut reading = self.begin(ask).await?;
        reading.finish().await?;
        reading.answer(ask.stream)
    }
}

impl Reading {
    fn header(&self, name: &str) -> String {
        let value = self.response.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    /// Reads until the body so far holds `text`.
    pub(crate) async fn reads(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.body).contains(text) {
            let chunk = self.response.chunk().await.expect("a piece");
            self.body.extend_from_slice(&chunk.unwrap_or_else(|| panic!("it ended before {text:?}")));
        }
    }

    /// Reads the rest; an end that is not clean is an error.
    pub(crate) async fn finish(&mut self) -> Result<(), String> {
        while let Some(chunk) = self.response.chunk().await.map_err(|error| format!("{error:?}"))? {
            self.body.extend_from_slice(&chunk);
        }
        Ok(())
    }

    /// What was read, as an answer; an error when it is not complete.
    pub(crate) fn answer(&self, stream: bool) -> Result<Answer, String> {
        let text = String::from_utf8(self.body.clone()).map_err(|error| error.to_string())?;
        if !self.response.status().is_success() {
            return Err(format!("{}: {text}", self.response.status()));
        }
        let content = if stream { streamed(&text) } else { whole(&text) };
        Ok(Answer {
            arm: self.header("x-goldgate-arm"),
            release: self.header("x-goldgate-release"),
            cache: self.header("x-goldgate-cache"),
            content: content.ok_or_else(|| format!("not a complete answer: {text}"))?,
        })
    }
}

/// The content of a stream that has a finish and ends with its terminator.
fn streamed(text: &str) -> Option<String> {
    let events: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let (last, chunks) = events.split_last()?;
    let (mut content, mut finished) = (String::new(), false);
    for chunk in chunks {
        let chunk: Value = serde_json::from_str(chunk).ok()?;
        let choice = &chunk["choices"][0];
        content += choice["delta"]["content"].as_str().unwrap_or_default();
        finished |= choice["finish_reason"].is_string();
    }
    (*last == "[DONE]" && finished).then_some(content)
}

/// The content of a JSON answer that has a finish.
fn whole(text: &str) -> Option<String> {
    let body: Value = serde_json::from_str(text).ok()?;
    let choice = &body["choices"][0];
    choice["finish_reason"].as_str()?;
    Some(choice["message"]["content"].as_str()?.to_owned())
}
