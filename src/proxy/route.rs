//! Which paths exist. Everything else is not there, engine control routes above all.

use http::Method;

use super::head::HeadFault;
use crate::wire::Form;

/// A path that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Chat,
    Completions,
    Responses,
    Embeddings,
    Models,
    /// Named by the operator, relayed as it is.
    PassThrough,
}

/// Routes of known engines that change or stop the engine. They stay unreachable even when an operator
/// passes them through by mistake.
const CONTROL: [&str; 14] = [
    "/sleep",
    "/wake_up",
    "/is_sleeping",
    "/collective_rpc",
    "/pause",
    "/resume",
    "/scale_elastic_ep",
    "/flush_cache",
    "/update_weights",
    "/release_memory_occupation",
    "/slots",
    "/props",
    "/lora-adapters",
    "/v1/load_lora_adapter",
];

/// Families of such routes.
const CONTROL_PREFIXES: [&str; 6] =
    ["/reset_", "/start_", "/stop_", "/update_", "/resume_memory", "/v1/unload_lora"];

impl Route {
    /// The route of a request. Paths are compared as they stand: nothing is decoded or resolved, so there is
    /// no second spelling of a control route.
    pub(super) fn find(method: &Method, path: &str, pass_through: &[String]) -> Result<Self, HeadFault> {
        let named = || (method.to_string(), path.to_owned());
        let (route, wanted) = match path {
            "/v1/chat/completions" => (Self::Chat, Method::POST),
            "/v1/completions" => (Self::Completions, Method::POST),
            "/v1/responses" => (Self::Responses, Method::POST),
            "/v1/embeddings" => (Self::Embeddings, Method::POST),
            "/v1/models" => (Self::Models, Method::GET),
            _ if is_of_stored_response(method, path) => return Ok(Self::PassThrough),
            _ if is_control(path) || !pass_through.iter().any(|known| known == path) => {
                let (method, path) = named();
                return Err(HeadFault::NoRoute { method, path });
            }
            _ => return Ok(Self::PassThrough),
        };
        if *method == wanted {
            return Ok(route);
        }
        let (method, path) = named();
        Err(HeadFault::Method { method, path })
    }

    /// Whether its answers are read, and so are evidence.
    pub(super) const fn is_generation(self) -> bool {
        matches!(self, Self::Chat | Self::Completions | Self::Responses)
    }

    /// Whether its answers may be kept. One to the Responses route has a name under which its client may go on.
    pub(super) const fn is_cached(self) -> bool {
        matches!(self, Self::Chat | Self::Completions)
    }

    /// How its answers are written.
    pub(super) const fn form(self) -> Form {
        if matches!(self, Self::Responses) { Form::Items } else { Form::Choices }
    }

    /// Whether its body is a request that names a model.
    pub(super) const fn has_head(self) -> bool {
        matches!(self, Self::Chat | Self::Completions | Self::Responses | Self::Embeddings)
    }
}

/// Whether it asks for a response that an engine has kept, or for the end of one that it still makes.
fn is_of_stored_response(method: &Method, path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/v1/responses/") else { return false };
    let (id, part) = rest.split_once('/').map_or((rest, None), |(id, part)| (id, Some(part)));
    let is_id =
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let is_known = matches!(
        (method.as_str(), part),
        ("GET" | "DELETE", None) | ("POST", Some("cancel")) | ("GET", Some("input_items"))
    );
    is_id && is_known
}

fn is_control(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    CONTROL.contains(&path) || CONTROL_PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::refusal::Refusal;

    fn check(method: Method, path: &str, expected: Result<Route, u16>) {
        let pass_through: Vec<String> =
            ["/tokenize", "/sleep", "/reset_prefix_cache", "/collective_rpc"].map(str::to_owned).to_vec();
        let found =
            Route::find(&method, path, &pass_through).map_err(|fault| Refusal::from(fault).status().as_u16());
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn known_routes_answer_their_method() {
        check(Method::POST, "/v1/chat/completions", Ok(Route::Chat));
        check(Method::POST, "/v1/completions", Ok(Route::Completions));
        check(Method::POST, "/v1/responses", Ok(Route::Responses));
        check(Method::POST, "/v1/embeddings", Ok(Route::Embeddings));
        check(Method::GET, "/v1/models", Ok(Route::Models));
        check(Method::POST, "/tokenize", Ok(Route::PassThrough));
        check(Method::GET, "/v1/chat/completions", Err(405));
        check(Method::DELETE, "/v1/models", Err(405));
    }

    #[test]
    fn what_an_engine_has_kept_is_asked_for_by_its_id_alone() {
        check(Method::GET, "/v1/responses/resp_1-a", Ok(Route::PassThrough));
        check(Method::DELETE, "/v1/responses/resp_1", Ok(Route::PassThrough));
        check(Method::GET, "/v1/responses/resp_1/input_items", Ok(Route::PassThrough));
        check(Method::POST, "/v1/responses/resp_1/cancel", Ok(Route::PassThrough));
        for path in
            ["", "..", "resp_1/", "resp_1/..", "resp_1/cancel/x", "%2e%2e", "a.b", "resp_1/tool_outputs"]
        {
            check(Method::GET, &format!("/v1/responses/{path}"), Err(404));
            check(Method::POST, &format!("/v1/responses/{path}"), Err(404));
        }
    }

    #[test]
    fn control_routes_do_not_exist_in_any_spelling_and_not_when_passed_through() {
        let spellings =
            ["/sleep", "/sleep/", "//sleep", "/v1/../sleep", "/%73leep", "/Sleep", "/collective_rpc"];
        let others = ["/reset_prefix_cache", "/wake_up", "/metrics", "/health", "/", "", "*", "/v1/models/"];
        for path in spellings.into_iter().chain(others) {
            check(Method::POST, path, Err(404));
        }
    }
}
