//! Which names are those of secrets: whole words, however they are joined.

/// Names that end with one of these.
const NOUNS: [&str; 16] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "authorization",
    "credential",
    "credentials",
    "bearer",
    "apikey",
    "apikeys",
    "authtoken",
    "accesstoken",
    "secretkey",
    "accesskey",
];

/// Keys of these kinds open something.
const KEYS: [&str; 9] =
    ["api", "access", "secret", "private", "auth", "signing", "encryption", "master", "license"];

/// A token of one of these kinds is a piece of text to a model.
const OF_TEXT: [&str; 29] = [
    "bos",
    "eos",
    "pad",
    "unk",
    "sep",
    "cls",
    "mask",
    "eot",
    "eom",
    "fim",
    "stop",
    "start",
    "end",
    "begin",
    "special",
    "image",
    "audio",
    "video",
    "think",
    "thinking",
    "reasoning",
    "tool",
    "per",
    "max",
    "min",
    "first",
    "last",
    "next",
    "prefix",
];

/// Whether `name` names a secret: `api-key`, `HF_TOKEN`, `clientSecret`; not `max_tokens`, `tokenizer`, `eos_token`.
pub(super) fn is_secret(name: &str) -> bool {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return false };
    let has = |known: &[&str]| before.iter().any(|word| known.contains(&word.as_str()));
    match last.as_str() {
        "token" => !has(&OF_TEXT),
        "key" | "keys" => before.last().is_some_and(|word| KEYS.contains(&word.as_str())),
        // The name under which a cluster keeps one.
        "secret" | "secrets" if has(&["pull"]) => false,
        noun => NOUNS.contains(&noun),
    }
}

/// The words of a name in lower case: `api-key`, `API_KEY` and `apiKey` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for char in name.chars() {
        if !char.is_alphanumeric() || (char.is_uppercase() && was_small) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase());
        }
        was_small = char.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_whole_words_in_any_spelling() {
        for name in [
            "api-key",
            "--api-key",
            "API_KEY",
            "apiKey",
            "apikey",
            "openai_api_keys",
            "token",
            "HF_TOKEN",
            "hfToken",
            "--hf-token",
            "password",
            "db.password",
            "client_secret",
            "clientSecret",
            "Authorization",
            "aws_secret_access_key",
            "private-key",
            "credentials",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "max_tokens",
            "tokenizer",
            "--max-num-batched-tokens",
            "--tokenizer-mode",
            "eos_token",
            "bos_token",
            "token_ids",
            "stop_token_ids",
            "--image-token",
            "monkey",
            "key",
            "cache_key",
            "keys",
            "secretary",
            "secret_name",
            "imagePullSecrets",
            "password_policy",
            "",
            "--",
            "tokens_per_second",
            "--ssl-keyfile",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
