//! Shape: how long files and functions are, and how files begin.

use regex::Regex;

use crate::code::{functions, tokens};
use crate::tree::{code, none, rust};

const FILE_LINES_MAX: usize = 450;
const FUNCTION_LINES_MAX: usize = 70;

/// Percentile and the most lines allowed at it.
const FILE_LINES: [(usize, usize); 2] = [(50, 130), (90, 300)];
const FUNCTION_LINES: [(usize, usize); 3] = [(50, 8), (90, 30), (99, 60)];

/// Lines of every function with its place.
fn function_lines() -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for file in code() {
        let tokens = tokens(&file.text);
        let found = functions(&tokens);
        all.extend(found.iter().map(|f| (f.lines, format!("{}:{}: {}", file.path, f.line, f.name))));
    }
    all
}

fn file_lines() -> Vec<(usize, String)> {
    rust().into_iter().map(|file| (file.text.lines().count(), format!("{}:1", file.path))).collect()
}

fn longer_than(limit: usize, all: Vec<(usize, String)>) -> Vec<String> {
    let long = all.into_iter().filter(|(lines, _)| *lines > limit);
    long.map(|(lines, place)| format!("{place}: {lines} lines, at most {limit}")).collect()
}

/// Prints the percentiles beside their targets; gives those that miss.
fn percentiles(what: &str, all: Vec<(usize, String)>, targets: &[(usize, usize)]) -> Vec<String> {
    let mut lines: Vec<_> = all.into_iter().map(|(lines, _)| lines).collect();
    lines.sort_unstable();
    println!("{what}: {} of them, the longest has {} lines", lines.len(), lines[lines.len() - 1]);
    let at = |share: usize| lines[(lines.len() * share).div_ceil(100) - 1];
    let said = targets.iter().map(|&(share, target)| {
        let found = at(share);
        println!("{what}: p{share} is {found} lines, target {target}");
        (found > target).then(|| format!("{what}: p{share} is {found} lines, more than {target}"))
    });
    said.flatten().collect()
}

#[test]
fn files_are_short() {
    none(&longer_than(FILE_LINES_MAX, file_lines()));
}

#[test]
fn functions_are_short() {
    none(&longer_than(FUNCTION_LINES_MAX, function_lines()));
}

#[test]
fn most_files_and_functions_are_far_shorter() {
    let mut missed = percentiles("files", file_lines(), &FILE_LINES);
    missed.extend(percentiles("functions", function_lines(), &FUNCTION_LINES));
    none(&missed);
}

#[test]
fn every_file_begins_with_its_docs() {
    let bare = rust().into_iter().filter(|file| !file.text.starts_with("//!"));
    none(&bare.map(|file| format!("{}:1: begins without `//!`", file.path)).collect::<Vec<_>>());
}

#[test]
fn a_mod_file_is_a_page_of_docs_and_names() {
    let item = Regex::new(r"\b(fn|struct|enum|union|trait|impl|const|static|type|macro_rules)\b").unwrap();
    let mut found = Vec::new();
    for file in code().iter().filter(|file| file.path.ends_with("/mod.rs") || file.path == "src/lib.rs") {
        for (number, line) in file.text.lines().enumerate() {
            found.extend(
                item.find(line).map(|item| format!("{}:{}: {}", file.path, number + 1, item.as_str())),
            );
        }
    }
    none(&found);
}
