//! From an assertion as it is written to what checks it.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::check::{Bounds, Check, Likeness, Quorum};
use super::grade::{Entry, Rule};
use super::kinds;
use super::reading::{Reading, is_code};
use super::template::{Vars, fill, printed};
use super::test::{list, number};
use crate::document::{JsonSchema, Node, Place, did_you_mean};
use crate::domain::AnswerRule;
use crate::wire::LiveGrader;

/// Types that are checked.
pub(super) const CHECKED: [&str; 19] = [
    "assert-set",
    "bleu",
    "contains",
    "contains-all",
    "contains-any",
    "contains-json",
    "equals",
    "finish-reason",
    "gleu",
    "icontains",
    "icontains-all",
    "icontains-any",
    "is-json",
    "is-refusal",
    "latency",
    "levenshtein",
    "regex",
    "starts-with",
    "word-count",
];

const KEYS: [&str; 8] =
    ["assert", "metric", "provider", "rubricPrompt", "threshold", "type", "value", "weight"];
/// A pattern runs on every answer.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Texts with commas between them, quotes around those that hold some. A constant; a test compiles it.
static LISTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\s*"(?<quoted>(?:[^"\\]|\\.|"")*)"\s*(?:,|$)|(?<plain>[^,]+)"#).ok());

/// An assertion, with the variables of its case.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) node: &'a Node,
    pub(super) vars: &'a Vars,
    /// Whether code changes the answer before it is looked at.
    pub(super) transformed: bool,
}

/// The assertion ready to be asked, and its text as JSON; none when it is wrong or cannot be checked, which is noted.
pub(super) fn compile(reading: &mut Reading, asked: &Asked<'_>) -> Option<(Entry, Value)> {
    let node = referred(reading, asked.node)?;
    let place = &asked.node.place;
    let Some(written) = node.get("type").and_then(Node::text) else {
        reading.wrong(place, "type", "is required", "- type: contains\n    value: \"…\"");
        return None;
    };
    let (inverse, kind) = written.strip_prefix("not-").map_or((false, written), |kind| (true, kind));
    if let Some(why) = unchecked(&node, kind, asked) {
        reading.lacks(place, why.0, why.1);
        return None;
    }
    if !CHECKED.contains(&kind) {
        reading.wrong(place, "type", format!("there is no assertion {kind:?}"), did_you_mean(kind, &CHECKED));
        return None;
    }
    for (key, _) in
        node.fields().unwrap_or_default().iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str()))
    {
        reading.wrong(&key.place, &key.text, "is not read here", did_you_mean(&key.text, &KEYS));
    }
    let form = Form { node: &node, place, kind, asked };
    // Also where it changes nothing, it is no threshold.
    form.threshold(reading);
    let (rule, mut shown) =
        if kind == "assert-set" { form.set(reading)? } else { form.check(reading, inverse)? };
    let weight = node.get("weight").and_then(|node| number(reading, node, "weight")).unwrap_or(1.0);
    if weight < 0.0 {
        reading.wrong(
            place,
            "weight",
            format!("not below 0, as {weight}"),
            "0 shows an assertion and does not count it",
        );
    }
    let metric = match node.get("metric").and_then(Node::text) {
        Some(name) => Some(form.filled(reading, name)?),
        None => None,
    };
    shown.insert("type".to_owned(), written.into());
    for key in ["weight", "threshold"] {
        shown.extend(node.get(key).map(|node| (key.to_owned(), node.json())));
    }
    shown.extend(metric.iter().map(|name| ("metric".to_owned(), name.as_str().into())));
    Some((Entry { rule, weight, metric }, Value::Object(shown)))
}

/// What stands in place of `$ref: '#/assertionTemplates/NAME'`.
fn referred(reading: &mut Reading, node: &Node) -> Option<Node> {
    let Some(reference) = node.get("$ref") else { return Some(node.clone()) };
    let name = reference.text().and_then(|text| text.strip_prefix("#/assertionTemplates/"));
    let found = name.and_then(|name| reading.templates.iter().find(|(key, _)| key.text == name));
    let found = found.map(|(_, node)| node.clone());
    if found.is_none() {
        reading.wrong(
            &reference.place,
            "$ref",
            "names no template",
            "#/assertionTemplates/NAME, of this file",
        );
    }
    found
}

/// What keeps an assertion from being checked: its type, or code around it.
fn unchecked<'n>(node: &Node, kind: &'n str, asked: &Asked<'_>) -> Option<(&'n str, &'static str)> {
    if let Some(why) = kinds::unchecked(kind) {
        return Some((kind, why));
    }
    let file = node.get("value").and_then(Node::text).filter(|text| text.starts_with("file://"));
    let scripted = file.is_some_and(is_code);
    match () {
        () if asked.transformed => Some((kind, "comes behind a transform, which is code")),
        () if node.get("transform").is_some() => Some((kind, "has a transform, which is code")),
        () if scripted => Some((kind, "takes its value from code")),
        () => None,
    }
}

/// An assertion of a known type.
struct Form<'a> {
    node: &'a Node,
    place: &'a Place,
    kind: &'a str,
    asked: &'a Asked<'a>,
}

type Compiled = Option<(Rule, Map<String, Value>)>;

impl Form<'_> {
    fn set(&self, reading: &mut Reading) -> Compiled {
        let Some(node) = self.node.get("assert") else {
            reading.wrong(self.place, "assert", "is required", "an assert-set holds assertions");
            return None;
        };
        let inner = list(reading, node, "assert").iter();
        let inner = inner.filter_map(|node| compile(reading, &Asked { node, ..*self.asked }));
        let (entries, shown): (Vec<Entry>, Vec<Value>) = inner.unzip();
        if entries.is_empty() {
            return None;
        }
        let threshold = self.threshold(reading);
        Some((Rule::Set { entries, threshold }, Map::from_iter([("assert".to_owned(), shown.into())])))
    }

    fn check(&self, reading: &mut Reading, inverse: bool) -> Compiled {
        let value = self.value(reading)?;
        let check = self.checked(reading, &value)?;
        reading.supports(self.place);
        let shown = (!value.is_null()).then(|| ("value".to_owned(), value));
        Some((Rule::Check { check, inverse }, shown.into_iter().collect()))
    }

    fn checked(&self, reading: &mut Reading, value: &Value) -> Option<Check> {
        Some(match self.kind {
            "equals" => match value {
                Value::Array(_) | Value::Object(_) => Check::EqualsJson(value.clone()),
                _ => Check::Equals(self.text(reading, value)?),
            },
            "contains" | "icontains" => self.contains(Quorum::Any, vec![self.full_text(reading, value)?]),
            "contains-any" | "icontains-any" => self.contains(Quorum::Any, self.texts(reading, value)?),
            "contains-all" | "icontains-all" => self.contains(Quorum::All, self.texts(reading, value)?),
            "starts-with" => Check::StartsWith(self.full_text(reading, value)?),
            "regex" => self.pattern(reading, value)?,
            "is-json" => Check::IsJson(self.schema(reading, value)?),
            "contains-json" => Check::ContainsJson(self.schema(reading, value)?),
            "is-refusal" => self.refusal(reading)?,
            "levenshtein" => {
                let edits = self.threshold(reading).unwrap_or(5.0);
                Check::Levenshtein { text: self.text(reading, value)?.encode_utf16().collect(), edits }
            }
            "bleu" => self.likeness(reading, value, Likeness::Bleu)?,
            "gleu" => self.likeness(reading, value, Likeness::Gleu)?,
            "word-count" => Check::WordCount(self.bounds(reading, value)?),
            "finish-reason" => Check::FinishReason(self.text(reading, value)?.to_lowercase()),
            _ => match self.threshold(reading) {
                Some(ms) => Check::Latency { ms },
                None => {
                    return self.none(reading, "threshold", "is required: milliseconds", "threshold: 2000");
                }
            },
        })
    }

    fn refusal(&self, reading: &mut Reading) -> Option<Check> {
        match LiveGrader::new("is-refusal".into(), &AnswerRule::Refusal) {
            Ok(phrases) => Some(Check::Refusal(phrases)),
            Err(error) => self.none(reading, "type", &error.to_string(), "report this as a bug"),
        }
    }

    /// The value with its variables filled in. A text may name a file.
    fn value(&self, reading: &mut Reading) -> Option<Value> {
        let Some(node) = self.node.get("value") else { return Some(Value::Null) };
        match node.json() {
            Value::String(text) if text.starts_with("file://") => {
                if text.ends_with(".json") || text.ends_with(".yaml") || text.ends_with(".yml") {
                    return reading.document(&node.place, &text).map(|node| node.json());
                }
                reading.file(&node.place, &text).map(|(_, text)| text.trim().into())
            }
            Value::String(text) => self.filled(reading, &text).map(Value::String),
            Value::Array(items) => {
                let filled = items.into_iter().map(|item| match item {
                    Value::String(text) => self.filled(reading, &text).map(Value::String),
                    other => Some(other),
                });
                filled.collect::<Option<Vec<_>>>().map(Value::Array)
            }
            other => Some(other),
        }
    }

    fn filled(&self, reading: &mut Reading, text: &str) -> Option<String> {
        match fill(text, self.asked.vars) {
            Ok(text) => Some(text),
            Err(rule) => {
                self.none(reading, "value", &rule, "give the test this variable, or write the text out")
            }
        }
    }

    /// A text; numbers and truth values are what JavaScript prints of them.
    fn text(&self, reading: &mut Reading, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(printed(number)),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => self.none(reading, "value", "a text is needed", "value: \"…\""),
        }
    }

    /// A text with something in it: the empty one is in every answer.
    fn full_text(&self, reading: &mut Reading, value: &Value) -> Option<String> {
        let text = self.text(reading, value)?;
        if text.is_empty() {
            self.none(reading, "value", "must not be empty", "write a text")
        } else {
            Some(text)
        }
    }

    /// A list of texts, or one with commas between them and quotes around those that hold some.
    fn texts(&self, reading: &mut Reading, value: &Value) -> Option<Vec<String>> {
        let texts: Vec<String> = match value {
            Value::Array(items) => {
                items.iter().map(|item| self.text(reading, item)).collect::<Option<_>>()?
            }
            Value::String(text) => {
                let found = LISTED.iter().flat_map(|listed| listed.captures_iter(text));
                let cells = found.map(|cell| match (cell.name("quoted"), cell.name("plain")) {
                    (Some(quoted), _) => quoted.as_str().replace("\"\"", "\"").replace("\\\"", "\""),
                    (None, plain) => plain.map_or("", |plain| plain.as_str()).trim().to_owned(),
                });
                cells.filter(|cell| !cell.is_empty()).collect()
            }
            _ => Vec::new(),
        };
        if texts.is_empty() {
            self.none(reading, "value", "a list of texts is needed", "value: [\"…\"]")
        } else {
            Some(texts)
        }
    }

    fn contains(&self, quorum: Quorum, texts: Vec<String>) -> Check {
        let any_case = self.kind.starts_with('i');
        let texts = texts.into_iter().map(|text| if any_case { text.to_lowercase() } else { text }).collect();
        Check::Contains { quorum, texts, any_case }
    }

    fn pattern(&self, reading: &mut Reading, value: &Value) -> Option<Check> {
        let pattern = self.full_text(reading, value)?;
        match RegexBuilder::new(&pattern).size_limit(PATTERN_BYTES_MAX).build() {
            Ok(regex) => Some(Check::Pattern(regex)),
            Err(error) => {
                let text = error.to_string();
                let rule = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.none(
                    reading,
                    "value",
                    rule,
                    "the syntax of the regex crate, without look-around and back-references",
                )
            }
        }
    }

    /// The schema, when there is one; in a text it is written as YAML.
    fn schema(&self, reading: &mut Reading, value: &Value) -> Option<Option<JsonSchema>> {
        let schema = match value {
            Value::Null => return Some(None),
            Value::String(text) if text.is_empty() => return Some(None),
            Value::String(text) => match Node::parse(&self.place.file, text) {
                Ok(node) => node.json(),
                Err(fault) => return self.none(reading, "value", &fault.rule, "a JSON Schema"),
            },
            other => other.clone(),
        };
        match JsonSchema::draft_7(schema) {
            Ok(schema) => Some(Some(schema)),
            Err(error) => self.none(reading, "value", &error.to_string(), "a JSON Schema that stands alone"),
        }
    }

    fn likeness(&self, reading: &mut Reading, value: &Value, likeness: Likeness) -> Option<Check> {
        let references = match value {
            Value::Array(items) => {
                items.iter().map(|item| self.text(reading, item)).collect::<Option<_>>()?
            }
            one => vec![self.text(reading, one)?],
        };
        Some(Check::Like { likeness, references, least: self.threshold(reading).unwrap_or(0.5) })
    }

    fn bounds(&self, reading: &mut Reading, value: &Value) -> Option<Bounds> {
        let whole = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let (min, max) = match value {
            Value::Object(fields) => (fields.get("min").and_then(whole), fields.get("max").and_then(whole)),
            other => (whole(other), whole(other)),
        };
        match (min, max) {
            (None, None) => {
                self.none(reading, "value", "a number of words, or min and max", "value: {max: 100}")
            }
            (Some(min), Some(max)) if min > max => {
                self.none(reading, "value", "min is more than max", "value: {min: 1, max: 100}")
            }
            _ => Some(Bounds { min, max }),
        }
    }

    fn threshold(&self, reading: &mut Reading) -> Option<f64> {
        self.node.get("threshold").and_then(|node| number(reading, node, "threshold"))
    }

    fn none<T>(&self, reading: &mut Reading, path: &str, rule: &str, hint: &str) -> Option<T> {
        reading.wrong(self.place, &format!("{}.{path}", self.kind), rule, hint);
        None
    }
}
