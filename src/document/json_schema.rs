//! JSON Schema: what an answer, or what a client sends for a prompt, must look like.
//!
//! Draft 2020-12 unless the schema's `$schema` names another (4, 6, 7, 2019-09). `format` is an annotation there and is not
//! checked. A schema stands alone: a reference to another document is refused, never fetched. Patterns are those of the
//! `regex` crate, so that no answer can make one slow.

use std::error::Error;
use std::fmt;

use boon::{Compiler, Draft, SchemaIndex, Schemas, UrlLoader};
use serde_json::Value;

/// The name that the schema is compiled under; it appears in no message and is never opened.
const PLACE: &str = "schema:/answer";

/// No JSON Schema, or one that refers to a document elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no usable JSON Schema: {text}")]
pub struct SchemaError {
    /// What is wrong with it.
    text: String,
}

/// A compiled JSON Schema.
pub struct JsonSchema {
    text: String,
    schemas: Schemas,
    index: SchemaIndex,
}

/// No document but the schema itself.
struct NoLoader;

impl UrlLoader for NoLoader {
    fn load(&self, url: &str) -> Result<Value, Box<dyn Error>> {
        Err(format!("{url} is another document; put what it says under $defs").into())
    }
}

impl JsonSchema {
    /// Compiles the text of a schema.
    ///
    /// # Errors
    /// When it is no JSON or no schema, or refers to another document.
    pub fn new(text: &str) -> Result<Self, SchemaError> {
        let value = serde_json::from_str(text).map_err(|error| unusable(&error))?;
        Self::compiled(Compiler::new(), text.to_owned(), value)
    }

    /// Compiles `value` as draft 7 unless its `$schema` names another, and checks `format`: what the `ajv` package does.
    ///
    /// # Errors
    /// As [`JsonSchema::new`].
    pub fn draft_7(value: Value) -> Result<Self, SchemaError> {
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V7);
        compiler.enable_format_assertions();
        Self::compiled(compiler, value.to_string(), value)
    }

    fn compiled(mut compiler: Compiler, text: String, value: Value) -> Result<Self, SchemaError> {
        let mut schemas = Schemas::new();
        compiler.use_loader(Box::new(NoLoader));
        compiler.add_resource(PLACE, value).map_err(|error| unusable(&error))?;
        let index = compiler.compile(PLACE, &mut schemas).map_err(|error| unusable(&error))?;
        Ok(Self { text, schemas, index })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether `answer` is one JSON value that satisfies the schema.
    #[must_use]
    pub fn holds(&self, answer: &str) -> bool {
        serde_json::from_str(answer).is_ok_and(|value| self.allows(&value))
    }

    /// What of `value` the schema does not allow, each with its place in it; nothing where it satisfies the schema.
    #[must_use]
    pub fn faults(&self, value: &Value) -> Vec<String> {
        let Err(error) = self.schemas.validate(value, self.index) else { return Vec::new() };
        let mut faults = Vec::new();
        let mut open = vec![&error];
        while let Some(error) = open.pop() {
            open.extend(error.causes.iter().rev());
            if error.causes.is_empty() {
                let place = error.instance_location.to_string();
                let place = if place.is_empty() { "the object".to_owned() } else { place };
                faults.push(format!("{place}: {}", error.kind));
            }
        }
        faults
    }

    /// The names of the properties that it speaks of; `None` where it lists none and so leaves them open.
    #[must_use]
    pub fn properties(&self) -> Option<Vec<String>> {
        let schema: Value = serde_json::from_str(&self.text).ok()?;
        Some(schema["properties"].as_object()?.keys().cloned().collect())
    }

    /// Whether `value` satisfies the schema.
    #[must_use]
    pub fn allows(&self, value: &Value) -> bool {
        self.schemas.validate(value, self.index).is_ok()
    }
}

impl fmt::Debug for JsonSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonSchema").field("text", &self.text).finish_non_exhaustive()
    }
}

/// What is wrong, on one line: the cause where there is one, without the made-up place.
fn unusable(error: &dyn Error) -> SchemaError {
    let text = error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    let text = text.replace(PLACE, "").lines().map(str::trim).collect::<Vec<_>>().join(" ");
    SchemaError { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JSON-Schema-Test-Suite (MIT, see the licence beside it), draft 2020-12, as the Python package `jsonschema` 4.26.0 carries
    /// it: every group that asks for no other document and no checked `format`, a line each.
    const SUITE: &str = include_str!("../../tests/data/json-schema/draft2020-12.jsonl");

    #[test]
    fn the_test_suite_of_json_schema_agrees_on_every_value() {
        let mut values = 0;
        for line in SUITE.lines() {
            let group: Value = serde_json::from_str(line).unwrap();
            let schema = JsonSchema::new(&group["schema"].to_string()).unwrap();
            for test in group["tests"].as_array().unwrap() {
                let expected = test[1].as_bool().unwrap();
                assert_eq!(schema.holds(&test[0].to_string()), expected, "{} {}", group["group"], test[0]);
                values += 1;
            }
        }
        assert_eq!(values, 1_057);
    }

    fn check(schema: &str, expected: &str) {
        let error = JsonSchema::new(schema).unwrap_err().to_string();
        assert!(error.starts_with("no usable JSON Schema: ") && !error.contains('\n'), "{error}");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_is_wrong_with_a_schema_is_said() {
        check("{", "EOF while parsing");
        check("3", "want boolean or object, but got number");
        check(r#"{"type": "text"}"#, "at '/type'");
        check(r##"{"$ref": "#/$defs/x"}"##, "#/$defs/x not found");
        check(r#"{"pattern": "(?=a)"}"#, "look-around");
    }

    #[test]
    fn no_other_document_is_opened() {
        check(r#"{"$ref": "file:///etc/hostname"}"#, "file:///etc/hostname is another document");
        check(r#"{"$ref": "http://127.0.0.1:1/x.json"}"#, "x.json is another document");
    }

    #[test]
    fn what_is_not_allowed_is_named_with_its_place() {
        let text = r#"{"type":"object","properties":{"n":{"type":"integer"},"q":{"type":"string"}},"required":["q"]}"#;
        let schema = JsonSchema::new(text).unwrap();
        assert_eq!(schema.properties(), Some(vec!["n".to_owned(), "q".to_owned()]));
        assert_eq!(JsonSchema::new("true").unwrap().properties(), None);
        let faults = schema.faults(&serde_json::json!({"n": "three"})).join("; ");
        assert!(faults.contains("/n: ") && faults.contains("integer"), "{faults}");
        assert!(faults.contains("the object: ") && faults.contains("'q'"), "{faults}");
        assert!(schema.faults(&serde_json::json!({"n": 3, "q": "?"})).is_empty());
    }

    #[test]
    fn text_that_is_no_json_satisfies_no_schema() {
        let any = JsonSchema::new("true").unwrap();
        assert!(any.holds("{}") && !any.holds("{") && !any.holds("```json\n{}\n```"));
    }
}
