//! `llama-server` as a child process.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::rig::{Ask, Clients, Process, until};

/// Streams that are tried before a search ends.
const TRIES: u64 = 40;

/// Where the program and its models are.
pub(crate) struct Installed {
    server: PathBuf,
    models: PathBuf,
}

/// One server with one model, ready.
pub(crate) struct Llama {
    pub(super) process: Process,
    pub(crate) url: String,
}

/// Says something that is seen though the test passes: the harness shows only what is printed by macros of a failed one.
pub(super) fn tell(text: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

impl Installed {
    /// The real server, or `None` and a word about it.
    pub(crate) fn find() -> Option<Self> {
        let Some(server) = std::env::var_os("LLAMA_SERVER") else {
            tell("skipped: LLAMA_SERVER is not set");
            return None;
        };
        let models = std::env::var_os("LLAMA_MODELS").expect("LLAMA_MODELS beside LLAMA_SERVER");
        Some(Self { server: server.into(), models: models.into() })
    }

    /// Starts a server for `model` and waits until it is ready.
    pub(crate) async fn start(&self, model: &str, more: &[&str]) -> Llama {
        self.start_at(free_port().await, model, more).await
    }

    /// The same at a port that was another server's.
    pub(super) async fn start_at(&self, port: u16, model: &str, more: &[&str]) -> Llama {
        let file = self.models.join(format!("{model}.gguf"));
        let port = port.to_string();
        let file = file.to_str().expect("a path that is a text");
        let args = ["-m", file, "--host", "127.0.0.1", "--port", &port, "--alias", model, "-t", "1"];
        let process = Process::program(&self.server, &[&args[..], more].concat());
        let url = format!("http://127.0.0.1:{port}");
        let clients = Clients::of(&url);
        until(&format!("llama-server with {model}"), async || clients.finds("/health").await.then_some(()))
            .await;
        Llama { process, url }
    }
}

impl Llama {
    /// Looks for a seed with which a stream sampled like this ends without its terminator. `None` when none of
    /// [`TRIES`] does.
    pub(super) async fn broken_by(&self, sampling: &Value) -> Option<Value> {
        for seed in 1..=TRIES {
            // The server closes the connection of a stream that it broke, and does not say so before.
            let clients = Clients::of(&self.url);
            let mut fields = sampling.clone();
            fields["seed"] = json!(seed);
            let ask = Ask { fields: fields.clone(), ..Ask::streamed("hello") };
            let mut reading = clients.begin(&ask).await.expect("the server answers");
            let end = reading.finish().await;
            if end.is_err() || !reading.body.ends_with(b"data: [DONE]\n\n") {
                return Some(fields);
            }
        }
        None
    }
}

/// A port that nobody has. Somebody may take it before the server does, and then the server says so.
async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address").port()
}
