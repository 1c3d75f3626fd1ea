//! Locks from what was typed to the file, and what is said of two of them.

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::cli::{ColorChoice, GlobalArgs};
use crate::upstream::testing::{Engine, Seen, Step, whole};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

const MANIFEST: &str =
    "name = \"chat-v2\"\n[model]\nid = \"llama\"\n[sampling]\ntemperature = 0.0\n[engine]\nkind = \"vllm\"\n";

async fn release(words: &[&str]) -> Result<Exit, Failure> {
    let (config, log) = ("goldgate.toml".into(), String::new());
    let global = GlobalArgs { config, color: ColorChoice::Never, format: Format::Text, log };
    let args = Line::try_parse_from([&["release"], words].concat()).unwrap().args;
    run(args, &Context::new(global)).await
}

struct Folder(TempDir);

impl Folder {
    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn manifest(&self, text: &str) -> String {
        let path = self.path("release.toml");
        std::fs::write(&path, text).unwrap();
        path
    }
}

#[tokio::test]
async fn a_lock_is_written_beside_its_manifest_and_can_be_shown_and_compared() {
    let folder = Folder(TempDir::new().unwrap());
    let manifest = folder.manifest(MANIFEST);
    assert_eq!(release(&["lock", &manifest]).await.unwrap(), Exit::Success);
    let lock = folder.path("release.lock.json");
    folder.manifest(&MANIFEST.replace("0.0", "0.7"));
    let warmer = folder.path("warmer.json");
    release(&["lock", &manifest, "--out", &warmer]).await.unwrap();
    assert_eq!(release(&["show", &lock]).await.unwrap(), Exit::Success);
    assert_eq!(release(&["diff", &lock, &warmer]).await.unwrap(), Exit::Success);

    let (lock, warmer) = (Lock::load(lock.as_ref()).unwrap(), Lock::load(warmer.as_ref()).unwrap());
    assert_eq!(lock.changed(&warmer), ["sampling"]);
    let shown = text(&lock);
    for part in lock.ids().into_iter().chain(["chat-v2", "llama", "temperature = 0.0"]) {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let document = described(&lock);
    assert_eq!(
        (&document["name"], &document["ids"]["rel"]),
        (&json!("chat-v2"), &json!(lock.rel().as_str()))
    );
}

#[tokio::test]
async fn what_cannot_be_locked_or_was_edited_is_told_as_usage() {
    let folder = Folder(TempDir::new().unwrap());
    let check = async |words: &[&str], said: &str| {
        let failure = release(words).await.expect_err(said);
        assert_eq!(failure.exit(), Exit::Usage, "{failure}");
        assert!(failure.to_string().contains(said), "{failure}");
    };
    check(&["lock", &folder.path("none.toml")], "none.toml").await;
    let manifest = folder.manifest(&MANIFEST.replace("[sampling]", "[samplign]"));
    check(&["lock", &manifest], "samplign").await;
    let manifest = folder.manifest(MANIFEST);
    check(&["lock", &manifest, "--out", &folder.path("no/where.json")], "cannot be written").await;
    release(&["lock", &manifest]).await.unwrap();
    let lock = folder.path("release.lock.json");
    let edited = std::fs::read_to_string(&lock).unwrap().replace("llama", "lama");
    std::fs::write(&lock, edited).unwrap();
    check(&["show", &lock], "it was edited").await;
    check(&["diff", &lock, &lock], "it was edited").await;
}

/// A scripted engine, as it tells of itself in the way of llama.cpp.
#[derive(Clone, Copy, Debug)]
struct Served {
    template: &'static str,
    /// What its tokenizer makes of the first letter of the alphabet.
    first_id: u64,
    temperature: f64,
    fingerprint: &'static str,
    /// Of `/tokenize`.
    status: &'static str,
}

const SERVED: Served =
    Served { template: "{{ m }}", first_id: 1, temperature: 0.8, fingerprint: "fp-1", status: "200 OK" };

impl Served {
    fn told(&self, path: &str, seen: &Seen) -> Option<Value> {
        match path {
            "/props" => Some(json!({"chat_template": self.template, "build_info": "b1",
                "default_generation_settings": {"params": {"temperature": self.temperature}}})),
            "/apply-template" => Some(json!({"prompt": format!("{}{}", self.template, seen.text())})),
            "/tokenize" => {
                let text = seen.text();
                Some(
                    json!({"tokens": text.bytes().map(|byte| self.first_id + u64::from(byte)).collect::<Vec<_>>()}),
                )
            }
            "/v1/chat/completions" => Some(json!({"system_fingerprint": self.fingerprint})),
            _ => None,
        }
    }

    async fn start(self) -> Engine {
        Engine::start(move |seen| {
            let path = seen.head.split(' ').nth(1).unwrap_or_default();
            let status = if path == "/tokenize" { self.status } else { "200 OK" };
            let answer = match self.told(path, seen) {
                Some(body) => whole(status, "application/json", &body.to_string()),
                None => whole("404 Not Found", "application/json", "{}"),
            };
            vec![Step::Send(answer)]
        })
        .await
    }
}

fn url(engine: &Engine) -> String {
    format!("http://{}", engine.endpoint().authority())
}

/// Locks what one engine is, and asks another one.
async fn verified(now: Served) -> Result<(Exit, Vec<String>), Failure> {
    let folder = Folder(TempDir::new().unwrap());
    let (then, now) = (SERVED.start().await, now.start().await);
    let lock = folder.path("release.lock.json");
    release(&["lock", &folder.manifest(MANIFEST), "--engine", &url(&then)]).await?;
    let exit = release(&["verify", &lock, "--engine", &url(&now)]).await?;
    let told = verify::report(&url(&now), "llama").await?;
    let found = Lock::load(lock.as_ref()).unwrap().differences(&told);
    Ok((exit, found.into_iter().map(|difference| difference.what).collect()))
}

async fn check_verify(now: Served, exit: Exit, what: &[&str]) {
    let (code, found) = verified(now).await.unwrap();
    assert_eq!((code, found), (exit, what.iter().map(ToString::to_string).collect()), "{now:?}");
}

#[tokio::test]
async fn verify_passes_a_server_that_is_what_was_locked() {
    check_verify(SERVED, Exit::Success, &[]).await;
}

#[tokio::test]
async fn verify_fails_on_a_server_with_another_template() {
    let now = Served { template: "[{{ m }}]", ..SERVED };
    check_verify(now, Exit::Regression, &["chat template", "tokens of fixed conversations"]).await;
}

#[tokio::test]
async fn verify_fails_on_a_server_with_another_tokenizer() {
    check_verify(Served { first_id: 2, ..SERVED }, Exit::Regression, &["tokens of fixed conversations"])
        .await;
}

#[tokio::test]
async fn verify_fails_on_a_server_with_another_sampling_default() {
    check_verify(Served { temperature: 0.3, ..SERVED }, Exit::Regression, &["sampling default temperature"])
        .await;
}

#[tokio::test]
async fn verify_fails_on_a_server_with_another_fingerprint() {
    check_verify(Served { fingerprint: "fp-2", ..SERVED }, Exit::Regression, &["fingerprint"]).await;
}

#[tokio::test]
async fn a_server_that_is_busy_is_neither_locked_nor_verified() {
    let busy = Served { status: "503 Service Unavailable", ..SERVED };
    let failure = verified(busy).await.expect_err("it was not asked");
    assert_eq!(failure.exit(), Exit::Invalid, "{failure}");
    assert!(failure.to_string().contains("/tokenize answered 503"), "{failure}");
    let folder = Folder(TempDir::new().unwrap());
    let engine = busy.start().await;
    let locked = release(&["lock", &folder.manifest(MANIFEST), "--engine", &url(&engine)]).await;
    assert_eq!(locked.expect_err("nothing is known of it").exit(), Exit::Invalid);
    assert!(!std::path::Path::new(&folder.path("release.lock.json")).exists());
}
