//! The files of this repository, as text.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::code::{masked, without_tests};

/// Where Rust code stands.
const CODE: [&str; 3] = ["src", "tests", "benches"];

/// One file.
pub(crate) struct Source {
    /// From the top of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The folder of `src/` it stands in; the file's own name for one directly in `src/`.
    pub(crate) fn folder(&self) -> Option<&str> {
        let first = self.path.strip_prefix("src/")?.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// How many modules deep it is; `src/lib.rs` is 0.
    pub(crate) fn depth(&self) -> usize {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        if inside == "lib" { 0 } else { inside.split('/').count() }
    }
}

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file at its path from the top.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All Rust files, tests and benchmarks too.
pub(crate) fn rust() -> Vec<Source> {
    CODE.iter().flat_map(|folder| below(folder)).filter(|path| path.ends_with(".rs")).map(source).collect()
}

/// All Rust files with comments and literals blanked out.
pub(crate) fn code() -> &'static [Source] {
    static CODE: LazyLock<Vec<Source>> = LazyLock::new(|| {
        rust().into_iter().map(|Source { path, text }| Source { path, text: masked(&text) }).collect()
    });
    &CODE
}

/// The program: the code of `src/` without everything under `#[cfg(test)]`.
pub(crate) fn program() -> &'static [Source] {
    static PROGRAM: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let files = code().iter().filter(|file| file.path.starts_with("src/"));
        let tests: Vec<_> = files.clone().flat_map(test_modules).collect();
        let below = |rest: &str| rest == ".rs" || rest.starts_with('/');
        let in_tests = |path: &str| tests.iter().any(|test| path.strip_prefix(test).is_some_and(below));
        let program = files.filter(|file| !in_tests(&file.path));
        program.map(|file| Source { path: file.path.clone(), text: without_tests(&file.text) }).collect()
    });
    &PROGRAM
}

/// Everything people read: code, pages, settings, scripts. Not data.
pub(crate) fn prose() -> Vec<Source> {
    const KINDS: [&str; 7] = [".rs", ".md", ".toml", ".html", ".j2", ".txt", "/run"];
    let folders = ["src", "tests", "benches", "eval-suites", "datasets", ".ci"];
    let files = folders.iter().flat_map(|folder| below(folder));
    let top = ["README.md", "Cargo.toml", "deny.toml", ".clippy.toml"].map(str::to_owned);
    files.chain(top).filter(|path| KINDS.iter().any(|kind| path.ends_with(kind))).map(source).collect()
}

/// Fails with every offender.
pub(crate) fn none(offenders: &[String]) {
    assert!(offenders.is_empty(), "{} offenders:\n{}", offenders.len(), offenders.join("\n"));
}

fn source(path: String) -> Source {
    Source { text: read(&path), path }
}

/// Paths of all files below a folder, sorted, so that lists of offenders do not change from run to run.
fn below(folder: &str) -> Vec<String> {
    let mut folders = vec![PathBuf::from(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(root().join(&folder)).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        for entry in entries {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                // What a build of its own left behind.
                true if entry.file_name() == "target" => {}
                true => folders.push(path),
                false => files.push(path.to_str().unwrap().replace('\\', "/")),
            }
        }
    }
    files.sort_unstable();
    files
}

/// Modules of the file that exist only in tests, as path beginnings.
fn test_modules(file: &Source) -> Vec<String> {
    let declared =
        Regex::new(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;")
            .unwrap();
    let stem = file.path.trim_end_matches(".rs");
    let folder = stem.strip_suffix("/mod").or(stem.strip_suffix("/lib")).unwrap_or(stem);
    declared.captures_iter(&file.text).map(|found| format!("{folder}/{}", &found[1])).collect()
}

#[test]
fn test_modules_are_told_from_the_program() {
    let file = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let text = "mod pool;\n#[cfg(test)]\npub(crate) mod testing;\n#[cfg(test)] mod tests;";
    assert_eq!(
        test_modules(&file("src/upstream/mod.rs", text)),
        ["src/upstream/testing", "src/upstream/tests"]
    );
    assert_eq!(test_modules(&file("src/wire/sse.rs", "#[cfg(test)]\nmod tests;")), ["src/wire/sse/tests"]);
    assert_eq!(file("src/wire/sse/tests.rs", "").depth(), 3);
    assert_eq!(file("src/wire/mod.rs", "").depth(), 1);
    let program = program();
    assert!(program.iter().any(|file| file.path == "src/rollout/machine.rs"));
    assert!(
        program
            .iter()
            .all(|file| file.path != "src/rollout/scenarios.rs" && !file.path.ends_with("/tests.rs"))
    );
}
