//! `/metrics` in vLLM's names, so that whatever watches a vLLM can watch this.
//!
//! Times are those the script set, not measured ones. There is no queue, so nothing ever waits.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of one engine.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) running: AtomicU64,
    pub(super) prompt_tokens: AtomicU64,
    pub(super) generation_tokens: AtomicU64,
    pub(super) prefix_queries: AtomicU64,
    pub(super) prefix_hits: AtomicU64,
    pub(super) finished: AtomicU64,
    pub(super) first_token: Histogram,
    pub(super) inter_token: Histogram,
}

/// Upper bounds of the buckets in microseconds: 1 ms to 40 s.
const BOUNDS_US: [u64; 14] = [
    1_000, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_250_000, 2_500_000, 5_000_000,
    10_000_000, 40_000_000,
];

#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

impl Histogram {
    pub(super) fn observe(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = BOUNDS_US.iter().position(|&bound| us <= bound) {
            add(&self.buckets[bucket], 1);
        }
        add(&self.count, 1);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    fn write(&self, name: &str, model: &str, out: &mut String) -> std::fmt::Result {
        writeln!(out, "# TYPE {name} histogram")?;
        let mut below = 0;
        for (bound, bucket) in BOUNDS_US.iter().zip(&self.buckets) {
            below += bucket.load(Ordering::Relaxed);
            let le = Duration::from_micros(*bound).as_secs_f64();
            writeln!(out, "{name}_bucket{{le=\"{le}\",model_name=\"{model}\"}} {below}")?;
        }
        let count = self.count.load(Ordering::Relaxed);
        let sum = Duration::from_micros(self.sum_us.load(Ordering::Relaxed)).as_secs_f64();
        writeln!(out, "{name}_bucket{{le=\"+Inf\",model_name=\"{model}\"}} {count}")?;
        writeln!(out, "{name}_sum{{model_name=\"{model}\"}} {sum}")?;
        writeln!(out, "{name}_count{{model_name=\"{model}\"}} {count}")
    }
}

impl Metrics {
    /// The page in the Prometheus text format.
    pub(super) fn render(&self, model: &str) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&model.replace(['\\', '"', '\n'], "_"), &mut out);
        out
    }

    fn write(&self, model: &str, out: &mut String) -> std::fmt::Result {
        let zero = AtomicU64::new(0);
        for (name, kind, value) in [
            ("vllm:num_requests_running", "gauge", &self.running),
            ("vllm:num_requests_waiting", "gauge", &zero),
            ("vllm:kv_cache_usage_perc", "gauge", &zero),
            ("vllm:prefix_cache_queries_total", "counter", &self.prefix_queries),
            ("vllm:prefix_cache_hits_total", "counter", &self.prefix_hits),
            ("vllm:prompt_tokens_total", "counter", &self.prompt_tokens),
            ("vllm:generation_tokens_total", "counter", &self.generation_tokens),
            ("vllm:request_success_total", "counter", &self.finished),
        ] {
            let value = value.load(Ordering::Relaxed);
            writeln!(out, "# TYPE {name} {kind}\n{name}{{model_name=\"{model}\"}} {value}")?;
        }
        self.first_token.write("vllm:time_to_first_token_seconds", model, out)?;
        self.inter_token.write("vllm:inter_token_latency_seconds", model, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_vllms_names_and_cumulative_buckets() {
        let metrics = Metrics::default();
        add(&metrics.generation_tokens, 7);
        metrics.first_token.observe(Duration::from_millis(15));
        metrics.first_token.observe(Duration::from_secs(100));
        let page = metrics.render("m");
        for line in [
            "vllm:num_requests_running{model_name=\"m\"} 0",
            "vllm:num_requests_waiting{model_name=\"m\"} 0",
            "vllm:generation_tokens_total{model_name=\"m\"} 7",
            "vllm:time_to_first_token_seconds_bucket{le=\"0.01\",model_name=\"m\"} 0",
            "vllm:time_to_first_token_seconds_bucket{le=\"40\",model_name=\"m\"} 1",
            "vllm:time_to_first_token_seconds_bucket{le=\"+Inf\",model_name=\"m\"} 2",
            "vllm:time_to_first_token_seconds_sum{model_name=\"m\"} 100.015",
            "vllm:inter_token_latency_seconds_count{model_name=\"m\"} 0",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} not in\n{page}");
        }
    }
}
