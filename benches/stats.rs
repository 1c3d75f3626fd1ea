//! Nanoseconds per judged pair: both sides of a metric, with ten wallets open.

#![expect(clippy::unwrap_used, reason = "a benchmark of refused input measures nothing")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use goldgate::stats::{BetGrid, History, Restarts, Side, Wallet};
use std::hint::black_box;

/// Pairs per timed batch, so that a figure divided by it is the cost of one pair. Fewer than 1,000, so
/// that no wallet opens by schedule inside a batch.
const PAIRS: usize = 900;

/// What a metric holds while it is judged.
#[derive(Clone)]
struct Metric {
    abort: Restarts,
    promote: Wallet,
}

impl Metric {
    fn with_open_wallets(count: usize) -> Self {
        let mut abort = Restarts::new(BetGrid::Uniform, Side::Abort, 0.01).unwrap();
        (1..count).for_each(|_| abort.open());
        Self { abort, promote: Wallet::new(BetGrid::Uniform, Side::Promote, 0.01).unwrap() }
    }

    fn update(&mut self, d: f64) {
        self.abort.update(d).unwrap();
        self.promote.update(d).unwrap();
    }
}

/// One pair in fifty harmful, as event metrics have them.
fn events() -> Vec<f64> {
    (0..PAIRS).map(|i| f64::from(u8::from(i % 50 == 0))).collect()
}

/// Log-ratios that never repeat, as latencies have them.
fn continuous() -> Vec<f64> {
    (0..PAIRS).map(|i| (i as f64 * 0.754_877_666).fract() * 1.6 - 0.8).collect()
}

fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("update_both_sides_10_wallets");
    group.throughput(criterion::Throughput::Elements(PAIRS as u64));
    for (name, stream) in [("events", events()), ("continuous", continuous())] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || Metric::with_open_wallets(10),
                |metric| stream.iter().for_each(|&d| metric.update(black_box(d))),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn looks(criterion: &mut Criterion) {
    let mut metric = Metric::with_open_wallets(10);
    let mut history = History::new();
    for d in continuous() {
        metric.update(d);
        history.update(d).unwrap();
    }
    criterion.bench_function("log_e_10_wallets", |bencher| bencher.iter(|| black_box(&metric.abort).log_e()));
    criterion
        .bench_function("log_e_one_wallet", |bencher| bencher.iter(|| black_box(&metric.promote).log_e()));
    let other = metric.abort.clone();
    criterion.bench_function("merge_10_wallets", |bencher| {
        bencher.iter_batched_ref(
            || other.clone(),
            |state| state.merge(&other).unwrap(),
            BatchSize::SmallInput,
        );
    });
    let mut events_seen = History::new();
    events().into_iter().for_each(|d| events_seen.update(d).unwrap());
    for (name, history) in [("events", &events_seen), ("binned", &history)] {
        criterion.bench_function(&format!("confidence_sequence_{name}"), |bencher| {
            bencher.iter(|| black_box(history).confidence_sequence(BetGrid::Uniform, 0.95).unwrap());
        });
    }
}

criterion_group!(benches, updates, looks);
criterion_main!(benches);
