//! From the text of a suite file to a [`Suite`]; every fault is noted before reading ends.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::{CasePlace, LatencyMargins, Places, RequestSpec, SliceRule, Suite, SuiteMetric, metrics};
use crate::document::{self, Fault, Faults, Item, Reader, Section, did_you_mean};
use crate::evals::dataset::{Case, read_cases_with_lines};
use crate::evals::latency::Timing;

const KEYS: [&str; 11] = [
    "name",
    "version",
    "dataset",
    "limit",
    "repeats",
    "seed",
    "request",
    "metric",
    "grader_model",
    "latency",
    "slices",
];

const LATENCY_KEYS: [&str; 4] = ["ttft_margin", "tpot_margin", "e2e_margin", "tps_margin"];

/// What a request may carry beside model and template: the sampling parameters of the OpenAI API and the usual
/// ones of inference servers.
pub(in crate::evals) const SAMPLING_KEYS: [&str; 16] = [
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "stop",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "reasoning_effort",
    "response_format",
    "tools",
    "tool_choice",
    "chat_template_kwargs",
];

/// More repeats of one case say little more and cost as much again.
const REPEATS_END: u64 = 1_001;
/// A suite of a million cases is a slip of the finger.
const LIMIT_END: u64 = 1_000_001;
/// TOML's integers end here.
const SEED_END: u64 = 1 << 63;

/// Reads the suite at `path`, and its dataset beside it.
pub(super) fn read(path: &Path) -> Result<Suite, Faults> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Fault::unreadable(&file, &error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&file, &text, folder)
}

/// Parses `text`, which came from `file`; a relative dataset is taken from `folder`.
pub(super) fn parse(file: &str, text: &str, folder: &Path) -> Result<Suite, Faults> {
    let mut reader = Reader::new(file, text);
    let document = reader.document();
    if !reader.faults.is_empty() {
        return Err(Faults(reader.faults));
    }
    let root = Section::root(&document);
    reader.known(&root, &KEYS);
    let name = reader.needed(&root, "name", "name = \"gsm8k\"").and_then(|item| reader.text(&item));
    let version = root.get("version").and_then(|item| reader.text(&item));
    let limit = root.get("limit").and_then(|item| reader.whole(&item, 1..LIMIT_END));
    let repeats = root.get("repeats").and_then(|item| reader.whole(&item, 1..REPEATS_END));
    let seed = root.get("seed").and_then(|item| reader.whole(&item, 0..SEED_END));
    let request = root.get("request").map(|item| request(&mut reader, item)).unwrap_or_default();
    let metrics = metrics::read(&mut reader, &root, folder);
    let latency = root.get("latency").map(|item| latency(&mut reader, item)).unwrap_or_default();
    let slices = root.get("slices").map(|item| slices(&mut reader, &item)).unwrap_or_default();
    let (mut placed, digest) = dataset(&mut reader, &root, folder, &digested(text, &metrics));
    if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) {
        placed.truncate(limit);
    }
    let (cases, cases_at): (Vec<Case>, Vec<CasePlace>) = placed.into_iter().unzip();
    let lines = metric_lines(&reader, &root, &metrics);
    if let Some(item) = root.get("dataset") {
        metrics::check(&mut reader, &metrics, &cases, &item);
    }
    let suite = Suite {
        name: name.unwrap_or_default(),
        version,
        file: file.to_owned(),
        cases,
        repeats: repeats.and_then(|repeats| u32::try_from(repeats).ok()).unwrap_or(1),
        seed: seed.unwrap_or(1),
        request,
        metrics,
        latency,
        slices,
        digest,
        places: Places { metrics: lines, cases: cases_at, unchecked: None },
    };
    Faults(reader.faults).or(suite)
}

/// The lines of the metrics' tables, and of the table of latencies for each of its metrics.
fn metric_lines(
    reader: &Reader<'_>,
    root: &Section<'_, '_>,
    metrics: &[SuiteMetric],
) -> HashMap<String, usize> {
    let tables = root.get("metric").and_then(|item| item.list()).unwrap_or_default();
    let graders =
        metrics.iter().zip(&tables).map(|(metric, item)| (metric.name.to_string(), reader.line(item)));
    let latency = root.get("latency").map(|item| reader.line(&item));
    let timings = Timing::ALL.into_iter().filter_map(|timing| Some((timing.metric().to_owned(), latency?)));
    graders.chain(timings).collect()
}

/// What the digest covers before the dataset: the suite, and the schemas that it names, which may be files of their own.
fn digested<'t>(text: &'t str, metrics: &'t [SuiteMetric]) -> Vec<&'t str> {
    std::iter::once(text).chain(metrics.iter().filter_map(|metric| metric.grader.file_text())).collect()
}

/// The cases, and the digest over `texts` and dataset.
fn dataset(
    reader: &mut Reader<'_>,
    root: &Section<'_, '_>,
    folder: &Path,
    texts: &[&str],
) -> (Vec<(Case, CasePlace)>, String) {
    let hint = "dataset = \"cases.jsonl\", a path from the folder of this file";
    let mut hasher = blake3::Hasher::new_derive_key("goldgate/suite/1");
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    let mut cases = Vec::new();
    if let Some((item, path)) = dataset_path(reader, root, folder, hint) {
        match fs::read(&path) {
            Ok(bytes) => {
                hasher.update(&bytes);
                let file: Arc<str> = path.display().to_string().into();
                let placed = |(case, line)| (case, CasePlace { file: Arc::clone(&file), line });
                match read_cases_with_lines(&path) {
                    Ok(read) => cases = read.into_iter().map(placed).collect(),
                    Err(faults) => reader.faults.extend(faults.0),
                }
            }
            Err(error) => reader.wrong(&item, format!("{} cannot be read: {error}", path.display()), hint),
        }
    }
    (cases, format!("suite:{}", &hasher.finalize().to_hex()[..16]))
}

fn dataset_path<'t, 'd>(
    reader: &mut Reader<'_>,
    root: &Section<'t, 'd>,
    folder: &Path,
    hint: &str,
) -> Option<(Item<'t, 'd>, std::path::PathBuf)> {
    let item = reader.needed(root, "dataset", hint)?;
    let path = reader.text(&item)?;
    Some((item, folder.join(path)))
}

fn request(reader: &mut Reader<'_>, item: Item<'_, '_>) -> RequestSpec {
    let Some(section) = table(reader, item) else { return RequestSpec::default() };
    let mut request = RequestSpec::default();
    for (key, item) in section.items() {
        match key {
            "model" => request.model = reader.text(&item),
            "template" => request.template = reader.text(&item),
            "nonce" => request.nonce = reader.truth(&item).unwrap_or(false),
            "stream" | "stream_options" | "n" => {
                let hint = "the harness streams every request and reads one choice: leave the key out";
                reader.wrong(&item, "is not the suite's to set", hint);
            }
            key if SAMPLING_KEYS.contains(&key) => {
                request.sampling.insert(key.to_owned(), document::json(item.value));
            }
            key => {
                let known = [&["model", "template", "nonce"], &SAMPLING_KEYS[..]].concat();
                reader.wrong(&item, "no such key", did_you_mean(key, &known));
            }
        }
    }
    request
}

fn slices(reader: &mut Reader<'_>, item: &Item<'_, '_>) -> SliceRule {
    match reader.text(item).as_deref() {
        Some("gate") => return SliceRule::Gate,
        None | Some("show") => {}
        Some(other) => {
            let rule = format!("show or gate, not {other:?}");
            reader.wrong(item, rule, "gate lets a loss among the cases of one tag fail the verdict");
        }
    }
    SliceRule::Show
}

fn latency(reader: &mut Reader<'_>, item: Item<'_, '_>) -> LatencyMargins {
    let Some(section) = table(reader, item) else { return LatencyMargins::default() };
    reader.known(&section, &LATENCY_KEYS);
    let mut margin = |key| section.get(key).and_then(|item| reader.fraction(&item));
    LatencyMargins {
        ttft: margin("ttft_margin"),
        tpot: margin("tpot_margin"),
        e2e: margin("e2e_margin"),
        token: margin("tps_margin").map(|fewer| 1.0 / (1.0 - fewer) - 1.0),
    }
}

fn table<'t, 'd>(reader: &mut Reader<'_>, item: Item<'t, 'd>) -> Option<Section<'t, 'd>> {
    let section = item.clone().section();
    if section.is_none() {
        reader.wrong(&item, "a table", format!("write [{}] and its keys below", item.path));
    }
    section
}
