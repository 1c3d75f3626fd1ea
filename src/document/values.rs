//! The forms of value that several groups of settings share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::fault::did_you_mean;
use super::reader::{Item, Reader, Section};
use crate::domain::Share;

/// Powers of 1,024 by their unit.
const BYTE_UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

impl Reader<'_> {
    /// The table at `key`; without one, or with something else there, `None`.
    pub(crate) fn table<'s, 'd>(&mut self, root: &Section<'s, 'd>, key: &str) -> Option<Section<'s, 'd>> {
        let item = root.get(key)?;
        let section = item.clone().section();
        if section.is_none() {
            self.wrong(&item, "a table", format!("write [{}] and its keys below", item.path));
        }
        section
    }

    /// A duration such as `"90s"` or `"10m"`.
    pub(crate) fn duration(&mut self, section: &Section<'_, '_>, key: &str) -> Option<Duration> {
        let item = section.get(key)?;
        let text = self.text(&item)?;
        humantime::parse_duration(&text)
            .map_err(|error| {
                self.wrong(
                    &item,
                    format!("a duration, not {text:?}: {error}"),
                    "write \"90s\", \"10m\" or \"24h\"",
                )
            })
            .ok()
    }

    /// A share such as `"1%"`.
    pub(crate) fn share(&mut self, item: &Item<'_, '_>) -> Option<Share> {
        let text = self.text(item)?;
        text.parse().map_err(|error| self.wrong(item, format!("{error}"), "write \"1%\"")).ok()
    }

    /// A size such as `"1MiB"`.
    pub(crate) fn bytes(&mut self, section: &Section<'_, '_>, key: &str) -> Option<usize> {
        let item = section.get(key)?;
        let text = self.text(&item)?;
        let size = BYTE_UNITS.iter().find_map(|(unit, factor)| {
            let number: u64 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
            usize::try_from(number.checked_mul(*factor)?).ok()
        });
        if size.is_none() {
            self.wrong(&item, format!("a size, not {text:?}"), "write \"64KiB\", \"16MiB\" or \"1GiB\"");
        }
        size
    }

    /// An address to listen on.
    pub(crate) fn address(&mut self, section: &Section<'_, '_>, key: &str) -> Option<SocketAddr> {
        let item = section.get(key)?;
        let text = self.text(&item)?;
        let parsed = text.parse();
        if parsed.is_err() {
            self.wrong(&item, format!("an IP address and a port, not {text:?}"), "write \"127.0.0.1:8080\"");
        }
        parsed.ok()
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        section: &Section<'_, '_>,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let item = section.get(key)?;
        let text = self.text(&item)?;
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            self.wrong(
                &item,
                format!("{text:?} is not one of: {}", known.join(", ")),
                did_you_mean(&text, &known),
            );
        }
        found
    }

    /// A list of texts; something else in it is a fault.
    pub(crate) fn texts<'s, 'd>(
        &mut self,
        section: &Section<'s, 'd>,
        key: &str,
    ) -> Option<Vec<(String, Item<'s, 'd>)>> {
        let item = section.get(key)?;
        let Some(items) = item.list() else {
            self.wrong(&item, "a list of texts", format!("write {key} = [\"…\"]"));
            return None;
        };
        Some(items.into_iter().filter_map(|item| Some((self.text(&item)?, item))).collect())
    }

    /// A path, taken from `folder`.
    pub(crate) fn path(
        &mut self,
        section: &Section<'_, '_>,
        key: &str,
        folder: &std::path::Path,
    ) -> Option<PathBuf> {
        let item = section.get(key)?;
        Some(folder.join(self.text(&item)?))
    }
}
