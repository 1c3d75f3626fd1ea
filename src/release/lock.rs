//! `release.lock.json`: what is deployed. It stores the canonical bytes and is never derived again.

mod changes;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::ReleaseError;
use super::canonical::{canonical, digest, marked, unmarked};
use super::file_hashes::FileHashes;
use super::manifest::{Engine, File, Manifest, Model, read_text};
use super::prompts::{PromptTexts, Prompts};
use super::report::{Difference, EngineReport, chat_template_digest};
use super::source;
use crate::domain::ReleaseId;

pub use changes::Change;

const SCHEMA: &str = "goldgate/release/1";

/// Which id a section belongs to beside `rel`, which has all of them.
const SECTIONS: [(&str, Kind); 11] = [
    ("chat_template", Kind::Sem),
    ("context", Kind::Sem),
    ("engine", Kind::Sem),
    ("eval", Kind::Gate),
    ("interface", Kind::Sem),
    ("model", Kind::Sem),
    ("numerics", Kind::Num),
    ("ops", Kind::Ops),
    ("prompts", Kind::Sem),
    ("sampling", Kind::Sem),
    ("tokenizer", Kind::Sem),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All that can change an answer.
    Sem,
    /// Parallelism, attention backend and the like.
    Num,
    /// Suites and policy.
    Gate,
    /// In `rel` alone.
    Ops,
}

/// The ids of a release. The names of what they are digests of stand before the colon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdsRecord {
    sem: String,
    num: String,
    gate: String,
    rel: String,
}

/// The lock as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockRecord {
    schema: String,
    /// A label for people: no answer depends on it, and no id covers it. Another name is no other release.
    name: String,
    ids: IdsRecord,
    /// Canonical JSON of every section, as text: these bytes are what the ids are digests of.
    sections: BTreeMap<String, String>,
}

/// A release, locked.
#[derive(Clone, Debug)]
pub struct Lock {
    record: LockRecord,
    sampling: Map<String, Value>,
    client_may_set: Option<Vec<String>>,
    model: String,
    engine_kind: String,
    prompts: Prompts,
    told: EngineReport,
}

impl Lock {
    /// The model that the manifest at `path` names; nothing else is read for it.
    ///
    /// # Errors
    /// When the manifest cannot be read or is none.
    pub fn model_in(path: &Path) -> Result<String, ReleaseError> {
        Ok(Manifest::parse(path, &read_text(path)?)?.model.id)
    }

    /// Resolves the manifest at `path`: reads and digests everything it names.
    ///
    /// # Errors
    /// When the manifest or a file it names is missing or not what it should be.
    pub fn resolve(path: &Path) -> Result<Self, ReleaseError> {
        Self::resolve_with(path, &mut FileHashes::unkept(), None)
    }

    /// The same with digests of weights that are `hashes` already, and with what a running engine `told` of itself: the
    /// release is then that engine's behaviour too.
    ///
    /// # Errors
    /// As [`Lock::resolve`].
    pub fn resolve_with(
        path: &Path,
        hashes: &mut FileHashes<'_>,
        told: Option<EngineReport>,
    ) -> Result<Self, ReleaseError> {
        let text = read_text(path)?;
        let manifest = Manifest::parse(path, &text)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = manifest.name.clone();
        let source = manifest.model.source.as_deref();
        let weights = source.map(|source| source::resolve(source, path, folder, hashes)).transpose()?;
        let sections = sections(manifest, folder, weights.unwrap_or_default(), told)?;
        let ids = ids(&sections);
        Self::open(LockRecord { schema: SCHEMA.to_owned(), name, ids, sections })
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// When it cannot be read, is of another schema, has not just the sections that there are, or its content does not give
    /// its ids. Its name is a label, and may be another.
    pub fn load(path: &Path) -> Result<Self, ReleaseError> {
        let text = read_text(path)?;
        let broken = |rule: String| ReleaseError::Lock { path: path.to_owned(), rule };
        let record: LockRecord = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        if record.schema != SCHEMA {
            return Err(broken(format!(
                "its schema is {:?}, and this goldgate reads {SCHEMA:?}",
                record.schema
            )));
        }
        if let Some(rule) = section_fault(&record.sections) {
            return Err(broken(rule));
        }
        if record.ids != ids(&record.sections) {
            return Err(broken("it was edited: its content does not give its ids".to_owned()));
        }
        Self::open(record)
    }

    /// The lock as it is stored, with a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A record of texts cannot fail to be written.
        serde_json::to_string_pretty(&self.record).unwrap_or_default() + "\n"
    }

    fn open(record: LockRecord) -> Result<Self, ReleaseError> {
        let section = |name: &str| -> Result<Value, ReleaseError> {
            let text = record.sections.get(name).map_or("null", String::as_str);
            Ok(serde_json::from_str(text)?)
        };
        let Value::Object(mut sampling) = unmarked(section("sampling")?) else {
            return Err(ReleaseError::Sampling);
        };
        let client_may_set = match sampling.remove("client_may_set") {
            Some(Value::Array(names)) => {
                Some(names.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect())
            }
            _ => None,
        };
        let model = section("model")?["id"].as_str().unwrap_or_default().to_owned();
        let engine_kind = section("engine")?["kind"].as_str().unwrap_or_default().to_owned();
        let prompts = Prompts::compile(&texts(&section("prompts")?))?;
        let told = match section("engine")?.get_mut("told").map(Value::take) {
            Some(told) => serde_json::from_value(told)?,
            // What its files say alone.
            None => EngineReport {
                chat_template: section("chat_template")?["blake3"].as_str().map(str::to_owned),
                ..EngineReport::default()
            },
        };
        Ok(Self { record, sampling, client_may_set, model, engine_kind, prompts, told })
    }

    /// The name a person gave it: a label, and no part of any id.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// `sem:…`, the digest of all that can change an answer.
    #[must_use]
    pub fn sem(&self) -> ReleaseId {
        ReleaseId::new(self.record.ids.sem.as_str())
    }

    /// `rel:…`, the digest of everything.
    #[must_use]
    pub fn rel(&self) -> ReleaseId {
        ReleaseId::new(self.record.ids.rel.as_str())
    }

    /// All four ids, `sem`, `num`, `gate`, `rel`.
    #[must_use]
    pub fn ids(&self) -> [&str; 4] {
        let IdsRecord { sem, num, gate, rel } = &self.record.ids;
        [sem, num, gate, rel]
    }

    /// The name the engine serves the model under.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Which engine it is for, such as `vllm`.
    #[must_use]
    pub fn engine_kind(&self) -> &str {
        &self.engine_kind
    }

    /// Sampling defaults.
    #[must_use]
    pub const fn sampling(&self) -> &Map<String, Value> {
        &self.sampling
    }

    /// Sampling parameters that a client may set itself; `None`: all of them.
    #[must_use]
    pub fn client_may_set(&self) -> Option<&[String]> {
        self.client_may_set.as_deref()
    }

    /// The prompt templates, compiled.
    #[must_use]
    pub const fn prompts(&self) -> &Prompts {
        &self.prompts
    }

    /// What a running engine has otherwise than it was locked. An engine whose fingerprint names a release
    /// (vLLM's `--fingerprint-mode custom --fingerprint-value sem:…`) must name this one. Where only the file of the
    /// chat template is known, an engine that does not tell its own is believed.
    #[must_use]
    pub fn differences(&self, told: &EngineReport) -> Vec<Difference> {
        let mut all = self.told.differences(told);
        if self.told.tokens.is_none() && told.chat_template.is_none() {
            all.retain(|difference| difference.what != "chat template");
        }
        let named = told.fingerprint.as_deref().filter(|fingerprint| names_release(fingerprint));
        if let Some(named) = named {
            let (own, what) = (self.record.ids.sem.as_str(), "fingerprint");
            // The engine's own fingerprint is hidden behind the name.
            all.retain(|difference| difference.what != what);
            if named != own {
                let (what, told) = (what.to_owned(), Some(named.to_owned()));
                all.push(Difference { what, locked: own.to_owned(), told });
            }
        }
        all
    }

    /// Whether anything of a running engine is locked, so that another one in its place can be told from it.
    #[must_use]
    pub fn locks_engine(&self) -> bool {
        self.told != EngineReport::default()
    }

    /// Whether the two should answer alike: they differ in nothing but how and where the same model runs.
    #[must_use]
    pub fn answers_like(&self, other: &Self) -> bool {
        self.changed(other).iter().all(|section| matches!(*section, "engine" | "numerics" | "eval" | "ops"))
    }

    /// Names of the sections in which two releases differ.
    #[must_use]
    pub fn changed(&self, other: &Self) -> Vec<&'static str> {
        let section = |lock: &Self, name: &str| lock.record.sections.get(name).cloned();
        SECTIONS
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| section(self, name) != section(other, name))
            .collect()
    }
}

/// Every section as canonical text. A new field of the manifest does not compile until it has a place here.
fn sections(
    manifest: Manifest,
    folder: &Path,
    weights: Value,
    told: Option<EngineReport>,
) -> Result<BTreeMap<String, String>, ReleaseError> {
    let PromptTexts { entries, files, schemas } = manifest.prompt_texts(folder)?;
    let Manifest {
        name: _,
        model: Model { id, source: _ },
        tokenizer,
        chat_template,
        prompts: _,
        sampling,
        interface,
        context,
        engine: Engine { kind, version, flags },
        numerics,
        eval,
        ops,
    } = manifest;
    let mut engine = json!({"kind": kind, "version": version, "flags": flags});
    if let Some(told) = told {
        engine["told"] = serde_json::to_value(lasting(told))?;
    }
    let values = [
        ("model", json!({"id": id, "source": weights})),
        ("tokenizer", file_digest(tokenizer, folder, |bytes| blake3::hash(bytes).to_hex().to_string())?),
        ("chat_template", file_digest(chat_template, folder, chat_template_digest)?),
        ("prompts", json!({"entries": entries, "files": files, "schemas": schemas})),
        ("sampling", Value::Object(sampling)),
        ("interface", Value::Object(interface)),
        ("context", Value::Object(context)),
        ("engine", engine),
        ("numerics", Value::Object(numerics)),
        ("eval", Value::Object(eval)),
        ("ops", Value::Object(ops)),
    ];
    let apart = |name, value| if is_free(name) { marked(value) } else { value };
    Ok(values.map(|(name, value)| (name.to_owned(), canonical(&apart(name, value)).to_string())).into())
}

/// A fingerprint that names a release is of the release that served before this one was locked.
fn lasting(told: EngineReport) -> EngineReport {
    EngineReport { fingerprint: told.fingerprint.filter(|fingerprint| !names_release(fingerprint)), ..told }
}

fn names_release(fingerprint: &str) -> bool {
    fingerprint.starts_with("sem:")
}

/// The name of a file's content.
fn file_digest(
    file: Option<File>,
    folder: &Path,
    digest: impl Fn(&[u8]) -> String,
) -> Result<Value, ReleaseError> {
    let Some(File { file }) = file else { return Ok(Value::Null) };
    let path = folder.join(&file);
    let bytes = std::fs::read(&path).map_err(|source| ReleaseError::Read { path, source })?;
    Ok(json!({"blake3": digest(&bytes)}))
}

/// Whether people write what they like into a section: a text may look like a float in it.
fn is_free(section: &str) -> bool {
    matches!(section, "context" | "eval" | "interface" | "numerics" | "ops" | "sampling")
}

/// The ids cover the sections that there are, and so there must be these and no others.
fn section_fault(sections: &BTreeMap<String, String>) -> Option<String> {
    let is_known = |name: &str| SECTIONS.iter().any(|(known, _)| *known == name);
    let unknown =
        sections.keys().find(|name| !is_known(name)).map(|name| format!("unknown section {name:?}"));
    let missing = SECTIONS.iter().find(|(known, _)| !sections.contains_key(*known));
    unknown.or_else(|| missing.map(|(name, _)| format!("its section {name:?} is missing")))
}

fn ids(sections: &BTreeMap<String, String>) -> IdsRecord {
    let of = |kind: Option<Kind>, prefix: &str| {
        let parts = SECTIONS
            .iter()
            .filter(|(_, own)| kind.is_none_or(|kind| kind == *own))
            .map(|(name, _)| (*name, sections.get(*name).map_or(&b""[..], |text| text.as_bytes())));
        format!("{prefix}:{}", &digest(&format!("{SCHEMA}/{prefix}"), parts)[..ReleaseId::DIGITS])
    };
    IdsRecord {
        sem: of(Some(Kind::Sem), "sem"),
        num: of(Some(Kind::Num), "num"),
        gate: of(Some(Kind::Gate), "gate"),
        rel: of(None, "rel"),
    }
}

fn texts(prompts: &Value) -> PromptTexts {
    let map = |key: &str| {
        let object = prompts[key].as_object().into_iter().flatten();
        object.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect()
    };
    PromptTexts { entries: map("entries"), files: map("files"), schemas: map("schemas") }
}

#[cfg(test)]
mod tests;
