//! Errors as RFC 9457 problems: the only place where an error becomes an HTTP answer. Clients rely
//! on the codes, and openapi.yaml lists each of them. For a failure the client gets a general text;
//! the log has the cause, under the same request id.

use std::marker::PhantomData;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use lambda_http::http::{HeaderValue, StatusCode, header};
use operations::cause::causes;
use operations::db::Failure;
use operations::refusal::{Kind, Refusal, Said};
use serde_json::{Value, json};

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";
/// How long a client should wait before it repeats a request that met a failure, in seconds.
const RETRY_AFTER_S: u32 = 1;

/// The path exists, the method does not.
pub const METHOD_NOT_ALLOWED: Kind = Kind {
    status: 405,
    code: "method_not_allowed",
    title: "Method not allowed",
    detail: "The header `Allow` lists the methods of this path.",
};
/// The body is too long.
pub const BODY_TOO_LARGE: Kind = Kind {
    status: 413,
    code: "body_too_large",
    title: "The body is too large",
    detail: "The body is longer than this path accepts.",
};
/// The body is of a type that the path does not take.
pub const UNSUPPORTED_MEDIA_TYPE: Kind = Kind {
    status: 415,
    code: "unsupported_media_type",
    title: "Unsupported media type",
    detail: "This path does not take a body of this type.",
};
/// The caller is not authenticated, and gets no detail.
pub const UNAUTHORIZED: Kind = Kind {
    status: 401,
    code: "unauthorized",
    title: "Unauthorized",
    detail: "The request could not be authenticated.",
};
/// The token is good, but not for this.
pub const SCOPE_MISSING: Kind = Kind {
    status: 403,
    code: "scope_missing",
    title: "The scope is missing",
    detail: "The token lacks the scope of this API.",
};
/// Holdfast could not decide. The same request may succeed in a moment.
pub const UNAVAILABLE: Kind = Kind {
    status: 503,
    code: "unavailable",
    title: "Temporarily unavailable",
    detail: "Holdfast could not decide the request. Send the same request again: it takes effect \
             once.",
};
/// A defect on this side.
pub const INTERNAL: Kind = Kind {
    status: 500,
    code: "internal",
    title: "Internal error",
    detail: "Something failed on this side. The log has the cause under this request id.",
};

/// One problem, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(pub Said);

impl Problem {
    /// One field of the request is wrong.
    #[must_use]
    pub fn invalid(field: &str, message: impl std::fmt::Display) -> Self {
        Self(Said::invalid(field, &message.to_string()))
    }

    /// It does not exist, or it belongs to somebody else.
    #[must_use]
    pub fn not_found(noun: &str) -> Self {
        Self(Said::not_found(noun))
    }

    /// The body is longer than `bytes_max`.
    #[must_use]
    pub fn body_too_large(bytes_max: usize) -> Self {
        let detail = format!("A body may have at most {bytes_max} bytes.");
        Self(Said::from(BODY_TOO_LARGE).saying(detail))
    }

    /// The header `field` names a body that this path does not take. `message` follows its name.
    pub(crate) fn unsupported(field: &str, message: &str) -> Self {
        Self(Said::from(UNSUPPORTED_MEDIA_TYPE).saying(format!("{field}: {message}")))
    }

    /// The token lacks this scope.
    #[must_use]
    pub fn scope_missing(scope: &str) -> Self {
        let detail = format!("The token lacks the scope `{scope}`.");
        Self(Said::from(SCOPE_MISSING).saying(detail))
    }

    /// The path exists, but with other methods.
    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        let detail = format!("Use one of: {}.", allowed.replace(',', ", "));
        Self(Said::from(METHOD_NOT_ALLOWED).saying(detail))
    }

    /// The body of the answer. `request_id` finds the call in the log.
    #[must_use]
    pub fn body(&self, request_id: &str) -> Value {
        let Said {
            kind,
            detail,
            members,
        } = &self.0;
        let mut body = members.clone();
        for (name, value) in [
            ("type", json!(format!("urn:holdfast:problem:{}", kind.code))),
            ("title", json!(kind.title)),
            ("status", json!(kind.status)),
            ("detail", json!(detail)),
            ("code", json!(kind.code)),
            ("request_id", json!(request_id)),
        ] {
            body.insert(name.to_owned(), value);
        }
        Value::Object(body)
    }
}

impl From<Kind> for Problem {
    fn from(kind: Kind) -> Self {
        Self(kind.into())
    }
}

/// The answer has its body and headers when [`crate::answer`] knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.status);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if self.0.kind.status == 503 {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The error of a handler: a problem of the request, or an error of its operation. The type names
/// the operation's refusals, and the contract takes them from it.
#[derive(Debug)]
pub struct Refused<E> {
    problem: Problem,
    of: PhantomData<fn() -> E>,
}

impl<E> From<Problem> for Refused<E> {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            of: PhantomData,
        }
    }
}

/// This is the one place that logs the failure of an operation.
impl<E: Refusal> From<E> for Refused<E> {
    fn from(error: E) -> Self {
        let kind = match error.said() {
            Ok(said) => return Problem(said).into(),
            Err(Failure::Unavailable(_) | Failure::Refused(_)) => UNAVAILABLE,
            Err(Failure::Internal(_)) => INTERNAL,
        };
        tracing::error!(code = kind.code, causes = causes(&error), "failed");
        Problem::from(kind).into()
    }
}

impl<E> Refused<E> {
    /// The problem, for a caller that shows it in its own way.
    #[must_use]
    pub fn problem(self) -> Problem {
        self.problem
    }

    /// The same refusal with another kind where it has this one.
    #[must_use]
    pub fn with_kind_instead(mut self, before: Kind, after: Kind) -> Self {
        if self.problem.0.kind == before {
            self.problem.0.kind = after;
        }
        self
    }
}

impl<E> IntoResponse for Refused<E> {
    fn into_response(self) -> Response {
        self.problem.into_response()
    }
}

/// The result of a read, or `not_found` for this noun.
///
/// # Errors
/// The problem. A failure is logged.
pub fn found<T, E: Refusal>(noun: &str, read: Result<Option<T>, E>) -> Result<T, Refused<E>> {
    read?.ok_or_else(|| Problem::not_found(noun).into())
}
