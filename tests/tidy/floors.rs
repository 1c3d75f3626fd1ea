//! Which folder may use which.

use regex::Regex;

use crate::none;
use crate::source::{Kind, Source, rust};

/// Folders without async, IO, clock, randomness or logging.
const PURE: [&str; 6] = ["domain", "stats", "evidence", "judgment", "routing", "rollout"];

/// Each folder and what it may use beside itself. What is not listed here is never used.
const FLOORS: [(&str, &[&str]); 20] = [
    ("domain", &[]),
    ("stats", &["domain"]),
    ("evidence", &["domain", "stats"]),
    ("judgment", &["domain", "stats", "evidence"]),
    ("routing", &["domain"]),
    ("rollout", &["domain", "routing", "judgment"]),
    ("document", &["domain"]),
    ("wire", &["domain", "evidence", "judgment"]),
    ("release", &["domain", "document"]),
    ("config", &["domain", "judgment", "routing", "rollout", "document", "release"]),
    ("telemetry", &["domain"]),
    ("upstream", &["domain", "wire", "telemetry"]),
    ("cache", &["domain", "evidence", "telemetry"]),
    ("store", &["domain", "evidence", "judgment", "routing", "rollout", "telemetry"]),
    ("proxy", &["domain", "routing", "evidence", "wire", "release", "telemetry", "upstream", "cache"]),
    (
        "evals",
        &["domain", "stats", "evidence", "judgment", "document", "wire", "release", "telemetry", "upstream"],
    ),
    ("control", &["domain", "evidence", "judgment", "routing", "rollout", "wire", "telemetry", "store"]),
    ("report", &["domain", "judgment", "wire"]),
    ("admin", &["domain", "routing", "rollout", "wire", "control"]),
    // It replays what the harness records, and so reads the harness's files.
    ("mock_engine", &["domain", "document", "evals", "telemetry"]),
];

/// Assembly: may use everything.
const ASSEMBLY: [&str; 4] = ["cli", "service", "lib", "main"];

/// What the rollout may know of a judgment: the word, and the reason as something to print. Never a number.
const SEEN_BY_ROLLOUT: [&str; 2] = ["Reason", "Verdict"];

fn shipped() -> impl Iterator<Item = Source> {
    rust().into_iter().filter(|file| file.kind == Kind::Code && file.path.starts_with("src/"))
}

#[test]
fn every_folder_has_a_floor() {
    let known = |floor: &str| ASSEMBLY.contains(&floor) || FLOORS.iter().any(|(name, _)| *name == floor);
    let lost = shipped().filter(|file| !file.floor().is_some_and(known));
    none(lost.map(|file| format!("{}: its folder is on no floor", file.path)).collect());
}

#[test]
fn no_folder_reaches_above_its_floor() {
    let used = Regex::new(r"\b(?:crate|goldgate)::(\w+)").unwrap();
    let mut wrong = Vec::new();
    for file in shipped() {
        let Some((own, may)) = FLOORS.iter().find(|(name, _)| file.floor() == Some(name)) else { continue };
        for (at, line) in file.code() {
            for found in used.captures_iter(line).map(|found| found[1].to_owned()) {
                if found != *own && !may.contains(&found.as_str()) {
                    wrong.push(format!("{}:{at}: {own} may not use {found}", file.path));
                }
            }
        }
    }
    none(wrong);
}

#[test]
fn no_module_climbs_out_of_its_folder() {
    // A file in src/<folder>/ stands one level below the root: two steps up leave the folder.
    let climbs = |file: &Source| {
        let depth = file.path.matches('/').count() - usize::from(file.path.ends_with("/mod.rs"));
        format!("super::{}", "super::".repeat(depth.saturating_sub(1)))
    };
    let folders = shipped().filter(|file| file.path.matches('/').count() > 1);
    let wrong = folders.flat_map(|file| {
        let climb = climbs(&file);
        let text = format!("use {climb}");
        file.lines_where(
            |line| line.trim_start().starts_with(&text) && climb.len() > 14,
            "climbs to the root",
        )
    });
    none(wrong.collect());
}

#[test]
fn the_rollout_sees_verdicts_and_no_numbers() {
    let names = Regex::new(r"crate::judgment::(?:\{([^}]*)\}|(\w+))").unwrap();
    let mut wrong = Vec::new();
    for file in shipped().filter(|file| file.floor() == Some("rollout")) {
        for (at, line) in file.code() {
            for found in names.captures_iter(line) {
                let list = found.get(1).or(found.get(2)).map_or("", |list| list.as_str());
                let more = list.split(',').map(str::trim).filter(|name| !SEEN_BY_ROLLOUT.contains(name));
                wrong.extend(more.map(|name| format!("{}:{at}: the rollout may not see {name}", file.path)));
            }
        }
    }
    none(wrong);
}

#[test]
fn pure_folders_have_no_clock_no_chance_no_world_and_no_wire() {
    let world = Regex::new(
        r"\b(tokio|tracing|rand|rand_chacha|sqlx|reqwest|hyper|axum|serde|serde_json)::|\bstd::(fs|net|io|env|process|thread|time::(Instant|SystemTime))\b|\basync fn\b|derive\([^)]*(Serialize|Deserialize)",
    )
    .unwrap();
    // The bootstrap is given its seed: its randomness is an argument.
    let pure = shipped().filter(|file| file.floor().is_some_and(|floor| PURE.contains(&floor)));
    let pure = pure.filter(|file| file.path != "src/stats/fixed/bootstrap.rs");
    none(pure.flat_map(|file| file.lines_where(|line| world.is_match(line), "a pure folder")).collect());
}

#[test]
fn the_wire_reads_bytes_and_touches_nothing() {
    let world = Regex::new(r"\b(tokio|reqwest|hyper|sqlx)::|\bstd::(fs|net|env|process)\b").unwrap();
    let wire = shipped().filter(|file| file.floor() == Some("wire"));
    none(wire.flat_map(|file| file.lines_where(|line| world.is_match(line), "no IO in wire")).collect());
}

#[test]
fn http_status_codes_stay_at_the_edges() {
    let inner = ["control", "store", "release", "config", "report"];
    let inside = shipped().filter(|file| file.floor().is_some_and(|floor| inner.contains(&floor)));
    none(
        inside
            .flat_map(|file| file.lines_where(|line| line.contains("StatusCode"), "an HTTP status inside"))
            .collect(),
    );
}
