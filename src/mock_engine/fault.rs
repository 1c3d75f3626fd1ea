//! What can be made to go wrong, and how it is written.

use std::str::FromStr;
use std::time::Duration;

/// A scripted fault: what goes wrong, and for which share of the requests.
///
/// Written `kind` or `kind:key=value,key=value`. `rate` (or `share`), from 0 to 1, is how many requests it
/// hits; without it, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub(super) kind: Kind,
    pub(super) rate: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// An error status instead of an answer.
    Error { code: u16 },
    /// Every time is multiplied.
    Slow { factor: f64 },
    /// The answer ends half-way, cleanly, without finish and terminator.
    Truncate,
    /// The answer ends with its finish and without `[DONE]`.
    NoTerminator,
    /// `finish_reason: abort` half-way, then usage and `[DONE]`.
    Abort,
    /// An error object half-way inside the 200, then `[DONE]`.
    ErrorInStream,
    /// A head, then silence.
    HangBeforeFirst,
    /// Half an answer, then silence.
    HangMidStream,
    /// The connection breaks half-way.
    Reset,
    /// 503 for everything, `/health` included, until so long after the start.
    SlowStart { lasts: Duration },
    /// The text falls into a loop.
    Degenerate,
    /// Another `system_fingerprint`.
    Fingerprint { value: String },
    /// The fixed sentence, whatever is asked.
    SameAnswer,
    /// A page for people with status 200, as captive portals send it.
    Html,
}

/// Why a text is not a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No such kind.
    #[error("no fault is called {kind:?}; there are: {KINDS}")]
    Kind {
        /// What was written.
        kind: String,
    },
    /// Not `key=value`.
    #[error("{fault}: {part:?} is not of the form key=value")]
    Form {
        /// The kind of fault.
        fault: String,
        /// What was written.
        part: String,
    },
    /// The kind does not take this key.
    #[error("{fault}: there is no key {key:?} here; it takes {known}")]
    Key {
        /// The kind of fault.
        fault: String,
        /// What was written.
        key: String,
        /// Keys it takes.
        known: String,
    },
    /// A value outside its range.
    #[error("{fault}: {key} must be {rule}, not {value:?}")]
    Value {
        /// The kind of fault.
        fault: String,
        /// The key.
        key: String,
        /// What is allowed.
        rule: &'static str,
        /// What was written.
        value: String,
    },
    /// A key that has no default is absent.
    #[error("{fault} needs {key}=…")]
    Missing {
        /// The kind of fault.
        fault: String,
        /// The key.
        key: &'static str,
    },
}

const KINDS: &str = "error, slow, truncate, no-terminator, abort, error-in-stream, hang-before-first, \
    hang-mid-stream, reset, slow-start, degenerate, fingerprint, same-answer, html";

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (kind, settings) = text.split_once(':').unwrap_or((text, ""));
        let mut settings = Settings::read(kind, settings)?;
        let kind = read_kind(kind, &mut settings)?;
        let rate = match kind {
            Kind::SlowStart { .. } => 1.0,
            _ => settings
                .number(&["rate", "share"], Some(1.0), "from 0 to 1", |rate| (0.0..=1.0).contains(&rate))?,
        };
        settings.end()?;
        Ok(Self { kind, rate })
    }
}

fn read_kind(kind: &str, settings: &mut Settings<'_>) -> Result<Kind, FaultError> {
    Ok(match kind {
        "error" => Kind::Error { code: settings.code()? },
        "slow" => {
            let factor = settings
                .number(&["factor"], None, "above 0, at most 1000", |factor| factor > 0.0 && factor <= 1e3)?;
            Kind::Slow { factor }
        }
        "truncate" => Kind::Truncate,
        "no-terminator" => Kind::NoTerminator,
        "abort" => Kind::Abort,
        "error-in-stream" => Kind::ErrorInStream,
        "hang-before-first" => Kind::HangBeforeFirst,
        "hang-mid-stream" => Kind::HangMidStream,
        "reset" => Kind::Reset,
        "slow-start" => {
            let seconds = settings
                .number(&["seconds"], None, "from 0 to 3600", |seconds| (0.0..=3600.0).contains(&seconds))?;
            Kind::SlowStart { lasts: Duration::from_secs_f64(seconds) }
        }
        "degenerate" => Kind::Degenerate,
        "fingerprint" => {
            let missing = || FaultError::Missing { fault: kind.to_owned(), key: "value" };
            Kind::Fingerprint { value: settings.take(&["value"]).ok_or_else(missing)?.1.to_owned() }
        }
        "same-answer" => Kind::SameAnswer,
        "html" => Kind::Html,
        _ => return Err(FaultError::Kind { kind: kind.to_owned() }),
    })
}

/// What stands behind the colon; every key must be taken by somebody.
struct Settings<'a> {
    fault: &'a str,
    left: Vec<(&'a str, &'a str)>,
    asked: Vec<&'static str>,
}

impl<'a> Settings<'a> {
    fn read(fault: &'a str, text: &'a str) -> Result<Self, FaultError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let form = |part: &str| FaultError::Form { fault: fault.to_owned(), part: part.to_owned() };
        let left: Result<_, _> = parts.map(|part| part.split_once('=').ok_or_else(|| form(part))).collect();
        Ok(Self { fault, left: left?, asked: Vec::new() })
    }

    fn take(&mut self, keys: &[&'static str]) -> Option<(&'a str, &'a str)> {
        self.asked.extend(keys);
        let position = self.left.iter().position(|(key, _)| keys.contains(key))?;
        Some(self.left.remove(position))
    }

    fn number(
        &mut self,
        keys: &[&'static str],
        default: Option<f64>,
        rule: &'static str,
        admits: impl Fn(f64) -> bool,
    ) -> Result<f64, FaultError> {
        let fault = self.fault.to_owned();
        match self.take(keys) {
            None => {
                default.ok_or(FaultError::Missing { fault, key: keys.first().copied().unwrap_or_default() })
            }
            Some((key, value)) => value.parse().ok().filter(|&number| admits(number)).ok_or_else(|| {
                FaultError::Value { fault, key: key.to_owned(), rule, value: value.to_owned() }
            }),
        }
    }

    fn code(&mut self) -> Result<u16, FaultError> {
        let rule = "a status from 400 to 599";
        let code = self.number(&["code"], Some(500.0), rule, |code| {
            (400.0..600.0).contains(&code) && code.fract() == 0.0
        })?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "400 to 599")]
        Ok(code as u16)
    }

    fn end(self) -> Result<(), FaultError> {
        match self.left.first() {
            None => Ok(()),
            Some((key, _)) => Err(FaultError::Key {
                fault: self.fault.to_owned(),
                key: (*key).to_owned(),
                known: if self.asked.is_empty() { "none".to_owned() } else { self.asked.join(", ") },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(Kind, f64), &str>) {
        match (text.parse::<Fault>(), expected) {
            (Ok(fault), Ok((kind, rate))) => assert_eq!(fault, Fault { kind, rate }, "{text}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{text}: {error}"),
            (got, expected) => panic!("{text}: {got:?}, not {expected:?}"),
        }
    }

    #[test]
    fn faults_are_kinds_with_settings() {
        check("error", Ok((Kind::Error { code: 500 }, 1.0)));
        check("error:rate=0.04,code=503", Ok((Kind::Error { code: 503 }, 0.04)));
        check("slow:share=0.03,factor=10", Ok((Kind::Slow { factor: 10.0 }, 0.03)));
        check("slow-start:seconds=2", Ok((Kind::SlowStart { lasts: Duration::from_secs(2) }, 1.0)));
        check("fingerprint:value=fp-2", Ok((Kind::Fingerprint { value: "fp-2".to_owned() }, 1.0)));
        check("hang-mid-stream: rate=0.5", Ok((Kind::HangMidStream, 0.5)));
    }

    #[test]
    fn every_kind_that_is_listed_can_be_written() {
        for kind in KINDS.split(", ") {
            let settings = match kind {
                "slow" => ":factor=2",
                "slow-start" => ":seconds=1",
                "fingerprint" => ":value=x",
                _ => "",
            };
            assert!(format!("{kind}{settings}").parse::<Fault>().is_ok(), "{kind}");
        }
    }

    #[test]
    fn a_bad_fault_names_the_rule() {
        check("eror", Err("no fault is called \"eror\"; there are: error, slow"));
        check("error:rate=2", Err("error: rate must be from 0 to 1, not \"2\""));
        check("error:rate=NaN", Err("must be from 0 to 1"));
        check("error:code=200", Err("code must be a status from 400 to 599"));
        check("slow:rate=1", Err("slow needs factor=…"));
        check("slow:factor=0", Err("above 0"));
        check("abort:half", Err("\"half\" is not of the form key=value"));
        check("abort:factor=2", Err("there is no key \"factor\" here; it takes rate, share"));
        check("slow-start:seconds=1,rate=1", Err("it takes seconds"));
        check("fingerprint", Err("fingerprint needs value=…"));
    }
}
