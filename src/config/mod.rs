//! goldgate.toml: every key checked, every fault told at once with its place and remedy.
//!
//! Reading has two layers: [`document`](crate::document) knows TOML and where everything stands, each group of settings has a
//! file that knows its rules. What comes out is plain data; nothing here opens a socket or a database.
//! A key that is set in the environment (`GOLDGATE_SERVER__LISTEN`) wins over the file.
//!
//! Absent on purpose: secrets. They are named as `env:NAME` or `file:PATH` and read where they are used.

mod cache;
mod judge;
mod limits;
mod load;
mod rollout;
mod server;
mod slots;
mod tokens;
mod traffic;

pub use cache::{CacheConfig, CacheStore, CacheTier, SemanticConfig, WarmUpConfig};
pub use judge::{JudgeConfig, LiveRule, load_policy, policy_digest};
pub use limits::LimitConfig;
pub use load::Config;
pub use rollout::RolloutConfig;
pub use server::{EvidenceConfig, ServerConfig, StateConfig, TimeoutConfig};
pub use slots::{ModelConfig, Ready, SlotConfig, Sticky};
pub use tokens::{TokenConfig, TokenRole, read_keys, read_tokens};
pub use traffic::MirrorConfig;
