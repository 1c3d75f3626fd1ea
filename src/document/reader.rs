//! Reads TOML key by key, goes on after an error, and knows where everything stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, did_you_mean};

/// One file under reading, and what was found wrong with it.
pub(crate) struct Reader<'t> {
    file: String,
    text: &'t str,
    /// What was found wrong so far.
    pub(crate) faults: Vec<Fault>,
}

/// A table with its path from the root.
pub(crate) struct Section<'t, 'd> {
    path: String,
    table: &'d DeTable<'t>,
    span: Range<usize>,
}

/// A value with its path and place.
#[derive(Clone)]
pub(crate) struct Item<'t, 'd> {
    /// The path from the root.
    pub(crate) path: String,
    /// The value.
    pub(crate) value: &'d DeValue<'t>,
    /// Where it stands.
    pub(crate) span: Range<usize>,
}

impl<'t> Reader<'t> {
    /// A reader of `text`, which came from `file`.
    pub(crate) fn new(file: &str, text: &'t str) -> Self {
        Self { file: file.to_owned(), text, faults: Vec::new() }
    }

    /// The document; broken syntax becomes faults, and reading goes on with what could be read.
    pub(crate) fn document(&mut self) -> Spanned<DeTable<'t>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            self.fault(
                &span,
                "",
                error.message().trim().replace('\n', ", "),
                "see https://toml.io for the form",
            );
        }
        table
    }

    /// Notes a fault at `span`.
    pub(crate) fn fault(
        &mut self,
        span: &Range<usize>,
        path: &str,
        rule: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let fault = self.fault_at(span, path, rule.into(), hint.into());
        self.faults.push(fault);
    }

    /// A fault at `item` that is not noted: for what can be told only later.
    pub(crate) fn located(
        &self,
        item: &Item<'_, '_>,
        rule: impl Into<String>,
        hint: impl Into<String>,
    ) -> Fault {
        self.fault_at(&item.span, &item.path, rule.into(), hint.into())
    }

    /// The line of `item`, from 1.
    pub(crate) fn line(&self, item: &Item<'_, '_>) -> usize {
        self.text.get(..item.span.start).unwrap_or(self.text).matches('\n').count() + 1
    }

    fn fault_at(&self, span: &Range<usize>, path: &str, rule: String, hint: String) -> Fault {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Fault {
            file: self.file.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            path: path.to_owned(),
            rule,
            hint: Some(hint),
        }
    }

    /// Notes a fault at `item`.
    pub(crate) fn wrong(&mut self, item: &Item<'_, '_>, rule: impl Into<String>, hint: impl Into<String>) {
        self.fault(&item.span, &item.path, rule, hint);
    }

    /// Every key of `section` that is not in `known` is a fault.
    pub(crate) fn known(&mut self, section: &Section<'_, '_>, known: &[&str]) {
        for (key, _) in section.table {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let path = section.path_of(name);
                self.fault(&key.span(), &path, "no such key", did_you_mean(name, known));
            }
        }
    }

    /// A key that must stand there.
    pub(crate) fn needed<'s, 'd>(
        &mut self,
        section: &Section<'s, 'd>,
        key: &str,
        hint: &str,
    ) -> Option<Item<'s, 'd>> {
        let item = section.get(key);
        if item.is_none() {
            self.missing(section, key, hint);
        }
        item
    }

    /// Notes that the table or key `key` should stand in `section`.
    pub(crate) fn missing(&mut self, section: &Section<'_, '_>, key: &str, hint: &str) {
        self.fault(&section.span, &section.path_of(key), "is required", hint);
    }

    /// The text at `item`; anything else, the empty text included, is a fault.
    pub(crate) fn text(&mut self, item: &Item<'_, '_>) -> Option<String> {
        match item.value.as_str() {
            Some(text) if !text.trim().is_empty() => Some(text.to_owned()),
            Some(_) => self.none(item, "must not be empty", "write a text"),
            None => self.none(item, format!("a text, not {}", kind(item.value)), "put it in quotes"),
        }
    }

    /// The truth value at `item`.
    pub(crate) fn truth(&mut self, item: &Item<'_, '_>) -> Option<bool> {
        let truth = item.value.as_bool();
        truth.or_else(|| {
            self.none(item, format!("true or false, not {}", kind(item.value)), "write it without quotes")
        })
    }

    /// The whole number at `item`, when it lies in `range`.
    pub(crate) fn whole(&mut self, item: &Item<'_, '_>, range: Range<u64>) -> Option<u64> {
        let number = item.value.as_integer().and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                let rule = format!("a whole number from {} to {}", range.start, range.end - 1);
                self.none(item, format!("{rule}, not {}", shown(item.value)), "write a plain number")
            }
        }
    }

    /// A fraction in (0, 1), written as `0.05` or `"5%"`.
    pub(crate) fn fraction(&mut self, item: &Item<'_, '_>) -> Option<f64> {
        let number = match item.value {
            DeValue::String(text) => {
                text.trim().strip_suffix('%').and_then(|n| n.trim().parse().ok()).map(|n: f64| n / 100.0)
            }
            other => number(other),
        };
        match number {
            Some(number) if number > 0.0 && number < 1.0 => Some(number),
            _ => {
                let rule = format!("a share between 0 and 1, not {}", shown(item.value));
                self.none(item, rule, "two points are 0.02 or \"2%\"")
            }
        }
    }

    fn none<T>(&mut self, item: &Item<'_, '_>, rule: impl Into<String>, hint: &str) -> Option<T> {
        self.wrong(item, rule, hint);
        None
    }
}

impl<'t, 'd> Section<'t, 'd> {
    /// The root of a document.
    pub(crate) fn root(document: &'d Spanned<DeTable<'t>>) -> Self {
        Self { path: String::new(), table: document.get_ref(), span: 0..0 }
    }

    /// The value of `key`, when it stands there.
    pub(crate) fn get(&self, key: &str) -> Option<Item<'t, 'd>> {
        let value = self.table.get(key)?;
        Some(Item { path: self.path_of(key), value: value.get_ref(), span: value.span() })
    }

    /// Every key with its value.
    pub(crate) fn items(&self) -> impl Iterator<Item = (&'d str, Item<'t, 'd>)> {
        self.table.iter().map(|(key, value)| {
            let name: &str = key.get_ref();
            (name, Item { path: self.path_of(name), value: value.get_ref(), span: value.span() })
        })
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

impl<'t, 'd> Item<'t, 'd> {
    /// The item as a table.
    pub(crate) fn section(self) -> Option<Section<'t, 'd>> {
        let table = self.value.as_table()?;
        Some(Section { path: self.path, table, span: self.span })
    }

    /// The items of an array.
    pub(crate) fn list(&self) -> Option<Vec<Self>> {
        let array = self.value.as_array()?;
        let items = array.iter().enumerate().map(|(index, value)| Self {
            path: format!("{}[{index}]", self.path),
            value: value.get_ref(),
            span: value.span(),
        });
        Some(items.collect())
    }
}

/// The value as JSON; a date becomes its text.
pub(crate) fn json(value: &DeValue<'_>) -> serde_json::Value {
    use serde_json::Value;
    match value {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).map_or(Value::Null, Value::from),
        DeValue::Float(_) => number(value).map_or(Value::Null, Value::from),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, item)| (key.get_ref().clone().into_owned(), json(item.get_ref())))
            .collect(),
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(n) => n.as_str().parse().ok(),
        DeValue::Integer(n) => n.as_str().parse().ok(),
        _ => None,
    }
}

fn kind(value: &DeValue<'_>) -> String {
    match value.type_str() {
        word @ ("array" | "integer") => format!("an {word}"),
        word => format!("a {word}"),
    }
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(n) => n.to_string(),
        DeValue::Float(n) => n.to_string(),
        other => kind(other),
    }
}
