//! Floors: which folder may import which. The table is the architecture; the code is held to it.

use std::collections::BTreeSet;
use std::fs;

use crate::code::{paths, tokens};
use crate::tree::{Source, none, program, root};

/// What one folder of `src/` may import, besides itself.
struct Floor {
    folder: &'static str,
    may: &'static [&'static [&'static str]],
    /// Of these folders, these items and no others.
    only: &'static [(&'static str, &'static [&'static str])],
    /// Of what it may use, these items never.
    never: &'static [&'static str],
}

/// No async, IO, clock, randomness, logging.
pub(crate) const PURE: &[&str] = &["domain", "stats", "evidence", "judgment", "routing", "rollout"];
const CODECS: &[&str] = &["document", "wire", "config", "release", "embedding"];
const ADAPTERS: &[&str] = &["telemetry", "upstream", "cache", "store", "proxy", "evals"];
const ASSEMBLY: &[&str] = &["control", "report", "admin", "mock_engine", "simulation", "service", "cli"];

/// Nothing limited to some items, and nothing forbidden inside what is allowed.
const ANY: Floor = Floor { folder: "", may: &[], only: &[], never: &[] };

const FLOORS: &[Floor] = &[
    Floor { folder: "lib", ..ANY },
    Floor { folder: "main", may: &[&["cli"]], ..ANY },
    Floor { folder: "domain", ..ANY },
    // Numbers in, numbers out: a statistic that knew an arm could favour it.
    Floor { folder: "stats", may: &[&["domain"]], never: &["Arm", "Slot", "ReleaseId"], ..ANY },
    Floor { folder: "evidence", may: &[&["domain", "stats"]], ..ANY },
    // The judge never sees an arm's colour.
    Floor { folder: "judgment", may: &[&["domain", "stats", "evidence"]], never: &["Slot"], ..ANY },
    Floor { folder: "routing", may: &[&["domain"]], ..ANY },
    // The rollout never sees a number, only verdicts with their reasons.
    Floor {
        folder: "rollout",
        may: &[&["domain", "routing", "judgment"]],
        only: &[("judgment", &["Verdict", "Reason"])],
        ..ANY
    },
    // How files that people write are read; what a key means is known by those who use it.
    Floor { folder: "document", may: &[&["domain"]], ..ANY },
    Floor {
        folder: "wire",
        may: &[&["domain", "evidence", "judgment", "document"]],
        only: &[("document", &["JsonSchema", "SchemaError", "canonical_json"])],
        ..ANY
    },
    Floor {
        folder: "config",
        may: &[&["domain", "judgment", "routing", "rollout", "document", "release"]],
        ..ANY
    },
    Floor { folder: "release", may: &[&["domain", "document"]], ..ANY },
    // Texts in, vectors out.
    Floor { folder: "embedding", ..ANY },
    // The clock speaks the domain's timestamps.
    Floor { folder: "telemetry", may: &[&["domain"]], ..ANY },
    // It asks an engine for what a release locks of it.
    Floor { folder: "upstream", may: &[&["domain", "wire", "release", "telemetry"]], ..ANY },
    Floor { folder: "cache", may: &[&["domain", "stats", "evidence", "telemetry", "embedding"]], ..ANY },
    Floor { folder: "store", may: &[PURE, &["telemetry"]], ..ANY },
    Floor {
        folder: "evals",
        may: &[PURE, &["document", "wire", "release", "embedding", "telemetry", "upstream"]],
        ..ANY
    },
    Floor {
        folder: "proxy",
        may: &[&["domain", "routing", "evidence", "wire", "release", "telemetry", "upstream", "cache"]],
        ..ANY
    },
    // The harness and engines, which its row allows, reach it as functions. Beyond its row: it is given the clock, and writes verdicts down in their one wire form.
    Floor {
        folder: "control",
        may: &[PURE, &["store", "telemetry", "wire"]],
        only: &[("wire", &["VerdictRecord"])],
        ..ANY
    },
    // Beyond its row: every surface renders the wire's verdict record.
    Floor { folder: "report", may: &[PURE, &["store", "wire"]], ..ANY },
    // The handle is what it asks, gets and waits for. Beyond its row: the API sends the wire's records of verdicts, and empties the cache.
    Floor {
        folder: "admin",
        may: &[PURE, &["control", "wire", "cache"]],
        only: &[("control", HANDLE), ("wire", &["VerdictRecord", "AtMarginsRecord"])],
        ..ANY
    },
    // It replays the answers and cases that the harness reads, with the harness's reader.
    Floor { folder: "mock_engine", may: &[&["domain", "telemetry", "document", "evals"]], ..ANY },
    // Made-up traffic through the shipped path: what is pure, driven by seeds on threads.
    Floor { folder: "simulation", may: &[PURE], ..ANY },
    // Wiring: the two places that know every part.
    Floor {
        folder: "service",
        may: &[PURE, CODECS, ADAPTERS, &["control", "report", "admin", "mock_engine"]],
        ..ANY
    },
    Floor { folder: "cli", may: &[PURE, CODECS, ADAPTERS, ASSEMBLY], ..ANY },
];

/// The control task as others know it: its handle, and what goes in and comes out.
const HANDLE: &[&str] =
    &["Handle", "Feed", "Look", "Margins", "StartRequest", "Status", "StoreHealth", "ControlError", "Alphas"];

/// What holds whatever the table comes to say: folder, and what it never imports.
const NEVER: &[(&str, &[&[&str]])] = &[
    ("domain", &[PURE, CODECS, ADAPTERS, ASSEMBLY]),
    ("stats", &[CODECS, ADAPTERS, ASSEMBLY, &["evidence", "judgment", "routing", "rollout"]]),
    ("evidence", &[CODECS, ADAPTERS, ASSEMBLY, &["judgment"]]),
    ("judgment", &[CODECS, ADAPTERS, ASSEMBLY, &["routing", "rollout"]]),
    ("routing", &[CODECS, ADAPTERS, ASSEMBLY, &["evidence", "judgment"]]),
    ("rollout", &[CODECS, ADAPTERS, ASSEMBLY, &["stats", "evidence"]]),
    ("wire", &[ADAPTERS, ASSEMBLY, &["config", "release"]]),
    ("config", &[ADAPTERS, ASSEMBLY, &["wire"]]),
    ("release", &[ADAPTERS, ASSEMBLY, &["wire", "config"]]),
    ("upstream", &[&["cache", "store", "evals", "proxy", "control"]]),
    ("cache", &[&["upstream", "store", "evals", "proxy", "control"]]),
    ("store", &[&["upstream", "cache", "evals", "proxy", "control"]]),
    ("evals", &[&["cache", "store", "proxy", "control"]]),
    ("proxy", &[&["judgment", "rollout", "store", "control"]]),
    ("control", &[&["proxy", "admin"]]),
    ("report", &[&["control", "proxy"]]),
    ("admin", &[&["proxy", "store"]]),
];

impl Floor {
    fn of(folder: &str) -> Option<&'static Self> {
        FLOORS.iter().find(|floor| floor.folder == folder)
    }

    fn allows(&self, folder: &str) -> bool {
        folder == self.folder || self.may.iter().any(|group| group.contains(&folder))
    }

    /// The rule that a path into `folder` breaks.
    fn breach(&self, folder: &str, item: Option<&str>) -> Option<String> {
        if !self.allows(folder) {
            return Some(format!("{} may not use {folder}", self.folder));
        }
        let item = item?;
        let only = self.only.iter().find(|(limited, _)| *limited == folder);
        let limited = only.is_some_and(|(_, items)| !items.contains(&item));
        let forbidden = folder != self.folder && self.never.contains(&item);
        (limited || forbidden).then(|| format!("{} may not use {folder}::{item}", self.folder))
    }
}

/// Every import of the file that its floor does not allow.
fn breaches(file: &Source) -> Vec<String> {
    let Some(floor) = file.folder().and_then(Floor::of) else {
        return vec![format!("{}:1: no floor for it in tests/tidy/floors.rs", file.path)];
    };
    let tokens = tokens(&file.text);
    let mut found = Vec::new();
    for path in paths(&tokens, &["crate", "goldgate", "super", "self"]) {
        let climbed = path.names.iter().take_while(|name| matches!(**name, "super" | "self")).count();
        let supers = path.names[..climbed].iter().filter(|name| **name == "super").count();
        let absolute = climbed == 0;
        if !absolute && supers < file.depth().max(1) {
            continue;
        }
        let mut rest = path.names[climbed + usize::from(absolute)..].iter().copied();
        let folder = rest.next().unwrap_or("the crate's root");
        let known = absolute || Floor::of(folder).is_some();
        let breach = known.then(|| floor.breach(folder, rest.next())).flatten();
        found.extend(breach.map(|breach| format!("{}:{}: {breach}", file.path, path.line)));
    }
    found
}

#[test]
fn imports_keep_to_their_floors() {
    none(&program().iter().flat_map(breaches).collect::<Vec<_>>());
}

#[test]
fn the_table_allows_nothing_that_is_never_allowed() {
    for (folder, never) in NEVER {
        let floor = Floor::of(folder).unwrap();
        let others = never.iter().copied().flatten().filter(|other| *other != folder);
        let allowed: Vec<_> = others.filter(|other| floor.allows(other)).collect();
        assert!(allowed.is_empty(), "{folder} never imports {allowed:?}");
    }
}

#[test]
fn every_folder_has_its_floor() {
    let entries = fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap().file_name());
    let name = |name: std::ffi::OsString| name.to_str().unwrap().trim_end_matches(".rs").to_owned();
    let found: BTreeSet<_> = entries.map(name).collect();
    let floors: BTreeSet<_> = FLOORS.iter().map(|floor| floor.folder.to_owned()).collect();
    assert_eq!(found, floors);
}

#[test]
fn a_wrong_import_is_seen_however_it_is_written() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        let file = Source { path: path.to_owned(), text: text.to_owned() };
        assert_eq!(breaches(&file), expected, "{text}");
    };
    let judge = "src/judgment/live.rs";
    check(judge, "use crate::domain::Arm;\nuse super::Policy;\nuse crate::judgment::Ask;", &[]);
    check(judge, "\nuse crate::rollout::Stage;", &["src/judgment/live.rs:2: judgment may not use rollout"]);
    check(
        judge,
        "use crate::{domain::Share, routing};",
        &["src/judgment/live.rs:1: judgment may not use routing"],
    );
    check(
        judge,
        "use super::super::rollout::Stage;",
        &["src/judgment/live.rs:1: judgment may not use rollout"],
    );
    check(
        judge,
        "use crate::domain::{Arm, Slot};",
        &["src/judgment/live.rs:1: judgment may not use domain::Slot"],
    );
    check(judge, "use crate as it;", &["src/judgment/live.rs:1: judgment may not use the crate's root"]);
    check(
        judge,
        "fn f(x: goldgate::store::Note) {}",
        &["src/judgment/live.rs:1: judgment may not use store"],
    );
    let rollout = "src/rollout/machine.rs";
    check(rollout, "use crate::judgment::Verdict;", &[]);
    check(
        rollout,
        "use crate::judgment::judge;",
        &["src/rollout/machine.rs:1: rollout may not use judgment::judge"],
    );
    check("src/new.rs", "", &["src/new.rs:1: no floor for it in tests/tidy/floors.rs"]);
}
