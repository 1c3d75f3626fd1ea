//! Seeded chance: the same question asked the n-th time meets the same fate in every run.

/// A short digest of what is asked.
pub(super) fn content_hash(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |sum, &byte| (sum << 8) | u64::from(byte))
}

/// Mixes numbers into one that looks random: SplitMix64's finaliser (Steele, Lea, Flood 2014) per part.
pub(super) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9E37_79B9_7F4A_7C15, |state, &part| {
        let mut z = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

/// A number in [0, 1) from the upper 32 bits.
pub(super) fn unit(hash: u64) -> f64 {
    f64::from(u32::try_from(hash >> 32).unwrap_or(u32::MAX)) / 4_294_967_296.0
}
