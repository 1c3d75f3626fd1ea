//! Points of the collection: their ids, what they hold, and by what they are found.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cache::question::Item;
use crate::cache::vectors::Near;
use crate::cache::{CacheKey, Change, Selector};
use crate::domain::ReleaseId;

/// A point as it is read.
#[derive(Deserialize)]
pub(super) struct Point {
    score: Option<f32>,
    pub(super) payload: Payload,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Payload {
    Standing { text: String },
    Entry { entry: String },
    Question { question: String },
}

/// What a search gives.
#[derive(Deserialize)]
pub(super) struct Found {
    pub(super) points: Vec<Point>,
}

/// The id of a point, in the form of a UUID. Half of a digest: the point itself holds all of it.
fn id(digest: &blake3::Hash) -> String {
    let hex = digest.to_hex();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-")
}

pub(super) fn standing_id() -> String {
    id(&blake3::hash(b"goldgate standing 1"))
}

pub(super) fn entry_id(digest: [u8; 32]) -> String {
    id(&blake3::Hash::from_bytes(digest))
}

pub(super) fn question_id(partition: &CacheKey, key: &CacheKey) -> String {
    id(&blake3::hash(&[partition.digest, key.digest].concat()))
}

pub(super) fn is(field: &str, value: &str) -> Value {
    json!({"key": field, "match": {"value": value}})
}

pub(super) fn before(ms: u64) -> Value {
    json!({"key": "written_ms", "range": {"lt": ms}})
}

/// The name of one version of the record.
pub(super) fn version(text: &[u8]) -> String {
    blake3::hash(text).to_hex().to_string()
}

/// Conditions that hold for the points that a change makes unreadable; its sequence is a moment of the clock, too.
pub(super) fn meant(change: &Change, sequence: u64) -> Vec<Value> {
    match change {
        Change::Revoke(release) | Change::Empty(release) => {
            vec![is("release", ReleaseId::as_str(release)), before(sequence)]
        }
        Change::Purge(Selector { release, tenant, template, arm, before_ms }) => {
            let fields = [("release", release), ("tenant", tenant), ("template", template), ("arm", arm)];
            let given = fields.into_iter().filter_map(|(field, value)| Some(is(field, value.as_deref()?)));
            let moment = before_ms.map_or(sequence, |before| before.min(sequence));
            given.chain([is("kind", "entry"), before(moment)]).collect()
        }
    }
}

/// The nearest of what a search gave: the best and the next one, as far as they lie above the floor.
pub(super) fn nearest_of(partition: &CacheKey, floor: f32, points: &[Point]) -> Option<Near> {
    let scores: Vec<f32> = points.iter().filter_map(|point| point.score).collect();
    let (best, Payload::Question { question }) = (points.first()?, &points.first()?.payload) else {
        return None;
    };
    let (similarity, next) = (best.score?, scores.get(1).copied().unwrap_or(floor));
    let item = Item::of_json(partition, question.as_bytes())?;
    (similarity > floor).then(|| Near { item, similarity, gap: similarity - next.max(floor) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::{Case, item};

    fn points(partition: &CacheKey, scores: &[f32]) -> Vec<Point> {
        let of = |(number, score): (usize, &f32)| {
            let question = item(number).to_json(partition);
            Point { score: Some(*score), payload: Payload::Question { question } }
        };
        scores.iter().enumerate().map(of).collect()
    }

    #[test]
    fn the_nearest_is_the_first_above_the_floor_and_of_the_same_partition() {
        let partition = Case::default().key();
        let near = |floor: f32, scores: &[f32]| nearest_of(&partition, floor, &points(&partition, scores));
        let gap = |floor, scores: &[f32]| near(floor, scores).map(|near| (near.item == item(0), near.gap));
        assert_eq!(gap(0.5, &[1.0, 0.75]), Some((true, 0.25)));
        assert_eq!(gap(0.5, &[1.0]), Some((true, 0.5)));
        assert_eq!(gap(0.5, &[1.0, 0.25]), Some((true, 0.5)), "a server without a threshold");
        assert_eq!(gap(0.5, &[0.5, 0.25]), None);
        assert_eq!(gap(0.5, &[]), None);
        let other = Case { body: "{}".to_owned(), ..Case::default() }.key();
        assert!(nearest_of(&partition, 0.5, &points(&other, &[1.0])).is_none());
    }

    #[test]
    fn a_change_deletes_no_more_than_what_it_makes_unreadable() {
        let release = ReleaseId::from("sem:a");
        let emptied = meant(&Change::Empty(release.clone()), 7);
        assert_eq!(emptied, [is("release", "sem:a"), before(7)]);
        assert_eq!(meant(&Change::Revoke(release), 7), emptied);
        let (tenant, before_ms) = (Some("ann".to_owned()), Some(3));
        let purged = meant(&Change::Purge(Selector { tenant, before_ms, ..Selector::default() }), 7);
        assert_eq!(purged, [is("tenant", "ann"), is("kind", "entry"), before(3)]);
    }
}
