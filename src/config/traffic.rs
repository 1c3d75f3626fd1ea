//! `[mirror]`: what is copied.

use std::time::Duration;

use crate::document::{Reader, Section};
use crate::domain::Share;

/// `[mirror]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorConfig {
    /// Share of requests copied to the candidate. Default 1 %.
    pub share: Share,
    /// Share that the mirror stage may copy at most, so that the judge can decide by `rollout.mirror.max`. Default:
    /// `share`, so that it never changes.
    pub share_max: Share,
    /// Share of the copied requests that also go back to the baseline. Default 25 %.
    pub null_share: Share,
    /// Copies in flight before new ones are dropped. Default 256.
    pub in_flight_max: usize,
    /// Bytes of the bodies of copies in flight, before new ones are dropped. Default 64 MiB.
    pub in_flight_bytes_max: usize,
    /// Requests with a longer body are not copied. Default 1 MiB.
    pub body_bytes_max: usize,
    /// Longest time of a copy. Default 120 s.
    pub timeout: Duration,
}

const KEYS: [&str; 7] =
    ["share", "share_max", "null_share", "in_flight_max", "in_flight_bytes_max", "body_bytes_max", "timeout"];

pub(super) fn mirror(reader: &mut Reader<'_>, root: &Section<'_, '_>) -> MirrorConfig {
    let mut config = MirrorConfig {
        share: Share::from_ppm(10_000),
        share_max: Share::from_ppm(10_000),
        null_share: Share::from_ppm(250_000),
        in_flight_max: 256,
        in_flight_bytes_max: 64 << 20,
        body_bytes_max: 1 << 20,
        timeout: Duration::from_secs(120),
    };
    let Some(section) = reader.table(root, "mirror") else { return config };
    reader.known(&section, &KEYS);
    let mut share = |key| section.get(key).and_then(|item| reader.share(&item));
    config.share = share("share").unwrap_or(config.share);
    config.null_share = share("null_share").unwrap_or(config.null_share);
    config.share_max = share_max(reader, &section, config.share).unwrap_or(config.share);
    if let Some(item) = section.get("in_flight_max") {
        let count = reader.whole(&item, 1..65_537).and_then(|count| usize::try_from(count).ok());
        config.in_flight_max = count.unwrap_or(config.in_flight_max);
    }
    config.in_flight_bytes_max =
        reader.bytes(&section, "in_flight_bytes_max").unwrap_or(config.in_flight_bytes_max);
    config.body_bytes_max = reader.bytes(&section, "body_bytes_max").unwrap_or(config.body_bytes_max);
    config.timeout = reader.duration(&section, "timeout").unwrap_or(config.timeout);
    config
}

fn share_max(reader: &mut Reader<'_>, section: &Section<'_, '_>, share: Share) -> Option<Share> {
    let item = section.get("share_max")?;
    let most = reader.share(&item)?;
    let rule = match most {
        most if most < share => format!("must not be below mirror.share, but {most} is below {share}"),
        most if most > share && share == Share::ZERO => "grows from mirror.share, which is 0%".to_owned(),
        most => return Some(most),
    };
    reader.wrong(&item, rule, "write share = \"1%\" and share_max = \"10%\"");
    None
}
