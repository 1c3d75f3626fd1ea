//! Which files a template draws in: all of them must be named in the text, so that they can be hashed.

use std::collections::{BTreeMap, BTreeSet};

use super::PromptError;

/// Separates a file's name from the number of a message within it.
pub(super) const PART_MARK: char = '\u{1}';

/// Tags that draw in another file.
const TAGS: [&str; 4] = ["include", "import", "from", "extends"];

/// The files that `text` names, in order of appearance.
pub(in crate::release) fn includes<'a>(file: &str, text: &'a str) -> Result<Vec<&'a str>, PromptError> {
    if file.chars().any(char::is_control) {
        return Err(PromptError::Name(file.to_owned()));
    }
    text.match_indices("{%")
        .filter_map(|(at, open)| {
            let inside = text[at + open.len()..].trim_start_matches(['-', '+']).trim_start();
            let tag = TAGS.into_iter().find(|tag| is_word(inside, tag))?;
            Some((at, tag, inside[tag.len()..].trim_start()))
        })
        .map(|(at, tag, rest)| {
            quoted(rest).ok_or_else(|| PromptError::ComputedName {
                file: file.to_owned(),
                line: 1 + text[..at].matches('\n').count(),
                tag: tag.to_owned(),
            })
        })
        .collect()
}

fn is_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

/// The text in the quotes that `text` begins with.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    text[1..].split_once(quote).map(|(name, _)| name)
}

/// Every file that `file` draws in, directly or not, without itself. A file that includes itself in a circle ends
/// at the engine's recursion limit when it is rendered, as conditional recursion is legal.
pub(super) fn all<'a>(
    file: &'a str,
    files: &'a BTreeMap<String, String>,
) -> Result<BTreeSet<&'a str>, PromptError> {
    let mut found = BTreeSet::new();
    let mut open = vec![file];
    while let Some(name) = open.pop() {
        for included in includes(name, &files[name])? {
            if !files.contains_key(included) {
                return Err(PromptError::NoFile { by: name.to_owned(), file: included.to_owned() });
            }
            if found.insert(included) {
                open.push(included);
            }
        }
    }
    Ok(found)
}
