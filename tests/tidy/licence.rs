//! Licence expressions as crates write them: `(MIT OR Apache-2.0) AND Unicode-3.0`, and the older `MIT/Apache-2.0`.

/// Whether one may choose such that every licence left is in `allowed`. An expression that cannot be read is
/// not satisfied.
pub(crate) fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    let tokens = tokens(expression);
    let mut reader = Reader { tokens: &tokens, allowed };
    reader.either() == Some(true) && reader.tokens.is_empty()
}

/// The licences that an expression names, an exception being part of its licence.
pub(crate) fn names(expression: &str) -> Vec<String> {
    let is_sign = |token: &String| matches!(token.as_str(), "(" | ")" | "AND" | "OR");
    tokens(expression).into_iter().filter(|token| !is_sign(token)).collect()
}

struct Reader<'a> {
    tokens: &'a [String],
    allowed: &'a [&'a str],
}

impl Reader<'_> {
    fn either(&mut self) -> Option<bool> {
        let mut holds = self.both()?;
        while self.take("OR") {
            holds |= self.both()?;
        }
        Some(holds)
    }

    fn both(&mut self) -> Option<bool> {
        let mut holds = self.one()?;
        while self.take("AND") {
            holds &= self.one()?;
        }
        Some(holds)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let holds = self.either()?;
            return self.take(")").then_some(holds);
        }
        let (name, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(self.allowed.contains(&name.as_str()))
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.tokens.first().is_some_and(|token| token == sign);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }
}

/// Names and signs; `A WITH b` is one name, `/` is `OR`.
fn tokens(expression: &str) -> Vec<String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut tokens: Vec<String> = Vec::new();
    let mut words = spaced.split_whitespace();
    while let Some(word) = words.next() {
        match (word, tokens.last_mut()) {
            ("WITH", Some(licence)) => {
                *licence = format!("{licence} WITH {}", words.next().unwrap_or_default())
            }
            _ => tokens.push(word.to_owned()),
        }
    }
    tokens
}

#[test]
fn an_expression_holds_when_a_choice_is_allowed() {
    let check = |expression: &str, expected: bool| {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
    };
    check("MIT", true);
    check("GPL-3.0-only", false);
    check("GPL-3.0-only OR MIT", true);
    check("Unlicense/MIT", true);
    check("MIT AND GPL-3.0-only", false);
    check("(MIT OR GPL-3.0-only) AND Unicode-3.0", true);
    check("MIT OR GPL-3.0-only AND ISC", true);
    check("Apache-2.0 WITH LLVM-exception", true);
    check("MIT WITH Classpath-exception-2.0", false);
    check("(MIT", false);
    check("", false);
}
