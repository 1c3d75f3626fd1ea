//! Time limits that contradict each other: each is told when the service starts, with what comes of it.

use std::time::Duration;

use crate::config::{Config, TimeoutConfig};
use crate::domain::Slot;
use crate::release::Lock;
use crate::upstream::IDLE_AGE_MAX;

/// How servers call the silence after which they hang up, in seconds (llama.cpp).
const SILENCE: [&str; 2] = ["--timeout", "-to"];

/// How they call the rest of a connection after which they close it, in seconds (uvicorn and what is made of it).
const KEEP_ALIVE: [&str; 1] = ["--timeout-keep-alive"];

/// What contradicts in the limits of the configuration, and between them and what the engines are started with.
pub(super) fn contradictions<'a>(
    config: &Config,
    locks: impl IntoIterator<Item = (Slot, &'a Lock)>,
) -> Vec<String> {
    let limits = config.server.timeouts;
    let of_engines = locks.into_iter().flat_map(|(slot, lock)| of_engine(slot, lock, limits));
    of_config(limits, config.mirror.timeout).into_iter().chain(of_engines).collect()
}

fn of_config(TimeoutConfig { first_byte, total, .. }: TimeoutConfig, copies: Duration) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(total) = total.filter(|total| *total <= first_byte) {
        all.push(format!(
            "server.timeouts.total ({total:?}) ends before first_byte ({first_byte:?}) can: an engine that says nothing looks \
             like a long answer, and is never passed over; make total the longer one"
        ));
    }
    let answered = total.map_or(first_byte, |total| total.min(first_byte));
    if copies < answered {
        all.push(format!(
            "mirror.timeout ({copies:?}) is shorter than a client may wait for its first byte ({answered:?}): copies are given \
             up while their originals are answered, and the candidate is judged by halves that are missing"
        ));
    }
    all
}

fn of_engine(slot: Slot, lock: &Lock, limits: TimeoutConfig) -> Vec<String> {
    let seconds = |names: &[&str]| lock.engine_flag(names).map(Duration::from_secs);
    let mut all = Vec::new();
    let waits = limits.first_byte.max(limits.idle);
    if let Some(silence) = seconds(&SILENCE).filter(|silence| *silence < waits) {
        all.push(format!(
            "slots.{slot}: its engine hangs up after {silence:?} (--timeout), and server.timeouts waits up to {waits:?}: what is \
             slow counts as broken; give the engine more, or first_byte and idle less"
        ));
    }
    if let Some(rest) = seconds(&KEEP_ALIVE).filter(|rest| *rest <= IDLE_AGE_MAX) {
        all.push(format!(
            "slots.{slot}: its engine closes a connection that rests for {rest:?} (--timeout-keep-alive), and connections are \
             used again for {IDLE_AGE_MAX:?}: requests meet closed ones; give the engine more"
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn check(limits: &str, flags: &str, expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("release.toml");
        let text =
            format!("name = \"r\"\n[model]\nid = \"m\"\n[engine]\nkind = \"llama.cpp\"\nflags = [{flags}]\n");
        std::fs::write(&manifest, text).unwrap();
        let lock = Lock::resolve(&manifest).unwrap();
        let text = format!("version = 1\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n{limits}");
        let config = Config::parse("goldgate.toml", &text, Path::new(""), []).unwrap();
        let said = contradictions(&config, [(Slot::Blue, &lock)]);
        assert_eq!(said.len(), expected.len(), "{limits} {flags}: {said:?}");
        assert!(said.iter().zip(expected).all(|(said, part)| said.contains(part)), "{said:?}");
    }

    #[test]
    fn limits_that_contradict_each_other_are_told_and_others_are_not() {
        check("", "", &[]);
        check("[server.timeouts]\ntotal = \"10m\"", "\"--timeout\", \"600\"", &[]);
        check("[server.timeouts]\ntotal = \"60s\"", "", &["never passed over"]);
        check("[mirror]\ntimeout = \"30s\"", "", &["mirror.timeout (30s)"]);
        check("[server.timeouts]\nfirst_byte = \"20s\"\n[mirror]\ntimeout = \"30s\"", "", &[]);
        check("", "\"--timeout\", \"30\"", &["hangs up after 30s"]);
        check("", "\"-to=30\", \"--timeout-keep-alive=2\"", &["hangs up", "rests for 2s"]);
        check("", "\"--timeout-keep-alive\", \"5\"", &[]);
    }
}
