//! What a release may hold and is nearly always a mistake: told when it is locked, and never refused.

use std::fmt;
use std::path::Path;

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, context};
use tokenizers::Tokenizer;

use super::ReleaseError;
use super::manifest::{Manifest, read_text};

/// Steps that a chat template may take: some hundred times what one conversation needs.
const FUEL_MAX: u64 = 1_000_000;

/// Functions by which templates ask for the time.
const CLOCKS: [&str; 5] = ["strftime_now", "now", "utcnow", "datetime", "today"];

/// How engines call the tokens that they take, prompt and answer together.
const LENGTH: [&str; 4] = ["--max-model-len", "--context-length", "--ctx-size", "-c"];

/// One such thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lint {
    /// A conversation begins with the tokenizer's first token more than once.
    RepeatedBegin {
        /// The token.
        token: String,
        /// How often it stands there.
        count: usize,
    },
    /// A running engine reads the first token of every conversation twice.
    BeginsTwice,
    /// The chat template asks for the time, maybe only in some conversations.
    ReadsClock {
        /// By which function.
        by: &'static str,
    },
    /// An answer may be as long as prompt and answer together.
    NoRoom {
        /// `max_tokens` of the sampling.
        tokens: u64,
        /// What the engine takes.
        length: u64,
    },
    /// The chat template cannot be rendered here, and so is not checked.
    NotRendered {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RepeatedBegin { token, count } => write!(
                f,
                "a conversation begins with {token} {count} times: the chat template writes it and the tokenizer adds it; \
                 take it out of one of them, or have the engine add no special tokens to a rendered conversation"
            ),
            Self::BeginsTwice => f.write_str(
                "the engine reads the first token of every conversation twice: its chat template writes it and its tokenizer \
                 adds it",
            ),
            Self::ReadsClock { by } => write!(
                f,
                "the chat template reads the clock ({by}): the same question is another prompt tomorrow, and what was locked \
                 is not what is served"
            ),
            Self::NoRoom { tokens, length } => write!(
                f,
                "sampling.max_tokens is {tokens} and the engine takes {length} tokens, prompt included: it will refuse requests \
                 that say nothing of their length"
            ),
            Self::NotRendered { why } => {
                write!(f, "the chat template cannot be rendered here, so its first tokens are not checked: {why}")
            }
        }
    }
}

/// What is to be said of the release at `path`: one conversation is rendered by its chat template and read by its tokenizer.
///
/// # Errors
/// When the manifest or a file it names cannot be read.
pub fn lints(path: &Path) -> Result<Vec<Lint>, ReleaseError> {
    let manifest = Manifest::parse(path, &read_text(path)?)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let text =
        |file: Option<super::manifest::File>| file.map(|file| read_text(&folder.join(file.file))).transpose();
    let (template, tokenizer) = (text(manifest.chat_template)?, text(manifest.tokenizer)?);
    let mut lints = template.map(|template| of_chat(&template, tokenizer.as_deref())).unwrap_or_default();
    let flags: Vec<_> = manifest.engine.flags.iter().map(String::as_str).collect();
    let tokens = manifest.sampling.get("max_tokens").and_then(serde_json::Value::as_u64);
    // llama.cpp takes 0 for as many as the model was trained with.
    let length = number_of(&flags, &LENGTH).filter(|length| *length > 0);
    let no_room = tokens.zip(length).filter(|(tokens, length)| tokens >= length);
    lints.extend(no_room.map(|(tokens, length)| Lint::NoRoom { tokens, length }));
    Ok(lints)
}

/// The whole number given by one of the flags `names`: `--name=8`, or `--name` and then `8`.
pub(super) fn number_of(flags: &[&str], names: &[&str]) -> Option<u64> {
    let words: Vec<_> = flags.iter().flat_map(|flag| flag.split(['=', ' '])).collect();
    let pair = words.windows(2).rev().find(|pair| names.contains(&pair[0]))?;
    pair[1].parse().ok()
}

fn of_chat(template: &str, tokenizer: Option<&str>) -> Vec<Lint> {
    // A tokenizer that is none here is the engine's business.
    let tokenizer = tokenizer.and_then(|text| text.parse::<Tokenizer>().ok());
    let begin = tokenizer.as_ref().and_then(begin_of);
    let rendered = render(template, begin.as_ref().map_or("<s>", |(_, token)| token));
    let mut lints: Vec<_> = clock_of(template).map(|by| Lint::ReadsClock { by }).into_iter().collect();
    match rendered {
        Ok(text) => {
            let count =
                tokenizer.zip(begin).map(|(tokenizer, (id, token))| (count(&tokenizer, &text, id), token));
            let repeated = count.filter(|(count, _)| *count > 1);
            lints.extend(repeated.map(|(count, token)| Lint::RepeatedBegin { token, count }));
        }
        Err(error) => lints.push(Lint::NotRendered { why: error.to_string() }),
    }
    lints
}

/// The token that the tokenizer puts before every text.
fn begin_of(tokenizer: &Tokenizer) -> Option<(u32, String)> {
    let id = *tokenizer.encode("", true).ok()?.get_ids().first()?;
    Some((id, tokenizer.id_to_token(id)?))
}

/// How often a text begins with token `id`.
fn count(tokenizer: &Tokenizer, text: &str, id: u32) -> usize {
    let encoded = tokenizer.encode(text, true);
    encoded.map_or(0, |encoded| encoded.get_ids().iter().take_while(|first| **first == id).count())
}

/// The function by which a template reads the clock, wherever in it, and whether or not one conversation comes by.
fn clock_of(template: &str) -> Option<&'static str> {
    let environment = Environment::new();
    let asked = environment.template_from_str(template).ok()?.undeclared_variables(false);
    CLOCKS.into_iter().find(|clock| asked.contains(*clock))
}

/// One conversation by a chat template, with what the transformers library gives to it.
fn render(template: &str, begin: &str) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL_MAX));
    let refused = |text: String| Err::<String, _>(Error::new(ErrorKind::InvalidOperation, text));
    environment.add_function("raise_exception", refused);
    environment.add_function("strftime_now", |_format: String| String::new());
    let conversation = context! {
        messages => [context! { role => "user", content => "Hello" }],
        bos_token => begin,
        add_generation_prompt => true,
    };
    environment.render_str(template, conversation)
}

#[cfg(test)]
mod tests;
