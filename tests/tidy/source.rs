//! Files of the project as text.

use std::process::Command;

/// What a file's code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It ships.
    Code,
    /// It tests or measures.
    Test,
}

/// One Rust file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) kind: Kind,
    /// All of it.
    pub(crate) text: String,
    /// The lines that ship: without `#[cfg(test)] mod tests { … }` at its end.
    pub(crate) shipped: usize,
}

/// Every file that belongs to the project, or would once it is added.
pub(crate) fn all() -> Vec<String> {
    let listed =
        Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let files: Vec<_> = listed.lines().map(str::to_owned).collect();
    assert!(files.len() > 100, "the project's files cannot be listed");
    files.into_iter().filter(|path| std::path::Path::new(path).is_file()).collect()
}

/// Every Rust file.
pub(crate) fn rust() -> Vec<Source> {
    all().into_iter().filter(|path| path.ends_with(".rs")).map(Source::read).collect()
}

impl Source {
    fn read(path: String) -> Self {
        let text = std::fs::read_to_string(&path).unwrap();
        let inline = text.lines().collect::<Vec<_>>();
        let tests =
            inline.windows(2).position(|two| two[0] == "#[cfg(test)]" && two[1].ends_with("mod tests {"));
        let kind = if is_test(&path) { Kind::Test } else { Kind::Code };
        let shipped = if kind == Kind::Test { 0 } else { tests.unwrap_or(inline.len()) };
        Self { path, kind, text, shipped }
    }

    /// The folder below `src`, or the file's own name there.
    pub(crate) fn floor(&self) -> Option<&str> {
        self.path.strip_prefix("src/")?.split(['/', '.']).next()
    }

    /// Lines that ship, with their numbers; comments are left out.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take(self.shipped).enumerate();
        lines.map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// `file:line: rule` for every line that ships and that `wrong` finds.
    pub(crate) fn lines_where(&self, wrong: impl Fn(&str) -> bool, rule: &str) -> Vec<String> {
        self.code()
            .filter(|(_, line)| wrong(line))
            .map(|(at, line)| format!("{}:{at}: {rule}: {}", self.path, line.trim()))
            .collect()
    }
}

fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !path.starts_with("src/")
        || path.contains("/tests/")
        || path.contains("_tests/")
        || name.ends_with("_tests.rs")
        || ["tests.rs", "testing.rs", "fixture.rs", "properties.rs", "scenarios.rs"].contains(&name)
}
