//! The error body that OpenAI's clients understand.

/// `{"error": {"message", "type", "code", "param"}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorBody<'a> {
    /// What went wrong, for people.
    pub message: &'a str,
    /// The class, such as `invalid_request_error` or `server_error`.
    pub kind: &'a str,
    /// What programs match on, such as `model_not_found`.
    pub code: Option<&'a str>,
    /// The request field that is at fault.
    pub param: Option<&'a str>,
}

impl ErrorBody<'_> {
    /// The body as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({
            "error": {"message": self.message, "type": self.kind, "code": self.code, "param": self.param}
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_parts_are_null_as_openai_sends_them() {
        let body = ErrorBody {
            message: "no \"x\"",
            kind: "invalid_request_error",
            code: None,
            param: Some("model"),
        };
        assert_eq!(
            body.to_json(),
            r#"{"error":{"message":"no \"x\"","type":"invalid_request_error","code":null,"param":"model"}}"#
        );
    }
}
