//! `[models.NAME]` and `[slots.*]`: what clients ask for, and who answers.

use std::path::{Path, PathBuf};

use crate::document::{Item, Reader, Section};

/// `[models.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelConfig {
    /// The name clients send; `None` where no model is named: every name is passed on as it is.
    pub name: Option<String>,
    /// Where a conversation's key is found: the first one present wins.
    pub sticky: Vec<Sticky>,
}

/// One place of a sticky key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sticky {
    /// `header:NAME`.
    Header(String),
    /// `body:user`.
    BodyUser,
    /// `connection`.
    Connection,
}

/// How a slot shows that it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It is believed to be.
    None,
    /// It answers its health route and lists its model.
    Http,
    /// One token came.
    Stream,
}

/// `[slots.blue]`, `[slots.green]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotConfig {
    /// The engines, `http://host:port`.
    pub endpoints: Vec<String>,
    /// The release lock; a rollout needs one on both slots.
    pub release: Option<PathBuf>,
    /// When it counts as ready.
    pub ready: Ready,
}

pub(super) fn model(reader: &mut Reader<'_>, root: &Section<'_, '_>) -> ModelConfig {
    let default = vec![Sticky::Header("x-session-id".to_owned()), Sticky::BodyUser, Sticky::Connection];
    let mut config = ModelConfig { name: None, sticky: default };
    let Some(models) = reader.table(root, "models") else { return config };
    for (index, (name, item)) in models.items().enumerate() {
        if index > 0 {
            reader.wrong(&item, "one model is served by one goldgate", "start a second goldgate for it");
            continue;
        }
        config.name = Some(name.to_owned());
        let Some(section) = reader.table(&models, name) else { continue };
        reader.known(&section, &["sticky"]);
        if let Some(texts) = reader.texts(&section, "sticky") {
            config.sticky = texts.iter().filter_map(|(text, item)| sticky(reader, text, item)).collect();
        }
    }
    config
}

fn sticky(reader: &mut Reader<'_>, text: &str, item: &Item<'_, '_>) -> Option<Sticky> {
    match text {
        "body:user" => Some(Sticky::BodyUser),
        "connection" => Some(Sticky::Connection),
        other => match other.strip_prefix("header:") {
            Some(name) if !name.is_empty() => Some(Sticky::Header(name.to_ascii_lowercase())),
            _ => {
                let hint = "write \"header:NAME\", \"body:user\" or \"connection\"";
                reader.wrong(item, format!("{text:?} names no place of a sticky key"), hint);
                None
            }
        },
    }
}

/// Blue, and green where there is one.
pub(super) fn slots(
    reader: &mut Reader<'_>,
    root: &Section<'_, '_>,
    folder: &Path,
) -> (Option<SlotConfig>, Option<SlotConfig>) {
    let Some(slots) = reader.table(root, "slots") else {
        reader.missing(root, "slots.blue", "write [slots.blue] with endpoints = [\"http://127.0.0.1:8101\"]");
        return (None, None);
    };
    reader.known(&slots, &["blue", "green"]);
    let blue = reader.table(&slots, "blue").and_then(|section| slot(reader, &section, folder));
    if slots.get("blue").is_none() {
        reader.missing(&slots, "blue", "write [slots.blue] with endpoints = [\"http://127.0.0.1:8101\"]");
    }
    let green = reader.table(&slots, "green").and_then(|section| slot(reader, &section, folder));
    (blue, green)
}

fn slot(reader: &mut Reader<'_>, section: &Section<'_, '_>, folder: &Path) -> Option<SlotConfig> {
    reader.known(section, &["endpoints", "release", "driver"]);
    let hint = "write endpoints = [\"http://127.0.0.1:8101\"]";
    let item = reader.needed(section, "endpoints", hint)?;
    let endpoints = reader.texts(section, "endpoints")?;
    if endpoints.is_empty() {
        reader.wrong(&item, "a slot without an engine answers nobody", hint);
    }
    for (url, item) in &endpoints {
        if !url.starts_with("http://") {
            reader.wrong(item, format!("{url:?} is not an http:// address"), hint);
        }
    }
    let release = reader.path(section, "release", folder);
    let ready = driver(reader, section);
    Some(SlotConfig { endpoints: endpoints.into_iter().map(|(url, _)| url).collect(), release, ready })
}

fn driver(reader: &mut Reader<'_>, slot: &Section<'_, '_>) -> Ready {
    let Some(section) = reader.table(slot, "driver") else { return Ready::Stream };
    reader.known(&section, &["kind", "ready"]);
    reader.word(&section, "kind", &[("external", ())]);
    let words = [("none", Ready::None), ("http", Ready::Http), ("stream", Ready::Stream)];
    reader.word(&section, "ready", &words).unwrap_or(Ready::Stream)
}
