//! Numbers as they are typed.

/// A number above 0.
///
/// # Errors
/// What it must be, for clap to print behind the flag's name.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&number: &f64| number > 0.0 && number.is_finite());
    number.ok_or_else(|| "must be a number above 0".to_owned())
}
