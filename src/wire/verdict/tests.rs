//! The document's bytes: fixed for a fixed judgment, and read back without loss.

use super::*;

#[test]
fn a_fixed_judgment_gives_the_fixed_bytes() {
    let record = VerdictRecord::from(&fixture::judgment());
    let bytes = String::from_utf8(record.to_json_bytes()).unwrap();
    assert_eq!(bytes, include_str!("testdata/verdict.json"));
}

#[test]
fn a_document_reads_back_as_itself() {
    let record = VerdictRecord::from(&fixture::judgment());
    let back = VerdictRecord::from_json_bytes(&record.to_json_bytes()).unwrap();
    assert_eq!(back, record);
    assert_eq!(back.to_json_bytes(), record.to_json_bytes());
}

fn check_refused(document: &str, expected: &str) {
    let error = VerdictRecord::from_json_bytes(document.as_bytes()).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn other_documents_are_refused_by_name() {
    let fixed = include_str!("testdata/verdict.json");
    check_refused("{", "not a verdict");
    check_refused("{}", "missing field");
    check_refused(&fixed.replace("verdict/1", "verdict/9"), "goldgate/verdict/9");
    check_refused(
        &fixed.replace("\"fail\"", "\"maybe\""),
        "unknown verdict \"maybe\", expected one of pass,",
    );
}

fn check_rounded(value: f64, expected: Option<f64>) {
    assert_eq!(rounded(value).map(f64::to_bits), expected.map(f64::to_bits), "{value}");
}

#[test]
fn numbers_keep_six_digits_and_nothing_that_json_cannot_say() {
    check_rounded(0.1304, Some(0.1304));
    check_rounded(0.1 + 0.2, Some(0.3));
    check_rounded(1_234_567.0, Some(1_234_570.0));
    check_rounded(-1.234_567_89e-12, Some(-1.234_57e-12));
    check_rounded(-0.0, Some(0.0));
    check_rounded(f64::NAN, None);
    check_rounded(f64::NEG_INFINITY, None);
    check_rounded(f64::MAX, Some(1.797_69e308));
}
