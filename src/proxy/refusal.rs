//! Answers that the proxy gives itself: OpenAI-shaped errors.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use super::head::HeadFault;
use super::relay::RelayBody;
use crate::release::RenderError;
use crate::upstream::UpstreamError;
use crate::wire::{ErrorBody, RequestError};

/// Seconds after which a refused client may try again; capacity comes back with the first answer that ends.
const RETRY_AFTER_SECONDS: u16 = 1;

/// Why a request was not relayed. The variants know nothing of addresses: what a client reads must not
/// describe the inside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    InHead(#[from] HeadFault),
    #[error("the request's head is not well-formed HTTP/1.1")]
    Head,
    #[error("the request's head is larger than can be read")]
    HeadTooLarge,
    #[error("where the request ends is in doubt: {0}")]
    Framing(&'static str),
    #[error("the request body is larger than {bytes_max} bytes")]
    BodyTooLarge { bytes_max: usize },
    #[error("the request body did not arrive in {seconds} s")]
    BodyTimeout { seconds: u64 },
    #[error("the request body broke off, or its chunks are not well-formed")]
    BodyBroken,
    #[error("a body with content-encoding {0:?} is not understood: send it as it is")]
    BodyEncoding(String),
    #[error("{0}")]
    Request(#[from] RequestError),
    #[error("{0}")]
    Prompt(#[from] RenderError),
    #[error("prompt templates are rendered on /v1/chat/completions only")]
    PromptRoute,
    #[error("the model {0:?} does not exist")]
    Model(String),
    #[error("this key may not choose who answers")]
    PinKey,
    #[error("a request can be pinned to \"baseline\" or \"candidate\"")]
    PinArm,
    #[error("too many requests are in flight")]
    Busy,
    #[error("this gateway is short of descriptors or ports")]
    Exhausted,
    #[error("no engine is set up for this request")]
    Vacant,
    #[error("the engine cannot be reached")]
    Unreachable,
    #[error("the engine did not answer in time")]
    TimedOut,
    #[error("the engine broke off before it answered")]
    Broken,
}

impl Refusal {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::InHead(HeadFault::NoRoute { .. }) | Self::Model(_) => StatusCode::NOT_FOUND,
            Self::InHead(HeadFault::Method { .. }) => StatusCode::METHOD_NOT_ALLOWED,
            Self::InHead(HeadFault::TooLarge { .. }) | Self::HeadTooLarge => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::BodyEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Head
            | Self::Framing(_)
            | Self::InHead(HeadFault::Target(_) | HeadFault::Header { .. })
            | Self::BodyBroken
            | Self::Request(_)
            | Self::Prompt(_)
            | Self::PromptRoute
            | Self::PinArm => StatusCode::BAD_REQUEST,
            Self::PinKey => StatusCode::FORBIDDEN,
            Self::Busy | Self::Exhausted | Self::Vacant => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreachable | Self::Broken => StatusCode::BAD_GATEWAY,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    const fn code(&self) -> Option<&'static str> {
        match self {
            Self::InHead(HeadFault::NoRoute { .. } | HeadFault::Method { .. }) => Some("unknown_url"),
            Self::Model(_) => Some("model_not_found"),
            Self::HeadTooLarge | Self::InHead(HeadFault::TooLarge { .. }) | Self::BodyTooLarge { .. } => {
                Some("request_too_large")
            }
            Self::PinKey => Some("pin_not_allowed"),
            Self::Busy | Self::Exhausted => Some("overloaded"),
            Self::Vacant | Self::Unreachable | Self::Broken => Some("engine_unavailable"),
            Self::TimedOut => Some("engine_timeout"),
            _ => None,
        }
    }

    const fn param(&self) -> Option<&'static str> {
        match self {
            Self::Request(error) => error.param(),
            Self::Prompt(_) | Self::PromptRoute => Some("prompt"),
            Self::Model(_) => Some("model"),
            _ => None,
        }
    }

    /// Whether the connection must not be read any further: where this request ends is in doubt.
    const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Head
                | Self::HeadTooLarge
                | Self::Framing(_)
                | Self::InHead(HeadFault::TooLarge { .. } | HeadFault::Target(_) | HeadFault::Header { .. })
                | Self::BodyBroken
        )
    }

    fn kind(&self) -> &'static str {
        if self.status().is_client_error() { "invalid_request_error" } else { "server_error" }
    }

    /// The error as OpenAI's clients read it.
    pub(super) fn body(&self) -> Bytes {
        let message = self.to_string();
        let body = ErrorBody { message: &message, kind: self.kind(), code: self.code(), param: self.param() };
        Bytes::from(body.to_json())
    }

    /// The error as a response without the headers that every answer carries.
    pub(super) fn response(&self) -> Response<RelayBody> {
        let mut response = Response::new(RelayBody::whole(self.body()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if matches!(self, Self::Busy | Self::Exhausted) {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        if self.is_final() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<&UpstreamError> for Refusal {
    fn from(error: &UpstreamError) -> Self {
        match error {
            UpstreamError::Connect { .. } => Self::Unreachable,
            UpstreamError::Local { .. } => Self::Exhausted,
            UpstreamError::Timeout { .. } => Self::TimedOut,
            UpstreamError::Reset { .. } | UpstreamError::Protocol { .. } | UpstreamError::TooLarge { .. } => {
                Self::Broken
            }
        }
    }
}
