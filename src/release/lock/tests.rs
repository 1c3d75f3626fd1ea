//! Locks: what changes an id, and what is refused.

use std::fs;

use super::*;

const MANIFEST: &str = r#"
name = "chat-v2"
[model]
id = "llama"
source = "dir:weights"
[tokenizer]
file = "tokenizer.json"
[chat_template]
file = "chat.j2"
[prompts.answer]
template = "answer.j2"
schema = "answer.schema.json"
[sampling]
temperature = 0.5
max_tokens = 512
client_may_set = ["max_tokens"]
[interface]
tools = ["search"]
[context]
system = "be brief"
[engine]
kind = "vllm"
version = "0.32.0"
flags = ["--max-model-len=8192"]
[numerics]
tensor_parallel = 1
[eval]
suite = "gsm8k"
[ops]
replicas = 2
"#;

fn lock(change: impl Fn(&str, String) -> String) -> Result<Lock, ReleaseError> {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("release.toml", MANIFEST),
        ("tokenizer.json", "{}"),
        ("chat.j2", "x"),
        ("answer.j2", "{% include \"part.j2\" %} {{ question }}"),
        ("part.j2", "Think."),
        ("answer.schema.json", "{}"),
    ];
    fs::create_dir(folder.path().join("weights")).unwrap();
    let weights = ("weights/model.safetensors", "1");
    for (name, text) in files.into_iter().chain([weights]) {
        fs::write(folder.path().join(name), change(name, text.to_owned())).unwrap();
    }
    Lock::resolve(&folder.path().join("release.toml"))
}

/// Which ids change when `from` becomes `to` in `file`.
fn check(file: &str, from: &str, to: &str, expected: &str) {
    let before = lock(|_, text| text).unwrap();
    let after = lock(|name, text| {
        assert!(name != file || text.contains(from), "{file} has no {from:?}");
        if name == file { text.replace(from, to) } else { text }
    })
    .unwrap();
    let names = ["sem", "num", "gate", "rel"].into_iter();
    let changed: Vec<_> =
        names.zip(before.ids().into_iter().zip(after.ids())).filter(|(_, (a, b))| a != b).collect();
    let changed: Vec<_> = changed.iter().map(|(name, _)| *name).collect();
    assert_eq!(changed.join(" "), expected, "{file}: {from:?} to {to:?}");
}

#[test]
fn every_field_has_an_id_that_it_changes() {
    check("release.toml", "chat-v2", "chat-v3", "");
    for (from, to) in [
        ("\"llama\"", "\"llama-2\""),
        ("dir:weights", "gguf:weights/model.safetensors"),
        ("0.5", "0.6"),
        ("512", "513"),
        ("[\"max_tokens\"]", "[]"),
        ("search", "find"),
        ("be brief", "be long"),
        ("vllm", "sglang"),
        ("0.32.0", "0.33.0"),
        ("8192", "4096"),
        ("prompts.answer", "prompts.other"),
    ] {
        check("release.toml", from, to, "sem rel");
    }
    check("release.toml", "tensor_parallel = 1", "tensor_parallel = 2", "num rel");
    check("release.toml", "gsm8k", "mmlu", "gate rel");
    check("release.toml", "replicas = 2", "replicas = 3", "rel");
    for (file, from) in [
        ("tokenizer.json", "{}"),
        ("chat.j2", "x"),
        ("answer.j2", "question"),
        ("part.j2", "Think."),
        ("weights/model.safetensors", "1"),
    ] {
        check(file, from, "other", "sem rel");
    }
    check("answer.schema.json", "{}", "{\"type\": \"object\"}", "sem rel");
}

#[test]
fn only_where_and_how_a_model_runs_leaves_its_answers_alike() {
    let before = lock(|_, text| text).unwrap();
    let alike = |from: &str, to: &str| {
        let after = lock(|name, text| if name == "release.toml" { text.replace(from, to) } else { text });
        before.answers_like(&after.unwrap())
    };
    assert!(alike("0.32.0", "0.33.0") && alike("tensor_parallel = 1", "tensor_parallel = 2"));
    assert!(alike("replicas = 2", "replicas = 3"));
    assert!(!alike("\"llama\"", "\"llama-2\"") && !alike("be brief", "be long") && !alike("0.5", "0.6"));
}

#[test]
fn a_lock_reads_back_and_an_edited_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("release.lock.json");
    let written = lock(|_, text| text).unwrap();
    fs::write(&path, written.to_json()).unwrap();
    let read = Lock::load(&path).unwrap();
    assert_eq!(read.ids(), written.ids());
    assert_eq!(read.sampling()["temperature"], json!(0.5));
    assert_eq!(read.client_may_set(), Some(&["max_tokens".to_owned()][..]));
    let messages = read.prompts().render("answer", &json!({"question": "Why?"})).unwrap();
    assert_eq!(messages, json!([{"role": "user", "content": "Think. Why?"}]));
    for (from, to) in [("Think.", "Guess."), ("sem:", "sem:0"), ("release/1", "release/2"), ("{", "[")] {
        fs::write(&path, written.to_json().replacen(from, to, 1)).unwrap();
        let error = Lock::load(&path).unwrap_err().to_string();
        assert!(error.contains("release.lock.json"), "{error}");
    }
}

#[test]
fn a_lock_with_sections_that_are_not_the_known_ones_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("release.lock.json");
    let written: Value = serde_json::from_str(&lock(|_, text| text).unwrap().to_json()).unwrap();
    let said = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut edited = written.clone();
        change(edited["sections"].as_object_mut().unwrap());
        fs::write(&path, edited.to_string()).unwrap();
        Lock::load(&path).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(said(&|_| ()), "");
    let unknown = said(&|sections| drop(sections.insert("x".to_owned(), "{}".into())));
    assert!(unknown.contains("unknown section \"x\""), "{unknown}");
    let missing = said(&|sections| drop(sections.remove("ops")));
    assert!(missing.contains("its section \"ops\" is missing"), "{missing}");
}

#[test]
fn another_name_is_a_label_and_no_other_release() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("release.lock.json");
    let written = lock(|_, text| text).unwrap();
    fs::write(&path, written.to_json().replace("chat-v2", "chat-v3")).unwrap();
    let read = Lock::load(&path).unwrap();
    assert_eq!((read.name(), read.ids()), ("chat-v3", written.ids()));
}

#[test]
fn floats_and_texts_of_the_sampling_reach_requests_as_they_were_written() {
    let sampling = r#"logit_bias = { "50256" = -1.5, "1" = 2 }
stop = ["3.14", "@text:x", "END"]
grammar = "1.0""#;
    let change = |to: &str| {
        let to = format!("max_tokens = 512\n{to}");
        lock(|name, text| if name == "release.toml" { text.replace("max_tokens = 512", &to) } else { text })
            .unwrap()
    };
    let locked = change(sampling);
    let expected = json!({"temperature": 0.5, "max_tokens": 512, "logit_bias": {"50256": -1.5, "1": 2},
        "stop": ["3.14", "@text:x", "END"], "grammar": "1.0"});
    assert_eq!(Value::Object(locked.sampling().clone()), expected);
    for (from, to) in [("-1.5", "\"-1.5\""), ("\"3.14\"", "3.14"), ("\"1.0\"", "1.0")] {
        assert_ne!(change(&sampling.replace(from, to)).sem(), locked.sem(), "{from} is not {to}");
    }
}

#[test]
fn what_changed_is_told_field_by_field() {
    let before = lock(|_, text| text).unwrap();
    let check = |file: &str, from: &str, to: &str, expected: &[(&str, &str, Value, Value)]| {
        let after = lock(|name, text| if name == file { text.replace(from, to) } else { text }).unwrap();
        let expected: Vec<_> = expected
            .iter()
            .cloned()
            .map(|(section, field, baseline, candidate)| (section, field.to_owned(), baseline, candidate))
            .collect();
        let found: Vec<_> = before
            .changes(&after)
            .into_iter()
            .map(|Change { section, field, baseline, candidate }| (section, field, baseline, candidate))
            .collect();
        assert_eq!(found, expected);
        before.changed_prompts(&after)
    };
    let none = Vec::<String>::new();
    let prompts = check(
        "release.toml",
        "temperature = 0.5",
        "top_p = 0.9",
        &[
            ("sampling", "temperature", json!(0.5), json!(null)),
            ("sampling", "top_p", json!(null), json!(0.9)),
        ],
    );
    assert_eq!(prompts, none);
    let flags = |flag: &str| json!([flag]);
    let (from, to) = ("--max-model-len=8192", "--max-model-len=4096");
    check("release.toml", from, to, &[("engine", "flags", flags(from), flags(to))]);
    let (from, to) = ("Think.", "Guess.");
    let prompts = check("part.j2", from, to, &[("prompts", "files.part.j2", from.into(), to.into())]);
    assert_eq!(prompts, ["answer"], "by way of what it includes");
    assert_eq!(before.suites(), ["gsm8k"]);
    assert_eq!(before.engine_flag(&["-c", "--max-model-len"]), Some(8192));
}

#[test]
fn what_moves_is_refused_and_slips_are_located() {
    let error = |from: &str, to: &str| {
        lock(|name, text| if name == "release.toml" { text.replace(from, to) } else { text })
            .unwrap_err()
            .to_string()
    };
    assert!(error("dir:weights", "hf:llama@main").contains("hf:llama@main\" moves"));
    assert!(error("dir:weights", "oci:llama:latest").contains("moves"));
    assert!(error("dir:weights", "dir:gone").contains("gone: cannot be read"));
    let slip = error("version = ", "versoin = ");
    assert!(slip.contains("release.toml:23:1: unknown field `versoin`"), "{slip}");
    assert!(error("tokenizer.json", "gone.json").contains("gone.json: cannot be read"));
}

#[test]
fn an_engine_that_is_not_what_was_locked_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("release.toml");
    fs::write(&path, "name = \"r\"\n[model]\nid = \"m\"\n[engine]\nkind = \"vllm\"\n").unwrap();
    let told = |tokens: &str, fingerprint: &str| EngineReport {
        tokens: Some(tokens.to_owned()),
        fingerprint: Some(fingerprint.to_owned()),
        ..EngineReport::default()
    };
    let locked = |told| Lock::resolve_with(&path, &mut FileHashes::unkept(), told).unwrap();
    let bare = locked(None);
    let known = locked(Some(told("t1", "sem:old")));
    assert_ne!(bare.sem(), known.sem(), "what an engine does is part of the release");
    assert_eq!(known.differences(&told("t1", known.sem().as_str())), []);
    let what = |told: &EngineReport| -> Vec<String> {
        known.differences(told).into_iter().map(|difference| difference.what).collect()
    };
    assert_eq!(what(&told("t2", known.sem().as_str())), ["tokens of fixed conversations"]);
    assert_eq!(what(&told("t1", "sem:old")), ["fingerprint"], "it was started for another release");
    let unnamed = locked(Some(told("t1", "vllm-0.32.0-05954b9f")));
    assert_eq!(unnamed.differences(&told("t1", unnamed.sem().as_str())), [], "named once it was locked");
    assert_eq!(unnamed.differences(&told("t1", "vllm-0.32.0-1f2e3d4c")).len(), 1);
    assert_eq!(bare.differences(&EngineReport::default()), []);
    assert_eq!(bare.differences(&told("t9", "fp-1")), [], "nothing was locked of it");
}

#[test]
fn a_chat_template_that_is_another_file_is_told_apart() {
    let locked = lock(|_, text| text).unwrap();
    let told = |text: &[u8]| EngineReport {
        chat_template: Some(chat_template_digest(text)),
        ..EngineReport::default()
    };
    assert_eq!(locked.differences(&told(b"x\n")), []);
    assert_eq!(locked.differences(&told(b"y"))[0].what, "chat template");
    assert_eq!(locked.differences(&EngineReport::default()), [], "an engine that does not tell is believed");
}
