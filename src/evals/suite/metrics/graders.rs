//! From the id of a grader and its options to the [`Grader`].

use std::path::Path;
use std::sync::Arc;

use regex::{Error, Regex};

use super::KEYS;
use super::model_graded::{self, NamedModel};
use crate::document::{Item, Reader, Section, answer_rule_keys, did_you_mean};
use crate::domain::{Finish, MetricName};
use crate::embedding::Embedder;
use crate::evals::grader::{
    Bleu, ChoiceFilter, ChoiceMatch, ExactMatch, F1Rule, Grader, NumberFilter, NumberMatch, Rouge,
    RougeWords, TextMatch, TextRule, WordF1,
};
use crate::wire::LiveGrader;

const EXACT_KEYS: [&str; 4] = ["regexes_to_ignore", "ignore_case", "ignore_punctuation", "ignore_numbers"];
const PATTERN_HINT: &str = "the syntax of the regex crate; 'single quotes' keep backslashes";
const BUG_HINT: &str = "report this as a bug";

/// One `[[metric]]` table with the id of its grader.
pub(super) struct Asked<'s, 't, 'd> {
    pub(super) table: &'s Section<'t, 'd>,
    pub(super) item: Item<'t, 'd>,
    pub(super) id: String,
    pub(super) name: MetricName,
    /// Where files that options name are taken from.
    pub(super) folder: &'s Path,
    /// The model that compares answers, where the suite names one.
    pub(super) model: &'s NamedModel,
}

/// The grader that was asked for. `not-` turns round a score that is 0 or 1.
pub(super) fn grader(reader: &mut Reader<'_>, asked: &Asked<'_, '_, '_>) -> Option<Grader> {
    let Some(id) = asked.id.strip_prefix("not-") else { return plain(reader, asked, &asked.id) };
    let grader = plain(reader, asked, id)?;
    if !grader.is_binary() {
        let rule = format!("{id} has more scores than 0 and 1, and is not turned round");
        reader.wrong(&asked.item, rule, format!("write {id}, or another grader"));
        return None;
    }
    Some(Grader::Not(Box::new(grader)))
}

fn plain(reader: &mut Reader<'_>, asked: &Asked<'_, '_, '_>, id: &str) -> Option<Grader> {
    let rule_keys = answer_rule_keys(id);
    reader.known(asked.table, &[&KEYS, rule_keys.unwrap_or_else(|| own_keys(id))].concat());
    if let Some(keys) = rule_keys {
        return live(reader, asked, id, keys);
    }
    let text = |rule| Some(Grader::Text(TextMatch { rule, values: Vec::new() }));
    let grader = match id {
        "exact_match@lm-eval" => Some(Grader::Exact(exact(reader, asked.table))),
        "equals@promptfoo" => text(TextRule::Equals),
        "contains@promptfoo" | "contains-any@promptfoo" => text(TextRule::Contains),
        "contains-all@promptfoo" => text(TextRule::ContainsAll),
        "icontains@promptfoo" => text(TextRule::ContainsAnyCase),
        "starts_with@promptfoo" => text(TextRule::StartsWith),
        "number@gsm8k-strict" => built(reader, asked, number(NumberFilter::Strict)),
        "number@gsm8k-flexible" => built(reader, asked, number(NumberFilter::Flexible)),
        "number@mgsm" => built(reader, asked, number(NumberFilter::Mgsm)),
        "choice@mmlu" => built(reader, asked, choice(ChoiceFilter::FirstLine)),
        "choice@mmlu-pro" => built(reader, asked, choice(ChoiceFilter::AnswerIs)),
        "f1@squad" => built(reader, asked, WordF1::new(F1Rule::Squad).map(Grader::WordF1)),
        "f1@bag" => built(reader, asked, WordF1::new(F1Rule::Bag).map(Grader::WordF1)),
        "rouge1@rouge_score" => Some(rouge(reader, asked.table, Rouge::One)),
        "rouge2@rouge_score" => Some(rouge(reader, asked.table, Rouge::Two)),
        "rougeL@rouge_score" => Some(rouge(reader, asked.table, Rouge::L)),
        "rougeLsum@rouge_score" => Some(rouge(reader, asked.table, Rouge::LSum)),
        "bleu@sacrebleu-13a" => built(reader, asked, Bleu::new().map(Grader::Bleu)),
        "chrf@sacrebleu" => Some(Grader::Chrf),
        "similarity@levenshtein" => Some(Grader::Levenshtein),
        "similarity@cosine" => cosine(reader, &asked.item),
        "json_match@1" => Some(Grader::JsonMatch),
        "tool_call@1" => Some(Grader::ToolCall),
        "model_graded@1" => model_graded::grader(reader, asked),
        "finish_reason@1" => Some(Grader::FinishReason(finish(reader, asked.table))),
        _ => {
            let rule = format!("there is no grader {id:?}");
            reader.wrong(&asked.item, rule, did_you_mean(id, &Grader::IDS));
            None
        }
    };
    match grader {
        Some(Grader::Text(text)) => {
            let values = values(reader, asked.table)?;
            Some(Grader::Text(TextMatch { values, ..text }))
        }
        other => other,
    }
}

/// The keys that a grader with references takes.
fn own_keys(id: &str) -> &'static [&'static str] {
    match id {
        "exact_match@lm-eval" => &EXACT_KEYS,
        "finish_reason@1" => &["value"],
        "model_graded@1" => &model_graded::KEYS,
        id if id.ends_with("@rouge_score") => &["use_stemmer"],
        id if id.ends_with("@promptfoo") => &["values"],
        _ => &[],
    }
}

fn rouge(reader: &mut Reader<'_>, table: &Section<'_, '_>, rouge: Rouge) -> Grader {
    let stems = table.get("use_stemmer").and_then(|item| reader.truth(&item)).unwrap_or(false);
    Grader::Rouge(rouge, if stems { RougeWords::Stemmed } else { RougeWords::Whole })
}

fn number(filter: NumberFilter) -> Result<Grader, Error> {
    NumberMatch::new(filter).map(Grader::Number)
}

fn choice(filter: ChoiceFilter) -> Result<Grader, Error> {
    ChoiceMatch::new(filter).map(Grader::Choice)
}

fn built(
    reader: &mut Reader<'_>,
    asked: &Asked<'_, '_, '_>,
    grader: Result<Grader, Error>,
) -> Option<Grader> {
    grader.map_err(|error| reader.wrong(&asked.item, error.to_string(), BUG_HINT)).ok()
}

fn cosine(reader: &mut Reader<'_>, id: &Item<'_, '_>) -> Option<Grader> {
    let embedder = Embedder::built_in().map_err(|error| reader.wrong(id, error.to_string(), BUG_HINT));
    embedder.ok().map(|embedder| Grader::Cosine(Arc::new(embedder)))
}

fn live(reader: &mut Reader<'_>, asked: &Asked<'_, '_, '_>, id: &str, keys: &[&str]) -> Option<Grader> {
    let rule = reader.answer_rule(asked.table, id, asked.folder)?;
    let grader = LiveGrader::new(asked.name.clone(), &rule).map_err(|error| {
        let option = keys.iter().find_map(|key| asked.table.get(key)).unwrap_or_else(|| asked.item.clone());
        let hint = match id {
            "language@whatlang-0.18" => "three letters: eng, deu, spa, cmn …",
            "json_schema@2020-12" => "a JSON Schema that stands alone",
            _ => PATTERN_HINT,
        };
        reader.wrong(&option, error.to_string(), hint);
    });
    grader.ok().map(Grader::Live)
}

fn exact(reader: &mut Reader<'_>, table: &Section<'_, '_>) -> ExactMatch {
    let [_, case, punctuation, numbers] = EXACT_KEYS;
    let mut flag = |key| table.get(key).and_then(|item| reader.truth(&item)).unwrap_or(false);
    let (ignore_case, ignore_punctuation, ignore_numbers) = (flag(case), flag(punctuation), flag(numbers));
    let regexes_to_ignore =
        table.get("regexes_to_ignore").map(|item| patterns(reader, &item)).unwrap_or_default();
    ExactMatch { regexes_to_ignore, ignore_case, ignore_punctuation, ignore_numbers }
}

fn patterns(reader: &mut Reader<'_>, item: &Item<'_, '_>) -> Vec<Regex> {
    let Some(items) = item.list() else {
        reader.wrong(item, "an array of patterns", "regexes_to_ignore = ['the ']");
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| {
            let text = reader.text(item)?;
            Regex::new(&text).map_err(|error| reader.wrong(item, error.to_string(), PATTERN_HINT)).ok()
        })
        .collect()
}

/// The texts that the suite gives in place of references, none of them empty.
fn values(reader: &mut Reader<'_>, table: &Section<'_, '_>) -> Option<Vec<String>> {
    let Some(item) = table.get("values") else { return Some(Vec::new()) };
    let texts = reader.texts(table, "values")?;
    if texts.is_empty() {
        reader.wrong(&item, "must not be empty", "leave it out to compare with the references");
        return None;
    }
    Some(texts.into_iter().map(|(text, _)| text).collect())
}

fn finish(reader: &mut Reader<'_>, table: &Section<'_, '_>) -> Option<Finish> {
    reader.word(table, "value", &Finish::ALL.map(|finish| (finish.as_str(), finish)))
}
