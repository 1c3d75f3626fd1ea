//! Compiled templates of one release, ready to render.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::{Value, json};

use crate::document::JsonSchema;
use layout::Part;

mod closure;
mod error;
mod layout;
#[cfg(test)]
mod tests;

pub(super) use closure::includes;
pub use error::{PromptError, RenderError};

/// Template instructions of one message before rendering stops. A long few-shot template takes some thousands; a
/// loop over a hostile variable takes no more than this, and the request is refused.
const FUEL_MAX: u64 = 1_000_000;

/// Bytes of one rendered prompt, all messages together. Beyond it the request is refused, as its body would be.
const RENDERED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The texts that templates are compiled from, as a lock carries them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptTexts {
    /// Prompt id → name of its template file.
    pub entries: BTreeMap<String, String>,
    /// File name → text; every file that a template names, included ones too.
    pub files: BTreeMap<String, String>,
    /// Prompt id → text of the JSON Schema of its variables, where it has one.
    pub schemas: BTreeMap<String, String>,
}

impl PromptTexts {
    /// All that prompt `id` is made of: its template and what that draws in by their names, its schema without a name.
    pub(super) fn parts_of(&self, id: &str) -> BTreeMap<&str, &str> {
        let Some(file) = self.entries.get(id) else { return BTreeMap::new() };
        let drawn_in = closure::all(file, &self.files).unwrap_or_default();
        let files = drawn_in.into_iter().chain([file.as_str()]);
        let texts = files.filter_map(|name| Some((name, self.files.get(name)?.as_str())));
        texts.chain(self.schemas.get(id).map(|text| ("", text.as_str()))).collect()
    }
}

/// The prompt templates of one release.
#[derive(Clone, Debug, Default)]
pub struct Prompts {
    environment: Environment<'static>,
    messages: BTreeMap<String, Vec<Message>>,
    schemas: BTreeMap<String, Arc<JsonSchema>>,
}

#[derive(Clone, Debug)]
struct Message {
    role: &'static str,
    template: String,
    lines_before: usize,
}

impl Prompts {
    /// Compiles every template.
    ///
    /// # Errors
    /// When a file is missing, includes one by a name that is not written out, or is not a template; when a schema is
    /// none, or does not know a variable that its template asks for.
    pub fn compile(texts: &PromptTexts) -> Result<Self, PromptError> {
        let mut prompts = Self { environment: environment(), ..Self::default() };
        for (name, text) in &texts.files {
            closure::includes(name, text)?;
            prompts.add(name.clone(), text.clone(), 0, name)?;
        }
        for (id, file) in &texts.entries {
            let text = texts.files.get(file).ok_or_else(|| PromptError::no_file(id, file))?;
            for included in closure::all(file, &texts.files)? {
                layout::no_roles(included, &texts.files[included])?;
            }
            let messages = prompts.compile_parts(file, layout::parts(file, text)?)?;
            prompts.messages.insert(id.clone(), messages);
        }
        for (id, text) in &texts.schemas {
            let schema = JsonSchema::new(text)
                .map_err(|source| PromptError::Schema { id: id.clone(), what: source.to_string() })?;
            prompts.has_all_variables(id, &schema)?;
            prompts.schemas.insert(id.clone(), Arc::new(schema));
        }
        Ok(prompts)
    }

    /// A variable that the template asks for and the schema does not list is one that no client can know of.
    fn has_all_variables(&self, id: &str, schema: &JsonSchema) -> Result<(), PromptError> {
        let Some(listed) = schema.properties() else { return Ok(()) };
        let messages = self.messages.get(id).into_iter().flatten();
        let mut asked: Vec<_> = messages
            .filter_map(|message| self.environment.get_template(&message.template).ok())
            .flat_map(|template| template.undeclared_variables(false))
            .filter(|name| {
                !listed.contains(name) && self.environment.globals().all(|(global, _)| global != name)
            })
            .collect();
        asked.sort();
        match asked.into_iter().next() {
            Some(variable) => Err(PromptError::Unlisted { id: id.to_owned(), variable }),
            None => Ok(()),
        }
    }

    /// The ids that can be rendered, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.messages.keys().map(String::as_str)
    }

    /// Renders prompt `id` with `variables` into the `messages` array of a chat request.
    ///
    /// # Errors
    /// When the id is unknown, `variables` is no object, or the template refuses them.
    pub fn render(&self, id: &str, variables: &Value) -> Result<Value, RenderError> {
        let messages = self.messages.get(id).ok_or_else(|| self.unknown(id))?;
        if !variables.is_object() {
            return Err(RenderError::Variables { id: id.to_owned() });
        }
        if let Some(fault) =
            self.schemas.get(id).and_then(|schema| schema.faults(variables).into_iter().next())
        {
            return Err(RenderError::Schema { id: id.to_owned(), fault });
        }
        let variables = minijinja::Value::from_serialize(variables);
        let mut rendered = Vec::with_capacity(messages.len());
        let mut bytes = 0;
        for message in messages {
            let content = self.text(message, &variables).map_err(|at| RenderError::template(id, at))?;
            bytes += content.len();
            if bytes > RENDERED_BYTES_MAX {
                return Err(RenderError::TooLong { id: id.to_owned(), bytes_max: RENDERED_BYTES_MAX });
            }
            rendered.push(json!({"role": message.role, "content": content}));
        }
        Ok(Value::Array(rendered))
    }

    fn text(&self, message: &Message, variables: &minijinja::Value) -> Result<String, error::At> {
        self.environment
            .get_template(&message.template)
            .and_then(|template| template.render(variables))
            .map_err(|error| self.at(&error, message, variables))
    }

    /// Where `error` arose, with the names of the variables that are missing there.
    fn at(&self, error: &minijinja::Error, message: &Message, variables: &minijinja::Value) -> error::At {
        let mut at = error::At::of(error, &message.template, message.lines_before);
        let name = error::innermost(error).name().unwrap_or(&message.template);
        let asked = self.environment.get_template(name).map(|template| template.undeclared_variables(false));
        let is_missing = |name: &String| variables.get_attr(name).is_ok_and(|value| value.is_undefined());
        let mut missing: Vec<_> = asked.unwrap_or_default().into_iter().filter(is_missing).collect();
        if error::innermost(error).kind() == minijinja::ErrorKind::UndefinedError && !missing.is_empty() {
            missing.sort();
            at.what += &format!(" ({})", missing.join(", "));
        }
        at
    }

    fn compile_parts(&mut self, file: &str, parts: Vec<Part<'_>>) -> Result<Vec<Message>, PromptError> {
        let mut messages = Vec::with_capacity(parts.len());
        for (index, Part { role, text, lines_before }) in parts.into_iter().enumerate() {
            // No file can have such a name: `closure` refuses it.
            let template = format!("{file}{}{index}", closure::PART_MARK);
            self.add(template.clone(), text.to_owned(), lines_before, file)?;
            messages.push(Message { role, template, lines_before });
        }
        Ok(messages)
    }

    fn add(
        &mut self,
        name: String,
        text: String,
        lines_before: usize,
        file: &str,
    ) -> Result<(), PromptError> {
        // A file with several messages is a template only part by part; the parts are compiled beside it.
        if name == file && layout::has_roles(&text) {
            return Ok(());
        }
        self.environment
            .add_template_owned(name.clone(), text)
            .map_err(|error| PromptError::Syntax { at: error::At::of(&error, &name, lines_before) })
    }

    fn unknown(&self, id: &str) -> RenderError {
        RenderError::Unknown { id: id.to_owned(), known: self.ids().map(str::to_owned).collect() }
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL_MAX));
    environment
}
