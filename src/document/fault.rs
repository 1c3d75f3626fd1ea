//! What is wrong with a file: place, rule and remedy, all of them at once.

use std::fmt;

/// One thing that is wrong. Prints as `file:line:column: path: rule`, and the hint on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Column, from 1, in characters; 0 when the whole line is meant.
    pub column: usize,
    /// The key inside the file, for example `metric[1].margin`; empty when the text itself is broken.
    pub path: String,
    /// What is asked for, and what was found.
    pub rule: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault of the whole file, for example one that cannot be read.
    pub(crate) fn whole(file: &str, rule: impl Into<String>, hint: &str) -> Self {
        let (file, rule, hint) = (file.to_owned(), rule.into(), Some(hint.to_owned()));
        Self { file, line: 0, column: 0, path: String::new(), rule, hint }
    }

    /// A file that cannot be read, in the words of the operating system.
    pub(crate) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        Self::whole(file, format!("cannot be read: {error}"), "check the path; it is taken from here")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column.max(1))?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.rule)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with one input. Never empty when it is returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

/// Faults printed before the rest is only counted: a dataset in the wrong format has one per row, and the
/// first twenty say what all of them do.
const SHOWN_MAX: usize = 20;

impl Faults {
    /// `value`, unless something is wrong.
    ///
    /// # Errors
    /// `self`, when it holds a fault.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().take(SHOWN_MAX).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more of the kind"),
        }
    }
}

impl std::error::Error for Faults {}

/// Below this likeness a suggestion confuses more than it helps (Jaro-Winkler, 0 to 1).
const LIKENESS_MIN: f64 = 0.8;

/// A hint for an unknown word: the known one it is most like, or all of them.
pub(crate) fn did_you_mean(word: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), *candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, candidate)) if likeness >= LIKENESS_MIN => format!("did you mean `{candidate}`?"),
        _ => format!("known here: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_place_rule_and_remedy() {
        let fault = Fault {
            line: 4,
            column: 7,
            path: "metric[0].margin".to_owned(),
            ..Fault::whole("a.toml", "a margin is a share of the scale, not 3", "write 0.03 or \"3%\"")
        };
        let expected = "a.toml:4:7: metric[0].margin: a margin is a share of the scale, not 3\n  hint: write 0.03 or \"3%\"";
        assert_eq!(fault.to_string(), expected);
    }

    #[test]
    fn a_thousand_faults_do_not_flood_the_screen() {
        let faults = Faults(vec![Fault::whole("a", "b", "c"); 1_000]);
        assert!(faults.to_string().ends_with("… and 980 more of the kind"));
        assert_eq!(faults.to_string().lines().count(), 2 * SHOWN_MAX + 1);
    }

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        assert_eq!(did_you_mean("requierd", &["grader", "margin", "required"]), "did you mean `required`?");
        assert_eq!(did_you_mean("zzz", &["grader", "margin"]), "known here: grader, margin");
    }
}
