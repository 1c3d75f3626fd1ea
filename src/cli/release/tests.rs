//! Locks from what was typed to the file, and what is said of two of them.

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::cli::{ColorChoice, GlobalArgs};

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
