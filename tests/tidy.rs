//! The house rules, checked on the sources as text: floors, sizes, words, and what is built in.
//!
//! Every test lists all offenders as `file:line: rule`. Its limits are promises to readers; a file that does
//! not fit is split, and no limit is raised.

#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/packages.rs"]
mod packages;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;

use functions::functions;
use source::{Kind, Source, all, rust};

/// Longest file and function.
const FILE_LINES_MAX: usize = 450;
const FUNCTION_LINES_MAX: usize = 70;

/// Fails with every offender.
fn none(offenders: Vec<String>) {
    assert!(offenders.is_empty(), "{} found:\n{}", offenders.len(), offenders.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let silent = rust().into_iter().filter(|file| !file.text.starts_with("//! "));
    none(silent.map(|file| format!("{}:1: begins with no module docs", file.path)).collect());
}

#[test]
fn no_file_is_longer_than_a_sitting() {
    let long = rust().into_iter().filter(|file| file.text.lines().count() > FILE_LINES_MAX);
    none(long.map(|file| format!("{}: more than {FILE_LINES_MAX} lines", file.path)).collect());
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let long =
        rust().into_iter().flat_map(|file| functions(&file)).filter(|one| one.lines > FUNCTION_LINES_MAX);
    none(long.map(|one| format!("{}: {} has {} lines", one.place, one.name, one.lines)).collect());
}

/// The value below which `share` of the sorted values lie.
fn quantile(values: &mut [usize], share: f64) -> usize {
    values.sort_unstable();
    let at = (values.len() as f64 * share).ceil() as usize;
    values[at.clamp(1, values.len()) - 1]
}

#[test]
fn files_and_functions_are_short_on_the_whole() {
    let code: Vec<Source> = rust().into_iter().filter(|file| file.kind == Kind::Code).collect();
    let mut files: Vec<_> = code.iter().map(|file| file.text.lines().count()).collect();
    let mut lengths: Vec<_> = code.iter().flat_map(functions).map(|one| one.lines).collect();
    let files = [0.5, 0.9, 1.0].map(|share| quantile(&mut files, share));
    let lengths = [0.5, 0.9, 0.99].map(|share| quantile(&mut lengths, share));
    println!("file lines p50 / p90 / max: {files:?}; function lines p50 / p90 / p99: {lengths:?}");
    assert!(files[0] <= 130 && files[1] <= 300, "file lines p50, p90: {files:?}");
    assert!(lengths[0] <= 8 && lengths[1] <= 30 && lengths[2] <= 60, "function lines: {lengths:?}");
}

#[test]
fn a_mod_file_holds_docs_and_names_alone() {
    let wrong = |line: &str| {
        let item = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        ["fn ", "struct ", "enum ", "impl ", "trait ", "const ", "static "]
            .iter()
            .any(|word| item.starts_with(word))
    };
    let files = rust().into_iter().filter(|file| file.path.ends_with("/mod.rs"));
    none(
        files
            .flat_map(|file| file.lines_where(wrong, "a mod.rs holds docs, modules and re-exports"))
            .collect(),
    );
}

#[test]
fn code_never_unwraps() {
    let unwraps = |line: &str| line.contains(".unwrap()") || line.contains(".expect(\"");
    let code = rust().into_iter().filter(|file| file.kind == Kind::Code);
    none(code.flat_map(|file| file.lines_where(unwraps, "unwraps outside of tests")).collect());
}

#[test]
fn no_queue_is_unbounded() {
    let unbounded = ["unbounded_", "channel"].concat();
    let wrong = |line: &str| line.contains(&unbounded) || line.contains(&["::", "unbounded("].concat());
    none(rust().into_iter().flat_map(|file| file.lines_where(wrong, "every queue has a bound")).collect());
}

#[test]
fn the_top_level_holds_what_a_reader_expects() {
    const KNOWN: [&str; 11] = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "benches",
        "datasets",
        "deny.toml",
        "eval-suites",
        "rustfmt.toml",
        "src",
        "tests",
    ];
    let top = all().into_iter().filter_map(|path| path.split('/').next().map(str::to_owned));
    let unknown: std::collections::BTreeSet<_> =
        top.filter(|name| !name.starts_with('.') && !KNOWN.contains(&name.as_str())).collect();
    none(unknown.into_iter().map(|name| format!("{name}: has no place at the top level")).collect());
}

#[test]
fn the_lints_that_carry_the_style_are_on() {
    let manifest: toml::Table = std::fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    let is_on = |group: &str, lint: &str| {
        manifest["lints"][group].get(lint).and_then(toml::Value::as_str).is_some_and(|level| level != "allow")
    };
    let rust = ["unsafe_code", "unreachable_pub", "missing_docs"].map(|lint| ("rust", lint));
    let clippy = [
        "unwrap_used",
        "expect_used",
        "panic",
        "todo",
        "dbg_macro",
        "print_stdout",
        "print_stderr",
        "allow_attributes",
        "too_many_lines",
    ]
    .map(|lint| ("clippy", lint));
    let off = rust.into_iter().chain(clippy).filter(|(group, lint)| !is_on(group, lint));
    none(off.map(|(group, lint)| format!("Cargo.toml: lints.{group}.{lint} is not on")).collect());
}
