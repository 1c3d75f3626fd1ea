//! The file of samples as a crash, a stranger or a careless hand may leave it.

use std::io::Write as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::domain::{Clocks, Finish, Outcome};
use crate::telemetry::SystemClock;

struct Bench {
    folder: TempDir,
    suite: Suite,
}

fn key(seed: u64) -> RunKey {
    let suite = Suite::read("eval-suites/smoke.toml".as_ref()).unwrap();
    RunKey::of(&suite, seed, [(Arm::Baseline, "a".to_owned()), (Arm::Candidate, "b".to_owned())].into_iter())
}

/// The suites of the gate.
fn names() -> Vec<String> {
    vec!["smoke".to_owned(), "other".to_owned()]
}

fn kept(case: usize, arm: Arm) -> Kept {
    let usage = Some(Usage { prompt_tokens: 5, completion_tokens: 7, cached_tokens: None });
    let answer = Answer {
        outcome: Outcome::Complete(Finish::Stop),
        clocks: Clocks { end_ms: 0.3, ..Clocks::default() },
        text: format!("answer {case} of {arm} \u{2028}\n"),
        tool_calls: None,
        usage,
        fingerprint: None,
        token_chunks: 0,
        error: None,
    };
    let times = [Some(12.345), None, Some(0.1 + 0.2), None];
    Kept { turn: Turn { case, repeat: 0, arm }, answer: Some(answer), times, usage, refused: 1 }
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            folder: TempDir::new().unwrap(),
            suite: Suite::read("eval-suites/smoke.toml".as_ref()).unwrap(),
        };
        let mut log = SampleLog::create(bench.folder.path(), Arc::new(SystemClock::start())).unwrap();
        for case in 0..3 {
            for arm in [Arm::Baseline, Arm::Candidate] {
                log.append(&bench.suite, &key(1), &kept(case, arm), &[Score::Value(1.0)]).unwrap();
            }
        }
        bench
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    fn change(&self, change: impl FnOnce(String) -> String) {
        fs::write(self.path(), change(fs::read_to_string(self.path()).unwrap())).unwrap();
    }

    /// What a run with `key` finds, and what it is told.
    fn resume(&self, key: &RunKey) -> (Result<Vec<Kept>, String>, Option<String>) {
        let mut log = SampleLog::resume(self.folder.path(), names(), Arc::new(SystemClock::start())).unwrap();
        let mut found = Vec::new();
        let read = log.each(&self.suite, key, |kept| found.push(kept)).map_err(|error| error.to_string());
        (read.map(|()| found), log.note().map(str::to_owned))
    }

    fn refused(&self, key: &RunKey, expected: &str) {
        let said = self.resume(key).0.unwrap_err();
        assert!(said.contains(expected) && said.contains("hint: "), "{said}");
    }
}

#[test]
fn what_was_kept_is_found_again() {
    let bench = Bench::new();
    let (found, note) = bench.resume(&key(1));
    let found = found.unwrap();
    assert_eq!((found.len(), note), (6, None));
    let (first, written) = (&found[0], kept(0, Arm::Baseline));
    assert_eq!((first.turn, &first.answer, first.usage), (written.turn, &written.answer, written.usage));
    assert_eq!((first.times, first.refused), ([Some(12.345), None, Some(0.3), None], 1));
}

#[test]
fn a_line_cut_off_in_writing_is_dropped_and_told_and_the_next_one_stands_alone() {
    let bench = Bench::new();
    bench.change(|text| text[..text.len() - 9].to_owned());
    let (found, note) = bench.resume(&key(1));
    assert_eq!(found.unwrap().len(), 5);
    assert!(note.unwrap().contains("samples.jsonl: the last line was cut off"));
    let mut log = SampleLog::resume(bench.folder.path(), names(), Arc::new(SystemClock::start())).unwrap();
    log.append(&bench.suite, &key(1), &kept(2, Arm::Candidate), &[]).unwrap();
    let (found, note) = bench.resume(&key(1));
    assert_eq!((found.unwrap().len(), note), (6, None));
}

#[test]
fn a_line_that_lacks_nothing_but_its_newline_is_kept() {
    let bench = Bench::new();
    bench.change(|text| text.trim_end().to_owned());
    let (found, note) = bench.resume(&key(1));
    assert_eq!((found.unwrap().len(), note), (6, None));
    assert!(fs::read_to_string(bench.path()).unwrap().ends_with("}\n"));
}

#[test]
fn a_line_that_is_no_sample_is_named_with_its_place() {
    let bench = Bench::new();
    bench.change(|text| text.replacen("{\"suite\"", "{\"siute\"", 2));
    bench.refused(&key(1), "samples.jsonl:1:1: not a sample: missing field `suite`");
    let bench = Bench::new();
    bench.change(|text| text.replacen('\n', "\n\u{0}\u{0}\n", 1));
    bench.refused(&key(1), "samples.jsonl:2:1: not a sample");
    let bench = Bench::new();
    fs::OpenOptions::new().append(true).open(bench.path()).unwrap().write_all(b"\xff\xfe\n").unwrap();
    bench.refused(&key(1), "samples.jsonl:7:1: not a sample");
    let bench = Bench::new();
    bench.change(|text| format!("{text}{}\n", text.lines().next().unwrap()));
    bench.refused(&key(1), "samples.jsonl:7:1: id: ");
    let bench = Bench::new();
    bench.change(|text| text.replacen("\"repeat\":0", "\"repeat\":1", 1));
    bench.refused(&key(1), "samples.jsonl:1:1: not a sample of this suite");
    let bench = Bench::new();
    bench.change(|text| text.replacen("complete(stop)", "complete(stopped)", 1));
    bench.refused(&key(1), "samples.jsonl:1:1: not a sample of this suite");
}

#[test]
fn answers_of_another_run_are_refused() {
    let bench = Bench::new();
    bench.refused(&key(2), "samples.jsonl:1:1: run: ");
    bench.change(|text| text.replace("\"suite\":\"smoke\"", "\"suite\":\"other\""));
    assert_eq!(bench.resume(&key(1)).0.unwrap().len(), 0, "of another suite of the same gate");
    bench.change(|text| text.replace("\"suite\":\"other\"", "\"suite\":\"stranger\""));
    bench.refused(&key(1), "samples.jsonl:1:1: run: ");
}

#[test]
fn a_new_run_puts_the_answers_of_an_earlier_one_aside() {
    let bench = Bench::new();
    let before = fs::read(bench.path()).unwrap();
    let mut log = SampleLog::create(bench.folder.path(), Arc::new(SystemClock::start())).unwrap();
    log.each(&bench.suite, &key(1), |kept| panic!("{kept:?}")).unwrap();
    assert_eq!(fs::read(bench.path()).unwrap(), b"");
    assert_eq!(fs::read(bench.folder.path().join(EARLIER)).unwrap(), before);
}
