//! One test as it stands in a file, before its variables are multiplied out.

use super::reading::Reading;
use crate::document::{Node, Place, Tree, did_you_mean};

/// A test.
#[derive(Clone, Debug)]
pub(super) struct RawTest {
    pub(super) place: Place,
    /// In the file's order, the default test's first.
    pub(super) vars: Vec<(String, Node)>,
    pub(super) asserts: Vec<Node>,
    pub(super) threshold: Option<f64>,
    pub(super) prefix: Option<String>,
    pub(super) suffix: Option<String>,
    /// The prompts that it is for; none: all.
    pub(super) prompts: Option<Vec<String>>,
    /// `metadata`, as `key:value`.
    pub(super) tags: Vec<String>,
    /// Whether a list in a variable is one value.
    pub(super) keeps_lists: bool,
    /// Whether the default test's assertions are left out.
    drops_defaults: bool,
    /// A `transform`, which is code and changes what every assertion sees.
    pub(super) transform: Option<Place>,
}

const KEYS: [&str; 10] = [
    "assert",
    "description",
    "metadata",
    "options",
    "prompts",
    "provider",
    "providers",
    "threshold",
    "vars",
    "id",
];
/// Options that change nothing that is checked here: whom graders ask, and how.
const IGNORED: [&str; 5] = ["provider", "rubricPrompt", "factuality", "runSerially", "storeOutputAs"];

impl RawTest {
    pub(super) const fn at(place: Place) -> Self {
        Self {
            place,
            vars: Vec::new(),
            asserts: Vec::new(),
            threshold: None,
            prefix: None,
            suffix: None,
            prompts: None,
            tags: Vec::new(),
            keeps_lists: false,
            drops_defaults: false,
            transform: None,
        }
    }

    /// Reads a test; what is wrong with it is noted.
    pub(super) fn read(reading: &mut Reading, node: &Node) -> Self {
        let mut test = Self::at(node.place.clone());
        let Some(fields) = node.fields() else {
            let hint = "a test is a map with vars and assert";
            reading.wrong(&node.place, "tests", format!("a map, not {}", node.kind()), hint);
            return test;
        };
        for (key, value) in fields.iter().filter(|(_, value)| !matches!(value.tree, Tree::Null)) {
            match key.text.as_str() {
                "vars" => test.vars = vars(reading, value),
                "assert" => test.asserts = list(reading, value, "assert").to_vec(),
                "threshold" => test.threshold = number(reading, value, "threshold"),
                "options" => test.options(reading, value),
                "prompts" => {
                    test.prompts = Some(
                        list(reading, value, "prompts")
                            .iter()
                            .filter_map(|item| item.text().map(str::to_owned))
                            .collect(),
                    );
                }
                "metadata" => test.tags = tags(value),
                known if KEYS.contains(&known) => {}
                other => reading.wrong(&key.place, other, "is not read here", did_you_mean(other, &KEYS)),
            }
        }
        test
    }

    fn options(&mut self, reading: &mut Reading, node: &Node) {
        let text = |value: &Node| value.text().map(str::to_owned);
        for (key, value) in node.fields().unwrap_or_default() {
            match key.text.as_str() {
                "prefix" => self.prefix = text(value),
                "suffix" => self.suffix = text(value),
                "disableVarExpansion" => self.keeps_lists = matches!(value.tree, Tree::Truth(true)),
                "disableDefaultAsserts" => self.drops_defaults = matches!(value.tree, Tree::Truth(true)),
                "transform" | "postprocess" => self.transform = Some(key.place.clone()),
                known if IGNORED.contains(&known) => {}
                other => {
                    let hint = "take it out, or turn what it does into plain prompts and tests";
                    reading.wrong(&key.place, &format!("options.{other}"), "is not read here", hint);
                }
            }
        }
    }

    /// A scenario's data: promptfoo takes no options from there.
    pub(super) fn without_options(self) -> Self {
        let Self { place, vars, asserts, threshold, prompts, tags, .. } = self;
        Self { vars, asserts, threshold, prompts, tags, ..Self::at(place) }
    }

    /// This test on top of a scenario's data. What it says of the default test's assertions says nothing of the data's.
    pub(super) fn on(self, data: &Self) -> Self {
        let drops_defaults = self.drops_defaults;
        Self { drops_defaults, ..Self { drops_defaults: false, ..self }.over(data) }
    }

    /// This test on top of the default one, as promptfoo lays it there: variables by name, assertions behind the default's.
    pub(super) fn over(self, default: &Self) -> Self {
        let mut vars = default.vars.clone();
        for (name, value) in self.vars {
            match vars.iter_mut().find(|(known, _)| *known == name) {
                Some(slot) => slot.1 = value,
                None => vars.push((name, value)),
            }
        }
        let inherited = if self.drops_defaults { &[][..] } else { &default.asserts };
        Self {
            vars,
            asserts: inherited.iter().chain(&self.asserts).cloned().collect(),
            threshold: self.threshold.or(default.threshold),
            prefix: self.prefix.or_else(|| default.prefix.clone()),
            suffix: self.suffix.or_else(|| default.suffix.clone()),
            prompts: self.prompts.or_else(|| default.prompts.clone()),
            tags: default.tags.iter().chain(&self.tags).cloned().collect(),
            keeps_lists: self.keeps_lists || default.keeps_lists,
            transform: self.transform.or_else(|| default.transform.clone()),
            place: self.place,
            drops_defaults: self.drops_defaults,
        }
    }
}

/// Variables: a map, or files that hold one.
fn vars(reading: &mut Reading, node: &Node) -> Vec<(String, Node)> {
    let Some(name) = node.text() else { return fields(reading, node) };
    let mut all: Vec<(String, Node)> = Vec::new();
    for name in reading.matching(&node.place, name) {
        let Some(document) = reading.document(&node.place, &name) else { continue };
        // Of several files with one name the last counts.
        for (name, value) in fields(reading, &document) {
            all.retain(|(known, _)| *known != name);
            all.push((name, value));
        }
    }
    all
}

fn fields(reading: &mut Reading, node: &Node) -> Vec<(String, Node)> {
    let Some(fields) = node.fields() else {
        reading.wrong(&node.place, "vars", format!("a map, not {}", node.kind()), "vars: {question: \"…\"}");
        return Vec::new();
    };
    fields.iter().map(|(key, value)| (key.text.clone(), value.clone())).collect()
}

fn tags(node: &Node) -> Vec<String> {
    let fields = node.fields().unwrap_or_default().iter();
    fields.filter_map(|(key, value)| Some(format!("{}:{}", key.text, value.text()?))).collect()
}

/// The items of a list; what is none is noted.
pub(super) fn list<'n>(reading: &mut Reading, node: &'n Node, path: &str) -> &'n [Node] {
    node.items().unwrap_or_else(|| {
        reading.wrong(&node.place, path, format!("a list, not {}", node.kind()), "write each behind a dash");
        &[]
    })
}

/// A finite number; what is none is noted.
pub(super) fn number(reading: &mut Reading, node: &Node, path: &str) -> Option<f64> {
    let number = node.number().filter(|number| number.is_finite());
    if number.is_none() {
        let rule = format!("a number, not {}", node.kind());
        reading.wrong(&node.place, path, rule, "write it without quotes");
    }
    number
}
