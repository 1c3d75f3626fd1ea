//! What a release may hold and is nearly always a mistake: told when it is locked, and never refused.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, context};
use tokenizers::Tokenizer;

use super::ReleaseError;
use super::manifest::{Manifest, read_text};

/// Steps that a chat template may take: some hundred times what one conversation needs.
const FUEL_MAX: u64 = 1_000_000;

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
    /// The chat template asks for the time.
    ReadsClock,
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
            Self::ReadsClock => f.write_str(
                "the chat template reads the clock (strftime_now): the same question is another prompt tomorrow, and what was \
                 locked is not what is served",
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
    Ok(template.map(|template| of_chat(&template, tokenizer.as_deref())).unwrap_or_default())
}

fn of_chat(template: &str, tokenizer: Option<&str>) -> Vec<Lint> {
    // A tokenizer that is none here is the engine's business.
    let tokenizer = tokenizer.and_then(|text| text.parse::<Tokenizer>().ok());
    let begin = tokenizer.as_ref().and_then(begin_of);
    let rendered = render(template, begin.as_ref().map_or("<s>", |(_, token)| token));
    let mut lints = Vec::new();
    match rendered {
        Ok(Rendered { text, reads_clock }) => {
            lints.extend(reads_clock.then_some(Lint::ReadsClock));
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

struct Rendered {
    text: String,
    reads_clock: bool,
}

/// One conversation by a chat template, with what the transformers library gives to it.
fn render(template: &str, begin: &str) -> Result<Rendered, Error> {
    let reads_clock = Arc::new(AtomicBool::new(false));
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL_MAX));
    let refused = |text: String| Err::<String, _>(Error::new(ErrorKind::InvalidOperation, text));
    environment.add_function("raise_exception", refused);
    let read = Arc::clone(&reads_clock);
    environment.add_function("strftime_now", move |_format: String| {
        read.store(true, Ordering::Relaxed);
        String::new()
    });
    let conversation = context! {
        messages => [context! { role => "user", content => "Hello" }],
        bos_token => begin,
        add_generation_prompt => true,
    };
    let text = environment.render_str(template, conversation)?;
    Ok(Rendered { text, reads_clock: reads_clock.load(Ordering::Relaxed) })
}

#[cfg(test)]
mod tests;
