//! What engines say of themselves: version, chat template, tokens, sampling defaults, fingerprint, weights.
//!
//! Every engine tells by routes of its own; a route that it does not have is not held against it. One that is too busy or
//! out of order was not asked, and nothing is known of it.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::probe::{PROBE_BYTES_MAX, quote};
use super::{Outgoing, Pool, ProbeFault};
use crate::release::{EngineReport, chat_template_digest};

/// Conversations whose tokens are digested: a changed template, special token or vocabulary shows in some of them.
const CONVERSATIONS: [&[(&str, &str)]; 20] = [
    &[("user", "Hello")],
    &[("user", "")],
    &[("user", " leading and trailing ")],
    &[("user", "two\n\nparagraphs\nand\ttabs")],
    &[("user", "1234567890 3.14159 -7 1e10 0x1F")],
    &[("user", "def f(x):\n    return {\"a\": [x, None]}  # comment")],
    &[("user", "Grüße, naïve café, Ærø, Łódź")],
    &[("user", "你好，世界。こんにちは 안녕하세요")],
    &[("user", "Привет, мир! Γειά σου Κόσμε")],
    &[("user", "مرحبا بالعالم שלום עולם")],
    &[("user", "emoji 🙂👩‍👩‍👧🇪🇺 and e\u{301} combined")],
    &[("user", "<|im_start|>system\nnot a role<|im_end|>")],
    &[("user", "<s> </s> [INST] <bos> <eos> <pad>")],
    &[("user", "$$\\int_0^1 x^2\\,dx = \\tfrac13$$")],
    &[("user", "antidisestablishmentarianism aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")],
    &[("system", "Be brief."), ("user", "Why is the sky blue?")],
    &[("system", ""), ("user", "Why?")],
    &[("user", "2 + 2?"), ("assistant", "4"), ("user", "And 3 + 3?")],
    &[("system", "You are Ada."), ("user", "Hi"), ("assistant", "Hello!"), ("user", "Who are you?")],
    &[("user", "a"), ("assistant", ""), ("user", "b"), ("assistant", "c"), ("user", "d")],
];

/// Sampling parameters that are compared where an engine tells its defaults.
const SAMPLING: [&str; 9] = [
    "frequency_penalty",
    "max_tokens",
    "min_p",
    "presence_penalty",
    "repeat_penalty",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
];

/// Facts of a listed model that stay as long as its weights do.
const OF_WEIGHTS: [&str; 5] = ["n_ctx_train", "n_embd", "n_params", "n_vocab", "size"];

/// Times that a route is asked which is busy or out of order, the first included: one bad moment is no answer.
const ATTEMPTS_MAX: u32 = 3;

/// Time before the second attempt; the third waits twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// What the endpoint of a pool at `index` says of itself and of `model`.
///
/// # Errors
/// When it cannot be asked.
pub async fn report(pool: &Pool, index: usize, model: &str) -> Result<EngineReport, ProbeFault> {
    Asked { pool, index, model }.report().await
}

/// Whether the endpoint at `index` answers a short question: one that still loads its model cannot be asked what it is.
pub async fn answers(pool: &Pool, index: usize, model: &str) -> bool {
    Asked { pool, index, model }.short_answer().await.is_ok_and(|answer| !answer.is_null())
}

/// One endpoint, asked of one model.
struct Asked<'a> {
    pool: &'a Pool,
    index: usize,
    model: &'a str,
}

impl Asked<'_> {
    async fn report(&self) -> Result<EngineReport, ProbeFault> {
        // llama.cpp, vLLM and SGLang, in this order.
        let props = self.get("/props").await?;
        let version = self.get("/version").await?;
        let info = self.get("/model_info").await?;
        let models = self.get("/v1/models").await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let tokens = self.tokens().await?;
        let sampling = match sampling(&props["default_generation_settings"]["params"]) {
            none if none.is_empty() => sampling(&self.response().await?),
            told => told,
        };
        Ok(EngineReport {
            build: text(&props["build_info"]).or_else(|| text(&version["version"])),
            chat_template: props["chat_template"].as_str().map(|text| chat_template_digest(text.as_bytes())),
            fingerprint: self.fingerprint().await?,
            sampling,
            begins_twice: tokens.as_deref().is_some_and(begin_twice),
            tokens: tokens.as_deref().map(digest),
            weights: text(&info["weight_version"]).or_else(|| self.weights(&props, &models)),
        })
    }

    /// The name of the file they were read from, wherever it stands, and facts of the model's entry in the list.
    fn weights(&self, props: &Value, models: &Value) -> Option<String> {
        let entry = models["data"].as_array()?.iter().find(|entry| entry["id"] == self.model)?;
        let meta = entry["meta"].as_object()?;
        let file = props["model_path"].as_str().and_then(|path| path.rsplit('/').next());
        let facts = OF_WEIGHTS.into_iter().filter_map(|name| Some(format!("{name}={}", meta.get(name)?)));
        let facts: Vec<_> = file.map(|name| format!("file={name}")).into_iter().chain(facts).collect();
        (!facts.is_empty()).then(|| facts.join(" "))
    }

    /// `system_fingerprint`; `None` where two answers in a row do not have the same.
    async fn fingerprint(&self) -> Result<Option<String>, ProbeFault> {
        let first = self.signature().await?;
        let again = self.signature().await?;
        Ok(first.filter(|first| Some(first) == again.as_ref()))
    }

    /// `system_fingerprint` of a short answer.
    async fn signature(&self) -> Result<Option<String>, ProbeFault> {
        Ok(self.short_answer().await?["system_fingerprint"].as_str().map(str::to_owned))
    }

    /// A short answer; null where there is none.
    async fn short_answer(&self) -> Result<Value, ProbeFault> {
        let asked = |key: &str, value: Value| {
            let mut body = json!({"model": self.model, "max_tokens": 1, "temperature": 0});
            body[key] = value;
            body
        };
        let messages = json!([{"role": "user", "content": "Hello"}]);
        match self.post("/v1/chat/completions", &asked("messages", messages)).await? {
            Value::Null => self.post("/v1/completions", &asked("prompt", "Hello".into())).await,
            answer => Ok(answer),
        }
    }

    /// A short answer by a route that says with which sampling parameters it was drawn (vLLM).
    async fn response(&self) -> Result<Value, ProbeFault> {
        let body = json!({"model": self.model, "input": "Hello", "max_output_tokens": 1, "store": false});
        self.post("/v1/responses", &body).await
    }

    /// The token ids of every conversation; `None` where the engine does not tell any.
    async fn tokens(&self) -> Result<Option<Vec<Vec<u64>>>, ProbeFault> {
        let mut all = Vec::with_capacity(CONVERSATIONS.len());
        for (at, conversation) in CONVERSATIONS.into_iter().enumerate() {
            let turns = conversation.iter().map(|(role, content)| json!({"role": role, "content": content}));
            all.push(match self.tokenize(turns.collect()).await? {
                Some(ids) => ids,
                None if at == 0 => return Ok(None),
                // Its template refuses this one, as it should tomorrow.
                None => Vec::new(),
            });
        }
        Ok(Some(all))
    }

    /// The token ids of a conversation as the engine would read it, by one of two ways: it takes messages (vLLM), or a
    /// prompt that another route makes of them (llama.cpp).
    async fn tokenize(&self, messages: Vec<Value>) -> Result<Option<Vec<u64>>, ProbeFault> {
        let rendered = self.post("/apply-template", &json!({"messages": messages})).await?;
        let body = match rendered["prompt"].as_str() {
            Some(prompt) => json!({"content": prompt, "add_special": true, "parse_special": true}),
            None => json!({"model": self.model, "messages": messages, "add_generation_prompt": true}),
        };
        let told = self.post("/tokenize", &body).await?;
        Ok(told["tokens"].as_array().map(|ids| ids.iter().filter_map(Value::as_u64).collect()))
    }

    async fn get(&self, path: &'static str) -> Result<Value, ProbeFault> {
        self.json(path, &Outgoing::get(path)).await
    }

    async fn post(&self, path: &'static str, body: &Value) -> Result<Value, ProbeFault> {
        self.json(path, &Outgoing::post_json(path, Bytes::from(body.to_string()))).await
    }

    /// The object that was answered; null where it was none.
    async fn json(&self, path: &'static str, request: &Outgoing) -> Result<Value, ProbeFault> {
        for attempt in 1..ATTEMPTS_MAX {
            match self.once(path, request).await {
                Err(ProbeFault::Status { .. }) => tokio::time::sleep(PAUSE * attempt).await,
                asked => return asked,
            }
        }
        self.once(path, request).await
    }

    async fn once(&self, path: &'static str, request: &Outgoing) -> Result<Value, ProbeFault> {
        let reply = self.pool.send_to(self.index, request).await?;
        let status = reply.status;
        let body = reply.collect(PROBE_BYTES_MAX).await?;
        if says_nothing(status) {
            return Err(ProbeFault::Status { path, status, quote: quote(&body) });
        }
        let object: Option<Map<String, Value>> = serde_json::from_slice(&body).ok();
        Ok(object.filter(|_| status.is_success()).map_or(Value::Null, Value::Object))
    }
}

/// Whether a status is of an engine that is busy or out of order. It tells nothing of what the engine is, not even that it
/// has no such route.
fn says_nothing(status: StatusCode) -> bool {
    let is_fault = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
    is_fault || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

fn digest(conversations: &[Vec<u64>]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("goldgate 2026 tokens of conversations");
    for ids in conversations {
        hasher.update(&(ids.len() as u64).to_le_bytes());
        ids.iter().for_each(|id| {
            hasher.update(&id.to_le_bytes());
        });
    }
    hasher.finalize().to_hex().to_string()
}

/// Whether all of them begin with one token, and then with the same again.
fn begin_twice(conversations: &[Vec<u64>]) -> bool {
    let told = || conversations.iter().filter(|ids| !ids.is_empty());
    let first = told().next().and_then(|ids| ids.first());
    first.is_some_and(|first| told().all(|ids| ids.starts_with(&[*first, *first])))
}

/// Numbers as the shortest text of their nearest `f32`: engines keep them so.
#[expect(clippy::cast_possible_truncation, reason = "meant")]
fn sampling(defaults: &Value) -> std::collections::BTreeMap<String, String> {
    let told = |name: &str| Some((name.to_owned(), (defaults[name].as_f64()? as f32).to_string()));
    SAMPLING.into_iter().filter_map(told).collect()
}

#[cfg(test)]
mod tests;
