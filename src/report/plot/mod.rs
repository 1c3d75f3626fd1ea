//! The page's plots as SVG: HDR percentile curves and the e-value ledger.
//!
//! Colours are names of the page's CSS variables, so that one drawing serves light and dark. Every
//! plot has a title and a description for those who do not see it. Nothing to draw is `None`, not an
//! empty frame.

mod canvas;
mod ledger;
mod percentile;

#[cfg(test)]
mod tests;

pub(super) use canvas::Series;
pub(super) use ledger::{Ledger, Side};
pub(super) use percentile::{Arms, milliseconds, percentiles};
