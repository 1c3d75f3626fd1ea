//! Which paths exist. Everything else is not there, engine control routes above all.

use http::Method;

use super::head::HeadFault;

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
        matches!(self, Self::Chat | Self::Completions)
    }

    /// Whether its body is a request that names a model.
    pub(super) const fn has_head(self) -> bool {
        matches!(self, Self::Chat | Self::Completions | Self::Responses | Self::Embeddings)
    }
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
    fn control_routes_do_not_exist_in_any_spelling_and_not_when_passed_through() {
        let spellings =
            ["/sleep", "/sleep/", "//sleep", "/v1/../sleep", "/%73leep", "/Sleep", "/collective_rpc"];
        let others = ["/reset_prefix_cache", "/wake_up", "/metrics", "/health", "/", "", "*", "/v1/models/"];
        for path in spellings.into_iter().chain(others) {
            check(Method::POST, path, Err(404));
        }
    }
}
