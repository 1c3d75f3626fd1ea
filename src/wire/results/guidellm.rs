//! Reports of guidellm (`benchmarks.json`): one row for every request.
//!
//! Compared are the times to the first token, per further token and to the end. Requests have random ids, so they are paired by what
//! was asked: what was sent without the model's name, and which of several equal ones it was, under the same load. A request
//! that failed, or that the benchmark's end cut off, lost its times. guidellm's clocks start when a request was sent.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::ResultsAsk;
use super::format::{broken, of_file};
use super::item::{Item, asked, each, elements};
use crate::document::canonical_json;
use crate::wire::ScoreRow;
use crate::wire::rows::RowFault;

const HINT: &str = "a report is what guidellm benchmark writes as benchmarks.json, with its requests";

/// Times by their key, with what makes milliseconds of them.
const TIMES: [(&str, &str, f64); 3] = [
    ("ttft_ms", "time_to_first_token_ms", 1.0),
    ("tpot_ms", "inter_token_latency_ms", 1.0),
    ("e2e_ms", "request_latency", 1_000.0),
];

#[derive(Deserialize)]
struct Report<'a> {
    #[serde(borrow)]
    benchmarks: Vec<Benchmark<'a>>,
}

#[derive(Deserialize)]
struct Benchmark<'a> {
    #[serde(default)]
    config: Value,
    /// Where the load stood in earlier versions.
    #[serde(default)]
    args: Value,
    #[serde(borrow)]
    requests: Requests<'a>,
}

#[derive(Deserialize)]
struct Requests<'a> {
    #[serde(borrow, default)]
    successful: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    errored: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    incomplete: Vec<&'a RawValue>,
}

/// All benchmarks' rows.
pub(super) fn read(bytes: &[u8], ask: &ResultsAsk<'_>) -> Result<Vec<ScoreRow>, Vec<RowFault>> {
    let report: Report<'_> = serde_json::from_slice(bytes).map_err(|error| vec![broken(&error)])?;
    let mut rows = Vec::new();
    for (index, benchmark) in report.benchmarks.iter().enumerate() {
        let several = report.benchmarks.len() > 1;
        let prefix = if several { format!("benchmark {index}, ") } else { String::new() };
        rows.extend(benchmark.rows(bytes, ask, &prefix)?);
    }
    if rows.is_empty() {
        return Err(vec![of_file("there is no request in it".to_owned(), HINT)]);
    }
    Ok(rows)
}

impl Benchmark<'_> {
    fn rows(&self, bytes: &[u8], ask: &ResultsAsk<'_>, prefix: &str) -> Result<Vec<ScoreRow>, Vec<RowFault>> {
        let load = self.load();
        let mut times = HashMap::<String, usize>::new();
        let lost = [
            ("requests.errored", &self.requests.errored),
            ("requests.incomplete", &self.requests.incomplete),
        ];
        let lost =
            lost.into_iter().flat_map(|(name, list)| elements(bytes, name, list).map(|item| (item, true)));
        let all = elements(bytes, "requests.successful", &self.requests.successful).map(|item| (item, false));
        let mut rows = Vec::new();
        for (item, lost) in all.chain(lost) {
            rows.extend(each(std::iter::once(item), |item| {
                row(&item, ask, &load, prefix, lost, &mut times)
            })?);
        }
        Ok(rows)
    }

    /// How requests came: the strategy without what each run measures anew.
    fn load(&self) -> String {
        let strategy = self.config.get("strategy").or_else(|| self.args.get("strategy"));
        let of = |key: &str| strategy.and_then(|strategy| strategy.get(key)).cloned().unwrap_or_default();
        canonical_json(&json!([of("type_"), of("streams"), of("rate"), of("max_concurrency")]))
    }
}

fn row(
    item: &Item,
    ask: &ResultsAsk<'_>,
    load: &str,
    prefix: &str,
    lost: bool,
    times: &mut HashMap<String, usize>,
) -> Result<ScoreRow, RowFault> {
    let sent = sent(item)?;
    let digest = asked(&[&sent]).unwrap_or_default();
    let nth = times.entry(digest.clone()).or_default();
    *nth += 1;
    let short = digest.get(..12).unwrap_or(&digest);
    let id =
        if *nth > 1 { format!("{prefix}request {short} #{nth}") } else { format!("{prefix}request {short}") };
    let mut scores = Vec::new();
    for (name, key, factor) in TIMES.iter().filter(|(name, ..)| ask.wants(name)) {
        match item.get(key).and_then(Value::as_f64).map(|time| time * factor) {
            _ if lost => scores.push(((*name).to_owned(), None)),
            Some(ms) if ScoreRow::kind(name).admits(ms) => scores.push(((*name).to_owned(), Some(ms))),
            Some(ms) => return Err(item.wrong(key, format!("{ms} ms is no time"), HINT)),
            // An answer of one token has no further ones.
            None if *name == "tpot_ms" => {}
            None => return Err(item.wrong(key, "is required", HINT)),
        }
    }
    Ok(ScoreRow { id, cluster: None, asked: asked(&[&sent, load]), scores })
}

/// What was sent, as text: the prompt of earlier versions, or the body without the model's name, which two arms rarely share.
fn sent(item: &Item) -> Result<String, RowFault> {
    if let Some(prompt) = item.get("prompt").and_then(Value::as_str) {
        return Ok(prompt.to_owned());
    }
    let args = item.text("request_args", HINT)?;
    let mut args: Value = serde_json::from_str(args).unwrap_or_else(|_| args.into());
    let mut body = args.get_mut("body").map(Value::take).unwrap_or(args);
    if let Some(fields) = body.as_object_mut() {
        fields.remove("model");
    }
    Ok(canonical_json(&body))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::wire::{ResultsAsk, ScoreRow, read_results};

    fn request(prompt: &str, model: &str, times: Value) -> Value {
        let body = json!({ "body": { "model": model, "messages": [{ "role": "user", "content": prompt }] } });
        let mut request = json!({ "request_id": "5b2c", "request_args": body.to_string() });
        request.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        request
    }

    fn report(model: &str, rate: f64) -> Value {
        let times = |ms: f64| json!({ "time_to_first_token_ms": ms, "inter_token_latency_ms": 5.0, "request_latency": ms / 100.0 });
        let short = json!({ "time_to_first_token_ms": 40.0, "inter_token_latency_ms": null, "request_latency": 0.04 });
        json!({
            "metadata": { "version": 2 },
            "benchmarks": [{
                "config": { "strategy": { "type_": "constant", "rate": rate } },
                "requests": {
                    "successful": [request("a", model, times(20.0)), request("b", model, short), request("a", model, times(30.0))],
                    "incomplete": [request("c", model, json!({}))],
                    "errored": [request("d", model, json!({ "request_latency": 0.1 }))],
                },
            }],
        })
    }

    fn read(report: &Value) -> Result<Vec<ScoreRow>, String> {
        let text = serde_json::to_string_pretty(report).unwrap();
        read_results(text.as_bytes(), &ResultsAsk::default()).map_err(|faults| faults[0].to_string())
    }

    #[test]
    fn a_request_of_guidellm_has_three_times_and_a_failed_or_cut_one_lost_them() {
        let rows = read(&report("m", 4.0)).unwrap();
        assert_eq!(rows.len(), 5);
        let scores = |row: usize| ["ttft_ms", "tpot_ms", "e2e_ms"].map(|name| rows[row].score(name));
        assert_eq!(scores(0), [Some(20.0), Some(5.0), Some(200.0)]);
        assert!(!rows[1].holds("tpot_ms") && rows[1].score("e2e_ms") == Some(40.0));
        assert!(rows[3].holds("ttft_ms") && rows[4].holds("e2e_ms"));
        assert_eq!((scores(3), scores(4)), ([None; 3], [None; 3]));
    }

    #[test]
    fn requests_of_guidellm_are_paired_by_what_was_asked_whatever_the_model() {
        let ids = |report: &Value| {
            read(report).unwrap().into_iter().map(|row| (row.id, row.asked)).collect::<Vec<_>>()
        };
        let (blue, green) = (ids(&report("blue", 4.0)), ids(&report("green", 4.0)));
        assert_eq!(blue, green);
        assert!(blue[2].0.ends_with(" #2") && blue[2].0.starts_with(&blue[0].0), "{blue:?}");
        assert_ne!(blue[0].1, ids(&report("blue", 8.0))[0].1, "another load asks something else");
    }

    #[test]
    fn reports_of_guidellm_without_requests_or_times_are_refused() {
        let check = |report: &Value, expected: &str| {
            let said = read(report).unwrap_err();
            assert!(said.contains(expected), "{said}");
        };
        check(&json!({ "metadata": {}, "benchmarks": [] }), "no request in it");
        let mut report = report("m", 4.0);
        report["benchmarks"][0]["requests"]["successful"][1]["request_latency"] = json!(-1);
        check(&report, "requests.successful[1].request_latency: -1000 ms is no time");
        report["benchmarks"][0]["requests"]["successful"][1]["request_latency"] = Value::Null;
        check(&report, "request_latency: is required");
    }
}
