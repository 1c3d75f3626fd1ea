//! The verdict as SARIF 2.1.0, for code-scanning pages: one result for everything that is not well, at the line that asks for it.
//!
//! A rule is a metric or a check. A metric that failed is an error, a required one that is undecided a warning; cases that
//! speak loudest for a failure are notes at their own lines. Places come from the verdict's `sources`; a verdict without any (of
//! files, of live evidence) points to `goldgate.toml`, because a result without a place is refused by GitHub.

use serde_json::{Value, json};

use crate::judgment::Verdict;
use crate::wire::{CheckWord, MetricRecord, SourceRecord, VerdictRecord};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const NOWHERE: &str = "goldgate.toml";

/// The document; ends in a newline.
pub(super) fn render(record: &VerdictRecord) -> String {
    let mut rules: Vec<String> = Vec::new();
    let mut results: Vec<Value> = Vec::new();
    for finding in findings(record) {
        let index = rules.iter().position(|rule| *rule == finding.rule).unwrap_or_else(|| {
            rules.push(finding.rule.clone());
            rules.len() - 1
        });
        results.push(finding.result(index));
    }
    let metrics = record.metrics.iter().map(|metric| (metric.name.clone(), metric.verdict.as_str().into()));
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "goldgate",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| json!({ "id": rule, "shortDescription": { "text": rule } })).collect::<Vec<_>>(),
            } },
            "results": results,
            "properties": {
                "verdict": record.verdict.as_str(),
                "exitCode": record.verdict.exit_code(),
                "metrics": metrics.collect::<serde_json::Map<_, Value>>(),
                "baseline": record.baseline,
                "candidate": record.candidate,
                "policy": record.policy,
                "evidence": record.evidence,
            },
        }],
    });
    // Texts and numbers with text keys: making JSON of them cannot fail.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// Something that is not well, and where what asks for it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The metric or check.
    pub(super) rule: String,
    pub(super) level: Level,
    pub(super) text: String,
    /// File and line.
    pub(super) at: Option<(String, usize)>,
}

/// How bad it is, in SARIF's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Error,
    Warning,
    Note,
}

/// All findings, the worst first; within a level in the verdict's order.
pub(super) fn findings(record: &VerdictRecord) -> Vec<Finding> {
    let anywhere = record.metrics.iter().find_map(|metric| metric.sources.first()).map(place);
    let mut findings = Vec::new();
    for metric in &record.metrics {
        let Some(level) = level(metric) else { continue };
        let (rule, text) = (metric.name.clone(), said(metric));
        let own = metric.sources.iter().find(|source| source.of == metric.name).map(place);
        findings.push(Finding { rule: rule.clone(), level, text, at: own });
        let cases = metric.sources.iter().filter(|source| metric.examples.contains(&source.of));
        findings.extend(cases.map(|source| {
            let text =
                format!("{}: the baseline did better than the candidate on case {}", metric.name, source.of);
            Finding { rule: rule.clone(), level: Level::Note, text, at: Some(place(source)) }
        }));
    }
    for check in record.checks.iter().filter(|check| check.state != CheckWord::Ok) {
        let level = if check.state == CheckWord::Alarm { Level::Error } else { Level::Note };
        let text = format!("{}: {}", check.name, check.text.as_deref().unwrap_or_default());
        findings.push(Finding { rule: format!("check/{}", check.name), level, text, at: anywhere.clone() });
    }
    if findings.iter().all(|finding| finding.level == Level::Note) && record.verdict != Verdict::Pass {
        let level = if record.verdict == Verdict::Inconclusive { Level::Warning } else { Level::Error };
        let text = format!("{}: {}", record.verdict, record.decisive());
        findings.push(Finding { rule: "verdict".to_owned(), level, text, at: anywhere });
    }
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// None for what is well: a pass, and a guard that did not fail.
const fn level(metric: &MetricRecord) -> Option<Level> {
    match metric.verdict {
        Verdict::Fail | Verdict::Invalid => Some(Level::Error),
        Verdict::Inconclusive if metric.required => Some(Level::Warning),
        Verdict::Inconclusive | Verdict::Pass => None,
    }
}

/// The reason, which may name its metric already.
fn said(metric: &MetricRecord) -> String {
    match metric.reason.starts_with(&metric.name) {
        true => metric.reason.clone(),
        false => format!("{}: {}", metric.name, metric.reason),
    }
}

fn place(source: &SourceRecord) -> (String, usize) {
    (source.file.clone(), source.line)
}

impl Finding {
    fn result(self, index: usize) -> Value {
        let (file, line) = self.at.unwrap_or_else(|| (NOWHERE.to_owned(), 1));
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        };
        json!({
            "ruleId": self.rule,
            "ruleIndex": index,
            "level": level,
            "message": { "text": self.text },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": uri(&file) },
                "region": { "startLine": line.max(1) },
            } }],
        })
    }
}

/// A path as a reference from the repository's root.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let parts = path.split('/').map(|part| percent_encoding::utf8_percent_encode(part, ENCODED).to_string());
    parts.collect::<Vec<_>>().join("/")
}

/// What a part of a path may not hold as it is.
const ENCODED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'+');

#[cfg(test)]
mod tests {
    use boon::{Compiler, Schemas};

    use super::*;
    use crate::wire::fixture;

    /// The schema of OASIS, without its descriptions, as the crate serde-sarif 0.8.0 carries it.
    const SCHEMA_TEXT: &str = include_str!("../../tests/data/sarif/sarif-schema-2.1.0.json");

    fn record() -> VerdictRecord {
        let mut record = VerdictRecord::from(&fixture::judgment());
        let source =
            |of: &str, file: &str, line| SourceRecord { of: of.to_owned(), file: file.to_owned(), line };
        let metric = record.metrics.iter_mut().find(|metric| metric.verdict == Verdict::Fail).unwrap();
        metric.sources = vec![source(&metric.name, "./eval suites/gate.toml", 7)];
        metric.sources.extend(metric.examples.iter().map(|id| source(id, "cases.jsonl", 17)));
        record
    }

    #[test]
    fn the_document_is_valid_by_the_standards_schema() {
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler.add_resource("schema:/sarif", serde_json::from_str(SCHEMA_TEXT).unwrap()).unwrap();
        let index = compiler.compile("schema:/sarif", &mut schemas).unwrap();
        for record in [record(), VerdictRecord { metrics: Vec::new(), ..record() }] {
            let document: Value = serde_json::from_str(&render(&record)).unwrap();
            assert!(schemas.validate(&document, index).is_ok(), "{document:#}");
        }
        assert!(schemas.validate(&json!({ "version": "2.1.0" }), index).is_err());
    }

    #[test]
    fn a_result_points_to_the_line_that_asks_for_it() {
        let document: Value = serde_json::from_str(&render(&record())).unwrap();
        let results = document["runs"][0]["results"].as_array().unwrap();
        let place = |result: &Value| result["locations"][0]["physicalLocation"].clone();
        let suite =
            json!({"artifactLocation": {"uri": "eval%20suites/gate.toml"}, "region": {"startLine": 7}});
        assert_eq!((results[0]["level"].as_str(), place(&results[0])), (Some("error"), suite));
        let note = results.iter().find(|result| result["level"] == "note").unwrap();
        assert_eq!(place(note)["artifactLocation"]["uri"], "cases.jsonl");
        for result in results {
            let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(document["runs"][0]["tool"]["driver"]["rules"][at]["id"], result["ruleId"]);
        }
    }

    #[test]
    fn what_did_not_pass_is_never_without_a_result() {
        for verdict in [Verdict::Inconclusive, Verdict::Fail, Verdict::Invalid] {
            let bare = VerdictRecord { verdict, metrics: Vec::new(), checks: Vec::new(), ..record() };
            assert!(findings(&bare)[0].level < Level::Note, "{verdict}");
        }
        let passed =
            VerdictRecord { verdict: Verdict::Pass, metrics: Vec::new(), checks: Vec::new(), ..record() };
        assert_eq!(findings(&passed), []);
    }
}
