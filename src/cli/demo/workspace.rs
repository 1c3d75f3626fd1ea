//! The demo's files: a project as a team would have it, written from what the program carries.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use serde_json::Value;

use super::Scenario;

/// Everything the demo reads, by its path in the workspace.
const FILES: [(&str, &str); 6] = [
    ("datasets/gsm8k/cases.jsonl", include_str!("../../../datasets/gsm8k/cases.jsonl")),
    (
        "datasets/gsm8k/answers/6b-finetuning.jsonl",
        include_str!("../../../datasets/gsm8k/answers/6b-finetuning.jsonl"),
    ),
    (
        "datasets/gsm8k/answers/175b-finetuning.jsonl",
        include_str!("../../../datasets/gsm8k/answers/175b-finetuning.jsonl"),
    ),
    ("eval-suites/smoke.toml", include_str!("../../../eval-suites/smoke.toml")),
    ("eval-suites/gsm8k.toml", include_str!("../../../eval-suites/gsm8k.toml")),
    ("releases/blue/prompts/answer.j2", include_str!("files/answer.j2")),
];

/// The arrival trace; only its times are used.
const TRACE: &str = include_str!("../../../datasets/azure-conv/trace.csv");

/// Where the two engines listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Engines {
    pub(super) blue: std::net::SocketAddr,
    pub(super) green: std::net::SocketAddr,
}

/// The folder of one demo.
#[derive(Clone, Debug)]
pub(super) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Writes the datasets, suites and release manifests of `scenario` below `root`. A state and evidence
    /// of an earlier run there are removed: one folder holds one run.
    pub(super) fn create(root: &Path, scenario: Scenario) -> anyhow::Result<Self> {
        let workspace = Self { root: root.to_owned() };
        workspace.clear()?;
        for (name, text) in FILES {
            workspace.write(name, text)?;
        }
        workspace.write("releases/green/prompts/answer.j2", scenario.green_template())?;
        workspace.write("releases/blue/release.toml", &manifest("chat-v1", scenario.blue().model_id()))?;
        workspace.write("releases/green/release.toml", &manifest("chat-v2", scenario.green().model_id()))?;
        Ok(workspace)
    }

    /// A path in the workspace.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes one file, and the folders it needs.
    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path(name);
        let folder = path.parent().ok_or_else(|| anyhow!("{} has no folder", path.display()))?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {}: choose another folder with --out", path.display()))
    }

    /// Writes goldgate.toml for engines that listen already.
    pub(super) fn write_config(&self, scenario: Scenario, engines: Engines) -> anyhow::Result<PathBuf> {
        let suites: Vec<_> = scenario.suites().iter().map(|suite| format!("{suite:?}")).collect();
        let text = include_str!("files/goldgate.toml")
            .replace("{{blue}}", &engines.blue.to_string())
            .replace("{{green}}", &engines.green.to_string())
            .replace("{{suites}}", &suites.join(", "));
        self.write("goldgate.toml", &text)?;
        Ok(self.path("goldgate.toml"))
    }

    fn clear(&self) -> anyhow::Result<()> {
        for name in ["goldgate.db", "goldgate.db-wal", "goldgate.db-shm"] {
            remove(fs::remove_file(self.path(name)), &self.path(name))?;
        }
        remove(fs::remove_dir_all(self.path("evidence")), &self.path("evidence"))
    }
}

fn remove(result: std::io::Result<()>, path: &Path) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {} of an earlier run", path.display()))
        }
        _ => Ok(()),
    }
}

fn manifest(name: &str, model: &str) -> String {
    include_str!("files/release.toml").replace("{{name}}", name).replace("{{model}}", model)
}

/// The questions of the golden cases, in their order.
pub(super) fn questions() -> anyhow::Result<Vec<String>> {
    FILES[0]
        .1
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line)?;
            let question =
                row["prompt"].as_str().ok_or_else(|| anyhow!("a case without a prompt: {line}"))?;
            Ok(question.to_owned())
        })
        .collect()
}

/// The trace's arrival times since its first, stretched or compressed to `requests_per_s` on average.
pub(super) fn arrivals(requests_per_s: f64) -> anyhow::Result<Vec<Duration>> {
    let mut rows = csv::Reader::from_reader(TRACE.as_bytes());
    let times: Vec<f64> =
        rows.records().map(|row| seconds(row?.get(0).unwrap_or_default())).collect::<anyhow::Result<_>>()?;
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return Err(anyhow!("the arrival trace is empty"));
    };
    #[expect(clippy::cast_precision_loss, reason = "a few thousand rows")]
    let stretch = times.len() as f64 / requests_per_s / (last - first);
    Ok(times.iter().map(|time| Duration::from_secs_f64((time - first) * stretch)).collect())
}

/// Seconds of the day of a `2023-11-16 18:40:00.1234567`; the trace does not cross midnight.
fn seconds(timestamp: &str) -> anyhow::Result<f64> {
    let clock = timestamp.split_once(' ').map(|(_, clock)| clock).unwrap_or_default();
    let parts: Vec<f64> = clock.split(':').map_while(|part| part.parse().ok()).collect();
    match parts[..] {
        [hours, minutes, seconds] => Ok(hours * 3_600.0 + minutes * 60.0 + seconds),
        _ => Err(anyhow!("{timestamp:?} in the arrival trace is not a timestamp")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_keep_their_shape_and_take_the_rate_asked_for() {
        let slow = arrivals(1.0).unwrap();
        let fast = arrivals(100.0).unwrap();
        assert_eq!(slow.len(), 4_419);
        assert!((fast[4_418].as_secs_f64() - 44.19).abs() < 1e-6);
        for (slow, fast) in slow.iter().zip(&fast) {
            assert!((slow.as_secs_f64() - 100.0 * fast.as_secs_f64()).abs() < 1e-5);
        }
        assert!(slow.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn every_golden_question_is_asked() {
        assert_eq!(questions().unwrap().len(), 1_319);
    }
}
