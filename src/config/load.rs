//! The whole file.

use std::fs;
use std::path::{Path, PathBuf};

use super::{
    CacheConfig, CacheTier, EvidenceConfig, JudgeConfig, MirrorConfig, ModelConfig, RolloutConfig,
    ServerConfig, SlotConfig, StateConfig, cache, judge, rollout, server, slots, traffic,
};
use crate::document::{Fault, Faults, Reader, Section};

/// goldgate.toml, checked. Paths are taken from the file's folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[server]`.
    pub server: ServerConfig,
    /// `[state]`.
    pub state: StateConfig,
    /// `[evidence]`.
    pub evidence: EvidenceConfig,
    /// `[models.NAME]`.
    pub model: ModelConfig,
    /// `[slots.blue]`.
    pub blue: SlotConfig,
    /// `[slots.green]`; without it goldgate is a plain, observing proxy.
    pub green: Option<SlotConfig>,
    /// `[mirror]`.
    pub mirror: MirrorConfig,
    /// `[cache]`.
    pub cache: CacheConfig,
    /// `[rollout]`.
    pub rollout: RolloutConfig,
    /// `[judge]`.
    pub judge: JudgeConfig,
}

const SECTIONS: [&str; 10] =
    ["version", "server", "state", "evidence", "models", "slots", "mirror", "cache", "rollout", "judge"];

/// What the environment's names begin with.
const PREFIX: &str = "GOLDGATE_";

impl Config {
    /// Reads the file at `path`; `environment` is what may overrule it.
    ///
    /// # Errors
    /// Everything that is wrong with either, at once.
    pub fn load(
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            Fault::whole(
                &file,
                format!("cannot be read: {error}"),
                "name another with --config, or write one with `goldgate init`",
            )
        })?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        Self::parse(&file, &text, &folder, environment)
    }

    /// Parses `text`, which came from `file`; relative paths are taken from `folder`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(
        file: &str,
        text: &str,
        folder: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Faults> {
        let mut reader = Reader::new(file, text);
        let document = reader.document();
        if !reader.faults.is_empty() {
            return Err(Faults(reader.faults));
        }
        let config = read(&mut reader, &Section::root(&document), folder);
        let mut faults = Faults(reader.faults);
        faults.0.sort_by_key(|fault| (fault.line, fault.column));
        let Some(mut config) = config else {
            return Err(faults);
        };
        for (name, value) in environment {
            config.overrule(&name, &value, folder, &mut faults);
        }
        faults.or(config)
    }

    /// What live evidence is judged by: `[judge]`, without what a warm-up may spend where there is one.
    #[must_use]
    pub fn live_judge(&self) -> JudgeConfig {
        let mut rules = self.judge.clone();
        if self.cache.tier != CacheTier::Off && self.cache.warm_up.is_some() {
            rules.policy = rules.policy.beside_warm_up();
        }
        rules
    }

    /// Takes one value from the environment. Names that are not settings are somebody else's, except
    /// those that look like one: a slip there must not be silent.
    fn overrule(&mut self, name: &str, value: &str, folder: &Path, faults: &mut Faults) {
        let Some((section, key)) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once("__")) else {
            return;
        };
        let path = format!("{}.{}", section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let mut wrong = |rule: String, hint: &str| faults.0.push(Fault::whole(name, rule, hint));
        match path.as_str() {
            "server.listen" | "server.admin" => match value.parse() {
                Ok(address) if path == "server.listen" => self.server.listen = address,
                Ok(address) => self.server.admin = address,
                Err(_) => wrong(format!("an IP address and a port, not {value:?}"), "write 127.0.0.1:8080"),
            },
            "state.url" => match value.strip_prefix("sqlite:") {
                Some(file) if !file.is_empty() => self.state.file = folder.join(file),
                _ => wrong(format!("a store, not {value:?}"), "write sqlite:goldgate.db"),
            },
            "evidence.dir" => self.evidence.dir = folder.join(value),
            _ => wrong(
                format!("{path} cannot be set from the environment"),
                "these can: server.listen, server.admin, state.url, evidence.dir; set others in the file",
            ),
        }
    }
}

fn read(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> Option<Config> {
    reader.known(root, &SECTIONS);
    if let Some(item) = reader.needed(root, "version", "write version = 1 at the top") {
        reader.whole(&item, 1..2);
    }
    let server = server::server(reader, root, folder);
    let state = server::state(reader, root, folder);
    let evidence = server::evidence(reader, root, folder);
    let model = slots::model(reader, root);
    let (blue, green) = slots::slots(reader, root, folder);
    let mirror = traffic::mirror(reader, root);
    let cache = cache::cache(reader, root, folder);
    let rollout = rollout::rollout(reader, root, mirror, folder);
    let judge = judge::judge(reader, root, folder);
    Some(Config {
        server,
        state,
        evidence,
        model,
        blue: blue?,
        green,
        mirror,
        cache,
        rollout: rollout?,
        judge,
    })
}

#[cfg(test)]
mod tests;
