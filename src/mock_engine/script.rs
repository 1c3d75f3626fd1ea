//! Decides everything that will happen to one request, before anything does.

use serde_json::json;

use super::Options;
use super::fault::Kind;
use super::generator::made_up_text;
use super::pace::Pace;
use super::recorded::Reply;
use super::request::EngineRequest;
use super::seed::{content_hash, mix, unit};
use super::tokens::token_ends;

/// What will happen.
#[derive(Debug)]
pub(super) enum Script {
    /// An error status, at once.
    Refuse { status: u16 },
    /// A page for people.
    Html,
    /// An answer, whole or not.
    Answer(Box<Plan>),
}

/// One answer from beginning to end.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) id: u64,
    pub(super) reply: Reply,
    /// The function that is called; the reply holds its arguments.
    pub(super) called: Option<String>,
    /// Tokens that will be sent.
    pub(super) tokens: usize,
    pub(super) ending: Ending,
    pub(super) prompt_tokens: usize,
    pub(super) cached_tokens: usize,
    pub(super) fingerprint: String,
    pub(super) pace: Pace,
}

/// How an answer ends, once its tokens are out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Stop,
    Length,
    Abort,
    ErrorObject,
    NoFinish,
    NoTerminator,
    Silence,
    Reset,
}

/// What is said when recorded answers are there and none fits.
const NO_QUESTION: &str =
    "I do not see a question in your message. Could you tell me what you would like to know?";
/// Room of a prefix-cache block, as in vLLM.
const BLOCK_TOKENS: usize = 16;

/// What makes one request differ from another of the same words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// How often the same was asked before.
    pub(super) occurrence: u64,
    /// How many requests came before, whatever they asked.
    pub(super) arrival: u64,
}

/// What decides a request's script, apart from the options.
pub(super) struct Asked<'a> {
    pub(super) request: &'a EngineRequest,
    /// The prompt as the model sees it.
    pub(super) rendered: &'a str,
    /// The id header.
    pub(super) case: Option<&'a str>,
    pub(super) turn: Turn,
}

pub(super) fn script(options: &Options, asked: &Asked<'_>) -> Script {
    let content = content_hash(asked.rendered);
    let chance = |salt: u64| mix(&[options.seed, salt, content, asked.turn.occurrence]);
    let hits = |index: usize| unit(chance(index as u64 + 1)) < options.faults[index].rate;
    let kinds: Vec<&Kind> = (0..options.faults.len())
        .filter(|&index| hits(index))
        .map(|index| &options.faults[index].kind)
        .collect();
    for kind in &kinds {
        match kind {
            Kind::Error { code } => return Script::Refuse { status: *code },
            Kind::Html => return Script::Html,
            _ => {}
        }
    }
    let reply = spoilt(reply(options, asked, content), &kinds);
    let (tokens, ending) = ending(&reply, &kinds, asked.request.tokens_max());
    let prompt_tokens = token_ends(asked.rendered).len();
    let is_warm = asked.turn.arrival >= options.timing.cold_requests;
    Script::Answer(Box::new(Plan {
        id: chance(0),
        tokens,
        ending,
        prompt_tokens,
        cached_tokens: if is_warm { prompt_tokens / 2 / BLOCK_TOKENS * BLOCK_TOKENS } else { 0 },
        called: asked.request.called().map(str::to_owned),
        fingerprint: fingerprint(options, &kinds),
        pace: Pace::new(options.timing, slowness(&kinds), chance(u64::MAX)),
        reply,
    }))
}

fn reply(options: &Options, asked: &Asked<'_>, content: u64) -> Reply {
    if asked.request.called().is_some() {
        return Reply::new(&json!({"question": asked.request.question()}).to_string());
    }
    let recorded = &options.recorded;
    let named = asked.case.and_then(|id| recorded.by_id(id));
    match named.or_else(|| recorded.by_text(&asked.request.question())) {
        Some(reply) => reply.clone(),
        None if recorded.is_empty() => Reply::new(&made_up_text(mix(&[options.seed, content]))),
        None => Reply::new(NO_QUESTION),
    }
}

fn spoilt(reply: Reply, kinds: &[&Kind]) -> Reply {
    if kinds.contains(&&Kind::SameAnswer) {
        return Reply::new(NO_QUESTION);
    }
    if kinds.contains(&&Kind::Degenerate) {
        return Reply::new(&looped(&reply));
    }
    reply
}

/// How often the unit of a degenerate answer comes: with one letter alone already beyond 256 bytes.
const LOOPS: usize = 300;
const LOOPED_TOKENS: usize = 6;

/// The first few tokens, again and again.
fn looped(reply: &Reply) -> String {
    let end = reply.ends.iter().take(LOOPED_TOKENS).next_back().copied().unwrap_or(0);
    let unit = reply.text[..end].trim();
    format!("{} ", if unit.is_empty() { "!" } else { unit }).repeat(LOOPS)
}

/// The first fault of the list that ends an answer decides how. A looping text never stops by itself.
fn ending(reply: &Reply, kinds: &[&Kind], tokens_max: usize) -> (usize, Ending) {
    let tokens = reply.ends.len().min(tokens_max);
    let half = tokens.div_ceil(2);
    for kind in kinds {
        match kind {
            Kind::Truncate => return (half, Ending::NoFinish),
            Kind::NoTerminator => return (tokens, Ending::NoTerminator),
            Kind::Abort => return (half, Ending::Abort),
            Kind::ErrorInStream => return (half, Ending::ErrorObject),
            Kind::HangBeforeFirst => return (0, Ending::Silence),
            Kind::HangMidStream => return (half, Ending::Silence),
            Kind::Reset => return (half, Ending::Reset),
            _ => {}
        }
    }
    let is_cut = tokens < reply.ends.len() || kinds.contains(&&Kind::Degenerate);
    (tokens, if is_cut { Ending::Length } else { Ending::Stop })
}

fn slowness(kinds: &[&Kind]) -> f64 {
    kinds.iter().map(|kind| if let Kind::Slow { factor } = kind { *factor } else { 1.0 }).product()
}

fn fingerprint(options: &Options, kinds: &[&Kind]) -> String {
    let scripted =
        kinds.iter().find_map(|kind| if let Kind::Fingerprint { value } = kind { Some(value) } else { None });
    scripted.unwrap_or(&options.fingerprint).clone()
}
