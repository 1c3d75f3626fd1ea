//! Errors as problem details, RFC 9457.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::control::ControlError;

/// One error on its way to the client.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// Last part of the `type`: a name that programs can rely on.
    name: &'static str,
    detail: String,
}

impl Problem {
    pub(super) fn unauthorized(detail: &str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, name: "unauthorized", detail: detail.to_owned() }
    }

    pub(super) const fn forbidden(detail: String) -> Self {
        Self { status: StatusCode::FORBIDDEN, name: "forbidden", detail }
    }

    pub(super) fn unsupported(detail: &str) -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self { status, name: "unsupported-media-type", detail: detail.to_owned() }
    }

    pub(super) const fn bad_request(detail: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, name: "bad-request", detail }
    }

    pub(super) const fn unavailable(detail: String) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, name: "store", detail }
    }

    pub(super) const fn not_found(detail: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, name: "not-found", detail }
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let (status, name) = match &error {
            ControlError::Busy { .. } => (StatusCode::CONFLICT, "busy"),
            ControlError::Unknown { .. } => (StatusCode::NOT_FOUND, "not-found"),
            ControlError::Name { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "name"),
            ControlError::Refused(_) => (StatusCode::CONFLICT, "refused"),
            ControlError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
            ControlError::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "stopped"),
            ControlError::Policy(_) | ControlError::Evidence(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal")
            }
        };
        Self { status, name, detail: error.to_string() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": format!("urn:goldgate:problem:{}", self.name),
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.status, kind, body.to_string()).into_response()
    }
}
