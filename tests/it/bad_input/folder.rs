//! The good folder that every block starts from.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;

use goldgate::domain::MetricName;
use goldgate::evidence::{Halves, Pair, Record};
use goldgate::store::{EvidencePlace, EvidenceWriter};

use super::Addresses;
use crate::rig::Workspace;

/// Pairs of the evidence: enough to pass on.
const PAIRS: u64 = 1_000;

/// Cases that are asked.
const CASES: usize = 40;

/// `goldgate.toml`, `suite.toml` with `cases.jsonl`, `answers.jsonl` to all of them, two releases, and evidence that
/// passes: `evidence/` in Parquet, `pairs.jsonl` as lines.
pub(super) struct Folder {
    pub(super) workspace: Workspace,
}

impl Folder {
    pub(super) fn good(addresses: &Addresses) -> Self {
        let engine = addresses.fill("{good}");
        let workspace = Workspace::rollout(&engine, &engine);
        for slot in ["blue", "green"] {
            workspace.release(slot, "mock");
        }
        let lines = |line: &dyn Fn(usize) -> String| (1..=CASES).map(line).collect::<String>();
        workspace.write(
            "cases.jsonl",
            &lines(&|n| format!("{{\"id\": \"c{n}\", \"prompt\": \"What is {n}?\"}}\n")),
        );
        workspace.write(
            "answers.jsonl",
            &lines(&|n| format!("{{\"id\": \"c{n}\", \"output\": \"It is {n}.\"}}\n")),
        );
        let pair = |n| {
            format!(
                "{{\"seq\": {n}, \"id\": \"r{n}\", \"metrics\": {{\"error\": {{\"blue\": 0, \"green\": 0}}}}}}\n"
            )
        };
        workspace.write("pairs.jsonl", &(1..=PAIRS).map(pair).collect::<String>());
        let folder = Self { workspace };
        folder.write_evidence();
        folder
    }

    fn write_evidence(&self) {
        let place = EvidencePlace { rollout: "r1".into(), resets: 0, ordinal: 2, name: "mirror" };
        let mut writer = EvidenceWriter::new(self.workspace.path("evidence"), place);
        let none = Halves { baseline: Some(0.0), candidate: Some(0.0) };
        for seq in 1..=PAIRS {
            let metrics = ["error", "broken"].map(|name| (MetricName::from(name), none)).to_vec();
            writer.push(Record::Pair(Pair { seq, id: format!("r{seq}"), metrics }));
        }
        writer.flush().expect("evidence");
    }

    /// Keeps the first `bytes` of a file, which must have more. A name that ends in `-*` is the one that begins so.
    pub(super) fn cut(&self, name: &str, bytes: u64) {
        let path = self.workspace.path(name);
        let path = name.strip_suffix('*').map_or(path, |beginning| self.named(beginning));
        assert!(fs::metadata(&path).expect(name).len() > bytes, "{name} is not longer than {bytes}");
        OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(bytes)).expect(name);
    }

    fn named(&self, beginning: &str) -> PathBuf {
        let beginning = self.workspace.path(beginning);
        let files = fs::read_dir(beginning.parent().expect("a folder")).expect("a folder").flatten();
        let begins = |path: &PathBuf| path.to_string_lossy().starts_with(&*beginning.to_string_lossy());
        files.map(|file| file.path()).find(begins).expect("a file of that name")
    }
}
