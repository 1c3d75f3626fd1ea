//! The top-level fields of a JSON object, as they stand in its bytes: read once, for everything that asks for them.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::RequestError;

/// Where the fields of an object stand, in their order. Ranges are byte positions in the text that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<Field>);

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// With its quotation marks.
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
    /// The key where it is spelled with escapes.
    unescaped: Option<String>,
}

impl Fields {
    /// Reads the object in `body`, which must be all of it.
    ///
    /// # Errors
    /// [`RequestError::Body`] when the body is not a JSON object.
    pub fn read(body: &[u8]) -> Result<Self, RequestError> {
        let not_text = |error: std::str::Utf8Error| RequestError::Body { detail: error.to_string() };
        // Checked once for the whole: the reader then checks no string by itself.
        let text = std::str::from_utf8(body).map_err(not_text)?;
        let mut json = serde_json::Deserializer::from_str(text);
        let fields = json.deserialize_map(FieldsVisitor { text })?;
        json.end()?;
        Ok(fields)
    }

    /// The JSON text of the value of `name`, the last one where it stands twice. `body` must be the bytes that were read.
    #[must_use]
    pub fn value<'b>(&self, body: &'b [u8], name: &str) -> Option<&'b [u8]> {
        body.get(self.of(body, name).next_back()?.value.clone())
    }

    /// Where the value of `name` stands; `None` where there is no such field, or where it is null.
    ///
    /// # Errors
    /// When the field stands twice.
    pub(super) fn find(&self, body: &[u8], name: &str) -> Result<Option<Range<usize>>, RequestError> {
        let mut fields = self.of(body, name);
        let field = fields.next();
        if fields.next().is_some() {
            return Err(RequestError::Body { detail: format!("duplicate field {name:?}") });
        }
        let value = field.map(|field| field.value.clone());
        Ok(value.filter(|value| body.get(value.clone()) != Some(b"null")))
    }

    /// The value of `name`, read; `None` where there is no such field, or where it is null.
    ///
    /// # Errors
    /// When the field stands twice, or is of another type.
    pub(super) fn parse<'b, T: Deserialize<'b>>(
        &self,
        body: &'b [u8],
        name: &str,
    ) -> Result<Option<T>, RequestError> {
        let Some(value) = self.find(body, name)? else { return Ok(None) };
        let wrong = |error: serde_json::Error| RequestError::Body { detail: format!("{name:?}: {error}") };
        serde_json::from_slice(&body[value]).map(Some).map_err(wrong)
    }

    pub(super) fn all(&self) -> &[Field] {
        &self.0
    }

    fn of<'b>(&self, body: &'b [u8], name: &'b str) -> impl DoubleEndedIterator<Item = &Field> {
        self.0.iter().filter(move |field| field.is(body, name))
    }
}

impl Field {
    /// Whether its key is `name`, however it is spelled.
    pub(super) fn is(&self, body: &[u8], name: &str) -> bool {
        match &self.unescaped {
            Some(unescaped) => unescaped == name,
            None => body.get(self.key.start + 1..self.key.end - 1) == Some(name.as_bytes()),
        }
    }
}

struct FieldsVisitor<'t> {
    text: &'t str,
}

impl<'de> Visitor<'de> for FieldsVisitor<'de> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Vec::with_capacity(8);
        while let Some(key) = map.next_key::<&RawValue>()? {
            let (value, key) = (map.next_value::<&RawValue>()?.get(), key.get());
            let unescaped = key.contains('\\').then(|| serde_json::from_str(key)).transpose();
            let unescaped = unescaped.map_err(serde::de::Error::custom)?;
            let (key, value) = (span(self.text, key), span(self.text, value));
            fields.push(Field { key, value, unescaped });
        }
        Ok(Fields(fields))
    }
}

/// Where a part of a text stands in it.
fn span(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}
