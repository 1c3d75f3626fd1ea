//! A reader of the OpenMetrics text format, strict about what it reads.

use std::collections::BTreeMap;

/// Every sample of a page by its name with labels, as it is written there.
#[derive(Debug)]
pub(crate) struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads a whole page; whatever is no sample and no comment fails the test.
    pub(crate) fn parse(page: &str) -> Self {
        let (samples, rest) = page.split_once("# EOF").expect("a page ends with # EOF");
        assert_eq!(rest.trim(), "", "something stands behind the end");
        let mut all = BTreeMap::new();
        for line in samples.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line:?}"));
            let value = value.parse().unwrap_or_else(|_| panic!("no number: {line:?}"));
            assert!(all.insert(name.to_owned(), value).is_none(), "{name} stands twice");
        }
        Self(all)
    }

    /// The sample called `name`, labels included.
    pub(crate) fn value(&self, name: &str) -> f64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no {name} among {:#?}", self.0.keys()))
    }

    /// How often the proxy counted an event.
    pub(crate) fn event(&self, name: &str) -> f64 {
        self.value(&format!("goldgate_proxy_events_total{{event=\"{name}\"}}"))
    }
}
