//! Holm's adjustment: many slices, one error rate.

use crate::stats::error::{StatsError, unit};

/// p-values adjusted so that "adjusted ≤ α" bounds the probability of *any* false rejection by α.
///
/// *Promise.* Holds under any dependence between the tests. Results stand in the order of the input;
/// none for none.
///
/// # Errors
/// When a p-value is not in [0, 1].
///
/// Source: Holm (1979), Scand. J. Stat. 6:65.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, StatsError> {
    for &p in p_values {
        unit("p-value", p)?;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        let remaining = (p_values.len() - rank) as f64;
        largest = largest.max((remaining * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_input_does_not_matter() {
        assert_eq!(holm(&[0.03, 0.01, 0.02]).unwrap(), vec![0.04, 0.03, 0.04]);
        assert_eq!(holm(&[0.01, 0.02, 0.03]).unwrap(), vec![0.03, 0.04, 0.04]);
        assert_eq!(holm(&[]).unwrap(), Vec::<f64>::new());
        assert_eq!(holm(&[0.9, 0.8]).unwrap(), vec![1.0, 1.0]);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        assert!(holm(&[0.1, f64::NAN]).is_err() && holm(&[1.1]).is_err() && holm(&[-0.1]).is_err());
    }
}
