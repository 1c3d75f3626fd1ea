//! The house rules, read off the sources as text. Each rule is one test; a failure lists every offender.
//!
//! | module | holds to |
//! |---|---|
//! | [`floors`] | who may import whom |
//! | [`purity`] | what must be absent: clocks, randomness, IO, logging, serde, panics, unbounded queues |
//! | [`shape`] | lengths of files and functions, module docs, what a `mod.rs` is |
//! | [`promises`] | tests that pages name exist |
//! | [`words`] | words settled once, unfinished work, paths of one machine |
//! | [`manifest`] | lints that are switched on, what stands at the top level |
//! | [`dependencies`] | licences, sources and duplicates, against deny.toml |
//!
//! [`tree`] finds the files and [`code`] reads them: far enough to tell code from comments and tests from
//! the program, and no further.

#[cfg(test)]
#[path = "tidy/code.rs"]
mod code;
#[cfg(test)]
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[cfg(test)]
#[path = "tidy/floors.rs"]
mod floors;
#[cfg(test)]
#[path = "tidy/manifest.rs"]
mod manifest;
#[cfg(test)]
#[path = "tidy/promises.rs"]
mod promises;
#[cfg(test)]
#[path = "tidy/purity.rs"]
mod purity;
#[cfg(test)]
#[path = "tidy/shape.rs"]
mod shape;
#[cfg(test)]
#[path = "tidy/tree.rs"]
mod tree;
#[cfg(test)]
#[path = "tidy/words.rs"]
mod words;
