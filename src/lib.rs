//! # goldgate: eval-gated canary analysis for LLM serving
//!
//! A team serves an LLM from two replica pools, blue and green, and wants to replace the model, a
//! prompt template or the engine without its users noticing. goldgate owns the splitting proxy
//! before the pools, but its heart is judgment.
//!
//! ## The walk of one request, and of one decision
//!
//! ```text
//! client ─▶ proxy: parse head ─▶ arm (sticky) ─▶ cache of that arm's release ─▶ apply release ─▶ engine pool ─▶ bytes back, untouched
//!               │                                                                                   │ tee
//!               └─ mirror? keyed hash of the request id ─▶ copy ─▶ other arm's pool (own limits)    ▼
//!                                                              └──────────────▶ observation, pair ─▶ evidence ─▶ snapshot
//! golden suite ─▶ harness ─▶ both arms, interleaved ─▶ grades ─────────────────────────────────────▶ evidence ─┘
//! snapshot + policy ─▶ judge ─▶ verdict with reasons ─▶ rollout machine ─▶ effects: publish route table, drain, notify
//! ```
//!
//! ## Floors
//!
//! The modules stand below in pipeline order. A floor may use those above it in this list, within
//! the limits that `tests/tidy.rs` enforces.
//!
//! | floor | modules | rule |
//! |---|---|---|
//! | pure | [`domain`] [`stats`] [`evidence`] [`judgment`] [`routing`] [`rollout`] | no async, IO, clock, randomness, logging |
//! | codecs | [`document`] [`wire`] [`config`] [`release`] [`embedding`] | bytes and files in, records out |
//! | adapters | [`telemetry`] [`upstream`] [`cache`] [`store`] [`proxy`] [`evals`] | each alone with one part of the world |
//! | assembly | [`control`] [`report`] [`admin`] [`mock_engine`] [`simulation`] [`service`] [`cli`] | wiring, and what people touch |
//!
//! ## Invariants
//!
//! - The proxy never decides.
//! - The judge never sees a stage name or an arm's colour.
//! - The rollout never sees a number, only verdicts.
//! - The control task never waits on the network.
//! - A rollback is one published table.
//! - A mirrored or golden request never touches the serving cache.
//! - A cached answer is never live evidence; what one says of a candidate's warm-up is judged apart, and can only send it back.
//! - The relay never changes a byte.
//! - No data is never a pass.
//! - What is not durable has not happened.
//!
//! ## What is absent
//!
//! No autoscaling, no load generation beyond the golden harness and the demo, no training or prompt
//! optimisation, no HTTP/2 on the data port. The judge calls no service. Nothing here retries on the
//! other arm: an error of the candidate is the candidate's error. Core types carry no serde: what is
//! stored or sent has its own versioned record at the edge.

pub mod domain;

pub mod stats;

pub mod evidence;

pub mod judgment;

pub mod routing;

pub mod rollout;

pub mod document;

pub mod wire;

pub mod config;

pub mod release;

pub mod embedding;

pub mod telemetry;

pub mod upstream;

pub mod cache;

pub mod store;

pub mod proxy;

pub mod evals;

pub mod control;

pub mod report;

pub mod admin;

pub mod mock_engine;

pub mod simulation;

pub mod service;

pub mod cli;
