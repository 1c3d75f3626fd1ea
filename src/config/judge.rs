//! `[judge]`: what is tolerated, and how sure the judge must be.

use std::fs;
use std::path::Path;

use crate::document::{Fault, Faults, Item, Reader, Section, answer_rule_keys, answer_rules, did_you_mean};
use crate::domain::{AnswerRule, LatencyLimit, MetricKind, MetricName, PolicyDigest, Tail};
use crate::judgment::{
    DEFAULT_RESOLUTION_OF_MARGIN, MetricPolicy, Policy, PolicyError, default_resolution_ms,
};

/// A live grader: the share of answers that keep a rule is a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRule {
    /// The metric it feeds.
    pub name: MetricName,
    /// The rule. Whether its schema or language can be used is known by what asks it.
    pub rule: AnswerRule,
}

/// `[judge]`.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgeConfig {
    /// The rules.
    pub policy: Policy,
    /// The live graders among them.
    pub graders: Vec<LiveRule>,
    /// Whether the file names no metrics, so that the rules are the default ones.
    pub by_default: bool,
    /// The largest share of the pairs that one tenant may make; `None`: no tenant is capped.
    pub tenant_max: Option<f64>,
}

const KEYS: [&str; 6] = ["abort_alpha", "promote_alpha", "missing_max", "pairs_min", "tenant_max", "metrics"];
const METRIC_KEYS: [&str; 10] =
    ["name", "kind", "margin", "abort_margin", "required", "tail", "max", "resolution", "regex", "grader"];
const PAIRS_MIN_END: u64 = 1_000_000_001;

const KINDS: [(&str, MetricKind); 6] = [
    ("event", MetricKind::Event),
    ("harm", MetricKind::Harm),
    ("score", MetricKind::Score),
    ("latency", MetricKind::Latency),
    ("disagreement", MetricKind::Disagreement),
    ("length", MetricKind::Length),
];

/// The rules of `root`, checked; the default ones where it names no metric.
pub(super) fn judge(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> JudgeConfig {
    let mut config = JudgeConfig {
        policy: Policy::default_live(),
        graders: Vec::new(),
        by_default: true,
        tenant_max: None,
    };
    let Some(section) = reader.table(root, "judge") else { return config };
    reader.known(&section, &KEYS);
    let policy = &mut config.policy;
    let mut alpha = |key| section.get(key).and_then(|item| reader.fraction(&item));
    policy.abort_alpha = alpha("abort_alpha").unwrap_or(policy.abort_alpha);
    policy.promote_alpha = alpha("promote_alpha").unwrap_or(policy.promote_alpha);
    policy.missing_max = alpha("missing_max").unwrap_or(policy.missing_max);
    config.tenant_max = alpha("tenant_max");
    let pairs_min = section.get("pairs_min").and_then(|item| reader.whole(&item, 1..PAIRS_MIN_END));
    policy.pairs_min = pairs_min.unwrap_or(policy.pairs_min);
    let Some(item) = section.get("metrics") else { return config };
    config.by_default = false;
    let Some(items) = item.list() else {
        reader.wrong(&item, "a list of metrics", "write [[judge.metrics]] and its keys below");
        return config;
    };
    policy.metrics =
        items.iter().filter_map(|item| metric(reader, item, folder, &mut config.graders)).collect();
    validate(reader, &config.policy, &item, &items);
    config
}

fn validate(reader: &mut Reader<'_>, policy: &Policy, whole: &Item<'_, '_>, items: &[Item<'_, '_>]) {
    // Metrics with faults of their own were told already; what is left is how the rest fit together.
    if policy.metrics.len() < items.len() {
        return;
    }
    if let Err(error) = policy.validate() {
        let named = |name: &MetricName| policy.metrics.iter().rposition(|metric| metric.name == *name);
        let place = match &error {
            PolicyError::Duplicate { metric } | PolicyError::Margin { metric, .. } => named(metric),
            _ => None,
        };
        let place = place.and_then(|at| items.get(at)).unwrap_or(whole);
        reader.wrong(place, error.to_string(), "see the judge's page on metrics and margins");
    }
}

fn metric(
    reader: &mut Reader<'_>,
    item: &Item<'_, '_>,
    folder: &Path,
    graders: &mut Vec<LiveRule>,
) -> Option<MetricPolicy> {
    let section = item.clone().section()?;
    let rule = rule(reader, &section, folder);
    let name = reader.needed(&section, "name", "name = \"error\"")?;
    let text = reader.text(&name)?;
    let metric = MetricName::new(text.as_str());
    let has_rule = section.get("regex").or_else(|| section.get("grader")).is_some();
    let kind = kind(reader, &section, &name, &text, has_rule)?;
    graders.extend(rule.map(|rule| LiveRule { name: metric.clone(), rule }));
    let hint = "margin = 0.01 is one point, margin = \"5%\" five per cent of the baseline";
    let margin = reader.needed(&section, "margin", hint).and_then(|item| reader.fraction(&item))?;
    let tail = reader.word(&section, "tail", &[("p95", Tail::P95), ("p99", Tail::P99)]);
    for key in ["tail", "max", "resolution"] {
        if let (Some(item), true) = (section.get(key), kind != MetricKind::Latency) {
            let rule = format!("a metric of kind {kind} has no {key}");
            reader.wrong(&item, rule, "only latencies have one: leave it out");
        }
    }
    let max = section.get("max").and_then(|item| limit(reader, &item));
    let resolution = reader.duration(&section, "resolution");
    let is_default = kind == MetricKind::Latency && resolution.is_none();
    let resolution_ms =
        resolution.map_or_else(|| default_resolution_ms(&text), |time| time.as_secs_f64() * 1_000.0);
    Some(MetricPolicy {
        name: metric,
        kind,
        margin,
        abort_margin: section.get("abort_margin").and_then(|item| reader.fraction(&item)),
        required: section.get("required").and_then(|item| reader.truth(&item)).unwrap_or(false),
        tail,
        max,
        resolution_ms,
        resolution_of_margin: is_default.then_some(DEFAULT_RESOLUTION_OF_MARGIN),
    })
}

/// The rule of a live grader: `regex = '…'`, or `grader` with an id and its keys.
fn rule(reader: &mut Reader<'_>, section: &Section<'_, '_>, folder: &Path) -> Option<AnswerRule> {
    let Some(item) = section.get("grader") else {
        reader.known(section, &METRIC_KEYS);
        let item = section.get("regex")?;
        let pattern = reader.text(&item)?;
        return usable(reader, &item, pattern);
    };
    let text = reader.text(&item)?;
    let (id, is_turned) = text.strip_prefix("not-").map_or((text.as_str(), false), |id| (id, true));
    let Some(keys) = answer_rule_keys(id) else {
        reader.known(section, &METRIC_KEYS);
        let rule = format!("there is no grader {text:?} that needs no reference");
        reader.wrong(&item, rule, did_you_mean(id, &answer_rules().collect::<Vec<_>>()));
        return None;
    };
    reader.known(section, &[&METRIC_KEYS, keys].concat());
    if let Some(regex) = section.get("regex") {
        reader.wrong(
            &regex,
            "stands beside `grader`",
            "write grader = \"regex@1\" with pattern, or regex alone",
        );
    }
    let rule = match (reader.answer_rule(section, id, folder)?, section.get("pattern")) {
        (AnswerRule::Pattern(pattern), Some(item)) => usable(reader, &item, pattern)?,
        (rule, _) => rule,
    };
    Some(if is_turned { AnswerRule::Not(Box::new(rule)) } else { rule })
}

fn usable(reader: &mut Reader<'_>, item: &Item<'_, '_>, pattern: String) -> Option<AnswerRule> {
    if let Err(error) = regex::Regex::new(&pattern) {
        let text = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
        reader.wrong(item, format!("no usable pattern: {text}"), "see the syntax of Rust's regex crate");
        return None;
    }
    Some(AnswerRule::Pattern(pattern))
}

/// `max = "p99 800ms"`.
fn limit(reader: &mut Reader<'_>, item: &Item<'_, '_>) -> Option<LatencyLimit> {
    let text = reader.text(item)?;
    let parsed = text.split_once(' ').and_then(|(tail, time)| {
        let tail = [Tail::P95, Tail::P99].into_iter().find(|known| known.as_str() == tail)?;
        let time = humantime::parse_duration(time.trim()).ok().filter(|time| !time.is_zero())?;
        Some(LatencyLimit { tail, ms: time.as_secs_f64() * 1_000.0 })
    });
    if parsed.is_none() {
        reader.wrong(item, format!("a limit, not {text:?}"), "write max = \"p99 800ms\" (p95 or p99)");
    }
    parsed
}

/// Built-in names carry their kind; a grader's is a score; others must say.
fn kind(
    reader: &mut Reader<'_>,
    section: &Section<'_, '_>,
    name: &Item<'_, '_>,
    text: &str,
    has_rule: bool,
) -> Option<MetricKind> {
    let said = reader.word(section, "kind", &KINDS);
    let own = match text {
        "error" | "broken" | "sameness" => Some(MetricKind::Event),
        "disagreement" => Some(MetricKind::Disagreement),
        "length" => Some(MetricKind::Length),
        "ttft_ms" | "tpot_ms" | "e2e_ms" => Some(MetricKind::Latency),
        _ if has_rule => Some(MetricKind::Score),
        _ => None,
    };
    match (own, said) {
        (Some(own), Some(said)) if own != said => {
            let hint = "leave kind out, or choose another name";
            reader.wrong(name, format!("{text} is of kind {own}, not {said}"), hint);
            None
        }
        (None, None) => {
            let hint = "built in: error, broken, sameness, disagreement, length, ttft_ms, tpot_ms, e2e_ms; \
                        for a metric of your own write kind, or regex or grader for a live grader";
            reader.wrong(name, format!("{text} is not a built-in metric"), hint);
            None
        }
        (own, said) => own.or(said),
    }
}

/// Reads a policy file: `version` and the `[judge]` tables, nothing else.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_policy(path: &Path) -> Result<JudgeConfig, Faults> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Fault::unreadable(&file, &error))?;
    let mut reader = Reader::new(&file, &text);
    let document = reader.document();
    let root = Section::root(&document);
    reader.known(&root, &["version", "judge"]);
    let folder = path.parent().unwrap_or(Path::new(""));
    let config = judge(&mut reader, &root, folder);
    Faults(reader.faults).or(config)
}

/// The digest of a policy, over a canonical text of every field that can change a verdict.
#[must_use]
pub fn policy_digest(config: &JudgeConfig) -> PolicyDigest {
    // Exhaustive on purpose: a new field does not compile until it is part of the digest.
    let Policy { abort_alpha, promote_alpha, missing_max, pairs_min, metrics } = &config.policy;
    let mut text = format!("{abort_alpha}\n{promote_alpha}\n{missing_max}\n{pairs_min}\n");
    for MetricPolicy {
        name,
        kind,
        margin,
        abort_margin,
        required,
        tail,
        max,
        resolution_ms,
        resolution_of_margin,
    } in metrics
    {
        text += &format!("{name:?} {kind} {margin} {abort_margin:?} {required} {tail:?} {max:?} ");
        text += &format!("{resolution_ms} {resolution_of_margin:?}\n");
    }
    for LiveRule { name, rule } in &config.graders {
        text += &match rule {
            AnswerRule::Pattern(pattern) => format!("{name:?} {pattern:?}\n"),
            rule => format!("{name:?} {rule:?}\n"),
        };
    }
    if let Some(max) = config.tenant_max {
        text += &format!("tenant_max {max}\n");
    }
    let digest = blake3::Hasher::new_derive_key("goldgate/policy/1").update(text.as_bytes()).finalize();
    PolicyDigest::new(format!("pol:{}", &digest.to_hex()[..16]))
}
