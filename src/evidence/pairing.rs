//! From samples to records: which metrics an answer speaks of, and what a lost one means.

mod replays;

use std::collections::HashSet;

use super::collector::{NULL_FAILED, REQUEST_BYTES};
use super::conditions::{IN_FLIGHT, TIMERS_LATE_MS, UNCACHED_TOKENS};
use super::recent::{IdDigest, RecentIds};
use super::sameness::Sameness;
use super::strata::STREAMED;
use super::tenants::Tenants;
use super::{Arrival, Copied, Copies, Dropped, Halves, Observation, Pair, Record, Said, Sample};
use crate::domain::{Arm, MetricName, Outcome, Share};

pub use replays::{Replays, Usual};

/// Sticky keys remembered in a stage. Beyond it no further key is counted: by then a stage has more
/// than enough, and counting a key twice would break the promise.
const KEYS_MAX: usize = 1_000_000;

/// What the pairing must know of the rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct PairingOptions {
    /// The evidence epoch; samples of another one are passed over and counted.
    pub epoch: u64,
    /// Names of the live graders: every complete answer has their scores, every failed one scores 0.
    pub scores: Vec<MetricName>,
    /// The largest share of the pairs, and of the users under a split, that one tenant may make, in (0, 1); `None`: no
    /// tenant is capped.
    pub tenant_max: Option<f64>,
}

impl PairingOptions {
    /// Epoch `epoch`, without graders and caps.
    #[must_use]
    pub const fn of(epoch: u64) -> Self {
        Self { epoch, scores: Vec::new(), tenant_max: None }
    }
}

/// How clients and copies are split while a stage lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageSplit {
    /// The candidate's share of the clients.
    pub candidate: Share,
    /// Share of the baseline's requests that are copied.
    pub mirrored: Share,
}

impl StageSplit {
    /// Everything on the baseline.
    pub const NONE: Self = Self { candidate: Share::ZERO, mirrored: Share::ZERO };

    /// The probability that a key which counts as an arrival was assigned to the candidate. A mirrored
    /// request makes a pair and no arrival, and only the baseline's are mirrored, so that with share π and
    /// mirrored share s it is π/(π + (1 − π)(1 − s)).
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
    pub fn arrival_share(self) -> Share {
        let (candidate, mirrored) = (self.candidate.fraction(), self.mirrored.fraction());
        let baseline = (1.0 - candidate) * (1.0 - mirrored);
        if baseline <= 0.0 {
            // Nobody is left to compare with: no experiment, unless everybody is on the candidate anyway.
            return if self.candidate == Share::FULL { Share::FULL } else { Share::ZERO };
        }
        Share::from_ppm((candidate / (candidate + baseline) * 1e6).round() as u32)
    }
}

/// Samples that made no record, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Of another epoch.
    pub stale: u64,
    /// The client left first: evidence of nothing.
    pub censored: u64,
    /// A request id that came before: a retry is no new evidence.
    pub repeated: u64,
    /// Of a tenant that had made its share of the pairs, or of the users.
    pub capped: u64,
}

/// Turns samples into records, numbering them. One per epoch.
#[derive(Debug)]
pub struct Pairing {
    options: PairingOptions,
    /// The candidate's share of the clients.
    split: Share,
    /// Share of the candidate among the keys that count.
    share: Share,
    seq: u64,
    ids: RecentIds,
    keys: HashSet<u64>,
    same: [Sameness; 2],
    /// Of the pairs.
    tenants: Tenants,
    /// Of the keys that count under a split.
    tenants_split: Tenants,
    passed_over: PassedOver,
}

impl Pairing {
    /// A pairing whose first record is number 1, before any split.
    #[must_use]
    pub fn new(options: PairingOptions) -> Self {
        Self {
            options,
            split: Share::ZERO,
            share: Share::ZERO,
            seq: 0,
            ids: RecentIds::default(),
            keys: HashSet::new(),
            same: [Sameness::default(), Sameness::default()],
            tenants: Tenants::default(),
            tenants_split: Tenants::default(),
            passed_over: PassedOver::default(),
        }
    }

    /// A pairing that goes on after `record`s were read back, in the middle of a stage that splits like this. No key
    /// counts until the next stage opens: which ones had counted is not known any more, and none may count twice. Where
    /// everybody is on the candidate nothing is assigned at random, and what is asked is only how often a limit is
    /// passed: there every key may count once more, as in a stage of its own.
    #[must_use]
    pub fn resumed<'a>(
        options: PairingOptions,
        split: StageSplit,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Self {
        let mut pairing = Self::new(options);
        let (mut pairs, mut arrivals) = (0, 0);
        for record in records {
            pairing.seq = record.seq();
            match record {
                Record::Pair(_) => pairs += 1,
                Record::Arrival(_) => arrivals += 1,
            }
            // One that came again is in the evidence, and was refused or passed over there.
            let _ = pairing.ids.claim(IdDigest::of(record.id()), record.seq());
        }
        (pairing.tenants, pairing.tenants_split) = (Tenants::resumed(pairs), Tenants::resumed(arrivals));
        if split.candidate == Share::FULL {
            pairing.open_stage(split);
        }
        pairing
    }

    /// A stage began: every key may count once more.
    pub fn open_stage(&mut self, split: StageSplit) {
        self.split = split.candidate;
        self.share = split.arrival_share();
        self.keys.clear();
    }

    /// What one sample says: a pair if it was mirrored, an arrival if it is its key's first under a split
    /// and was not mirrored. Never both: one answer that entered twice would break the promise.
    pub fn records(&mut self, sample: &Sample) -> Vec<Record> {
        let serving = &sample.serving;
        if serving.epoch != self.options.epoch {
            self.passed_over.stale += 1;
            return Vec::new();
        }
        let id = IdDigest::of(serving.request.as_str());
        if self.ids.first(id).is_some() {
            self.passed_over.repeated += 1;
            return Vec::new();
        }
        // Whatever becomes of it: a key that counted at a later request than its first would count at one that was
        // chosen by how the first one ended, or by where it was sent.
        let first_of_key = self.first_of_its_key(serving);
        if is_censored(sample) {
            self.passed_over.censored += 1;
            return Vec::new();
        }
        if !self.has_room_for_tenant(sample, first_of_key) {
            self.passed_over.capped += 1;
            return Vec::new();
        }
        let record = match &sample.copied {
            Copied::Sent(copies) => Some(self.pair(serving, copies)),
            Copied::Dropped(Dropped::Room) => Some(self.dropped(serving)),
            Copied::Dropped(Dropped::Rule) => None,
            Copied::No => first_of_key.then(|| self.arrival(serving)),
        };
        record.filter(|_| self.ids.claim(id, self.seq).is_ok()).into_iter().collect()
    }

    /// Samples that made no record.
    #[must_use]
    pub const fn passed_over(&self) -> PassedOver {
        self.passed_over
    }

    /// Whether the tenant may make one more pair, or have one more user counted. Each kind of evidence is capped by
    /// itself, so that much of one excuses no tenant's weight in the other.
    fn has_room_for_tenant(&mut self, sample: &Sample, first_of_key: bool) -> bool {
        let Some(max) = self.options.tenant_max else { return true };
        let tenant = sample.serving.tenant;
        match &sample.copied {
            Copied::Sent(_) => self.tenants.admit(tenant, max),
            Copied::No if first_of_key => self.tenants_split.admit(tenant, max),
            Copied::No | Copied::Dropped(_) => true,
        }
    }

    const fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// A request that was placed under another split went where this one might not have sent it.
    fn first_of_its_key(&mut self, serving: &Observation) -> bool {
        self.share > Share::ZERO
            && serving.share == self.split
            && self.keys.len() < KEYS_MAX
            && self.keys.insert(serving.sticky)
    }

    fn pair(&mut self, serving: &Observation, copies: &Copies) -> Record {
        let metrics = self.pair_metrics(serving, copies);
        Record::Pair(Pair { seq: self.next(), id: serving.request.to_string(), metrics })
    }

    /// A pair that was not made: its size is kept, because copies must be lost by chance.
    fn dropped(&mut self, serving: &Observation) -> Record {
        let (seq, id) = (self.next(), serving.request.to_string());
        let size = Halves { baseline: Some(f64::from(serving.request_bytes)), candidate: None };
        Record::Pair(Pair { seq, id, metrics: vec![(REQUEST_BYTES.into(), size)] })
    }

    fn arrival(&mut self, serving: &Observation) -> Record {
        let (seq, id) = (self.next(), serving.request.to_string());
        let metrics = self.arrival_metrics(serving);
        Record::Arrival(Arrival { seq, id, arm: serving.arm, share: self.share, metrics })
    }

    fn pair_metrics(&mut self, serving: &Observation, copies: &Copies) -> Vec<(MetricName, Halves)> {
        let other = copies.candidate.as_ref();
        let (baseline, candidate) = match serving.arm {
            Arm::Baseline => (Some(serving), other),
            Arm::Candidate => (other, Some(serving)),
        };
        let both = Both { baseline, candidate };
        let mut metrics = vec![
            both.of("error", |answer| Some(flag(answer.outcome.is_error()))),
            both.of("broken", |answer| Some(flag(is_broken(answer)))),
            self.sameness(both),
        ];
        metrics.extend(self.scores(both));
        metrics.extend(both.when_complete("length", tokens));
        metrics.extend(both.when_complete("ttft_ms", ttft_ms));
        metrics.extend(both.when_complete("tpot_ms", tpot_ms));
        metrics.extend(
            both.when_complete("e2e_ms", |answer| Some(answer.clocks.e2e_ms()).filter(|ms| *ms > 0.0)),
        );
        metrics.extend(disagreement(both, copies.null.as_ref()));
        metrics.extend(null_failed(serving, copies.null.as_ref()));
        metrics.push(both.of(IN_FLIGHT, |answer| Some(f64::from(answer.in_flight))));
        metrics.push(both.of(TIMERS_LATE_MS, |answer| Some(answer.timers_late_ms)));
        metrics.push(both.of(STREAMED, |answer| Some(flag(answer.streamed))));
        metrics.extend(both.when_complete(UNCACHED_TOKENS, uncached_tokens));
        let size = Some(f64::from(serving.request_bytes));
        metrics.push((REQUEST_BYTES.into(), Halves { baseline: size, candidate: size }));
        metrics
    }

    fn arrival_metrics(&self, serving: &Observation) -> Vec<(MetricName, f64)> {
        let mut metrics: Vec<(MetricName, f64)> = vec![
            ("error".into(), flag(serving.outcome.is_error())),
            ("broken".into(), flag(is_broken(serving))),
        ];
        metrics.extend(self.options.scores.iter().map(|name| (name.clone(), score(serving, name))));
        if serving.outcome.is_complete() {
            let latencies = [("ttft_ms", ttft_ms(serving)), ("tpot_ms", tpot_ms(serving))];
            metrics.extend(latencies.into_iter().filter_map(|(name, value)| Some((name.into(), value?))));
        }
        metrics.push((IN_FLIGHT.into(), f64::from(serving.in_flight)));
        metrics.push((TIMERS_LATE_MS.into(), serving.timers_late_ms));
        metrics
    }

    /// What the live graders say of both answers.
    fn scores(&self, both: Both<'_>) -> impl Iterator<Item = (MetricName, Halves)> {
        self.options.scores.iter().map(move |name| both.of(name.as_str(), |answer| Some(score(answer, name))))
    }

    fn sameness(&mut self, both: Both<'_>) -> (MetricName, Halves) {
        let [of_baseline, of_candidate] = &mut self.same;
        let repeats = |memory: &mut Sameness, half: Option<&Observation>| {
            let said = |half: &Observation| half.answer.digest().zip(half.prompt);
            half.map(|half| flag(said(half).is_some_and(|(answer, prompt)| memory.repeats(answer, prompt))))
        };
        let baseline = repeats(of_baseline, both.baseline);
        let candidate = repeats(of_candidate, both.candidate);
        ("sameness".into(), Halves { baseline, candidate })
    }
}

/// The two halves of one pair; `None` was lost.
#[derive(Clone, Copy)]
struct Both<'a> {
    baseline: Option<&'a Observation>,
    candidate: Option<&'a Observation>,
}

impl Both<'_> {
    /// A metric that every answer has.
    fn of(self, name: &str, value: impl Fn(&Observation) -> Option<f64>) -> (MetricName, Halves) {
        let halves =
            Halves { baseline: self.baseline.and_then(&value), candidate: self.candidate.and_then(&value) };
        (name.into(), halves)
    }

    /// A metric that only whole answers have: a failed answer is counted by `error` and `broken`, and a
    /// quick failure is not a quick answer. A lost half stays a missing half.
    fn when_complete(
        self,
        name: &str,
        value: impl Fn(&Observation) -> Option<f64>,
    ) -> Option<(MetricName, Halves)> {
        let has = |half: Option<&Observation>| {
            half.is_none_or(|answer| answer.outcome.is_complete() && value(answer).is_some())
        };
        let any = self.baseline.is_some() || self.candidate.is_some();
        (any && has(self.baseline) && has(self.candidate)).then(|| self.of(name, value))
    }
}

/// The candidate's disagreement with the baseline against the baseline's with itself, on one prompt.
/// Without a whole null answer and a whole baseline there is no noise floor, and nothing to say.
fn disagreement(both: Both<'_>, null: Option<&Observation>) -> Option<(MetricName, Halves)> {
    let whole = |answer: Option<&Observation>| {
        answer.filter(|answer| answer.outcome.is_complete()).and_then(|answer| answer.answer.digest())
    };
    let baseline = whole(both.baseline)?;
    let noise = flag(whole(null)? != baseline);
    let candidate = both.candidate.map(|_| flag(whole(both.candidate) != Some(baseline)));
    Some(("disagreement".into(), Halves { baseline: Some(noise), candidate }))
}

/// Whether the arm that answered, and its second answer to the same prompt, failed in any way.
fn null_failed(serving: &Observation, null: Option<&Observation>) -> Option<(MetricName, Halves)> {
    let failed = |answer: &Observation| flag(answer.outcome.is_error() || is_broken(answer));
    let null = null.filter(|null| !null.outcome.is_censored())?;
    Some((NULL_FAILED.into(), Halves { baseline: Some(failed(serving)), candidate: Some(failed(null)) }))
}

/// The client left, or took a copy with it.
fn is_censored(sample: &Sample) -> bool {
    let gone = |answer: &Observation| answer.outcome.is_censored();
    let copy = sample.copied.sent().and_then(|copies| copies.candidate.as_ref());
    gone(&sample.serving) || copy.is_some_and(gone)
}

fn flag(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}

/// Truncated, aborted, stalled, empty or degenerate. An error is not an answer and is counted apart.
fn is_broken(answer: &Observation) -> bool {
    answer.outcome.is_broken()
        || (answer.outcome.is_complete() && (answer.answer == Said::Nothing || answer.degenerate))
}

/// A live grader's score; an answer that failed scores 0.
fn score(answer: &Observation, name: &MetricName) -> f64 {
    let graded = answer.scores.iter().find(|(known, _)| known == name).map(|(_, score)| *score);
    match answer.outcome {
        Outcome::Complete(_) => graded.unwrap_or(0.0),
        _ => 0.0,
    }
}

fn tokens(answer: &Observation) -> Option<f64> {
    answer.output_tokens.filter(|tokens| *tokens > 0).map(f64::from)
}

/// Prompt tokens that the engine's prefix cache did not hold; `None` where it does not tell.
fn uncached_tokens(answer: &Observation) -> Option<f64> {
    Some(f64::from(answer.prompt_tokens?.saturating_sub(answer.cached_tokens?)))
}

fn ttft_ms(answer: &Observation) -> Option<f64> {
    answer.streamed.then(|| answer.clocks.ttft_ms()).flatten().filter(|ms| *ms > 0.0)
}

fn tpot_ms(answer: &Observation) -> Option<f64> {
    let ms = answer.clocks.tpot_ms(answer.output_tokens?)?;
    (answer.streamed && ms > 0.0).then_some(ms)
}

#[cfg(test)]
mod tests;
