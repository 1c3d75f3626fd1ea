//! Changes single top-level fields of a JSON object and leaves every other byte as it is.
//!
//! Writing the object anew would reorder keys, respell numbers and drop duplicates; what an engine then
//! got would no longer be what its client sent.

use std::borrow::Cow;

use bytes::Bytes;

use super::Fields;
use super::fields::Field;

/// One change of a top-level field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit<'a> {
    key: Cow<'a, str>,
    /// JSON text; `None` takes the field out.
    value: Option<String>,
}

impl<'a> Edit<'a> {
    /// Gives the field this value; appends the field when it is not there.
    #[must_use]
    pub fn set(key: impl Into<Cow<'a, str>>, value: &serde_json::Value) -> Self {
        Self { key: key.into(), value: Some(value.to_string()) }
    }

    /// Takes the field out, if it is there.
    #[must_use]
    pub fn remove(key: impl Into<Cow<'a, str>>) -> Self {
        Self { key: key.into(), value: None }
    }

    /// An upper bound of what this edit adds, unless its key is full of escapes.
    fn bytes_max(&self) -> usize {
        self.value.as_ref().map_or(0, |value| value.len() + self.key.len() + r#","":"#.len())
    }
}

/// The body with its fields edited, which are `fields`. Of two edits of one key the first counts.
#[must_use]
pub fn splice(body: &Bytes, fields: &Fields, edits: &[Edit<'_>]) -> Bytes {
    if edits.is_empty() {
        return body.clone();
    }
    let fields = fields.all();
    let extra: usize = edits.iter().map(Edit::bytes_max).sum();
    let mut out = Vec::with_capacity(body.len() + extra);
    let open = body.iter().position(|&byte| byte == b'{').map_or(0, |at| at + 1);
    let mut kept = 0_usize;
    let mut gap_start = open; // the gap before a field: its comma and white space
    for field in fields {
        let edit = edits.iter().find(|edit| field.is(body, &edit.key));
        if edit.is_none_or(|edit| edit.value.is_some()) {
            let head = fields.first().map_or(open, |first| first.key.start);
            let gap = if kept == 0 { 0..head } else { gap_start..field.key.start };
            out.extend_from_slice(&body[gap]);
            out.extend_from_slice(&body[field.key.start..field.value.start]);
            let value = edit.and_then(|edit| edit.value.as_ref()).map(String::as_bytes);
            out.extend_from_slice(value.unwrap_or(&body[field.value.clone()]));
            kept += 1;
        }
        gap_start = field.value.end;
    }
    if kept == 0 {
        out.extend_from_slice(&body[..open]);
    }
    append_new(&mut out, body, edits, fields, kept);
    out.extend_from_slice(&body[gap_start..]);
    out.into()
}

fn append_new(out: &mut Vec<u8>, body: &[u8], edits: &[Edit<'_>], fields: &[Field], mut kept: usize) {
    for (position, edit) in edits.iter().enumerate() {
        let known = fields.iter().any(|field| field.is(body, &edit.key))
            || edits[..position].iter().any(|earlier| earlier.key == edit.key);
        let Some(value) = edit.value.as_ref().filter(|_| !known) else { continue };
        if kept > 0 {
            out.push(b',');
        }
        out.extend_from_slice(serde_json::Value::from(&*edit.key).to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
        kept += 1;
    }
}

#[cfg(test)]
mod tests;
