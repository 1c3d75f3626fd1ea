//! Promises: a test that a page names is there, so that a table of promises cannot outlive them.

use regex::Regex;

use crate::tree::{none, prose, rust};

/// Names as long as these are tests' names: sentences with underscores.
const NAMED: &str = r"`([a-z][a-z0-9]*(?:_[a-z0-9]+){3,})`";

#[test]
fn every_test_that_a_page_names_is_there() {
    let named = Regex::new(NAMED).unwrap();
    let code: String = rust().into_iter().map(|file| file.text).collect();
    let pages = prose().into_iter().filter(|file| file.path.ends_with(".md"));
    let mut missing = Vec::new();
    for page in pages {
        for (line, text) in page.text.lines().enumerate() {
            let names = named.captures_iter(text).map(|found| found[1].to_owned());
            let absent = names.filter(|name| !code.contains(&format!("fn {name}(")));
            missing
                .extend(absent.map(|name| format!("{}:{}: no test is called {name}", page.path, line + 1)));
        }
    }
    none(&missing);
}
