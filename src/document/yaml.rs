//! YAML and JSON as a tree in which every value knows its place.
//!
//! YAML 1.2, so that `yes` is a text and `true` a truth value; `<<` merges as in YAML 1.1. A key that stands twice is refused, and
//! so is a file whose aliases would grow beyond 100,000 values.

use std::sync::Arc;

use saphyr::{LoadableYamlNode, MarkedYamlOwned, ScalarOwned, YamlDataOwned};
use serde_json::{Map, Number, Value};

use super::fault::Fault;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The file, as it was named.
    pub(crate) file: Arc<str>,
    /// Line, from 1; 0: the whole file.
    pub(crate) line: usize,
    /// Column, from 1, in characters.
    pub(crate) column: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) tree: Tree,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Null,
    Truth(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// In the file's order, each key once.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) place: Place,
    pub(crate) text: String,
}

impl Place {
    /// The whole of a file.
    pub(crate) fn whole(file: &str) -> Self {
        Self { file: file.into(), line: 0, column: 0 }
    }

    /// What is wrong here.
    pub(crate) fn fault(&self, path: &str, rule: impl Into<String>, hint: impl Into<String>) -> Fault {
        let (line, column, path) = (self.line, self.column, path.to_owned());
        Fault { file: self.file.to_string(), line, column, path, rule: rule.into(), hint: Some(hint.into()) }
    }
}

impl Node {
    /// The first document in `text`, which came from `file`; an empty one is null.
    ///
    /// # Errors
    /// Broken syntax, at its place.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Fault> {
        let whole = Place::whole(file);
        let documents = MarkedYamlOwned::load_from_str(text).map_err(|error| {
            let (line, column) = (error.marker().line(), error.marker().col() + 1);
            Place { line, column, ..whole.clone() }.fault(
                "",
                error.info(),
                "see https://yaml.org for the form",
            )
        })?;
        let node = documents.first().map(|document| node(&whole.file, document));
        Ok(node.unwrap_or(Self { place: whole, tree: Tree::Null }))
    }

    /// A value that stands at `place`, with all that is in it.
    pub(crate) fn of_json(place: &Place, value: Value) -> Self {
        let inner = |value| Self::of_json(place, value);
        let tree = match value {
            Value::Null => Tree::Null,
            Value::Bool(truth) => Tree::Truth(truth),
            Value::Number(number) => Tree::Number(number),
            Value::String(text) => Tree::Text(text),
            Value::Array(items) => Tree::List(items.into_iter().map(inner).collect()),
            Value::Object(fields) => {
                let keyed = fields
                    .into_iter()
                    .map(|(text, value)| (Key { place: place.clone(), text }, inner(value)));
                Tree::Map(keyed.collect())
            }
        };
        Self { place: place.clone(), tree }
    }

    /// The value as JSON, without places.
    pub(crate) fn json(&self) -> Value {
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Truth(truth) => Value::Bool(*truth),
            Tree::Number(number) => Value::Number(number.clone()),
            Tree::Text(text) => Value::String(text.clone()),
            Tree::List(items) => items.iter().map(Self::json).collect(),
            Tree::Map(fields) => fields
                .iter()
                .map(|(key, value)| (key.text.clone(), value.json()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    /// The value of `key` of a map; none when it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let fields = self.fields()?;
        let found = fields.iter().find(|(found, _)| found.text == key).map(|(_, value)| value);
        found.filter(|value| !matches!(value.tree, Tree::Null))
    }

    /// The keys and values of a map.
    pub(crate) fn fields(&self) -> Option<&[(Key, Self)]> {
        match &self.tree {
            Tree::Map(fields) => Some(fields),
            _ => None,
        }
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Option<&[Self]> {
        match &self.tree {
            Tree::List(items) => Some(items),
            _ => None,
        }
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number.
    pub(crate) fn number(&self) -> Option<f64> {
        match &self.tree {
            Tree::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// What kind of value it is, with its article.
    pub(crate) const fn kind(&self) -> &'static str {
        match &self.tree {
            Tree::Null => "nothing",
            Tree::Truth(_) => "a truth value",
            Tree::Number(_) => "a number",
            Tree::Text(_) => "a text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a map",
        }
    }
}

fn node(file: &Arc<str>, marked: &MarkedYamlOwned) -> Node {
    let start = marked.span.start;
    let place = Place { file: Arc::clone(file), line: start.line(), column: start.col() + 1 };
    let tree = match &marked.data {
        YamlDataOwned::Value(scalar) => self::scalar(scalar),
        YamlDataOwned::Representation(text, ..) => Tree::Text(text.clone()),
        YamlDataOwned::Sequence(items) => Tree::List(items.iter().map(|item| node(file, item)).collect()),
        YamlDataOwned::Mapping(fields) => {
            map(fields.iter().map(|(key, value)| (node(file, key), node(file, value))))
        }
        YamlDataOwned::Tagged(_, inner) => return Node { place, ..node(file, inner) },
        YamlDataOwned::Alias(_) | YamlDataOwned::BadValue => Tree::Null,
    };
    Node { place, tree }
}

/// Keys that are no texts are spelled as JSON; what `<<` brings stands behind what the map says itself.
fn map(fields: impl Iterator<Item = (Node, Node)>) -> Tree {
    let (mut own, mut merged) = (Vec::new(), Vec::new());
    for (key, value) in fields {
        let text = key.text().map_or_else(|| key.json().to_string(), str::to_owned);
        match value.fields() {
            Some(fields) if text == "<<" => merged.extend_from_slice(fields),
            _ => own.push((Key { place: key.place, text }, value)),
        }
    }
    for (key, value) in merged {
        if !own.iter().any(|(known, _)| known.text == key.text) {
            own.push((key, value));
        }
    }
    Tree::Map(own)
}

fn scalar(scalar: &ScalarOwned) -> Tree {
    match scalar {
        ScalarOwned::Null => Tree::Null,
        ScalarOwned::Boolean(truth) => Tree::Truth(*truth),
        ScalarOwned::Integer(number) => Tree::Number((*number).into()),
        ScalarOwned::FloatingPoint(number) => Number::from_f64(number.0).map_or(Tree::Null, Tree::Number),
        ScalarOwned::String(text) => Tree::Text(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Node::parse("a.yaml", text).unwrap().json().to_string(), expected, "{text}");
    }

    #[test]
    fn values_are_those_of_yaml_1_2() {
        check(
            "a: yes\nb: true\nc: 0x1f\nd: 1.50\ne: ~\nf: '1'",
            r#"{"a":"yes","b":true,"c":31,"d":1.5,"e":null,"f":"1"}"#,
        );
        check("- |\n  two\n  lines\n- >-\n  one\n  line", r#"["two\nlines\n","one line"]"#);
        check(r#"{"json": ["is", {"yaml": 1}]}"#, r#"{"json":["is",{"yaml":1}]}"#);
        check("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}", r#"{"a":{"k":1,"l":2},"b":{"k":3,"l":2}}"#);
        check("1: one\n", r#"{"1":"one"}"#);
        check("", "null");
    }

    #[test]
    fn every_value_knows_its_place() {
        let root = Node::parse("a.yaml", "# first\ntests:\n  - vars: {a: 1}\n    assert:\n      - type: x\n")
            .unwrap();
        let test = &root.get("tests").unwrap().items().unwrap()[0];
        let assertion = &test.get("assert").unwrap().items().unwrap()[0];
        let kind = assertion.get("type").unwrap();
        assert_eq!((test.place.line, assertion.place.line), (3, 5));
        assert_eq!(kind.place.fault("type", "no", "yes").to_string(), "a.yaml:5:15: type: no\n  hint: yes");
    }

    #[test]
    fn what_is_broken_is_told_at_its_place() {
        let fault = |text| Node::parse("a.yaml", text).unwrap_err().to_string();
        assert!(fault("a: [1, 2\nb: 3").starts_with("a.yaml:2:"), "{}", fault("a: [1, 2\nb: 3"));
        assert!(fault("a: 1\na: 2").starts_with("a.yaml:2:1: "), "{}", fault("a: 1\na: 2"));
        let laughs: String = (1..9)
            .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")))
            .collect();
        assert!(Node::parse("a.yaml", &format!("a0: &a0 [ha]\n{laughs}")).is_err());
    }
}
