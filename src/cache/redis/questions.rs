//! The questions of a partition as a stream that every replica reads to its end before it looks for the nearest.
//!
//! The stream lives as long as the last of its answers can, and holds as many questions as a replica scans. One that the server
//! evicted is no loss but of hits: what a replica has read it still knows, and whether an answer may be read says the record.
//!
//! Absent on purpose: vector sets, which Redis has from version 8 on. By their graph they miss the nearest, and their exact search
//! takes thirty times as long as a scan here (measured: the cache's README).

use bytes::Bytes;
use redis::cmd;

use super::{PREFIX, Redis};
use crate::cache::question::Item;
use crate::cache::vectors::{PARTITION_MAX, Page, is_unit};
use crate::cache::{CacheError, CacheKey};

/// Questions read at once: 300 kB, a millisecond or two.
const READ_MAX: usize = 256;

/// The field of a stream's entry.
const FIELD: &str = "q";

/// Adds a question, lets the oldest go, and renews the stream's life.
const APPEND: &str = "redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'q', ARGV[2]) \
    redis.call('PEXPIRE', KEYS[1], ARGV[3])";

/// Entries of a stream: id, and fields with their values in turn.
type Rows = Vec<(String, Vec<Bytes>)>;

pub(super) fn questions_key(partition: &CacheKey) -> String {
    format!("{PREFIX}questions:{}", partition.hex())
}

impl Redis {
    /// Reads the questions of a partition that other replicas have added. Says whether all of them were read; a partition that
    /// is too large for one look-up is read on by the next.
    pub(super) async fn catch_up(&self, partition: &CacheKey) -> Result<bool, CacheError> {
        let deadline = self.patience.deadline();
        loop {
            let after = self.vectors.read_to(partition);
            let from = after.as_ref().map_or_else(|| "-".to_owned(), |id| format!("({id}"));
            let mut command = cmd("XRANGE");
            command.arg(questions_key(partition)).arg(from).arg("+").arg("COUNT").arg(READ_MAX);
            let rows: Rows = self.ask_briefly(&command).await?;
            let is_last = rows.len() < READ_MAX;
            let is_complete = self.take_in(partition, after, rows) && is_last;
            if is_complete || self.patience.is_over(deadline) {
                return Ok(is_complete);
            }
        }
    }

    /// Says whether the rows go on where the partition stands now.
    fn take_in(&self, partition: &CacheKey, after: Option<String>, rows: Rows) -> bool {
        let Some(to) = rows.last().map(|(id, _)| id.clone()) else {
            return self.vectors.read_to(partition) == after;
        };
        let question = |fields: &Vec<Bytes>| {
            let question = fields.chunks_exact(2).find(|pair| pair[0] == FIELD).map(|pair| &pair[1]);
            question.and_then(|bytes| Item::of_bytes(partition, bytes))
        };
        let questions = rows.iter().filter_map(|(_, fields)| question(fields)).collect();
        self.vectors.read_on(partition, Page { after, questions, to })
    }

    pub(super) async fn append(
        &self,
        partition: &CacheKey,
        vector: &[f32],
        item: &Item,
    ) -> Result<(), CacheError> {
        if !is_unit(vector) {
            return Ok(());
        }
        let mut command = cmd("EVAL");
        command.arg(APPEND).arg(1).arg(questions_key(partition));
        command.arg(PARTITION_MAX).arg(item.to_bytes(partition, vector)).arg(self.life_ms());
        self.ask_briefly(&command).await
    }
}
