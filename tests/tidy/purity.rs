//! What must be absent: in the pure floors, in the codec of the wire, and in the program as a whole.

use regex::Regex;

use crate::code::{paths, tokens};
use crate::floors::PURE;
use crate::tree::{Source, code, none, program};

/// Modules of the standard library that reach the world outside.
const IO: &[&str] = &["fs", "net", "io", "env", "process", "thread"];

/// Crates that do, and words of async code.
const WORLD: &str =
    r"\b(async|await|tokio|tokio_util|futures_util|hyper|hyper_util|axum|reqwest|sqlx|polars|indicatif)\b";

/// Lines where the code has a match, as offenders.
fn matches<'a>(file: &'a Source, what: &'a Regex, rule: &'a str) -> impl Iterator<Item = String> + 'a {
    let lines = file.text.lines().enumerate();
    let found =
        lines.flat_map(|(number, line)| what.find_iter(line).map(move |found| (number, found.as_str())));
    found.map(move |(number, found)| format!("{}:{}: {rule}: {found}", file.path, number + 1))
}

/// Files of the program in these folders of `src/`.
fn of<'a>(folders: &'a [&str]) -> impl Iterator<Item = &'static Source> + 'a {
    program().iter().filter(|file| file.folder().is_some_and(|folder| folders.contains(&folder)))
}

fn check(folders: &[&str], pattern: &str, rule: &str) {
    every(of(folders), pattern, rule);
}

fn every(files: impl IntoIterator<Item = &'static Source>, pattern: &str, rule: &str) {
    let what = Regex::new(pattern).unwrap();
    none(&files.into_iter().flat_map(|file| matches(file, &what, rule)).collect::<Vec<_>>());
}

/// Imports of the standard library's ways out, also in groups and as whole modules.
fn outside(folders: &[&str]) {
    let mut found = Vec::new();
    for file in of(folders) {
        let tokens = tokens(&file.text);
        for way in paths(&tokens, &["std"]) {
            let out = way.names.get(1).is_none_or(|name| IO.contains(name) || *name == "*");
            found.extend(out.then(|| format!("{}:{}: no IO: {}", file.path, way.line, way.names.join("::"))));
        }
    }
    none(&found);
}

#[test]
fn pure_floors_have_no_clock() {
    check(PURE, r"\b(Instant|SystemTime|UNIX_EPOCH|chrono)\b", "time is an argument");
}

#[test]
fn pure_floors_have_no_randomness() {
    let without: Vec<_> = PURE.iter().copied().filter(|folder| *folder != "stats").collect();
    check(&without, r"\b(rand|rand_\w+|getrandom|fastrand)\b", "no randomness here");
}

/// The bootstrap resamples; its generator is made from the caller's seed, so a run is still a seed.
#[test]
fn statistics_draw_only_from_a_seed() {
    let unseeded =
        r"\b(rand::rng|rand::random|make_rng|ThreadRng|SysRng|OsRng|from_os_rng|from_rng|getrandom)\b";
    check(&["stats"], unseeded, "a run is a seed");
    check(&["stats"], r"\bHashMap\b|\bHashSet\b", "iteration order is random");
}

#[test]
fn pure_floors_have_no_io() {
    check(PURE, WORLD, "no IO and no async here");
    outside(PURE);
}

#[test]
fn pure_floors_do_not_log() {
    check(PURE, r"\b(tracing|log|println|eprintln|print|eprint|dbg)\s*(::|!)", "no logging here");
}

#[test]
fn core_types_carry_no_serde() {
    check(PURE, r"\bserde\w*\b|\b(Serialize|Deserialize)\b", "stored and sent types stand at the edge");
}

#[test]
fn the_wire_is_a_codec() {
    check(&["wire"], WORLD, "bytes come in as arguments");
    check(&["wire"], r"\b(Instant|SystemTime)\b", "time comes in as an argument");
    outside(&["wire"]);
}

#[test]
fn status_codes_stay_at_the_edges() {
    check(&["config", "release", "store", "control", "report"], r"\bStatusCode\b", "no HTTP inside");
}

#[test]
fn nothing_panics_on_a_surprise() {
    let panics = r"\.\s*(unwrap|unwrap_err|expect|expect_err)\s*\(";
    every(program(), panics, "no panics outside tests");
}

#[test]
fn every_queue_is_bounded() {
    // A channel of the standard library without an argument has no bound either.
    let unbounded =
        r"\b(unbounded_\w+|mpsc::unbounded|Unbounded(Sender|Receiver)|mpsc::channel(::<.*>)?\(\))";
    every(code(), unbounded, "a queue has a bound");
}
