//! A row of pairs as programs write them, read straight into a pair.
//!
//! Nothing here says what is wrong with a row: it is then read once more, by the reader that can.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::domain::{MetricKind, MetricName};
use crate::evidence::{Halves, Pair};

/// The metrics of the latest row by position, each name once: rows are alike.
#[derive(Debug, Default)]
pub(super) struct Columns(Vec<(MetricName, Option<MetricKind>)>);

impl Columns {
    /// Reads `text` into `pair`, all but its `seq`, which is given back where the row has one. `None`: not a plain row.
    pub(super) fn read(
        &mut self,
        text: &[u8],
        pair: &mut Pair,
        kind: &impl Fn(&str) -> Option<MetricKind>,
        names: &mut BTreeSet<MetricName>,
    ) -> Option<Option<u64>> {
        // Checked in one go, and not text by text.
        let mut json = serde_json::Deserializer::from_str(str::from_utf8(text).ok()?);
        let seq = RowSeed { columns: self, pair, kind, names }.deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(seq)
    }

    /// Metric `name` at position `at`, with its kind; `None` where the name stands further left too.
    fn at(
        &mut self,
        at: usize,
        name: &str,
        kind: &impl Fn(&str) -> Option<MetricKind>,
        names: &mut BTreeSet<MetricName>,
    ) -> Option<&(MetricName, Option<MetricKind>)> {
        let Self(columns) = self;
        if columns.get(at).is_none_or(|(known, _)| known.as_str() != name) {
            // What stood further right may be this name again.
            columns.truncate(at);
            if columns.iter().any(|(known, _)| known.as_str() == name) {
                return None;
            }
            let name = MetricName::from(name);
            names.insert(name.clone());
            columns.push((name.clone(), kind(name.as_str())));
        }
        columns.get(at)
    }
}

struct RowSeed<'a, K> {
    columns: &'a mut Columns,
    pair: &'a mut Pair,
    kind: &'a K,
    names: &'a mut BTreeSet<MetricName>,
}

impl<'de, K: Fn(&str) -> Option<MetricKind>> DeserializeSeed<'de> for RowSeed<'_, K> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, K: Fn(&str) -> Option<MetricKind>> Visitor<'de> for RowSeed<'_, K> {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pair")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { columns, pair, kind, names } = self;
        let (mut seq, mut id, mut metrics) = (None, None, false);
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "seq" if seq.is_none() => seq = Some(map.next_value::<u64>()?),
                "id" if id.is_none() => id = Some(map.next_value::<&str>()?),
                "metrics" if !metrics => {
                    map.next_value_seed(MetricsSeed { columns, pair, kind, names })?;
                    metrics = true;
                }
                _ => return Err(A::Error::custom("not plain")),
            }
        }
        match id.filter(|id| metrics && !id.trim().is_empty()) {
            Some(id) => {
                pair.id.clear();
                pair.id.push_str(id);
                Ok(seq)
            }
            None => Err(A::Error::custom("not plain")),
        }
    }
}

struct MetricsSeed<'a, K> {
    columns: &'a mut Columns,
    pair: &'a mut Pair,
    kind: &'a K,
    names: &'a mut BTreeSet<MetricName>,
}

impl<'de, K: Fn(&str) -> Option<MetricKind>> DeserializeSeed<'de> for MetricsSeed<'_, K> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, K: Fn(&str) -> Option<MetricKind>> Visitor<'de> for MetricsSeed<'_, K> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metrics")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { columns, pair, kind, names } = self;
        let mut at = 0;
        while let Some(name) = map.next_key::<&str>()? {
            let (name, kind) = columns.at(at, name, kind, names).ok_or_else(|| A::Error::custom("twice"))?;
            let Both { blue: Half(baseline), green: Half(candidate) } = map.next_value()?;
            let mut values = [baseline, candidate].into_iter().flatten();
            if kind.is_some_and(|kind| values.any(|value| !kind.admits(value))) {
                return Err(A::Error::custom("not of its kind"));
            }
            pair.put(at, name, Halves { baseline, candidate });
            at += 1;
        }
        pair.metrics.truncate(at);
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    blue: Half,
    green: Half,
}

/// A number, a truth value, or `null`.
struct Half(Option<f64>);

impl<'de> serde::Deserialize<'de> for Half {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(HalfVisitor)
    }
}

struct HalfVisitor;

impl Visitor<'_> for HalfVisitor {
    type Value = Half;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or null")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Half, E> {
        Ok(Half(Some(value)))
    }

    #[expect(clippy::cast_precision_loss, reason = "as JSON numbers are read everywhere")]
    fn visit_u64<E>(self, value: u64) -> Result<Half, E> {
        Ok(Half(Some(value as f64)))
    }

    #[expect(clippy::cast_precision_loss, reason = "as JSON numbers are read everywhere")]
    fn visit_i64<E>(self, value: i64) -> Result<Half, E> {
        Ok(Half(Some(value as f64)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Half, E> {
        Ok(Half(Some(f64::from(u8::from(value)))))
    }

    fn visit_unit<E>(self) -> Result<Half, E> {
        Ok(Half(None))
    }
}
