//! `vllm bench serve --save-result --save-detailed`: lists with one value a request.
//!
//! Compared are the times to the first token, per further token and to the end. The file does not hold the prompts: two
//! runs are taken for the same when the lengths of all inputs and the load agree, and requests are paired by their index.
//! A request that failed lost its times. What has one token has no time per further token.

use serde::Deserialize;
use serde_json::Value;

use super::ResultsAsk;
use super::format::{broken, of_file};
use super::item::asked;
use crate::document::canonical_json;
use crate::wire::ScoreRow;
use crate::wire::rows::{self, RowFault};

const HINT: &str = "a file is what vllm bench serve --save-result --save-detailed writes";

#[derive(Deserialize)]
struct Run {
    input_lens: Vec<u64>,
    output_lens: Vec<u32>,
    ttfts: Vec<f64>,
    itls: Vec<Vec<f64>>,
    errors: Vec<String>,
    #[serde(default)]
    request_rate: Value,
    #[serde(default)]
    burstiness: Value,
    #[serde(default)]
    max_concurrency: Value,
}

/// A row for every request.
pub(super) fn read(bytes: &[u8], ask: &ResultsAsk<'_>) -> Result<Vec<ScoreRow>, Vec<RowFault>> {
    let run: Run = serde_json::from_slice(bytes).map_err(|error| vec![broken(&error)])?;
    let count = run.input_lens.len();
    let lengths = [run.output_lens.len(), run.ttfts.len(), run.itls.len(), run.errors.len()];
    if lengths.iter().any(|length| *length != count) {
        let rule = format!("{count} inputs, but {lengths:?} output_lens, ttfts, itls and errors");
        return Err(vec![of_file(rule, HINT)]);
    }
    let (mut values, mut faults) = (Vec::with_capacity(count), Vec::new());
    for index in 0..count {
        match run.row(index, ask) {
            Ok(row) => values.push(row),
            Err(fault) => rows::push(&mut faults, fault),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

impl Run {
    fn row(&self, index: usize, ask: &ResultsAsk<'_>) -> Result<ScoreRow, RowFault> {
        let load = [&self.request_rate, &self.burstiness, &self.max_concurrency].map(canonical_json);
        let question = [index.to_string(), self.input_lens[index].to_string()];
        let parts: Vec<&str> = question.iter().chain(&load).map(String::as_str).collect();
        let mut scores = Vec::new();
        for (name, seconds) in self.times(index) {
            let ms = seconds * 1_000.0;
            let lost = !self.errors[index].is_empty();
            if !lost && !ScoreRow::kind(name).admits(ms) {
                let rule = format!("request {index}: {ms} is no time, and there is no error");
                return Err(of_file(format!("{name}: {rule}"), HINT));
            }
            if ask.wants(name) {
                scores.push((name.to_owned(), (!lost).then_some(ms)));
            }
        }
        Ok(ScoreRow { id: format!("request {index}"), cluster: None, asked: asked(&parts), scores })
    }

    /// Times in seconds, by metric.
    fn times(&self, index: usize) -> impl Iterator<Item = (&'static str, f64)> {
        let (first, rest) = (self.ttfts[index], self.itls[index].iter().sum::<f64>());
        let further = self.output_lens[index].saturating_sub(1);
        let per_token = (further > 0).then(|| ("tpot_ms", rest / f64::from(further)));
        [("ttft_ms", first), ("e2e_ms", first + rest)].into_iter().chain(per_token)
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::{ResultsAsk, ScoreRow, read_results};

    const RUN: &str = r#"{"backend": "vllm", "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 8,
        "mean_ttft_ms": 75.0, "input_lens": [12, 30, 7], "output_lens": [3, 1, 0], "ttfts": [0.1, 0.05, 0.0],
        "itls": [[0.02, 0.04], [], []], "errors": ["", "", "Server disconnected"]}"#;

    fn read(text: &str) -> Result<Vec<ScoreRow>, String> {
        read_results(text.as_bytes(), &ResultsAsk::default()).map_err(|faults| faults[0].to_string())
    }

    #[test]
    fn a_request_of_vllm_has_three_times_and_a_failed_one_lost_them() {
        let rows = read(RUN).unwrap();
        let ms = |row: usize, name: &str| rows[row].score(name).unwrap();
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
        close(ms(0, "ttft_ms"), 100.0);
        close(ms(0, "e2e_ms"), 160.0);
        close(ms(0, "tpot_ms"), 30.0);
        close(ms(1, "e2e_ms"), 50.0);
        assert!(!rows[1].holds("tpot_ms"));
        assert!(rows[2].holds("ttft_ms") && rows[2].score("ttft_ms").is_none());
        assert!(rows.iter().all(|row| row.cluster.is_none()) && rows[2].id == "request 2");
    }

    #[test]
    fn runs_of_vllm_ask_the_same_only_with_equal_inputs_under_equal_load() {
        let asked = |text: &str| read(text).unwrap()[0].asked.clone();
        assert_eq!(asked(RUN), asked(&RUN.replace("0.05", "0.06")));
        assert_ne!(asked(RUN), asked(&RUN.replace("[12,", "[13,")));
        assert_ne!(asked(RUN), asked(&RUN.replace("\"inf\"", "4.0")));
    }

    #[test]
    fn runs_of_vllm_without_details_or_with_holes_are_refused() {
        let check = |text: &str, expected: &str| {
            let said = read(text).unwrap_err();
            assert!(said.contains(expected), "{said}");
        };
        check(&RUN.replace("\"ttfts\"", "\"first\""), "--save-detailed");
        check(&RUN.replace("[0.1, 0.05, 0.0]", "[0.1, 0.05]"), "3 inputs, but [3, 2, 3, 3]");
        check(&RUN.replace("Server disconnected", ""), "ttft_ms: request 2: 0 is no time");
        check(&RUN.replace("0.05", "NaN"), "2:");
        check("{\n\"marks\": [],\n\"metadata\": {}}", "of no tool that is known");
    }
}
