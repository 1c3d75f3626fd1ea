//! A route table on disk: for people who ask later what was published when.

use serde::Serialize;

use crate::routing::RouteTable;

#[derive(Serialize)]
pub(in crate::store) struct TableRecord {
    epoch: u64,
    baseline: &'static str,
    candidate_ppm: u32,
    mirror_ppm: u32,
    null_ppm: u32,
}

impl TableRecord {
    pub(in crate::store) fn write(table: &RouteTable) -> String {
        let RouteTable { version: _, epoch, baseline, split, mirror, salt: _ } = table;
        let record = Self {
            epoch: *epoch,
            baseline: baseline.as_str(),
            candidate_ppm: split.candidate().ppm(),
            mirror_ppm: mirror.share.ppm(),
            null_ppm: mirror.null_share.ppm(),
        };
        // Plain words and numbers always have a JSON form.
        serde_json::to_string(&record).unwrap_or_default()
    }
}
