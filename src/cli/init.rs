//! `goldgate init`: a folder to begin with, or the gate as a GitHub workflow.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{Context, Exit, Failure};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to write; the folder is made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Writes a GitHub workflow instead, and the composite action that it uses
    #[arg(long)]
    github: bool,
}

/// Every file by its path, and what is in it.
fn files() -> Vec<(&'static str, String)> {
    const RELEASE: &str = include_str!("init/release.toml");
    vec![
        ("goldgate.toml", include_str!("init/goldgate.toml").to_owned()),
        ("releases/v1/release.toml", RELEASE.replace("{{version}}", "v1")),
        ("releases/v2/release.toml", RELEASE.replace("{{version}}", "v2")),
        ("eval-suites/smoke.toml", include_str!("init/smoke.toml").to_owned()),
        ("eval-suites/smoke.jsonl", include_str!("init/smoke.jsonl").to_owned()),
    ]
}

/// The workflow, and the action that does its work.
fn github() -> Vec<(&'static str, String)> {
    vec![
        (".github/workflows/goldgate.yml", include_str!("init/workflow.yml").to_owned()),
        (".github/actions/goldgate/action.yml", include_str!("init/action.yml").to_owned()),
    ]
}

const NEXT_ON_GITHUB: &str = "\
next  put the goldgate binary on the PATH of the runner, in .github/workflows/goldgate.yml
      set the variables GOLDGATE_BASELINE and GOLDGATE_CANDIDATE of the repository: URLs, or file:ANSWERS
      where the engines want a key, set the secret GOLDGATE_ENGINE_KEY
";

const NEXT: &str = "\
next  name your models in releases/v1/release.toml and releases/v2/release.toml
      goldgate release lock releases/v1/release.toml
      goldgate release lock releases/v2/release.toml
      goldgate gate --suite eval-suites/smoke.toml      # both engines, before any traffic
      goldgate serve                                    # clients to port 8080, dashboard on 8081
      goldgate rollout start
";

/// Runs the command.
///
/// # Errors
/// A file that is there already, or cannot be written: exit 2, and nothing is written over.
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (files, next) = if args.github { (github(), NEXT_ON_GITHUB) } else { (files(), NEXT) };
    let files: Vec<_> = files.into_iter().map(|(name, text)| (args.dir.join(name), text)).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        let hint = "give another folder, or move it away";
        return Err(Failure::usage(anyhow!("{}: is there already\n  hint: {hint}", path.display())));
    }
    for (path, text) in &files {
        write(path, text)
            .map_err(|error| Failure::usage(anyhow!("{}: cannot be written: {error}", path.display())))?;
        context.output.note(format_args!("wrote {}", path.display()));
    }
    context.output.text(next.to_owned())?;
    Ok(Exit::Success)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cli;
    use crate::config::Config;
    use crate::document::Node;
    use crate::evals::Suite;
    use crate::release::Lock;

    #[tokio::test]
    async fn what_is_written_can_be_locked_and_read_and_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let typed = || ["goldgate".into(), "init".into(), folder.path().as_os_str().to_owned()];
        let run = || cli::run(typed().to_vec() as Vec<OsString>);
        assert_eq!(run().await.unwrap(), Exit::Success);
        for version in ["v1", "v2"] {
            let manifest = folder.path().join("releases").join(version).join("release.toml");
            let lock = Lock::resolve(&manifest).unwrap();
            fs::write(manifest.with_file_name("release.lock.json"), lock.to_json()).unwrap();
        }
        let config = Config::load(&folder.path().join("goldgate.toml"), []).unwrap();
        assert!(config.green.is_some());
        assert_eq!(Suite::read_all(&config.rollout.gate).unwrap()[0].cases.len(), 10);
        let again = run().await.unwrap_err().to_string();
        assert!(again.contains("is there already"), "{again}");
    }

    /// Every line that calls goldgate is one that goldgate understands, and the workflow finds its action.
    #[tokio::test]
    async fn a_github_workflow_uses_the_action_beside_it_and_both_are_ours_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let typed =
            ["goldgate".into(), "init".into(), folder.path().as_os_str().to_owned(), "--github".into()];
        assert_eq!(cli::run(typed.to_vec() as Vec<OsString>).await.unwrap(), Exit::Success);
        let read = |name: &str| {
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            (Node::parse(name, &text).unwrap().json(), text)
        };
        let (workflow, _) = read(".github/workflows/goldgate.yml");
        let step = &workflow["jobs"]["gate"]["steps"][1];
        assert_eq!(step["uses"], "./.github/actions/goldgate");
        let (action, text) = read(".github/actions/goldgate/action.yml");
        assert_eq!(action["runs"]["using"], "composite");
        let known: Vec<&String> = action["inputs"].as_object().unwrap().keys().collect();
        assert!(step["with"].as_object().unwrap().keys().all(|given| known.contains(&given)), "{step}");
        let lines = text.lines().filter_map(|line| {
            line.split_once("goldgate ")
                .filter(|(before, _)| before.trim().is_empty() || before.ends_with("run: "))
        });
        let calls: Vec<String> =
            lines.map(|(_, call)| call.split(" > ").next().unwrap().replace('"', "")).collect();
        assert_eq!(calls.len(), 3, "{calls:?}");
        for call in calls {
            cli::command::parses(&call).unwrap_or_else(|error| panic!("{call}: {error}"));
        }
        assert!(!folder.path().join("goldgate.toml").exists());
    }
}
