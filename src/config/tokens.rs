//! Secrets of `[server]`: who may do what on the admin port, and who may choose an arm on the data port.

use std::path::Path;

use crate::document::{Faults, Item, Reader, Secret, Section};

/// One bearer token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    /// What it may do.
    pub role: TokenRole,
    /// Where it is found.
    pub secret: Secret,
}

/// What a token may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRole {
    /// Look.
    Viewer,
    /// Start, pause, resume, abort, roll back.
    Operator,
    /// Promote.
    Approver,
}

const ROLES: [(&str, TokenRole); 3] =
    [("viewer", TokenRole::Viewer), ("operator", TokenRole::Operator), ("approver", TokenRole::Approver)];

const EXAMPLE: &str =
    "write [[server.tokens]] with role = \"operator\" and secret = \"env:GOLDGATE_OPERATOR\"";

/// The tokens of `[server]`, in their order.
pub(super) fn tokens(reader: &mut Reader<'_>, server: &Section<'_, '_>, folder: &Path) -> Vec<TokenConfig> {
    let Some(item) = server.get("tokens") else { return Vec::new() };
    let Some(items) = item.list() else {
        reader.wrong(&item, "a list of tables", EXAMPLE);
        return Vec::new();
    };
    items.iter().filter_map(|item| token(reader, item, folder)).collect()
}

fn token(reader: &mut Reader<'_>, item: &Item<'_, '_>, folder: &Path) -> Option<TokenConfig> {
    let Some(section) = item.clone().section() else {
        reader.wrong(item, "a table", EXAMPLE);
        return None;
    };
    reader.known(&section, &["role", "secret"]);
    let role = reader.needed(&section, "role", "role = \"viewer\", \"operator\" or \"approver\"");
    let role = role.and_then(|_| reader.word(&section, "role", &ROLES));
    let secret = reader.needed(&section, "secret", "secret = \"env:NAME\" or \"file:PATH\"");
    let secret = secret.and_then(|item| Secret::reference(reader, &item, folder));
    Some(TokenConfig { role: role?, secret: secret? })
}

/// Reads every token's secret; `variable` reads the environment.
///
/// # Errors
/// Every secret that cannot be read or that another token has already: whose role would it be?
pub fn read_tokens(
    tokens: &[TokenConfig],
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, TokenRole)>, Faults> {
    let (mut read, mut faults) = (Vec::<(String, TokenRole)>::new(), Faults::default());
    for TokenConfig { role, secret } in tokens {
        match secret.read(&variable) {
            Ok(text) if read.iter().any(|(other, _)| *other == text) => {
                faults.0.push(secret.fault("another token has this secret already".to_owned()));
            }
            Ok(text) => read.push((text, *role)),
            Err(fault) => faults.0.push(fault),
        }
    }
    faults.or(read)
}

/// A list of clients' keys, in their order.
pub(super) fn secrets(
    reader: &mut Reader<'_>,
    section: &Section<'_, '_>,
    key: &str,
    folder: &Path,
) -> Vec<Secret> {
    let Some(item) = section.get(key) else { return Vec::new() };
    let Some(items) = item.list() else {
        reader.wrong(&item, "a list of secrets", format!("write {key} = [\"env:CLIENT_KEY\"]"));
        return Vec::new();
    };
    items.iter().filter_map(|item| Secret::reference(reader, item, folder)).collect()
}

/// Reads clients' keys; `variable` reads the environment.
///
/// # Errors
/// Every key that cannot be read.
pub fn read_keys(keys: &[Secret], variable: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, Faults> {
    let (mut read, mut faults) = (Vec::new(), Faults::default());
    for key in keys {
        match key.read(&variable) {
            Ok(text) => read.push(text),
            Err(fault) => faults.0.push(fault),
        }
    }
    faults.or(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn config(tokens: &str, folder: &Path) -> Result<Config, Faults> {
        let text = format!("version = 1\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n{tokens}");
        Config::parse("goldgate.toml", &text, folder, [])
    }

    fn read(tokens: &str, folder: &Path) -> Result<Vec<(String, TokenRole)>, String> {
        let environment = |name: &str| match name {
            "OPS" => Some(" ops-1\n".to_owned()),
            "EMPTY" => Some(" ".to_owned()),
            "BROKEN" => Some("two\nlines".to_owned()),
            _ => None,
        };
        let config = config(tokens, folder).map_err(|faults| faults.to_string())?;
        read_tokens(&config.server.tokens, environment).map_err(|faults| faults.to_string())
    }

    fn token(role: &str, secret: &str) -> String {
        format!("[[server.tokens]]\nrole = \"{role}\"\nsecret = \"{secret}\"\n")
    }

    #[test]
    fn secrets_come_from_variables_and_files_and_none_is_in_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ship.key"), "ship-1\n").unwrap();
        let text = token("operator", "env:OPS") + &token("approver", "file:ship.key");
        let tokens = read(&text, folder.path()).unwrap();
        let expected = [("ops-1", TokenRole::Operator), ("ship-1", TokenRole::Approver)];
        assert_eq!(tokens, expected.map(|(text, role)| (text.to_owned(), role)));
        assert_eq!(read("", folder.path()), Ok(Vec::new()));
        let debug = format!("{:?}", config(&text, folder.path()).unwrap());
        assert!(!debug.contains("ops-1") && !debug.contains("ship-1"), "{debug}");
    }

    fn check(tokens: &str, expected: &[&str]) {
        let said = read(tokens, Path::new("conf")).unwrap_err();
        let lines: Vec<_> = said.lines().filter(|line| !line.starts_with("  hint")).collect();
        assert_eq!(lines, expected, "{said}");
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_told_at_its_place_all_of_them_at_once() {
        check(
            &(token("viewer", "env:NOWHERE")
                + &token("operator", "env:EMPTY")
                + &token("approver", "env:BROKEN")),
            &[
                "goldgate.toml:6:10: server.tokens[0].secret: the variable NOWHERE is not set",
                "goldgate.toml:9:10: server.tokens[1].secret: the variable EMPTY is empty",
                "goldgate.toml:12:10: server.tokens[2].secret: the variable BROKEN holds more than letters, digits and signs on one line",
            ],
        );
        check(
            &token("viewer", "file:no.key"),
            &[
                "goldgate.toml:6:10: server.tokens[0].secret: conf/no.key cannot be read: No such file or directory (os error 2)",
            ],
        );
        check(
            &(token("viewer", "env:OPS") + &token("approver", "env:OPS")),
            &["goldgate.toml:9:10: server.tokens[1].secret: another token has this secret already"],
        );
    }

    #[test]
    fn keys_that_may_pin_are_read_where_they_are_named() {
        let read = |keys: &str| {
            let config = config(&format!("[server]\npin_keys = {keys}\n"), Path::new("conf"));
            let read = config.and_then(|config| {
                read_keys(&config.server.pin_keys, |name| (name == "PIN").then(|| "k1 ".to_owned()))
            });
            read.map_err(|faults| faults.to_string().lines().next().unwrap().to_owned())
        };
        assert_eq!(read(r#"["env:PIN"]"#), Ok(vec!["k1".to_owned()]));
        assert_eq!(read("[]"), Ok(Vec::new()));
        let unset = "goldgate.toml:5:24: server.pin_keys[1]: the variable NO is not set";
        assert_eq!(read(r#"["env:PIN", "env:NO"]"#), Err(unset.to_owned()));
        assert!(read(r#""env:PIN""#).unwrap_err().contains("a list of secrets"));
        assert!(read(r#"["k1"]"#).unwrap_err().contains("no reference to a secret"));
    }

    #[test]
    fn a_secret_in_the_file_itself_is_refused_without_being_repeated() {
        check(
            &token("root", "hunter2"),
            &[
                "goldgate.toml:5:8: server.tokens[0].role: \"root\" is not one of: viewer, operator, approver",
                "goldgate.toml:6:10: server.tokens[0].secret: no reference to a secret",
            ],
        );
        check(
            "[[server.tokens]]\n",
            &[
                "goldgate.toml:4:1: server.tokens[0].role: is required",
                "goldgate.toml:4:1: server.tokens[0].secret: is required",
            ],
        );
        check("[server]\ntokens = \"x\"\n", &["goldgate.toml:5:10: server.tokens: a list of tables"]);
    }
}
