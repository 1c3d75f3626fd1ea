//! How long functions are.

use regex::Regex;

use crate::source::Source;

/// One function.
pub(crate) struct Function {
    /// `file:line`.
    pub(crate) place: String,
    pub(crate) name: String,
    /// From its signature to its closing brace.
    pub(crate) lines: usize,
}

/// Every function of a file. The formatter puts a body's closing brace at the indent of its signature.
pub(crate) fn functions(file: &Source) -> Vec<Function> {
    let head = Regex::new(r"^( *)(?:pub(?:\([^)]*\))? )?(?:const |async |unsafe )*fn (\w+)").unwrap();
    let lines: Vec<_> = file.text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(parts) = head.captures(line) else { continue };
        let closing = format!("{}}}", &parts[1]);
        let is_end = |line: &&str| **line == closing || (line.starts_with(&parts[1]) && line.ends_with(';'));
        let one_line = line.ends_with('}') || line.ends_with(';');
        let length = if one_line {
            Some(0)
        } else {
            lines[at..].iter().skip(1).position(|line| **line == closing).map(|end| end + 1)
        };
        let length = length.or_else(|| lines[at..].iter().position(is_end));
        let place = format!("{}:{}", file.path, at + 1);
        found.push(Function { place, name: parts[2].to_owned(), lines: length.unwrap_or(0) + 1 });
    }
    found
}
