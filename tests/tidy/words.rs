//! Words that were settled once, and marks that nothing unfinished may leave behind.

use crate::none;
use crate::source::all;

/// Endings of files that people read.
const READ: [&str; 6] = [".rs", ".md", ".toml", ".html", ".txt", "run"];

/// Words that have a settled one in their place, in pieces so that this list does not find itself.
fn settled() -> Vec<(String, &'static str)> {
    vec![
        (["shadow", " traffic"].concat(), "it is mirrored"),
        (["shadow", "ed request"].concat(), "it is mirrored"),
        (["canary", " step"].concat(), "it is a stage"),
        (["LLM-as-a", "-judge"].concat(), "it is a model-graded grader"),
    ]
}

/// Marks of work that is not done.
fn unfinished() -> Vec<String> {
    let pieces: [&[&str]; 6] = [
        &["TO", "DO"],
        &["FIX", "ME"],
        &["to", "do!("],
        &["unimplement", "ed!("],
        &["#[ign", "ore"],
        &["XX", "X"],
    ];
    pieces.iter().map(|parts| parts.concat()).collect()
}

fn lines(check: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let read = all().into_iter().filter(|path| READ.iter().any(|end| path.ends_with(end)));
    let mut found = Vec::new();
    for path in read {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines = text.lines().enumerate();
        found.extend(lines.filter_map(|(at, line)| Some(format!("{path}:{}: {}", at + 1, check(line)?))));
    }
    found
}

#[test]
fn settled_words_are_used() {
    let settled = settled();
    none(lines(|line| {
        let line = line.to_lowercase();
        settled
            .iter()
            .find(|(word, _)| line.contains(&word.to_lowercase()))
            .map(|(word, rule)| format!("{word:?}: {rule}"))
    }));
}

#[test]
fn nothing_is_left_unfinished() {
    let unfinished = unfinished();
    none(lines(|line| {
        unfinished.iter().find(|mark| line.contains(mark.as_str())).map(|mark| format!("{mark} is left"))
    }));
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    let machine = regex::Regex::new(r#"(^|[^A-Za-z0-9_.$}])/(work|root|home|farm)/"#).unwrap();
    none(lines(|line| machine.find(line).map(|found| format!("a path of one machine: {}", found.as_str()))));
}
