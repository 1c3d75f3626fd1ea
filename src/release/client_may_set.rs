//! What a release may keep from whoever asks: sampling, by any of its names.

/// The names under which clients bound an answer's length: the first two, or the last on the Responses route.
pub const LENGTH_LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];

/// How an answer is drawn and where it ends: what a release may keep from clients, in the OpenAI API and in those of the
/// engines that extend it.
pub const SAMPLING: [&str; 33] = [
    "allowed_token_ids",
    "bad_words",
    "best_of",
    "dry_multiplier",
    "frequency_penalty",
    "ignore_eos",
    "length_penalty",
    "logit_bias",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "min_p",
    "min_tokens",
    "mirostat",
    "n",
    "n_predict",
    "no_stop_trim",
    "presence_penalty",
    "repeat_penalty",
    "repetition_penalty",
    "samplers",
    "seed",
    "stop",
    "stop_regex",
    "stop_token_ids",
    "temperature",
    "top_k",
    "top_n_sigma",
    "top_p",
    "truncate_prompt_tokens",
    "typical_p",
    "use_beam_search",
    "xtc_probability",
];

/// Whether the sampling parameter `key` may be set, where `listed` may; `None`: all may. All names of the limit are one.
#[must_use]
pub fn may_set(listed: Option<&[String]>, key: &str) -> bool {
    let is_limit = |name: &str| LENGTH_LIMITS.contains(&name);
    listed.is_none_or(|listed| listed.iter().any(|listed| listed == key || is_limit(key) && is_limit(listed)))
}
