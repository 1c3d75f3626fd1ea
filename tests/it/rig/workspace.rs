//! A folder of one test, as a team would have it: configuration, releases, suite, dataset.

use std::fs;
use std::path::{Path, PathBuf};

use goldgate::release::Lock;
use tempfile::TempDir;

use super::{BLUE, GREEN};

/// A rollout that is over in seconds: short windows, a mirror of everything, generous margins.
const CONFIG: &str = include_str!("goldgate.toml");

const RELEASE: &str = r#"name = "{{name}}"

[model]
id = "{{model}}"

[sampling]
temperature = 0.0

[engine]
kind = "mock"
"#;

const SUITE: &str = r#"name = "smoke"
dataset = "cases.jsonl"

[request]
max_tokens = 64
temperature = 0.0

[[metric]]
grader = "non_empty@1"
margin = 0.6
required = true
"#;

/// Golden cases of the suite.
const CASES: usize = 12;

/// The folder; it goes when the test ends.
pub(crate) struct Workspace(TempDir);

impl Workspace {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// Everything a rollout from [`BLUE`] at `blue` to [`GREEN`] at `green` needs.
    pub(crate) fn rollout(blue: &str, green: &str) -> Self {
        let workspace = Self::empty();
        workspace.write("goldgate.toml", &CONFIG.replace("{{blue}}", blue).replace("{{green}}", green));
        workspace.release("blue", BLUE);
        workspace.release("green", GREEN);
        workspace.write("suite.toml", SUITE);
        let case = |number| {
            format!("{{\"id\": \"case-{number}\", \"prompt\": \"What is {number} and {number}?\"}}\n")
        };
        workspace.write("cases.jsonl", &(1..=CASES).map(case).collect::<String>());
        workspace
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file and the folders it needs.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Puts `to` in the place of `from`, which must be there.
    pub(crate) fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).expect(name);
        assert!(text.contains(from), "{name} holds no {from:?}:\n{text}");
        self.write(name, &text.replace(from, to));
    }

    /// Writes and locks the release of a slot.
    pub(crate) fn release(&self, slot: &str, model: &str) {
        let manifest = RELEASE.replace("{{name}}", slot).replace("{{model}}", model);
        self.write(&format!("releases/{slot}/release.toml"), &manifest);
        self.lock(slot);
    }

    /// Locks a slot's release as its manifest stands.
    pub(crate) fn lock(&self, slot: &str) {
        let lock = Lock::resolve(&self.path(&format!("releases/{slot}/release.toml"))).expect("a release");
        self.write(&format!("releases/{slot}/release.lock.json"), &lock.to_json());
    }

    /// What `x-goldgate-release` says of a slot.
    pub(crate) fn short_id(&self, slot: &str) -> String {
        let lock = Lock::load(&self.path(&format!("releases/{slot}/release.lock.json"))).expect("a lock");
        lock.sem().as_str()[.."sem:".len() + 12].to_owned()
    }
}
