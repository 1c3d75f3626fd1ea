//! Lints that are switched on, and what stands at the top level.

use std::fs;

use toml::{Table, Value};

use crate::tree::{none, read, root};

/// Lints that carry the style, by tool. `unsafe_code` is forbidden, the others at least warn: CI denies warnings.
const LINTS: &[(&str, &[&str])] = &[
    ("rust", &["unsafe_code", "unreachable_pub", "missing_docs"]),
    (
        "clippy",
        &[
            "unwrap_used",
            "expect_used",
            "panic",
            "todo",
            "unimplemented",
            "dbg_macro",
            "print_stdout",
            "print_stderr",
            "allow_attributes",
            "await_holding_lock",
            "too_many_lines",
        ],
    ),
];

/// Calls that clippy refuses, each with a reason.
const DISALLOWED: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "tokio::spawn",
    "rand::rng",
    "std::process::exit",
];

/// The top level, besides hidden files and what `.gitignore` names: the map a visitor sees first.
const TOP_LEVEL: &[&str] = &[
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

fn parsed(path: &str) -> Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `warn` in both forms, `lint = "warn"` and `lint = { level = "warn" }`.
fn level(lint: &Value) -> Option<&str> {
    lint.as_str().or_else(|| lint.get("level")?.as_str())
}

#[test]
fn the_lints_of_the_house_are_on() {
    let manifest = parsed("Cargo.toml");
    let mut off = Vec::new();
    for (tool, names) in LINTS {
        for name in *names {
            let found = manifest["lints"][tool].get(name).and_then(level);
            let on = match *name {
                "unsafe_code" => found == Some("forbid"),
                _ => matches!(found, Some("warn" | "deny" | "forbid")),
            };
            off.extend((!on).then(|| format!("Cargo.toml: lints.{tool}.{name} is {found:?}")));
        }
    }
    none(&off);
}

#[test]
fn disallowed_calls_have_reasons() {
    let clippy = parsed(".clippy.toml");
    let listed = clippy["disallowed-methods"].as_array().unwrap();
    let mut missing = Vec::new();
    for call in DISALLOWED {
        let entry = listed.iter().find(|entry| entry.get("path").and_then(Value::as_str) == Some(call));
        let reason = entry.and_then(|entry| entry.get("reason")?.as_str()).unwrap_or_default();
        missing
            .extend(reason.is_empty().then(|| format!(".clippy.toml: {call} is not refused with a reason")));
    }
    none(&missing);
}

#[test]
fn the_top_level_is_fixed() {
    let ignored = read(".gitignore");
    let ignored: Vec<_> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.to_string_lossy().into_owned());
    let known = |name: &str| name.starts_with('.') || TOP_LEVEL.contains(&name) || ignored.contains(&name);
    none(
        &names
            .filter(|name| !known(name))
            .map(|name| format!("{name}: not at the top level"))
            .collect::<Vec<_>>(),
    );
}
