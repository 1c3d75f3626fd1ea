//! What may be written: an answer that would be given again.

use std::fmt;

use crate::domain::{Finish, Outcome};
use crate::evidence::Role;

/// What the gate looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WriteFacts {
    /// The engine's HTTP status.
    pub status: u16,
    /// How the answer ended.
    pub outcome: Outcome,
    /// Whether there is anything in it: a text, or a call.
    pub says_something: bool,
    /// Why the request was sent.
    pub role: Role,
    /// Whether the engine is the one that its release was locked to, as far as anyone knows.
    pub is_genuine: bool,
    /// The temperature that applied, the client's or else the release's; `None` when neither set one.
    pub temperature: Option<f64>,
    /// Answers asked for at once (`n`); the outcome speaks of the first only.
    pub choices: u64,
    /// Whether the client or the engine forbade storing (`cache-control: no-store`).
    pub no_store: bool,
}

/// Why an answer was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotStored {
    /// The answer is a copy's: nobody asked for it.
    Copy,
    /// The answer is not the release's own: its engine is another one than was locked.
    Stranger,
    /// `no-store`.
    Forbidden,
    /// Not a 2xx.
    Status,
    /// Not ended by the model itself: cut, aborted, at the token limit, or waiting for a tool.
    Incomplete,
    /// Nothing was said.
    Empty,
    /// Sampled, or sampled for all we know: a cached answer would be one draw for ever.
    Sampled,
    /// More than one choice.
    Choices,
}

impl fmt::Display for NotStored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Copy => "copy",
            Self::Stranger => "stranger",
            Self::Forbidden => "forbidden",
            Self::Status => "status",
            Self::Incomplete => "incomplete",
            Self::Empty => "empty",
            Self::Sampled => "sampled",
            Self::Choices => "choices",
        })
    }
}

/// Whether an answer may be written.
///
/// A temperature that nobody set is the engine's default, which is not zero in any common engine, so
/// its answers count as sampled.
///
/// # Errors
/// [`NotStored`] names the first rule that the answer breaks.
pub fn admit(facts: &WriteFacts) -> Result<(), NotStored> {
    let rules = [
        (facts.role == Role::Serving, NotStored::Copy),
        (facts.is_genuine, NotStored::Stranger),
        (!facts.no_store, NotStored::Forbidden),
        ((200..300).contains(&facts.status), NotStored::Status),
        (facts.outcome == Outcome::Complete(Finish::Stop), NotStored::Incomplete),
        (facts.says_something, NotStored::Empty),
        (facts.temperature == Some(0.0), NotStored::Sampled),
        (facts.choices == 1, NotStored::Choices),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        Some((_, reason)) => Err(reason),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Missing;

    fn check(change: impl FnOnce(&mut WriteFacts), expected: Result<(), NotStored>) {
        let mut facts = WriteFacts {
            status: 200,
            outcome: Outcome::Complete(Finish::Stop),
            says_something: true,
            role: Role::Serving,
            is_genuine: true,
            temperature: Some(0.0),
            choices: 1,
            no_store: false,
        };
        change(&mut facts);
        assert_eq!(admit(&facts), expected, "{facts:?}");
    }

    #[test]
    fn only_a_whole_certain_answer_to_a_client_is_written() {
        check(|_| (), Ok(()));
        check(|facts| facts.role = Role::Mirror, Err(NotStored::Copy));
        check(|facts| facts.role = Role::Null, Err(NotStored::Copy));
        check(|facts| facts.is_genuine = false, Err(NotStored::Stranger));
        check(|facts| facts.no_store = true, Err(NotStored::Forbidden));
        check(|facts| facts.status = 500, Err(NotStored::Status));
        check(|facts| facts.says_something = false, Err(NotStored::Empty));
        check(|facts| facts.temperature = Some(0.7), Err(NotStored::Sampled));
        check(|facts| facts.temperature = None, Err(NotStored::Sampled));
        check(|facts| facts.temperature = Some(f64::NAN), Err(NotStored::Sampled));
        check(|facts| facts.choices = 2, Err(NotStored::Choices));
    }

    #[test]
    fn a_truncated_or_failed_answer_is_not_replayed_for_ever() {
        let broken = [
            Outcome::Truncated(Missing::Finish),
            Outcome::Truncated(Missing::Terminator),
            Outcome::Aborted,
            Outcome::Stalled,
            Outcome::Errored(500),
            Outcome::ClientGone,
            Outcome::Complete(Finish::Length),
            Outcome::Complete(Finish::ToolCalls),
        ];
        for outcome in broken {
            check(|facts| facts.outcome = outcome, Err(NotStored::Incomplete));
        }
    }
}
