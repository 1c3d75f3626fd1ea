//! Vectors of questions from a server, over `/v1/embeddings`: within 30 ms, or the question is asked without the tier.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use serde_json::json;

use super::CacheError;
use super::breaker::Patience;
use crate::embedding::Embedding;
use crate::telemetry::Clock;

/// The longest that a request waits for its vector.
const EMBED_MAX: Duration = Duration::from_millis(30);

/// Bytes of an answer: a vector of 50,000 numbers, several times what any model gives. A longer one is not read.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// The server.
#[derive(Debug)]
pub(super) struct Remote {
    http: Client,
    url: String,
    model: String,
    patience: Patience,
    /// Numbers of the first vector: a server that gives others is another embedder by now.
    width: OnceLock<usize>,
}

#[derive(Deserialize)]
struct Reply {
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    embedding: Vec<f32>,
}

impl Remote {
    /// Nothing is connected yet.
    pub(super) fn open(url: &str, model: &str, clock: Arc<dyn Clock>) -> Result<Self, CacheError> {
        // An error means that a provider stands already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().tcp_nodelay(true).build().map_err(failed)?;
        let url = format!("{}/v1/embeddings", url.trim_end_matches('/'));
        let (patience, width) = (Patience::new(clock, EMBED_MAX), OnceLock::new());
        Ok(Self { http, url, model: model.to_owned(), patience, width })
    }

    /// Its address and the model's name: what stands behind them cannot be seen. And how vectors are brought to length, which
    /// was otherwise once.
    pub(super) fn id(&self) -> String {
        format!("remote:{}:{}:signs", self.url, self.model)
    }

    /// The vector of `text`; `None` when the server is slow, down, or gives something else than one sound vector.
    pub(super) async fn embed(&self, text: &str, dimensions: usize) -> Option<Embedding> {
        let values = self.patience.wait(self.ask(text)).await.ok()?;
        let embedding = Embedding::of_values(&values, dimensions)?;
        let is_known = *self.width.get_or_init(|| values.len()) == values.len();
        is_known.then_some(embedding)
    }

    async fn ask(&self, text: &str) -> Result<Vec<f32>, CacheError> {
        let body = json!({"model": self.model, "input": text});
        let sent = self.http.post(&self.url).json(&body).send().await;
        let mut response = sent.and_then(reqwest::Response::error_for_status).map_err(failed)?;
        let mut read = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if read.len() + chunk.len() > REPLY_BYTES_MAX {
                return Err(failed("its answer is too long"));
            }
            read.extend_from_slice(&chunk);
        }
        let reply: Reply = serde_json::from_slice(&read).map_err(failed)?;
        Ok(reply.data.into_iter().next().map(|row| row.embedding).unwrap_or_default())
    }
}

fn failed(error: impl std::fmt::Display) -> CacheError {
    CacheError::Embedder(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::SystemClock;
    use crate::upstream::testing::{Engine, Step, whole};

    fn answer(embedding: &str) -> Vec<Step> {
        let body = format!("{{\"data\":[{{\"embedding\":{embedding}}}]}}");
        vec![Step::Send(whole("200 OK", "application/json", &body))]
    }

    /// A server that answers to each text what the script says.
    async fn remote(script: fn(&str) -> Vec<Step>) -> (Engine, Remote) {
        let engine = Engine::start(move |seen| script(&seen.text())).await;
        let url = engine.endpoint().to_string();
        (engine, Remote::open(&url, "small", Arc::new(SystemClock::start())).unwrap())
    }

    /// The vector, asked for until a busy machine is quick enough.
    async fn sound(remote: &Remote, text: &str) -> Embedding {
        loop {
            if let Some(embedding) = remote.embed(text, 4).await {
                return embedding;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    #[tokio::test]
    async fn a_sound_vector_is_brought_to_length_and_no_other_is_taken() {
        let (_engine, remote) = remote(|text| {
            let vector = if text.contains("wide") { "[1.0,2.0,3.0]" } else { "[3.0,4.0]" };
            answer(if text.contains("none") {
                "[]"
            } else if text.contains("zero") {
                "[0.0,0.0]"
            } else {
                vector
            })
        })
        .await;
        assert_eq!(remote.embed("none", 4).await, None, "and it says nothing of the next one");
        assert_eq!(sound(&remote, "a").await.values(), [0.6, 0.8, 0.0, 0.0]);
        for text in ["wide", "zero"] {
            assert_eq!(remote.embed(text, 4).await, None, "{text}");
        }
        assert!(remote.id().ends_with("/v1/embeddings:small:signs"), "{}", remote.id());
    }

    #[tokio::test]
    async fn an_oversized_embedding_or_one_with_a_number_that_is_none_is_not_taken() {
        let (_engine, remote) = remote(|text| {
            let long = format!("[{}1.0]", "1.0,".repeat(REPLY_BYTES_MAX / 4));
            let broken = [("long", &*long), ("NaN", "[NaN,1.0]"), ("null", "[null,1.0]")];
            let infinite = [("large", "[1e39,1.0]"), ("huge", "[1e999,1.0]")];
            let asked = broken.into_iter().chain(infinite).find(|(name, _)| text.contains(name));
            answer(asked.map_or("[3.0,4.0]", |(_, vector)| vector))
        })
        .await;
        for text in ["long", "NaN", "null", "large", "huge"] {
            // A sound one in between, so that the breaker stays shut.
            sound(&remote, "a").await;
            assert_eq!(remote.embed(text, 4).await, None, "{text}");
        }
    }

    #[tokio::test]
    async fn a_server_that_hangs_or_talks_nonsense_is_left_out_in_time() {
        let (_engine, remote) =
            remote(|text| if text.contains("hang") { vec![Step::Hang] } else { answer("\"none\"") }).await;
        for text in ["hang", "nonsense", "hang", "hang", "hang"] {
            let begun = tokio::time::Instant::now();
            assert_eq!(remote.embed(text, 4).await, None);
            assert!(begun.elapsed() < Duration::from_secs(2), "{text}: {:?}", begun.elapsed());
        }
        let kept = remote.patience.wait(async { Ok(()) }).await;
        assert!(kept.unwrap_err().to_string().contains("did not answer before"));
    }
}
