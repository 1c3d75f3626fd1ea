//! What judging costs: one pair folded under the default policy with all its metrics, and one look at the
//! snapshot. A single metric's share is in `benches/stats.rs`.

#![expect(clippy::unwrap_used, reason = "a benchmark of refused input measures nothing")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use goldgate::domain::{MetricKind, MetricName};
use goldgate::evidence::{Collector, Halves, Pair, Record};
use goldgate::judgment::{Ask, MetricPolicy, Policy, Question, Subject, judge};
use goldgate::wire::VerdictRecord;
use std::hint::black_box;

/// Pairs folded before anything is timed: a rollout in full swing, not its first minute.
const BEFORE: u64 = 10_000;

/// Pairs per timed batch.
const PAIRS: u64 = 1_000;

/// Metrics and strata of the widest look.
const METRICS: usize = 20;
const STRATA: usize = 8;

/// Metrics a live pair carries beside the judged ones.
const IN_FLIGHT: &str = goldgate::evidence::IN_FLIGHT;

/// Both halves of one metric of one pair: identical arms, latencies that never repeat, one error in a hundred.
fn halves(kind: MetricKind, seq: u64) -> Halves {
    let noise = |salt: f64| (seq as f64 * salt).fract();
    let event = |salt: f64| f64::from(u8::from(noise(salt) < 0.01));
    let (baseline, candidate) = match kind {
        MetricKind::Event => (event(0.754_877_666), event(0.569_840_291)),
        MetricKind::Latency => (200.0 + 50.0 * noise(0.754_877_666), 200.0 + 50.0 * noise(0.569_840_291)),
        MetricKind::Length => (100.0 + (seq % 40) as f64, 100.0 + (seq * 7 % 40) as f64),
        _ => (noise(0.324_717_957) * 0.1, noise(0.324_717_957) * 0.1),
    };
    Halves { baseline: Some(baseline), candidate: Some(candidate) }
}

fn pair(policy: &Policy, seq: u64) -> Record {
    let judged = policy.metrics.iter().map(|metric| (metric.name.clone(), halves(metric.kind, seq)));
    let load = Halves { baseline: Some(4.0), candidate: Some(4.0) };
    let metrics = judged.chain([(MetricName::from(IN_FLIGHT), load)]).collect();
    Record::Pair(Pair { seq, id: format!("gg-18c2f6a3b00-{seq:x}"), metrics })
}

fn filled(policy: &Policy) -> Collector {
    let mut collector = Collector::new(&policy.specs()).unwrap();
    (1..=BEFORE).for_each(|seq| collector.push(&pair(policy, seq)).unwrap());
    collector
}

fn pushes(criterion: &mut Criterion) {
    let policy = Policy::default_live();
    let (collector, batch) =
        (filled(&policy), (1..=PAIRS).map(|n| pair(&policy, BEFORE + n)).collect::<Vec<_>>());
    let mut group = criterion.benchmark_group("collector_push_default_live");
    group.throughput(Throughput::Elements(PAIRS));
    group.bench_function("pair_of_all_metrics", |bencher| {
        bencher.iter_batched_ref(
            || collector.clone(),
            |collector| batch.iter().for_each(|record| collector.push(black_box(record)).unwrap()),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// Twenty metrics in each of eight strata: events, scores and latencies without a tail, one test each.
fn stratified() -> Policy {
    let rule = |stratum: usize, metric: usize| MetricPolicy {
        name: format!("metric_{metric}.stratum_{stratum}").as_str().into(),
        kind: match metric {
            0..8 => MetricKind::Event,
            8..12 => MetricKind::Score,
            _ => MetricKind::Latency,
        },
        margin: 0.02,
        abort_margin: None,
        required: metric < 4,
        tail: None,
        max: None,
        resolution_ms: 0.0,
        resolution_of_margin: None,
    };
    let metrics = (0..STRATA).flat_map(|stratum| (0..METRICS).map(move |metric| rule(stratum, metric)));
    Policy { metrics: metrics.collect(), ..Policy::default_live() }
}

fn looks(criterion: &mut Criterion) {
    for (name, policy) in [("default_live", Policy::default_live()), ("20_metrics_8_strata", stratified())] {
        let collector = filled(&policy);
        let ask =
            Ask { question: Question::Mirror, subject: Subject::default(), must_pass: policy.required() };
        criterion.bench_function(&format!("judge_{name}"), |bencher| {
            bencher.iter(|| judge(black_box(collector.snapshot()), &policy, &ask));
        });
        let judgment = judge(collector.snapshot(), &policy, &ask);
        criterion.bench_function(&format!("show_{name}"), |bencher| {
            bencher.iter(|| VerdictRecord::from(black_box(&judgment)));
        });
    }
}

criterion_group!(benches, pushes, looks);
criterion_main!(benches);
