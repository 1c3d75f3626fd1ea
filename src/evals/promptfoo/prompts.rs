//! What is asked: texts with variables, or whole chats.

use serde_json::Value;

use super::reading::{Reading, extension};
use super::template::{Vars, fill, fill_all};
use crate::document::{Node, Place};
use crate::evals::dataset::Ask;

/// A prompt before its variables are filled in.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) place: Place,
    /// What tests name it by.
    pub(super) label: String,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Text(String),
    Messages(Vec<Value>),
}

const HINT: &str = "a prompt is a text, file://NAME, or a map with raw, id or label";
/// Files that hold prompts. A text that ends so is a file's name also without `file://`.
const KINDS: [&str; 7] = ["txt", "md", "j2", "json", "yaml", "yml", "prompt"];

/// All prompts. A configuration without any is a fault.
pub(super) fn read(reading: &mut Reading, root: &Node) -> Vec<Prompt> {
    let Some(node) = root.get("prompts") else {
        reading.wrong(&root.place, "prompts", "is required", "prompts: [\"{{question}}\"]");
        return Vec::new();
    };
    let one = std::slice::from_ref(node);
    let prompts: Vec<Prompt> =
        node.items().unwrap_or(one).iter().flat_map(|node| prompt(reading, node)).collect();
    if node.items().is_some_and(<[Node]>::is_empty) {
        reading.wrong(&node.place, "prompts", "must not be empty", HINT);
    }
    prompts
}

fn prompt(reading: &mut Reading, node: &Node) -> Vec<Prompt> {
    let label = node.get("label").and_then(Node::text);
    let text = node.text().or_else(|| ["raw", "id"].iter().find_map(|key| node.get(key)?.text()));
    let Some(text) = text else {
        reading.wrong(&node.place, "prompts", format!("not {}", node.kind()), HINT);
        return Vec::new();
    };
    let is_file = text.starts_with("file://")
        || !text.contains(['\n', ' ']) && extension(text).is_some_and(|kind| KINDS.contains(&kind));
    if is_file {
        let files = reading.matching(&node.place, text);
        files.iter().flat_map(|file| of_file(reading, node, file, label)).collect()
    } else {
        vec![of_text(&node.place, text, label.unwrap_or(text))]
    }
}

/// The prompts of a file: in a `.txt` there may be several, with lines `---` between them.
fn of_file(reading: &mut Reading, node: &Node, name: &str, label: Option<&str>) -> Vec<Prompt> {
    let kind = extension(name).unwrap_or_default();
    let Some((file, text)) = reading.file(&node.place, name) else { return Vec::new() };
    if !kind.is_empty() && !KINDS.contains(&kind) {
        reading.wrong(&node.place, "prompts", format!("{name} is no file of prompts"), HINT);
    }
    let text = text.replace("\r\n", "\n");
    let pieces: Vec<&str> = if kind == "txt" { text.split("\n---\n").collect() } else { vec![&text] };
    let label = label.unwrap_or(name);
    let place = Place { line: 1, column: 1, ..Place::whole(&file) };
    let full = pieces.into_iter().map(str::trim).filter(|piece| !piece.is_empty());
    let prompts: Vec<Prompt> = full.map(|piece| of_text(&place, piece, label)).collect();
    if prompts.is_empty() {
        reading.wrong(&node.place, "prompts", format!("{name} holds no prompt"), HINT);
    }
    prompts
}

/// A chat when it reads as one, in JSON or YAML; else a text.
fn of_text(place: &Place, text: &str, label: &str) -> Prompt {
    let looks_like_chat = text.starts_with('[') || text.starts_with("- role:");
    let chat = looks_like_chat.then(|| Node::parse(&place.file, text).ok()).flatten();
    let messages = chat.and_then(|chat| match chat.json() {
        Value::Array(messages) => Some(messages),
        _ => None,
    });
    let messages = messages.filter(|all| !all.is_empty() && all.iter().all(|one| one["role"].is_string()));
    let form = messages.map_or_else(|| Form::Text(text.to_owned()), Form::Messages);
    Prompt { place: place.clone(), label: label.to_owned(), form }
}

impl Prompt {
    /// What is sent, with `prefix` and `suffix` around it.
    ///
    /// # Errors
    /// What cannot be filled in.
    pub(super) fn ask(&self, vars: &Vars, (prefix, suffix): (&str, &str)) -> Result<Ask, String> {
        match &self.form {
            Form::Text(text) => {
                let text = fill(&format!("{prefix}{text}{suffix}"), vars)?;
                if text.trim().is_empty() {
                    Err("the prompt is empty".to_owned())
                } else {
                    Ok(Ask::Prompt(text))
                }
            }
            Form::Messages(_) if !prefix.is_empty() || !suffix.is_empty() => {
                Err("prefix and suffix need a prompt that is a text, and this one is a chat".to_owned())
            }
            Form::Messages(messages) => {
                let filled = messages.iter().map(|message| fill_all(message, vars));
                Ok(Ask::Messages(filled.collect::<Result<_, _>>()?))
            }
        }
    }
}
