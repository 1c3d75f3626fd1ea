//! What a run may spend. A cap ends it before the next request; what was paid for is kept.

use crate::wire::Usage;

/// What a run may spend; `None`: as much as it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Caps {
    /// Output tokens, both arms and a model that grades together.
    pub tokens_max: Option<u64>,
    /// Money, both arms and a model that grades together.
    pub cost_max: Option<CostCap>,
}

/// A cap on money, in whatever currency the prices are in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostCap {
    /// The most that may be spent.
    pub max: f64,
    /// The price of a million tokens.
    pub price: Price,
}

/// What a million tokens cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Of prompts.
    pub input: f64,
    /// Of answers.
    pub output: f64,
}

/// What was spent, by the engines' own count. An answer without usage counts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    input: u64,
    output: u64,
}

impl Spent {
    pub(super) fn add(&mut self, usage: Option<Usage>) {
        let usage = usage.unwrap_or_default();
        self.input += u64::from(usage.prompt_tokens);
        self.output += u64::from(usage.completion_tokens);
    }
}

impl Caps {
    /// Which cap is reached, in a sentence.
    pub(super) fn reached(self, spent: Spent) -> Option<String> {
        let tokens = self.tokens_max.filter(|max| spent.output >= *max);
        let tokens = tokens.map(|max| format!("{} output tokens, the cap is {max},", spent.output));
        #[expect(clippy::cast_precision_loss, reason = "tokens of one run, far below 2^53")]
        let cost =
            |Price { input, output }| (spent.input as f64 * input + spent.output as f64 * output) / 1e6;
        let paid = self.cost_max.map(|cap| (cost(cap.price), cap.max)).filter(|(paid, max)| paid >= max);
        tokens.or_else(|| paid.map(|(paid, max)| format!("a cost of {paid:.2}, the cap is {max:.2},")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_reached_by_what_engines_count() {
        let mut spent = Spent::default();
        let usage = Usage { prompt_tokens: 1_000_000, completion_tokens: 500_000, cached_tokens: None };
        [Some(usage), None, Some(usage)].into_iter().for_each(|usage| spent.add(usage));
        let tokens = |max| Caps { tokens_max: Some(max), cost_max: None }.reached(spent);
        assert_eq!(tokens(1_000_001), None);
        assert_eq!(tokens(1_000_000).unwrap(), "1000000 output tokens, the cap is 1000000,");
        let price = Price { input: 0.5, output: 2.0 };
        let cost = |max| Caps { tokens_max: None, cost_max: Some(CostCap { max, price }) }.reached(spent);
        assert_eq!(cost(3.01), None);
        assert_eq!(cost(3.0).unwrap(), "a cost of 3.00, the cap is 3.00,");
        assert_eq!(Caps::default().reached(spent), None);
    }
}
