//! Two files of scores, paired by id.

use std::collections::BTreeMap;
use std::path::Path;

use crate::document::parts_digest;
use crate::domain::{MetricKind, MetricName};
use crate::evidence::{EvidenceDigest, Halves, Pair, Record};
use crate::judgment::{GoldenMetric, GoldenPair};
use crate::wire::ScoreRow;

/// Every case of either file, by id: the order of rows says nothing, so no verdict may depend on it.
pub(super) struct Paired<'r> {
    cases: BTreeMap<&'r str, Case<'r>>,
    /// Names of metrics in the order in which the files name them.
    names: Vec<&'r str>,
}

#[derive(Clone, Copy, Default)]
struct Case<'r> {
    blue: Option<&'r ScoreRow>,
    green: Option<&'r ScoreRow>,
    cluster: Option<&'r str>,
}

impl<'r> Paired<'r> {
    /// Pairs the rows.
    ///
    /// # Errors
    /// When the files place one case in different clusters: they are not about the same cases.
    pub(super) fn new(blue: &'r [ScoreRow], green: &'r [ScoreRow]) -> Result<Self, String> {
        let (mut cases, mut names) = (BTreeMap::<&str, Case<'_>>::new(), Vec::new());
        for row in blue {
            cases.entry(&row.id).or_default().blue = Some(row);
        }
        for row in green {
            cases.entry(&row.id).or_default().green = Some(row);
        }
        for (name, _) in blue.iter().chain(green).flat_map(|row| &row.scores) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        for (id, case) in &mut cases {
            case.cluster = cluster(id, case)?;
        }
        Ok(Self { cases, names })
    }

    /// Every metric over the cases that it applies to, all of them required: what was brought is what is asked about.
    pub(super) fn metrics(&self, margin: impl Fn(MetricKind) -> f64) -> Vec<GoldenMetric> {
        let metric = |name: &&str| {
            let kind = ScoreRow::kind(name);
            let pairs = self.cases.iter().filter_map(|(id, case)| case.pair(id, name));
            GoldenMetric {
                name: MetricName::from(*name),
                kind,
                margin: margin(kind),
                required: true,
                pairs: pairs.collect(),
            }
        };
        self.names.iter().map(metric).collect()
    }

    /// What a reader should know beside the verdict: cases that only one file has.
    pub(super) fn notes(&self, blue: &Path, green: &Path) -> Vec<String> {
        let only_blue = self.only(|case| case.green.is_none(), blue);
        let only_green = self.only(|case| case.blue.is_none(), green);
        only_blue.into_iter().chain(only_green).collect()
    }

    fn only(&self, lost: impl Fn(&Case<'_>) -> bool, path: &Path) -> Option<String> {
        let mut lone = self.cases.iter().filter(|(_, case)| lost(case)).map(|(id, _)| *id).peekable();
        let first = *lone.peek()?;
        let (count, total) = (lone.count(), self.cases.len());
        Some(format!(
            "{}: {count} of {total} cases are in this file only, the first is {first:?}\n  hint: they count as the worst \
             case; too many of them and nothing is judged",
            path.display()
        ))
    }

    /// The digest of what was compared, clusters included: they change how sure a verdict is.
    pub(super) fn evidence(&self, metrics: &[GoldenMetric]) -> String {
        let mut by_case = BTreeMap::<&str, Vec<(MetricName, Halves)>>::new();
        for metric in metrics {
            for pair in &metric.pairs {
                by_case.entry(&pair.id).or_default().push((metric.name.clone(), pair.halves));
            }
        }
        let mut digest = EvidenceDigest::default();
        for (seq, (id, metrics)) in (1..).zip(by_case) {
            digest.push(&Record::Pair(Pair { seq, id: id.to_owned(), metrics }));
        }
        let pairs = digest.text_so_far();
        let clusters = self.cases.iter().flat_map(|(id, case)| [*id, case.cluster.unwrap_or_default()]);
        let parts: Vec<&[u8]> = std::iter::once(pairs.as_str()).chain(clusters).map(str::as_bytes).collect();
        format!("ev:{}", &parts_digest("goldgate/compare-evidence/1", &parts).to_hex()[..16])
    }
}

impl Case<'_> {
    /// The case under one metric: it applies where either row speaks of it, and the half that does not is lost.
    fn pair(&self, id: &str, metric: &str) -> Option<GoldenPair> {
        let rows = [self.blue, self.green];
        let applies = rows.iter().flatten().any(|row| row.holds(metric));
        let [baseline, candidate] = rows.map(|row| row.and_then(|row| row.score(metric)));
        let cluster = self.cluster.map(str::to_owned);
        applies.then(|| GoldenPair { id: id.to_owned(), cluster, halves: Halves { baseline, candidate } })
    }
}

fn cluster<'r>(id: &str, case: &Case<'r>) -> Result<Option<&'r str>, String> {
    let of = |row: Option<&'r ScoreRow>| row.and_then(|row| row.cluster.as_deref());
    match (of(case.blue), of(case.green)) {
        (Some(blue), Some(green)) if blue != green => Err(format!(
            "{id:?} is in cluster {blue:?} here and in {green:?} there\n  hint: both files must be about the same cases"
        )),
        (blue, green) => Ok(blue.or(green)),
    }
}
