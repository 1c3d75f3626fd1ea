//! What a rollout's stored pairs come to, metric by metric: for reports over many releases.
//!
//! Files are read on all cores, only the columns that are needed, and one file a core is in memory at a time. The totals are
//! those of a fixed sample; they judge nothing.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use super::Origin;
use super::evidence_reader::{EvidenceError, EvidenceFiles, whole_file};
use super::parquet::Columns;
use crate::evidence::is_condition;

/// Count, mean and spread of values, added one by one or merged (Welford 1962; Chan, Golub & LeVeque 1983).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// The sum of squared distances from it.
    pub squares: f64,
}

/// One metric of the pairs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricTotals {
    /// Its name.
    pub metric: String,
    /// Pairs with a missing half.
    pub missing: u64,
    /// Values of the baseline.
    pub baseline: Moments,
    /// Values of the candidate.
    pub candidate: Moments,
    /// Candidate − baseline, of whole pairs.
    pub difference: Moments,
    /// ln(candidate / baseline), of whole pairs of positive values.
    pub log_ratio: Moments,
}

impl Moments {
    /// Adds a value.
    #[expect(clippy::cast_precision_loss, reason = "a count of pairs fits into 52 bits")]
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        let distance = value - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (value - self.mean);
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of pairs fits into 52 bits")]
    fn merge(&mut self, other: Self) {
        let count = self.count + other.count;
        if other.count == 0 {
            return;
        }
        let (left, right, all) = (self.count as f64, other.count as f64, count as f64);
        let distance = other.mean - self.mean;
        self.mean += distance * right / all;
        self.squares += other.squares + distance * distance * left * right / all;
        self.count = count;
    }

    /// The standard error of the mean; `None` of fewer than two values, and of values that do not vary.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of pairs fits into 52 bits")]
    pub fn standard_error(&self) -> Option<f64> {
        let degrees = self.count.checked_sub(1).filter(|degrees| *degrees > 0)? as f64;
        let error = (self.squares / degrees / self.count as f64).sqrt();
        (error > 0.0).then_some(error)
    }
}

impl MetricTotals {
    fn add(&mut self, baseline: Option<f64>, candidate: Option<f64>) {
        baseline.into_iter().for_each(|value| self.baseline.add(value));
        candidate.into_iter().for_each(|value| self.candidate.add(value));
        let Some((baseline, candidate)) = baseline.zip(candidate) else {
            self.missing += 1;
            return;
        };
        self.difference.add(candidate - baseline);
        if baseline > 0.0 && candidate > 0.0 {
            self.log_ratio.add((candidate / baseline).ln());
        }
    }

    fn merge(&mut self, other: &Self) {
        self.missing += other.missing;
        self.baseline.merge(other.baseline);
        self.candidate.merge(other.candidate);
        self.difference.merge(other.difference);
        self.log_ratio.merge(other.log_ratio);
    }
}

/// The totals of the pairs below `dir` (one rollout's directory, or a directory with one rollout in it), in the order in which
/// metrics first stand. Conditions of a pair (loads, sizes) are no metrics and are left out.
///
/// # Errors
/// When there is none, a file cannot be read, or two are of different things.
pub fn evidence_totals(dir: &Path) -> Result<Vec<MetricTotals>, EvidenceError> {
    let files = EvidenceFiles::of(dir)?.paths();
    if files.is_empty() {
        return Err(EvidenceError::Nothing { dir: dir.to_owned() });
    }
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(files.len());
    // Files in turns: those of one stage are alike.
    let share = |worker: usize| files.iter().skip(worker).step_by(workers);
    let parts: Vec<Result<Part, EvidenceError>> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(move || totals(share(worker)))).collect();
        let gone =
            || EvidenceError::Read { file: dir.to_owned(), why: "a reading thread ended early".to_owned() };
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(gone()))).collect()
    });
    let mut all: Vec<MetricTotals> = Vec::new();
    let mut said = Vec::new();
    for part in parts {
        let part = part?;
        said.extend(part.said);
        for totals in part.totals {
            let (at, _) = place(&mut all, &totals.metric, 0);
            all[at].merge(&totals);
        }
    }
    said.sort_by_key(|(file, _)| *file);
    let mut origin = Origin::default();
    said.into_iter().try_for_each(|(file, said)| origin.agree(file, said))?;
    Ok(all)
}

/// What one thread read.
struct Part<'f> {
    totals: Vec<MetricTotals>,
    /// What each file says it is of.
    said: Vec<(&'f PathBuf, Origin)>,
}

fn totals<'f>(files: impl Iterator<Item = &'f PathBuf>) -> Result<Part<'f>, EvidenceError> {
    let (mut all, mut said): (Vec<MetricTotals>, Vec<_>) = Default::default();
    let mut next = 0;
    for file in files {
        let columns = Columns::halves(whole_file(file)?);
        let read = columns.and_then(|columns| {
            columns.each_half(|metric, baseline, candidate| {
                if !is_condition(metric) {
                    let (at, after) = place(&mut all, metric, next);
                    all[at].add(baseline, candidate);
                    next = after;
                }
            })?;
            Ok(Origin::read(&columns.metadata))
        });
        let origin = read.map_err(|why| EvidenceError::Read { file: file.clone(), why })?;
        said.push((file, origin));
    }
    Ok(Part { totals: all, said })
}

/// Where the totals of `metric` stand, looked for from `expected` on: pairs name their metrics in one order. And the place
/// after it.
fn place(all: &mut Vec<MetricTotals>, metric: &str, expected: usize) -> (usize, usize) {
    let count = all.len();
    let found = (0..count).map(|step| (expected + step) % count).find(|at| all[*at].metric == metric);
    let at = found.unwrap_or_else(|| {
        all.push(MetricTotals { metric: metric.to_owned(), ..MetricTotals::default() });
        count
    });
    (at, at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::MetricName;
    use crate::evidence::{Halves, Pair, Record};
    use crate::store::{EvidencePlace, EvidenceWriter};

    fn moments(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|value| moments.add(*value));
        moments
    }

    #[test]
    fn merged_moments_are_those_of_all_values() {
        let values: Vec<f64> = (0..97).map(|n| f64::from(n * n % 31) / 7.0 + 1e6).collect();
        let mut merged = moments(&values[..40]);
        merged.merge(Moments::default());
        merged.merge(moments(&values[40..]));
        let all = moments(&values);
        assert!((merged.mean - all.mean).abs() < 1e-9 && (merged.squares - all.squares).abs() < 1e-6);
        assert_eq!((merged.count, moments(&[2.0, 4.0]).standard_error()), (97, Some(1.0)));
        assert_eq!((moments(&[3.0]).standard_error(), moments(&[3.0, 3.0]).standard_error()), (None, None));
    }

    #[test]
    fn stored_pairs_come_to_their_sums_whatever_file_they_lie_in() {
        let folder = tempfile::TempDir::new().unwrap();
        let place = EvidencePlace { rollout: "r1".into(), resets: 0, ordinal: 1, name: "mirror" };
        let mut writer = EvidenceWriter::new(folder.path().to_owned(), place);
        let halves = |baseline, candidate| Halves { baseline, candidate };
        for seq in 1..=10_u32 {
            let ms = f64::from(seq) * 10.0;
            let mut metrics = vec![
                (MetricName::from("error"), halves(Some(0.0), Some(f64::from(u8::from(seq == 3))))),
                (MetricName::from("in_flight"), halves(Some(4.0), Some(4.0))),
            ];
            metrics.push((MetricName::from("ttft_ms"), halves(Some(ms), (seq != 5).then_some(ms * 1.1))));
            writer.push(Record::Pair(Pair { seq: u64::from(seq), id: format!("p{seq}"), metrics }));
            if seq % 4 == 0 {
                writer.flush().unwrap();
            }
        }
        writer.flush().unwrap();
        let totals = evidence_totals(folder.path()).unwrap();
        assert_eq!(
            totals.iter().map(|totals| totals.metric.as_str()).collect::<Vec<_>>(),
            ["error", "ttft_ms"]
        );
        let [error, ttft] = &totals[..] else { panic!("{totals:?}") };
        assert!((error.difference.mean - 0.1).abs() < 1e-12 && error.difference.count == 10);
        assert_eq!((ttft.missing, ttft.log_ratio.count, ttft.baseline.count), (1, 9, 10));
        assert!((ttft.log_ratio.mean - 1.1_f64.ln()).abs() < 1e-12);
        assert!(evidence_totals(&folder.path().join("none")).is_err());
    }
}
