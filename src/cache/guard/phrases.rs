//! A text's words as the guard reads them: contractions written out, and of a question what politeness and its frame add to it
//! left out.

/// One word.
#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    /// As it is spelled, without the marks around it.
    pub(super) bare: &'t str,
    pub(super) lower: String,
    /// Whether a sentence may begin with it, so that its capital says nothing.
    pub(super) begins: bool,
}

/// Sloppy spellings of contractions with "not".
const UNMARKED: [&str; 15] = [
    "arent", "cant", "couldnt", "didnt", "doesnt", "dont", "hadnt", "hasnt", "havent", "isnt", "shouldnt",
    "wasnt", "werent", "wont", "wouldnt",
];

/// Ask for an answer and not for anything in it. The longer of two that begin alike stands first.
const POLITE: [&str; 32] = [
    "could you please tell me",
    "can you please tell me",
    "would you please tell me",
    "would you mind telling me",
    "could you let me know",
    "can you let me know",
    "could you tell me",
    "can you tell me",
    "would you tell me",
    "please tell me",
    "let me know",
    "tell me",
    "could you please",
    "can you please",
    "would you please",
    "will you please",
    "could you kindly",
    "would you kindly",
    "can i ask you",
    "can i ask",
    "may i ask",
    "i was wondering",
    "i am wondering",
    "i wondering",
    "i would like to know",
    "i want to know",
    "i need to know",
    "i would like you to",
    "i would want you to",
    "i want you to",
    "i need you to",
    "thank you",
];

/// What one asks an assistant for: "can you" before it is politeness, and before any other verb a question.
const REQUESTS: [&str; 24] = [
    "compare",
    "define",
    "describe",
    "draft",
    "explain",
    "give",
    "help",
    "list",
    "name",
    "outline",
    "provide",
    "recommend",
    "rephrase",
    "rewrite",
    "show",
    "sketch",
    "suggest",
    "summarise",
    "summarize",
    "tell",
    "translate",
    "write",
    "elaborate",
    "clarify",
];

const ASKING: [&str; 4] = ["can", "could", "would", "will"];

/// After "how", with one of [`ASKERS`]: how something is done. "Should" asks for advice and stays.
const DOING: [&str; 5] = ["do", "does", "can", "could", "would"];

const ASKERS: [&str; 3] = ["i", "we", "one"];

/// The words of a text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut all, mut begins) = (Vec::new(), true);
    for raw in text.split_whitespace() {
        let bare = raw.trim_matches(|c: char| !c.is_alphanumeric() && !"$€£¥%°#@+-_/\\<>=&|*^~".contains(c));
        let bare = bare.trim_end_matches('-');
        let lower = bare.to_lowercase().replace('’', "'");
        let (stem, added) = written_out(&lower);
        all.push(Token { bare, lower: stem.to_owned(), begins });
        all.extend(added.map(|word| Token { bare: word, lower: word.to_owned(), begins: false }));
        begins = raw.ends_with(['.', '!', '?', ':', '"', '”']);
    }
    all
}

/// A contraction as what stands before its mark and the word that the rest stands for. What is left out of "it's" or "I've" is the
/// present, which is not told.
fn written_out(lower: &str) -> (&str, Option<&'static str>) {
    let unmarked = UNMARKED.contains(&lower).then(|| lower.strip_suffix("nt")).flatten();
    if let Some(stem) = unmarked.or_else(|| lower.strip_suffix("n't")) {
        let whole = match stem {
            "ca" => "can",
            "wo" => "will",
            "sha" => "shall",
            stem => stem,
        };
        return (whole, Some("not"));
    }
    let with = |suffix: &str, word| Some((lower.strip_suffix(suffix)?, word));
    let found = with("'d", Some("would")).or_else(|| with("'ll", Some("will")));
    let found =
        found.or_else(|| ["'s", "'re", "'ve", "'m"].into_iter().find_map(|suffix| with(suffix, None)));
    match lower {
        "cannot" => ("can", Some("not")),
        _ => found.unwrap_or((lower, None)),
    }
}

/// What a question asks for.
pub(super) fn asked<'t>(tokens: &[Token<'t>]) -> Vec<Token<'t>> {
    let mut kept: Vec<Token<'t>> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = &tokens[at..];
        let polite = polite(rest);
        if polite == 0 {
            kept.push(token.clone());
            at += 1 + frame(rest);
        }
        at += polite;
    }
    kept
}

/// Words of the politeness that a text begins with.
fn polite(rest: &[Token<'_>]) -> usize {
    let word = |at: usize| rest.get(at).map_or("", |token| token.lower.as_str());
    let begins = |phrase: &&&str| phrase.split(' ').enumerate().all(|(at, part)| word(at) == part);
    if let Some(phrase) = POLITE.iter().find(begins) {
        return phrase.split(' ').count();
    }
    let requests = ASKING.contains(&word(0)) && word(1) == "you" && REQUESTS.contains(&word(2));
    if requests { 2 } else { 0 }
}

/// Words after the first that belong to its frame and say nothing: "how do I", "how to", "what would".
fn frame(rest: &[Token<'_>]) -> usize {
    let word = |at: usize| rest.get(at).map_or("", |token| token.lower.as_str());
    let pair = |one: &[&str], other: &[&str]| one.contains(&word(1)) && other.contains(&word(2));
    match (word(0), word(1)) {
        ("how", _) if pair(&DOING, &ASKERS) || pair(&ASKERS, &DOING) => 2,
        ("how", "to") => 1,
        ("how" | "what", "would") if word(2) != "you" => 1,
        _ => 0,
    }
}
