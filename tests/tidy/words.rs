//! Words: settled once, so that one thing has one name; and nothing unfinished or local to one machine.

use regex::Regex;

use crate::tree::{none, prose};

/// Pattern and what to write instead. A bracket keeps each from matching itself. Only words that can be told
/// from their other meanings by a pattern stand here.
const SETTLED: &[(&str, &str)] = &[
    (r"(?i)(?:^|[^-])shado[w]", "a copied request is mirrored"),
    (r"\bphas(?:e|es)\b", "a rollout has stages"),
    (r"(?i)\b(?:llm|model)[- ]as[- ](?:a[- ])?judg[e]", "a model that scores is a model-graded grader"),
    (r"(?i)\bllm[- ]judg[e]", "a model that scores is a model-graded grader"),
    (r"(?i)\b(?:control|treatment) (?:arm|group)[s]?\b", "the arms are baseline and candidate"),
    (r"(?i)\b(?:champio[n]|challenge[r])\b", "the arms are baseline and candidate"),
    (r"(?i)\bgolden prompt[s]?\b", "a prompt with its demands is a golden case"),
];

const UNFINISHED: &[(&str, &str)] = &[
    (r"\b(?:TOD[O]|FIXM[E]|XX[X])\b", "do it, or say in prose what is absent"),
    (r"\b(?:todo|unimplemented)[!]\s*\(", "what is not built is not registered"),
    (r"#\[ignor[e]", "nothing is ignored"),
];

const LOCAL: &[(&str, &str)] =
    &[(r"(?:^|[^\w.*/{}$-])/(?:work|root|home|farm|Users)/", "paths of one machine mean nothing on another")];

fn check(rules: &[(&str, &str)]) {
    let rules: Vec<_> = rules.iter().map(|(pattern, rule)| (Regex::new(pattern).unwrap(), rule)).collect();
    let mut found = Vec::new();
    for file in prose() {
        for (number, line) in file.text.lines().enumerate() {
            let broken = rules.iter().filter_map(|(pattern, rule)| Some((pattern.find(line)?, rule)));
            let said = broken
                .map(|(word, rule)| format!("{}:{}: {:?}: {rule}", file.path, number + 1, word.as_str()));
            found.extend(said);
        }
    }
    none(&found);
}

#[test]
fn settled_words_are_kept() {
    check(SETTLED);
}

#[test]
fn nothing_is_left_unfinished() {
    check(UNFINISHED);
}

#[test]
fn no_path_belongs_to_one_machine() {
    check(LOCAL);
}

#[test]
fn words_are_told_from_their_other_meanings() {
    let hit = |rules: &[(&str, &str)], text: &str| {
        rules.iter().any(|(pattern, _)| Regex::new(pattern).unwrap().is_match(text))
    };
    let settled = |text: &str| hit(SETTLED, text);
    assert!(settled(&format!("{} traffic", "shado".to_owned() + "w")) && !settled("{ box-shadow: none; }"));
    assert!(settled(concat!("the next pha", "se")) && !settled("Inference Using Phase Splitting"));
    let local = |text: &str| hit(LOCAL, text);
    assert!(local(concat!("open \"/wo", "rk/main\"")) && local(concat!("cd /ho", "me/someone")));
    assert!(!local("src/work/queue.rs") && !local("https://example.org/home/") && !local("../work/x"));
}
