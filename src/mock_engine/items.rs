//! The bytes of answers on the Responses route, as vLLM writes them: named events, each with its number, the last of which
//! holds the whole.

use serde_json::{Value, json};

use super::render::{CREATED, sent_text};
use super::script::{Ending, Plan};

/// Writes the events of one streamed answer.
#[derive(Debug)]
pub(super) struct ItemWriter {
    model: String,
    /// Number of the next event.
    next: u64,
}

impl ItemWriter {
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), next: 0 }
    }

    /// What comes before the first token: the response, and the message or the call that it begins with.
    pub(super) fn begin(&mut self, plan: &Plan, out: &mut Vec<u8>) {
        let mut begun = response(plan, &self.model, json!([]));
        (begun["status"], begun["usage"]) = (json!("in_progress"), Value::Null);
        for kind in ["response.created", "response.in_progress"] {
            self.event(kind, json!({"response": begun}), out);
        }
        let mut item = item(plan, "");
        item["status"] = json!("in_progress");
        if plan.called.is_none() {
            item["content"] = json!([]);
        }
        self.event("response.output_item.added", json!({"output_index": 0, "item": item}), out);
        if plan.called.is_none() {
            self.of_item("response.content_part.added", plan, json!({"part": part("")}), out);
        }
    }

    pub(super) fn text(&mut self, plan: &Plan, text: &str, out: &mut Vec<u8>) {
        match plan.called {
            None => {
                self.of_item("response.output_text.delta", plan, json!({"delta": text, "logprobs": []}), out)
            }
            Some(_) => {
                self.of_item("response.function_call_arguments.delta", plan, json!({"delta": text}), out)
            }
        }
    }

    /// What comes after the last token.
    pub(super) fn end(&mut self, plan: &Plan, out: &mut Vec<u8>) {
        match plan.ending {
            Ending::Stop | Ending::Length | Ending::Abort => {
                self.finish_item(plan, out);
                let kind = if plan.ending == Ending::Length { "incomplete" } else { "completed" };
                let whole = response(plan, &self.model, json!([item(plan, sent_text(plan))]));
                self.event(&format!("response.{kind}"), json!({"response": whole}), out);
            }
            Ending::NoTerminator => self.finish_item(plan, out),
            Ending::ErrorObject => {
                let mut failed = response(plan, &self.model, json!([]));
                failed["status"] = json!("failed");
                failed["error"] = json!({"code": "server_error", "message": "the engine died (scripted)"});
                self.event("response.failed", json!({"response": failed}), out);
            }
            Ending::NoFinish | Ending::Silence | Ending::Reset => {}
        }
    }

    fn finish_item(&mut self, plan: &Plan, out: &mut Vec<u8>) {
        let text = sent_text(plan);
        match &plan.called {
            None => {
                self.of_item("response.output_text.done", plan, json!({"text": text, "logprobs": []}), out);
                self.of_item("response.content_part.done", plan, json!({"part": part(text)}), out);
            }
            Some(name) => {
                let call = json!({"arguments": text, "name": name});
                self.of_item("response.function_call_arguments.done", plan, call, out);
            }
        }
        let item = item(plan, text);
        self.event("response.output_item.done", json!({"output_index": 0, "item": item}), out);
    }

    /// An event about the only item.
    fn of_item(&mut self, kind: &str, plan: &Plan, mut fields: Value, out: &mut Vec<u8>) {
        fields["item_id"] = json!(item_id(plan));
        fields["output_index"] = json!(0);
        if plan.called.is_none() {
            fields["content_index"] = json!(0);
        }
        self.event(kind, fields, out);
    }

    fn event(&mut self, kind: &str, mut fields: Value, out: &mut Vec<u8>) {
        fields["type"] = json!(kind);
        fields["sequence_number"] = json!(self.next);
        self.next += 1;
        out.extend_from_slice(format!("event: {kind}\ndata: {fields}\n\n").as_bytes());
    }
}

/// An answer in one piece.
pub(super) fn whole(plan: &Plan, model: &str) -> String {
    response(plan, model, json!([item(plan, sent_text(plan))])).to_string()
}

fn response(plan: &Plan, model: &str, output: Value) -> Value {
    let is_cut = plan.ending == Ending::Length;
    let status = match plan.ending {
        Ending::Stop | Ending::NoTerminator => "completed",
        Ending::Length => "incomplete",
        Ending::Abort => "cancelled",
        Ending::ErrorObject | Ending::NoFinish | Ending::Silence | Ending::Reset => "in_progress",
    };
    let (input, made) = (plan.prompt_tokens, plan.tokens);
    json!({
        "id": format!("resp_{:016x}", plan.id), "object": "response", "created_at": CREATED, "model": model,
        "status": status, "error": null, "output": output,
        "incomplete_details": if is_cut { json!({"reason": "max_output_tokens"}) } else { Value::Null },
        "instructions": null, "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0, "top_p": 1.0,
        "tool_choice": "auto", "tools": [], "system_fingerprint": plan.fingerprint,
        "usage": {"input_tokens": input, "input_tokens_details": {"cached_tokens": plan.cached_tokens},
            "output_tokens": made, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": input + made},
    })
}

/// The message, or the call.
fn item(plan: &Plan, text: &str) -> Value {
    match &plan.called {
        None => json!({"type": "message", "id": item_id(plan), "status": "completed", "role": "assistant",
            "content": [part(text)]}),
        Some(name) => {
            json!({"type": "function_call", "id": item_id(plan), "call_id": format!("call_{:016x}", plan.id),
            "name": name, "arguments": text, "status": "completed"})
        }
    }
}

fn item_id(plan: &Plan) -> String {
    let kind = if plan.called.is_some() { "fc" } else { "msg" };
    format!("{kind}_{:016x}", plan.id)
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}
