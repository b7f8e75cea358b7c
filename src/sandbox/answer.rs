//! What a request is answered with: an answer or a refusal, each in the shape of the service it came from.

use serde_json::{Map, Value, json};

/// How a request ends.
pub(super) type Outcome = Result<Answer, Refusal>;

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON body; none is an empty body.
    pub body: Option<Value>,
}

impl Answer {
    /// 200 with a body.
    pub fn ok(body: Value) -> Outcome {
        Ok(Answer { status: 200, body: Some(body) })
    }

    /// 201 with a body.
    pub fn created(body: Value) -> Outcome {
        Ok(Answer { status: 201, body: Some(body) })
    }

    /// 200 with an empty object.
    pub fn nothing() -> Outcome {
        Self::ok(Value::Object(Map::new()))
    }

    /// 204 without a body.
    pub fn no_content() -> Outcome {
        Ok(Answer { status: 204, body: None })
    }
}

/// The body a refusal is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Standard,
    Scim,
    OAuth,
}

/// A request that was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// HTTP status.
    pub status: u16,
    code: String,
    message: String,
    details: Vec<Value>,
    shape: Shape,
    /// Seconds for a `Retry-After` header.
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// A refusal in the usual shape.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            details: Vec::new(),
            shape: Shape::Standard,
            retry_after: None,
        }
    }

    /// 400: a value that is not allowed.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_PARAMETER_VALUE", message)
    }

    /// 400: the body or path cannot be read.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(400, "MALFORMED_REQUEST", message)
    }

    /// 404 as the account services write it.
    pub fn absent(message: impl Into<String>) -> Self {
        Self::new(404, "RESOURCE_DOES_NOT_EXIST", message)
    }

    /// 409: a name or key is taken.
    pub fn taken(message: impl Into<String>) -> Self {
        Self::new(409, "RESOURCE_ALREADY_EXISTS", message)
    }

    /// 409: something else stands in the way.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "RESOURCE_CONFLICT", message)
    }

    /// 403.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(403, "PERMISSION_DENIED", message)
    }

    /// 401: no token, or one that is unknown or over.
    pub fn unauthenticated() -> Self {
        Self::new(
            401,
            "UNAUTHENTICATED",
            "Credential was not sent or was of an unsupported type for this API.",
        )
    }

    /// 501: a path the sandbox does not serve.
    pub fn not_served(method: &str, path: &str) -> Self {
        Self::new(501, "NOT_IMPLEMENTED", format!("the sandbox does not serve {method} {path}"))
    }

    /// A refusal of the SCIM services.
    pub fn scim(status: u16, message: impl Into<String>) -> Self {
        Self { shape: Shape::Scim, ..Self::new(status, "", message) }
    }

    /// A refusal of a token endpoint.
    pub fn oauth(status: u16, code: &str, message: &str) -> Self {
        Self { shape: Shape::OAuth, ..Self::new(status, code, message) }
    }

    /// Adds an `ErrorInfo` detail.
    pub fn with_info(mut self, reason: &str, metadata: Value) -> Self {
        self.details.push(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "settings.databricks.com",
            "metadata": metadata,
        }));
        self
    }

    /// The body to send.
    pub fn body(&self) -> Value {
        match self.shape {
            Shape::Standard if self.details.is_empty() => {
                json!({ "error_code": self.code, "message": self.message })
            }
            Shape::Standard => {
                json!({ "error_code": self.code, "message": self.message, "details": self.details })
            }
            Shape::Scim => json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "detail": self.message,
                "status": self.status.to_string(),
            }),
            Shape::OAuth => json!({ "error": self.code, "error_description": self.message }),
        }
    }
}
