//! goldgate: eval-gated canary analysis for LLM serving.

pub mod domain;
pub mod evidence;
pub mod judgment;
pub mod rollout;
pub mod routing;
pub mod stats;

pub mod config;
pub mod release;
pub mod wire;

pub mod cache;
pub mod evals;
pub mod proxy;
pub mod store;
pub mod telemetry;
pub mod upstream;

pub mod admin;
pub mod cli;
pub mod control;
pub mod mock_engine;
pub mod report;

pub mod service;
