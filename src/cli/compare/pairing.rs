//! Two files of scores, paired by what was asked and by id.

use std::collections::{BTreeMap, HashMap};
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
    /// When one id asks two things, or the files place one case in different clusters: they are not about the same cases.
    pub(super) fn new(blue: &'r [ScoreRow], green: &'r [ScoreRow]) -> Result<Self, String> {
        let mut cases = cases(blue, green)?;
        let mut names = Vec::new();
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
                slices: Vec::new(),
                noise: None,
            }
        };
        self.names.iter().map(metric).collect()
    }

    /// What a reader should know beside the verdict: cases and metrics that only one file has.
    pub(super) fn notes(&self, blue: &Path, green: &Path) -> Vec<String> {
        let only_blue = self.only(|case| case.green.is_none(), blue);
        let only_green = self.only(|case| case.blue.is_none(), green);
        let lone = self.names.iter().filter_map(|name| self.metric_only(name, blue, green));
        only_blue.into_iter().chain(only_green).chain(lone).collect()
    }

    fn metric_only(&self, name: &str, blue: &Path, green: &Path) -> Option<String> {
        let holds = |row: Option<&ScoreRow>| row.is_some_and(|row| row.holds(name));
        let in_blue = self.cases.values().any(|case| holds(case.blue));
        let in_green = self.cases.values().any(|case| holds(case.green));
        let path = match (in_blue, in_green) {
            (true, false) => blue,
            (false, true) => green,
            _ => return None,
        };
        Some(format!(
            "{}: metric {name:?} is in this file only\n  hint: nothing can be said of it; --metric names those that count",
            path.display()
        ))
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

/// Pairs the rows: those of one id when they ask the same, then those that ask the same under other ids, as happens when
/// cases are counted and a file is sorted anew. Whatever is left is a case of one file, by its own id.
fn cases<'r>(blue: &'r [ScoreRow], green: &'r [ScoreRow]) -> Result<BTreeMap<&'r str, Case<'r>>, String> {
    let by_id =
        |rows: &'r [ScoreRow]| rows.iter().map(|row| (row.id.as_str(), row)).collect::<HashMap<_, _>>();
    let (blue_ids, green_ids) = (by_id(blue), by_id(green));
    let mut left = green_ids.clone();
    let (mut cases, mut lone) = (BTreeMap::<&str, Case<'_>>::new(), Vec::new());
    for row in blue {
        let same = left.get(row.id.as_str()).filter(|other| same_question(row, other)).copied();
        match same {
            Some(other) => {
                left.remove(other.id.as_str());
                cases.insert(&row.id, Case { blue: Some(row), green: Some(other), cluster: None });
            }
            None => lone.push(row),
        }
    }
    let questions = once_asked(left.values().copied());
    let mine = once_asked(lone.iter().copied());
    for row in lone {
        let asked = row.asked.as_deref().filter(|asked| mine.contains_key(asked));
        let other = asked.and_then(|asked| questions.get(asked)).copied();
        if let Some(other) = other {
            left.remove(other.id.as_str());
        } else if green_ids.contains_key(row.id.as_str()) {
            return Err(two_questions(&row.id));
        }
        cases.insert(&row.id, Case { blue: Some(row), green: other, cluster: None });
    }
    for row in green.iter().filter(|row| left.contains_key(row.id.as_str())) {
        if blue_ids.contains_key(row.id.as_str()) {
            return Err(two_questions(&row.id));
        }
        cases.insert(&row.id, Case { green: Some(row), ..Case::default() });
    }
    Ok(cases)
}

/// Files that do not say what was asked are believed.
fn same_question(one: &ScoreRow, other: &ScoreRow) -> bool {
    match (&one.asked, &other.asked) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// Rows by what they ask, where no other asks it.
fn once_asked<'r>(rows: impl Iterator<Item = &'r ScoreRow>) -> HashMap<&'r str, &'r ScoreRow> {
    let mut found = HashMap::<&str, Vec<&ScoreRow>>::new();
    for row in rows {
        found.entry(row.asked.as_deref().unwrap_or_default()).or_default().push(row);
    }
    found
        .into_iter()
        .filter_map(|(asked, rows)| if let [row] = rows[..] { Some((asked, row)) } else { None })
        .collect()
}

fn two_questions(id: &str) -> String {
    format!(
        "{id:?} asks one thing here and another there\n  hint: both files must come from the same prompts and cases, \
         chat templates included, and times from the same load"
    )
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
