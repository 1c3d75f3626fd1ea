//! Roles: lines of their own in a template's text, read before anything is rendered.

use super::PromptError;

/// What engines accept as the role of a message that a template may write.
const ROLES: [&str; 4] = ["system", "developer", "user", "assistant"];

/// One message's share of a template file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) role: &'static str,
    pub(super) text: &'a str,
    pub(super) lines_before: usize,
}

/// Splits `text` at its role lines. A blank beginning makes no message.
pub(super) fn parts<'a>(file: &str, text: &'a str) -> Result<Vec<Part<'a>>, PromptError> {
    let mut parts = Vec::new();
    let mut open = Part { role: "user", text, lines_before: 0 };
    let mut began_at = 0;
    for Line { start, end, number, content } in lines(text) {
        let Some(role) = role_line(content) else { continue };
        let role = ROLES.into_iter().find(|known| *known == role).ok_or_else(|| PromptError::Role {
            file: file.to_owned(),
            line: number,
            role: role.to_owned(),
        })?;
        close(&mut parts, Part { text: &text[began_at..start], ..open });
        open = Part { role, text: "", lines_before: number };
        began_at = end;
    }
    close(&mut parts, Part { text: &text[began_at..], ..open });
    Ok(parts)
}

fn close<'a>(parts: &mut Vec<Part<'a>>, part: Part<'a>) {
    let opened_by_a_role_line = part.lines_before > 0;
    if opened_by_a_role_line || !part.text.trim().is_empty() {
        parts.push(part);
    }
}

/// Whether any line of `text` begins a message.
pub(super) fn has_roles(text: &str) -> bool {
    lines(text).any(|line| role_line(line.content).is_some())
}

/// Refuses role lines in an included file.
pub(super) fn no_roles(file: &str, text: &str) -> Result<(), PromptError> {
    match lines(text).find(|line| role_line(line.content).is_some()) {
        Some(line) => Err(PromptError::RoleInInclude { file: file.to_owned(), line: line.number }),
        None => Ok(()),
    }
}

/// The role of a line that is nothing but `{# role: NAME #}`.
fn role_line(line: &str) -> Option<&str> {
    let comment = line.trim().strip_prefix("{#")?.strip_suffix("#}")?;
    Some(comment.trim().strip_prefix("role:")?.trim())
}

struct Line<'a> {
    start: usize,
    end: usize,
    number: usize,
    content: &'a str,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut end = 0;
    text.split_inclusive('\n').zip(1..).map(move |(content, number)| {
        let start = end;
        end += content.len();
        Line { start, end, number, content }
    })
}
