//! Chat templates by a real byte-level BPE, with and without a token that begins every text.

use std::fs;

use serde_json::{Value, json};

use super::*;

const TOKENIZER: &str = include_str!("../../embedding/ngrams/tokenizer.json");

/// The tokenizer, with a first token of every text where `begins`.
fn tokenizer(begins: bool) -> String {
    let mut tokenizer: Value = serde_json::from_str(TOKENIZER).unwrap();
    let id = tokenizer["model"]["vocab"].as_object().unwrap().len();
    tokenizer["added_tokens"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": id, "content": "<|begin|>", "special": true,
        "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}));
    if begins {
        let begin = json!({"SpecialToken": {"id": "<|begin|>", "type_id": 0}});
        let [a, b] = ["A", "B"].map(|id| json!({"Sequence": {"id": id, "type_id": 0}}));
        tokenizer["post_processor"] = json!({"type": "TemplateProcessing", "single": [begin, a],
            "pair": [begin, a, begin, b],
            "special_tokens": {"<|begin|>": {"id": "<|begin|>", "ids": [id], "tokens": ["<|begin|>"]}}});
    }
    tokenizer.to_string()
}

fn check(template: &str, tokenizer: &str, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("chat.jinja", template);
    write("tokenizer.json", tokenizer);
    write(
        "release.toml",
        "name = \"r\"\n[model]\nid = \"m\"\n[engine]\nkind = \"vllm\"\n[tokenizer]\nfile = \"tokenizer.json\"\n\
         [chat_template]\nfile = \"chat.jinja\"\n",
    );
    let said: Vec<_> =
        lints(&folder.path().join("release.toml")).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}");
    }
}

/// Each message in marks of its role.
const MESSAGES: &str =
    "{% for message in messages %}[{{ message.role }}] {{ message['content'] | trim }}\n{% endfor %}";

#[test]
fn a_first_token_that_the_template_and_the_tokenizer_both_write_is_told() {
    let begins = format!("{{{{ bos_token }}}}{MESSAGES}");
    check(&begins, &tokenizer(true), &["begins with <|begin|> 2 times"]);
    check(MESSAGES, &tokenizer(true), &[]);
    check(&begins, &tokenizer(false), &[]);
    check(&format!("{{{{ bos_token }}}}{begins}"), &tokenizer(true), &["begins with <|begin|> 3 times"]);
}

#[test]
fn a_template_that_reads_the_clock_is_told() {
    let dated = format!("Today is {{{{ strftime_now('%d %b %Y') }}}}.\n{MESSAGES}");
    check(&dated, &tokenizer(true), &["reads the clock"]);
    check(&format!("{{% if tools %}}{dated}{{% endif %}}{MESSAGES}"), &tokenizer(true), &["reads the clock"]);
    let in_macro = format!("{{% macro day() %}}{{{{ now() }}}}{{% endmacro %}}{MESSAGES}");
    check(&in_macro, &tokenizer(true), &["reads the clock (now)"]);
    let own = format!("{{% set now = 'noon' %}}{{{{ now }}}}{MESSAGES}{{{{ messages[0].today }}}}");
    check(&own, &tokenizer(true), &[]);
}

#[test]
fn what_cannot_be_checked_is_told_and_no_error() {
    check("{{ raise_exception('no system prompt') }}", &tokenizer(true), &["no system prompt"]);
    check("{% if %}", &tokenizer(true), &["cannot be rendered here"]);
    check(MESSAGES, "{}", &[]);
}

#[test]
fn an_answer_as_long_as_the_engine_takes_with_its_prompt_is_told() {
    let of = |tokens: u64, flags: &str| {
        format!("[sampling]\nmax_tokens = {tokens}\n[engine]\nkind = \"vllm\"\nflags = [{flags}]\n")
    };
    let check = |lines: String, expected: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("release.toml");
        fs::write(&manifest, format!("name = \"r\"\n[model]\nid = \"m\"\n{lines}")).unwrap();
        let said: Vec<_> = lints(&manifest).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), expected.len(), "{said:?}");
        assert!(said.iter().zip(expected).all(|(said, part)| said.contains(part)), "{said:?}");
    };
    check(of(512, "\"--max-model-len=8192\""), &[]);
    check(of(8192, "\"--max-model-len=8192\""), &["max_tokens is 8192 and the engine takes 8192"]);
    check(of(8192, "\"-c\", \"4096\""), &["takes 4096 tokens"]);
    check(of(8192, "\"-c\", \"0\""), &[]);
    check(of(8192, ""), &[]);
}
