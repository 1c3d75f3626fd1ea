//! Evidence tests: files come back in order, and damage is located.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::domain::{Arm, MetricName, RolloutId, Share};
use crate::evidence::{Arrival, Halves, Pair, Record, RecordBatch};
use crate::store::{
    Digests, EvidenceFiles, EvidencePlace, EvidenceWriter, Found, Origin, evidence_totals, read_evidence,
    read_stages,
};

fn pair(seq: u64) -> Record {
    let halves = |baseline, candidate| Halves { baseline, candidate };
    Record::Pair(Pair {
        seq,
        id: format!("req-{seq}"),
        metrics: vec![
            (MetricName::from("error"), halves(Some(0.0), Some(1.0))),
            (MetricName::from("ttft_ms"), halves(Some(210.4), None)),
        ],
    })
}

fn arrival(seq: u64, arm: Arm) -> Record {
    let metrics = vec![(MetricName::from("error"), 0.0), (MetricName::from("ttft_ms"), 0.1 + 0.2)];
    Record::Arrival(Arrival { seq, id: format!("req-{seq}"), arm, share: Share::from_ppm(10_000), metrics })
}

fn place(ordinal: usize, name: &'static str) -> EvidencePlace {
    EvidencePlace { rollout: RolloutId::from("r1"), resets: 0, ordinal, name }
}

fn records() -> Vec<Record> {
    let bare = Record::Pair(Pair { seq: 3, id: "bare".to_owned(), metrics: Vec::new() });
    vec![pair(1), pair(2), bare, arrival(4, Arm::Baseline), arrival(5, Arm::Candidate), pair(6)]
}

/// Two files in the mirror stage, one in the ramp.
fn write(dir: &Path) {
    let mut writer = EvidenceWriter::new(dir.to_owned(), place(2, "mirror"));
    for record in records() {
        let seq = record.seq();
        writer.push(record);
        match seq {
            2 => writer.flush().unwrap(),
            4 => writer.move_to(place(10, "ramp")).unwrap(),
            _ => {}
        }
    }
    writer.flush().unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.waiting(), 0);
}

#[test]
fn what_was_written_comes_back_in_order() {
    let dir = TempDir::new().unwrap();
    write(dir.path());
    assert_eq!(read_evidence(dir.path()).unwrap(), records());
    assert_eq!(read_evidence(&dir.path().join("rollout=r1")).unwrap(), records());
    let stages = read_stages(dir.path()).unwrap();
    let names: Vec<_> =
        stages.iter().map(|one| (one.ordinal, one.name.as_str(), one.records.len())).collect();
    assert_eq!(names, [(2, "mirror", 4), (10, "ramp", 2)], "by position, not by text");
}

fn check(damage: impl Fn(&Path), expected: &[&str]) {
    let dir = TempDir::new().unwrap();
    write(dir.path());
    damage(&dir.path().join("rollout=r1"));
    let error = read_evidence(dir.path()).unwrap_err().to_string();
    for text in expected {
        assert!(error.contains(text), "{error} lacks {text}");
    }
}

#[test]
fn damage_is_located() {
    let first = "stage=2-mirror/pairs-000000000001";
    let file = |dir: &Path| {
        let files = fs::read_dir(dir.join("stage=2-mirror")).unwrap().map(|entry| entry.unwrap().path());
        files.min().unwrap()
    };
    let cut = |dir: &Path| {
        let bytes = fs::read(file(dir)).unwrap();
        fs::write(file(dir), &bytes[..bytes.len() - 20]).unwrap();
    };
    check(cut, &[first, "cut off or changed"]);
    check(|dir| fs::write(file(dir), "").unwrap(), &[first, "not a whole Parquet file"]);
    let renamed = |dir: &Path| {
        cut(dir);
        fs::rename(file(dir), dir.join(first).with_extension("parquet")).unwrap();
    };
    check(renamed, &[first, "not a whole Parquet file"]);
    check(|dir| fs::remove_file(file(dir)).unwrap(), &["pairs-000000000003", "seq 1 must come next"]);
    check(|dir| fs::remove_dir_all(dir.join("stage=2-mirror")).unwrap(), &["stage=10-ramp", "seq 1 must"]);
    check(
        |dir| {
            fs::remove_dir_all(dir.join("stage=2-mirror")).unwrap();
            fs::remove_dir_all(dir.join("stage=10-ramp")).unwrap();
        },
        &["holds no evidence"],
    );
    let twice = |dir: &Path| fs::create_dir(dir.with_file_name("rollout=r2")).unwrap();
    check(twice, &["holds 2 rollouts"]);
}

#[test]
fn what_a_crash_left_half_written_is_not_evidence() {
    let dir = TempDir::new().unwrap();
    write(dir.path());
    let half = dir.path().join("rollout=r1/stage=10-ramp/pairs-000000000007.parquet.tmp");
    fs::write(half, "PAR1").unwrap();
    assert_eq!(read_evidence(dir.path()).unwrap().len(), 6);
}

#[test]
fn a_writer_that_cannot_write_keeps_its_records_and_says_where() {
    let dir = TempDir::new().unwrap();
    let blocked = dir.path().join("evidence");
    fs::write(&blocked, "a file where the directory should be").unwrap();
    let mut writer = EvidenceWriter::new(blocked.clone(), place(2, "mirror"));
    writer.push(pair(1));
    let error = writer.flush().unwrap_err().to_string();
    assert!(error.contains("stage=2-mirror") && error.contains("evidence.dir"), "{error}");
    fs::remove_file(&blocked).unwrap();
    writer.flush().unwrap();
    assert_eq!(read_evidence(&blocked).unwrap(), [pair(1)]);
}

fn digests(candidate: &str) -> Digests {
    let [baseline, candidate, policy] = ["rel:a", candidate, "pol:1"].map(str::to_owned);
    Digests { baseline, candidate, policy }
}

/// One pair in a file of its own, of a rollout `rollout` that judges `digests`.
fn write_one(dir: &Path, seq: u64, rollout: &str, digests: Option<Digests>) {
    let place = EvidencePlace { rollout: RolloutId::from(rollout), ..place(2, "mirror") };
    let mut writer = EvidenceWriter::new(dir.to_owned(), place);
    if let Some(digests) = digests {
        writer = writer.of(digests);
    }
    writer.push(pair(seq));
    writer.flush().unwrap();
}

/// Reads two files, the second of something else.
fn check_foreign(rollout: &str, second: Option<Digests>, expected: &str) {
    let dir = TempDir::new().unwrap();
    write_one(dir.path(), 1, "r1", Some(digests("rel:b")));
    write_one(dir.path(), 2, rollout, second);
    if rollout != "r1" {
        let from = dir.path().join(format!("rollout={rollout}/stage=2-mirror"));
        let file = fs::read_dir(&from).unwrap().next().unwrap().unwrap();
        let to = dir.path().join("rollout=r1/stage=2-mirror").join(file.file_name());
        fs::rename(file.path(), to).unwrap();
        fs::remove_dir_all(dir.path().join(format!("rollout={rollout}"))).unwrap();
    }
    for error in [read_evidence(dir.path()).unwrap_err(), evidence_totals(dir.path()).unwrap_err()] {
        let said = error.to_string();
        assert!(said.contains("pairs-000000000002-") && said.contains(expected), "{said}");
    }
}

#[test]
fn evidence_of_something_else_among_the_files_is_refused_by_name() {
    let other_policy = Digests { policy: "pol:2".to_owned(), ..digests("rel:b") };
    check_foreign("r1", Some(digests("rel:c")), "is evidence of candidate rel:c, but rel:b is expected here");
    check_foreign("r1", Some(other_policy), "is evidence of policy pol:2, but pol:1 is expected here");
    check_foreign("r2", Some(digests("rel:b")), "is evidence of rollout r2, but r1 is expected here");
}

#[test]
fn files_say_what_they_are_of_and_those_that_do_not_are_counted() {
    let dir = TempDir::new().unwrap();
    write_one(dir.path(), 1, "r1", None);
    write_one(dir.path(), 2, "r1", Some(digests("rel:b")));
    let mut files = EvidenceFiles::of(dir.path()).unwrap();
    let mut batch = RecordBatch::default();
    while files.next(&mut batch).unwrap() != Found::End {}
    let known = Origin { rollout: Some("r1".to_owned()), ..Origin::from(&digests("rel:b")) };
    assert_eq!((files.origin(), files.silent()), (&known, 1));
    let other = Origin::from(&digests("rel:c"));
    let error = EvidenceFiles::of(dir.path()).unwrap().expecting(other).stages().unwrap_err();
    assert!(error.to_string().contains("is evidence of candidate rel:b, but rel:c is expected"), "{error}");
}

#[test]
fn evidence_of_another_epoch_lies_apart() {
    let dir = TempDir::new().unwrap();
    let again = EvidencePlace { resets: 1, ..place(2, "mirror") };
    let mut writer = EvidenceWriter::new(dir.path().to_owned(), again);
    writer.push(pair(1));
    writer.flush().unwrap();
    assert!(dir.path().join("rollout=r1.1/stage=2-mirror").is_dir());
}
