//! `[cache]`: what is remembered, where, and what may stand for something else.

use std::path::Path;
use std::time::Duration;

use http::HeaderName;

use super::tokens::secrets;
use crate::document::{Reader, Secret, Section};
use crate::domain::{Share, VectorSource};

/// Which answers are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheTier {
    /// None.
    Off,
    /// Answers to the very same request.
    Exact,
    /// These, and answers to questions that are alike, where `[cache.semantic]` says so.
    Semantic,
}

/// Where answers are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheStore {
    /// In this process.
    Memory,
    /// In Redis, Valkey or Qdrant at this address, which replicas may share.
    Shared(String),
    /// The same, at an address that holds a password and so is not written here.
    Hidden(Secret),
}

/// `[cache]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheConfig {
    /// Default off.
    pub tier: CacheTier,
    /// `memory`, `redis://HOST:PORT` (`rediss` with TLS), or `qdrant+http://HOST:PORT/COLLECTION` (or `https`; the collection may
    /// be left out); `env:NAME` or `file:PATH` for an address with a password or an API key. Default memory.
    pub store: CacheStore,
    /// Keeps tenants' keys out of a shared store: the same for all replicas. Needed with one.
    pub secret: Option<Secret>,
    /// Headers by which clients are told apart beside `authorization`, which always counts: no client is shown an answer to
    /// one whose headers differ. Default `api-key`, `cookie`, `openai-organization`, `openai-project`, `proxy-authorization`
    /// and `x-api-key`.
    pub identity_headers: Option<Vec<HeaderName>>,
    /// Bytes of answers and of the semantic tier's questions that this process keeps; a shared store keeps the answers itself.
    /// Default 256 MiB.
    pub bytes_max: usize,
    /// How long an answer is served, from when it was stored; hits do not renew it. Default 1 h.
    pub ttl: Duration,
    /// Share of clients that go past the cache while a rollout compares, the same on both arms: their answers are the engines'
    /// own, whatever the cache holds. Default 1 %.
    pub blind_share: Share,
    /// `cache.warm_up`; `None`: nothing is remembered for the next release.
    pub warm_up: Option<WarmUpConfig>,
    /// `[cache.semantic]`.
    pub semantic: SemanticConfig,
}

/// `cache.warm_up`: a candidate that is being prepared is asked what clients ask most, and sent back where its answers prove a
/// regression, which may spend a tenth of `judge.abort_alpha`. Their requests are kept in the memory of
/// this process for it, so it is only done for clients that are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmUpConfig {
    /// Requests asked at most. Default 128.
    pub count: usize,
    /// Requests within a second. Default 4.
    pub per_second: u32,
    /// Bearer keys of the clients, as `env:NAME` or `file:PATH`.
    pub keys: Vec<Secret>,
    /// Whether requests without a key are meant, too. Default false.
    pub anonymous: bool,
}

/// `[cache.semantic]`: what may be answered by an answer to something alike.
#[derive(Clone, Debug, PartialEq)]
pub struct SemanticConfig {
    /// `built-in`, `dir:PATH` of a static table of word vectors (`tokenizer.json`, `model.safetensors`), or the address of a
    /// server that answers `/v1/embeddings`. Default built-in.
    pub embedder: VectorSource,
    /// Prompt templates whose questions may. Default none.
    pub templates: Vec<String>,
    /// Whether requests that bring messages of their own may. Default false.
    pub messages: bool,
    /// Least cosine of two questions. Default 0.9.
    pub similarity_min: f64,
    /// By how much the nearest question must be nearer than the next. Default 0.01.
    pub gap_min: f64,
    /// Share of would-be hits that are asked anyway, to compare. Default 5 %.
    pub audit: f64,
    /// Largest rate of false hits, as an upper bound: above it nothing is served. Default 5 %.
    pub false_hits_max: f64,
}

pub(super) fn cache(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> CacheConfig {
    let mut config = CacheConfig {
        tier: CacheTier::Off,
        store: CacheStore::Memory,
        secret: None,
        identity_headers: None,
        bytes_max: 256 << 20,
        ttl: Duration::from_secs(3_600),
        blind_share: Share::from_ppm(10_000),
        warm_up: None,
        semantic: SemanticConfig {
            embedder: VectorSource::BuiltIn,
            templates: Vec::new(),
            messages: false,
            similarity_min: 0.9,
            gap_min: 0.01,
            audit: 0.05,
            false_hits_max: 0.05,
        },
    };
    let Some(section) = reader.table(root, "cache") else { return config };
    reader.known(
        &section,
        &[
            "tier",
            "store",
            "secret",
            "identity_headers",
            "bytes_max",
            "ttl",
            "blind_share",
            "warm_up",
            "semantic",
        ],
    );
    let tiers = [("off", CacheTier::Off), ("exact", CacheTier::Exact), ("semantic", CacheTier::Semantic)];
    config.tier = reader.word(&section, "tier", &tiers).unwrap_or(config.tier);
    config.store = store(reader, &section, folder).unwrap_or(config.store);
    config.secret = section.get("secret").and_then(|item| Secret::reference(reader, &item, folder));
    if config.store != CacheStore::Memory && section.get("secret").is_none() {
        reader.missing(&section, "secret", "write \"env:NAME\" or \"file:PATH\", the same for all replicas");
    }
    config.identity_headers = header_names(reader, &section);
    config.bytes_max = reader.bytes(&section, "bytes_max").unwrap_or(config.bytes_max);
    config.ttl = reader.duration(&section, "ttl").unwrap_or(config.ttl);
    if let Some(item) = section.get("blind_share") {
        config.blind_share = reader.share(&item).unwrap_or(config.blind_share);
    }
    config.warm_up = warm_up(reader, &section, folder);
    semantic(reader, &section, folder, &mut config.semantic);
    if config.tier == CacheTier::Semantic && config.semantic.templates.is_empty() && !config.semantic.messages
    {
        let hint =
            "name templates in [cache.semantic], or set messages = true there; or write tier = \"exact\"";
        reader.missing(&section, "semantic", hint);
    }
    config
}

fn header_names(reader: &mut Reader<'_>, section: &Section<'_, '_>) -> Option<Vec<HeaderName>> {
    let mut names = Vec::new();
    for (text, item) in reader.texts(section, "identity_headers")? {
        match text.parse() {
            Ok(name) => names.push(name),
            Err(_) => {
                let hint = "write names such as \"x-api-key\"";
                reader.wrong(&item, format!("{text:?} is no name of a header"), hint);
            }
        }
    }
    Some(names)
}

fn warm_up(reader: &mut Reader<'_>, cache: &Section<'_, '_>, folder: &Path) -> Option<WarmUpConfig> {
    let section = reader.table(cache, "warm_up")?;
    reader.known(&section, &["count", "per_second", "keys", "anonymous"]);
    let mut number = |key, most, default| {
        section.get(key).and_then(|item| reader.whole(&item, 1..most)).unwrap_or(default)
    };
    let (count, per_second) = (number("count", 1_025, 128), number("per_second", 1_001, 4));
    let keys = secrets(reader, &section, "keys", folder);
    let anonymous = section.get("anonymous").and_then(|item| reader.truth(&item)).unwrap_or(false);
    if section.get("keys").is_none() && !anonymous {
        reader.missing(&section, "keys", "write keys = [\"env:CLIENT_KEY\"], or anonymous = true");
    }
    let (count, per_second) = (usize::try_from(count).ok()?, u32::try_from(per_second).ok()?);
    Some(WarmUpConfig { count, per_second, keys, anonymous })
}

fn semantic(reader: &mut Reader<'_>, cache: &Section<'_, '_>, folder: &Path, config: &mut SemanticConfig) {
    let Some(section) = reader.table(cache, "semantic") else { return };
    let known = [
        "embedder",
        "embedder_model",
        "templates",
        "messages",
        "similarity_min",
        "gap_min",
        "audit",
        "false_hits_max",
    ];
    reader.known(&section, &known);
    config.embedder = embedder(reader, &section, folder).unwrap_or(VectorSource::BuiltIn);
    let templates = reader.texts(&section, "templates").unwrap_or_default();
    config.templates = templates.into_iter().map(|(name, _)| name).collect();
    if let Some(item) = section.get("messages") {
        config.messages = reader.truth(&item).unwrap_or(config.messages);
    }
    let mut fraction =
        |key, default| section.get(key).and_then(|item| reader.fraction(&item)).unwrap_or(default);
    config.similarity_min = fraction("similarity_min", config.similarity_min);
    config.gap_min = fraction("gap_min", config.gap_min);
    config.audit = fraction("audit", config.audit);
    config.false_hits_max = fraction("false_hits_max", config.false_hits_max);
}

fn embedder(reader: &mut Reader<'_>, section: &Section<'_, '_>, folder: &Path) -> Option<VectorSource> {
    let item = section.get("embedder")?;
    let text = reader.text(&item)?;
    if text == "built-in" {
        return Some(VectorSource::BuiltIn);
    }
    if let Some(path) = text.strip_prefix("dir:").filter(|path| !path.is_empty()) {
        return Some(VectorSource::Folder(folder.join(path)));
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        let model = reader.needed(section, "embedder_model", "write the name that the server knows it by")?;
        return Some(VectorSource::Server { url: text, model: reader.text(&model)? });
    }
    let hint = "write \"built-in\", \"dir:PATH\" or \"http://HOST:PORT\"";
    reader.wrong(&item, format!("an embedder, not {text:?}"), hint);
    None
}

/// What addresses of shared stores begin with.
const SHARED: [&str; 4] = ["redis://", "rediss://", "qdrant+http://", "qdrant+https://"];

fn store(reader: &mut Reader<'_>, section: &Section<'_, '_>, folder: &Path) -> Option<CacheStore> {
    let item = section.get("store")?;
    match reader.text(&item)? {
        text if text == "memory" => Some(CacheStore::Memory),
        text if SHARED.iter().any(|scheme| text.starts_with(scheme)) && !text.contains('@') => {
            Some(CacheStore::Shared(text))
        }
        text if text.starts_with("env:") || text.starts_with("file:") => {
            Secret::reference(reader, &item, folder).map(CacheStore::Hidden)
        }
        // What was written may hold a password: it is not repeated.
        _ => {
            let hint = "write \"memory\", \"redis://HOST:PORT\", \"qdrant+http://HOST:PORT\", or \"env:NAME\" for an \
                address with a password";
            reader.wrong(&item, "a store without a password in its address", hint);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(cache: &str) -> Result<CacheConfig, String> {
        let text =
            format!("version = 1\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n[cache]\n{cache}");
        let config = Config::parse("goldgate.toml", &text, Path::new("conf"), []);
        config
            .map(|config| config.cache)
            .map_err(|faults| faults.to_string().lines().next().unwrap().to_owned())
    }

    #[test]
    fn a_store_is_memory_an_address_or_the_name_of_one() {
        assert_eq!(read("").unwrap().store, CacheStore::Memory);
        let shared = read("store = \"redis://10.0.0.1:6379\"\nsecret = \"env:CACHE\"").unwrap();
        assert_eq!(shared.store, CacheStore::Shared("redis://10.0.0.1:6379".to_owned()));
        for url in ["rediss://redis:6380", "qdrant+http://qdrant:6333", "qdrant+https://qdrant:6333/answers"]
        {
            let shared = read(&format!("store = \"{url}\"\nsecret = \"env:CACHE\"")).unwrap();
            assert_eq!(shared.store, CacheStore::Shared(url.to_owned()));
        }
        let hidden = read("store = \"env:REDIS\"\nsecret = \"env:CACHE\"").unwrap();
        assert!(matches!(hidden.store, CacheStore::Hidden(_)));
    }

    #[test]
    fn the_semantic_tier_is_for_what_is_named_and_for_nothing_else() {
        let named =
            read("tier = \"semantic\"\n[cache.semantic]\ntemplates = [\"answer\"]\naudit = \"10%\"").unwrap();
        assert_eq!((named.semantic.templates, named.semantic.messages), (vec!["answer".to_owned()], false));
        assert!((named.semantic.audit - 0.1).abs() < 1e-12);
        let unnamed = read("tier = \"semantic\"").unwrap_err();
        assert!(unnamed.contains("cache.semantic: is required"), "{unnamed}");
        let table = read("[cache.semantic]\nembedder = \"dir:vectors\"").unwrap().semantic.embedder;
        assert_eq!(table, VectorSource::Folder(Path::new("conf/vectors").to_owned()));
        let unnamed = read("[cache.semantic]\nembedder = \"http://127.0.0.1:9\"").unwrap_err();
        assert!(unnamed.contains("cache.semantic.embedder_model: is required"), "{unnamed}");
        let other = read("[cache.semantic]\nembedder = \"bert\"").unwrap_err();
        assert!(other.contains("cache.semantic.embedder: an embedder, not \"bert\""), "{other}");
        let wide = read("[cache.semantic]\nsimilarity_min = 1.5").unwrap_err();
        assert!(wide.contains("cache.semantic.similarity_min: a share between 0 and 1"), "{wide}");
    }

    #[test]
    fn a_shared_store_needs_a_secret_and_no_password_stands_in_the_file() {
        let unkeyed = read("store = \"redis://10.0.0.1:6379\"").unwrap_err();
        assert!(unkeyed.contains("cache.secret: is required"), "{unkeyed}");
        let open = read("store = \"redis://:hunter2@10.0.0.1\"\nsecret = \"env:CACHE\"").unwrap_err();
        assert_eq!(open, "goldgate.toml:5:9: cache.store: a store without a password in its address");
        let other = read("store = \"http://10.0.0.1:6333\"\nsecret = \"env:CACHE\"").unwrap_err();
        assert_eq!(other, "goldgate.toml:5:9: cache.store: a store without a password in its address");
    }

    #[test]
    fn clients_are_told_apart_by_headers_that_exist() {
        let read = |text: &str| read(text).map(|cache| cache.identity_headers);
        assert_eq!(read(""), Ok(None));
        let named = read("identity_headers = [\"X-Customer\"]").unwrap().unwrap();
        assert_eq!(named, [HeaderName::from_static("x-customer")]);
        let wrong = read("identity_headers = [\"x customer\"]").unwrap_err();
        assert!(
            wrong.contains("cache.identity_headers[0]: \"x customer\" is no name of a header"),
            "{wrong}"
        );
    }

    #[test]
    fn a_warm_up_is_for_clients_that_are_named() {
        let read = |text: &str| read(text).map(|cache| cache.warm_up);
        assert_eq!(read(""), Ok(None));
        let named = read("warm_up = { keys = [\"env:ANN\"], per_second = 9 }").unwrap().unwrap();
        assert_eq!((named.count, named.per_second, named.keys.len(), named.anonymous), (128, 9, 1, false));
        assert!(read("warm_up = { anonymous = true }").unwrap().unwrap().anonymous);
        for (text, rule) in [
            ("warm_up = {}", "cache.warm_up.keys: is required"),
            ("warm_up = { keys = [\"hunter2\"] }", "no reference to a secret"),
            ("warm_up = { anonymous = true, count = 2000 }", "cache.warm_up.count"),
            ("blind_share = 1", "cache.blind_share"),
        ] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.contains(rule) && !wrong.contains("hunter2"), "{wrong}");
        }
        let share = |text: &str| self::read(text).unwrap().blind_share;
        assert_eq!(
            (share(""), share("blind_share = \"5%\"")),
            (Share::from_ppm(10_000), Share::from_ppm(50_000))
        );
    }
}
