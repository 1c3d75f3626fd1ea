//! Rust as text: comments and literals out, words with their lines, paths, functions.

/// One word, `::` or sign, with its line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

/// A path as it is written, groups spread out: `a::{b, c::D}` is `a::b` and `a::c::D`.
#[derive(Debug, PartialEq)]
pub(crate) struct Named<'a> {
    pub(crate) line: usize,
    pub(crate) names: Vec<&'a str>,
}

/// A function with a body.
#[derive(Debug, PartialEq)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    /// From `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// The code with comments, strings and characters turned into spaces; every line stays where it is.
pub(crate) fn masked(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match unread(rest) {
            Some(length) => {
                kept.push_str(&blank(&rest[..length]));
                rest = &rest[length..];
            }
            None => {
                kept.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    kept
}

/// Length of the comment or literal that `rest` begins with. Comments inside comments are not known here.
fn unread(rest: &str) -> Option<usize> {
    let behind =
        |begin: usize, end: &str| rest[begin..].find(end).map_or(rest.len(), |at| begin + at + end.len());
    match rest.as_bytes() {
        [b'/', b'/', ..] => Some(rest.find('\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(behind(2, "*/")),
        [b'"', ..] => Some(quoted(rest)),
        [b'b', b'"', ..] => Some(1 + quoted(&rest[1..])),
        [b'\'', b'\\', ..] => Some(behind(3, "'")),
        [b'\'', ..] => rest.char_indices().nth(2).filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1),
        [b'r', b'#' | b'"', ..] | [b'b', b'r', b'#' | b'"', ..] => {
            let open =
                rest.find(|c| c != 'b' && c != 'r' && c != '#').filter(|at| rest[*at..].starts_with('"'))?;
            let hashes = rest[..open].matches('#').count();
            Some(behind(open + 1, &format!("\"{}", "#".repeat(hashes))))
        }
        _ => None,
    }
}

/// Length of a string literal, quotes included.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    rest.len()
}

/// Masked code with every item under `#[cfg(test)]` blanked out.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut rest = code;
    let mut kept = String::with_capacity(code.len());
    while let Some((before, item)) = rest.split_once(MARK) {
        let end = item_end(item);
        kept.push_str(before);
        kept.push_str(&blank(MARK));
        kept.push_str(&blank(&item[..end]));
        rest = &item[end..];
    }
    kept + rest
}

/// Words and signs, in order.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let lines = code.lines().zip(1..);
    lines.flat_map(|(text, line)| words(text).into_iter().map(move |text| Token { text, line })).collect()
}

fn words(line: &str) -> Vec<&str> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if in_word(first) => rest.find(|c| !in_word(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

/// All paths that begin with one of `roots`.
pub(crate) fn paths<'a>(tokens: &[Token<'a>], roots: &[&str]) -> Vec<Named<'a>> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let begins = roots.contains(&text(at)) && matches!(text(at + 1), "::" | "as");
        if begins && (at == 0 || text(at - 1) != "::") {
            spread(tokens, at, Vec::new(), &mut found);
        }
    }
    found
}

/// Reads the path or group at `at`, which goes on from `names`; gives the place behind it.
fn spread<'a>(
    tokens: &[Token<'a>],
    mut at: usize,
    mut names: Vec<&'a str>,
    found: &mut Vec<Named<'a>>,
) -> usize {
    while let Some(&Token { text, line }) = tokens.get(at) {
        if text == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| token.text != "}") {
                at = spread(tokens, at, names.clone(), found).max(at + 1);
            }
            return at + 1;
        }
        if text == "," {
            return at;
        }
        names.push(text);
        if tokens.get(at + 1).is_none_or(|next| next.text != "::") {
            found.push(Named { line, names });
            let renamed = tokens.get(at + 1).is_some_and(|next| next.text == "as");
            return at + if renamed { 3 } else { 1 };
        }
        at += 2;
    }
    at
}

/// All functions that have a body, nested ones too.
pub(crate) fn functions<'a>(tokens: &[Token<'a>]) -> Vec<Function<'a>> {
    let is_word = |text: &str| text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let named = |pair: &[Token<'_>]| pair[0].text == "fn" && is_word(pair[1].text);
    let starts = tokens.windows(2).enumerate().filter(|(_, pair)| named(pair));
    let ended = starts.filter_map(|(at, pair)| {
        let end = body_end(&tokens[at..])?;
        let (name, line) = (pair[1].text, pair[0].line);
        Some(Function { name, line, lines: end - line + 1 })
    });
    ended.collect()
}

/// Line of the brace that closes the first body; `None` for a signature alone.
fn body_end(tokens: &[Token<'_>]) -> Option<usize> {
    let (mut round, mut curly) = (0_i32, 0_i32);
    for token in tokens {
        match token.text {
            "(" | "[" => round += 1,
            ")" | "]" => round -= 1,
            ";" if round == 0 && curly == 0 => return None,
            "{" => curly += 1,
            "}" if curly == 1 => return Some(token.line),
            "}" => curly -= 1,
            _ => {}
        }
    }
    None
}

/// Where an item ends: behind its body, or behind its semicolon.
fn item_end(item: &str) -> usize {
    let (mut round, mut curly) = (0_i32, 0_i32);
    for (at, c) in item.char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            '{' => curly += 1,
            '}' if curly == 1 => return at + 1,
            '}' => curly -= 1,
            ';' if round == 0 && curly == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

fn blank(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { ' ' }).collect()
}

#[test]
fn comments_and_literals_are_no_code() {
    let check = |text: &str, expected: &[&str]| {
        let code = masked(text);
        let found: Vec<_> = tokens(&code).iter().map(|token| token.text).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("a // b\nc", &["a", "c"]);
    check("a /* b\n * c */ d", &["a", "d"]);
    check(r#"a "b \" c" d"#, &["a", "d"]);
    check(r###"a r#"b " c"# d br"e" f r##"g "# h"## i"###, &["a", "d", "f", "i"]);
    check("r#type bar break", &["r", "#", "type", "bar", "break"]);
    check(r"a '\'' b '{' c '\u{7f}' d '\\' b'x'", &["a", "b", "c", "d", "b"]);
    check("fn a<'b>(c: &'b str)", &["fn", "a", "<", "'", "b", ">", "(", "c", ":", "&", "'", "b", "str", ")"]);
}

#[test]
fn tests_are_no_program() {
    let code = "use a;\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\n#[cfg(test)]\nuse c::{d};\nfn e() {}";
    let kept = without_tests(code);
    let left: Vec<_> = tokens(&kept).iter().map(|token| (token.text, token.line)).collect();
    assert_eq!(left[..3], [("use", 1), ("a", 1), (";", 1)]);
    assert_eq!(left[4..6], [("fn", 8), ("e", 8)]);
}

#[test]
fn groups_of_paths_are_spread_out() {
    let check = |code: &str, expected: &[&str]| {
        let tokens = tokens(code);
        let found: Vec<_> = paths(&tokens, &["crate"]).iter().map(|path| path.names.join("::")).collect();
        assert_eq!(found, expected, "{code}");
    };
    check("use crate::a::B;", &["crate::a::B"]);
    check(
        "use crate::{a::B, c::{self, D as E}, f};",
        &["crate::a::B", "crate::c::self", "crate::c::D", "crate::f"],
    );
    check("use crate::*; pub(crate) struct X; pub(in crate::a) fn f()", &["crate::*", "crate::a"]);
    check("crate::a::f(crate::b::C { d: 1 })", &["crate::a::f", "crate::b::C"]);
    check("use crate as x;", &["crate"]);
}

#[test]
fn functions_are_measured_from_name_to_brace() {
    let code =
        "fn a() {}\ntrait T { fn b(&self);\n fn c(x: [u8; 2])\n {\n  if x {}\n }\n}\ntype F = fn(u8) -> u8;";
    let tokens = tokens(code);
    let found: Vec<_> = functions(&tokens).iter().map(|f| (f.name, f.line, f.lines)).collect();
    assert_eq!(found, [("a", 1, 1), ("c", 3, 4)]);
}
