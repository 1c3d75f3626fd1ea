//! How often which score was given, one arm beside the other.

use serde::Serialize;

use super::ScoreCounts;
use super::number;

/// Width and height of the drawing, and what is left above the axis, in its own units.
const WIDTH: f64 = 560.0;
const BASE: f64 = 176.0;
/// Between two bins, and between the two bars of one.
const GAP: f64 = 4.0;

/// The drawing of one metric.
#[derive(Debug, Serialize)]
pub(super) struct Drawing<'a> {
    metric: &'a str,
    bars: Vec<Bar>,
    /// The highest count, which the drawing's height stands for.
    most: String,
}

#[derive(Debug, Serialize)]
struct Bar {
    arm: &'static str,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    title: String,
}

impl<'a> Drawing<'a> {
    /// None when nothing was scored.
    pub(super) fn of(counts: &'a ScoreCounts) -> Option<Self> {
        let most = counts.baseline.iter().chain(&counts.candidate).copied().max().filter(|most| *most > 0)?;
        let arms = [("baseline", &counts.baseline, 0.0), ("candidate", &counts.candidate, 1.0)];
        let bars = arms.into_iter().flat_map(|(arm, bins, side)| {
            bins.iter()
                .enumerate()
                .filter(|(_, count)| **count > 0)
                .map(move |(at, count)| Bar::new(arm, at, bins.len(), side, (*count, most)))
        });
        Some(Self { metric: &counts.metric, bars: bars.collect(), most: number::count(most) })
    }
}

impl Bar {
    #[expect(clippy::cast_precision_loss, reason = "counts of cases and bins, drawn to half a unit")]
    fn new(arm: &'static str, at: usize, bins: usize, side: f64, (count, most): (u64, u64)) -> Self {
        let bin = WIDTH / bins.max(1) as f64;
        let width = (bin - GAP) / 2.0;
        let height = (BASE * count as f64 / most as f64).max(1.0);
        let half = |value: f64| (value * 2.0).round() / 2.0;
        let (low, high) = (at as f64 / bins as f64, (at + 1) as f64 / bins as f64);
        Self {
            arm,
            x: half(at as f64 * bin + GAP / 2.0 + side * width),
            y: half(BASE - height),
            width: half(width),
            height: half(height),
            title: format!("{arm}: {} scores from {low:.2} to {high:.2}", number::count(count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_side_by_side_and_the_highest_fills_the_drawing() {
        let counts =
            |baseline: Vec<u64>, candidate| ScoreCounts { metric: "f1".to_owned(), baseline, candidate };
        let full = counts(vec![0, 10, 5, 0], vec![1, 0, 20, 0]);
        let drawing = Drawing::of(&full).unwrap();
        assert_eq!((drawing.bars.len(), drawing.most.as_str()), (4, "20"));
        let [.., second, highest] = &drawing.bars[..] else { panic!("{drawing:?}") };
        assert!(highest.height == BASE && highest.y == 0.0 && second.height < highest.height);
        assert!(highest.x > drawing.bars[1].x && highest.x + highest.width <= WIDTH);
        assert_eq!(drawing.bars[0].title, "baseline: 10 scores from 0.25 to 0.50");
        assert!(Drawing::of(&counts(vec![0; 4], vec![0; 4])).is_none());
        assert!(Drawing::of(&counts(Vec::new(), Vec::new())).is_none());
    }
}
