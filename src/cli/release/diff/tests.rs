//! Two locks, and what is said of them.

use super::*;
use crate::release::{EngineReport, FileHashes};

const MANIFEST: &str = "name = \"r\"\n[model]\nid = \"m\"\n[prompts.answer]\ntemplate = \"answer.j2\"\n[prompts.other]\n\
    template = \"other.j2\"\n[sampling]\ntemperature = 0.5\n[engine]\nkind = \"vllm\"\nflags = [\"--api-key=$KEY\"]\n\
    [eval]\nsuites = [\"eval-suites/smoke.toml\", \"gsm8k\"]\n[ops]\nreplicas = 2\n";

fn lock(change: impl Fn(&str, &str) -> String, told: Option<EngineReport>) -> Lock {
    let folder = tempfile::tempdir().unwrap();
    let files =
        [("release.toml", MANIFEST), ("answer.j2", "Think. {{ question }}"), ("other.j2", "Say {{ word }}")];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), change(name, text)).unwrap();
    }
    let manifest = folder.path().join("release.toml");
    Lock::resolve_with(&manifest, &mut FileHashes::unkept(), told).unwrap()
}

fn changed(from: &str, to: &str) -> Difference {
    let before = lock(|_, text| text.to_owned(), None);
    Difference::of(&before, &lock(|_, text| text.replace(from, to), None))
}

#[test]
fn an_ops_only_change_asks_for_no_canary_and_names_its_field() {
    let difference = changed("replicas = 2", "replicas = 3");
    assert_eq!(
        difference.text(),
        "  changed  ops            operations only\n           replicas: 2 → 3\n  cache    kept\n  calls for: no canary: \
         nothing that can change an answer differs; name the new lock in the slot that serves\n"
    );
    assert_eq!((&difference.json()["rollout"], &difference.json()["suites"]), (&json!(null), &json!([])));
}

#[test]
fn a_changed_prompt_is_named_with_the_suites_and_a_fast_ramp() {
    let difference = changed("Think.", "Guess.");
    let text = difference.text();
    for part in [
        "files.answer.j2: \"Think. {{ question }}\" → \"Guess. {{ question }}\"",
        "prompts  answer\n",
        "suites   eval-suites/smoke.toml, gsm8k",
        "ramp = [\"10%\", \"100%\"]",
        "another namespace",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let document = difference.json();
    assert_eq!(document["prompts"], json!(["answer"]));
    assert_eq!(
        document["changes"],
        json!([{"section": "prompts", "field": "files.answer.j2", "baseline": "Think. {{ question }}",
            "candidate": "Guess. {{ question }}"}])
    );
}

#[test]
fn another_model_asks_for_everything() {
    let text = changed("id = \"m\"", "id = \"m2\"").text();
    assert!(
        text.contains("id: \"m\" → \"m2\"") && text.contains("\"1%\", \"25%\", \"75%\", \"100%\""),
        "{text}"
    );
}

#[test]
fn what_only_the_engine_told_otherwise_is_said_to_be_that() {
    let told = |build: &str| EngineReport { build: Some(build.to_owned()), ..EngineReport::default() };
    let same = |_: &str, text: &str| text.to_owned();
    let text = Difference::of(&lock(same, Some(told("b1"))), &lock(same, Some(told("b2")))).text();
    assert!(
        text.contains("what the engine told of itself") && text.contains("told.build: \"b1\" → \"b2\""),
        "{text}"
    );
    let text = Difference::of(&lock(same, None), &lock(same, Some(told("b2")))).text();
    assert!(
        text.contains("what the engine told of itself") && text.contains("told.build: none → \"b2\""),
        "{text}"
    );
    assert_eq!(
        Difference::of(&lock(same, None), &lock(same, None)).text().lines().next(),
        Some("  nothing changed")
    );
}
