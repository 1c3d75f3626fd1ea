//! The floors of goldgate that read bytes from strangers and judge, without the packages of all others: a fuzz target then
//! builds in a minute.

#[path = "../../src/document/mod.rs"]
pub mod document;
#[path = "../../src/domain/mod.rs"]
pub mod domain;
#[path = "../../src/evidence/mod.rs"]
pub mod evidence;
#[path = "../../src/judgment/mod.rs"]
pub mod judgment;
pub mod proxy;
#[path = "../../src/stats/mod.rs"]
pub mod stats;
#[path = "../../src/wire/mod.rs"]
pub mod wire;
