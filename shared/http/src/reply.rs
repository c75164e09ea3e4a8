//! Answers: JSON for a result, an RFC 9457 problem for an error. Each carries the request id.

use crate::problem::{self, Problem};
use lambda_http::http::header::{ALLOW, CONTENT_TYPE, ETAG, RETRY_AFTER};
use lambda_http::{Body, Response};
use operations::db::Failure;
use serde::Serialize;

/// An answer before it is written.
pub enum Reply {
    /// A result as JSON.
    Json(u16, String),
    /// A result as JSON, with its version.
    Versioned(u16, String, i64),
    /// Lines of text. The header `x-holdfast-next` says where the next page begins.
    Text {
        /// Their content type.
        content_type: &'static str,
        /// The lines.
        text: String,
        /// `None` on the last page.
        next: Option<String>,
    },
    /// A refusal or a failure.
    Problem(Problem),
}

impl Reply {
    /// An answer with this body.
    ///
    /// # Errors
    /// An internal problem when the body cannot be written as JSON.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self, Problem> {
        serde_json::to_string(body)
            .map(|text| Self::Json(status, text))
            .map_err(|error| {
                tracing::error!(%error, "an answer could not be written");
                Problem::internal()
            })
    }

    /// The answer of an operation: 200 with its result, or the problem of its refusal.
    ///
    /// # Errors
    /// The problem. A failure is logged.
    pub fn of<T, E>(result: Result<T, E>) -> Result<Self, Problem>
    where
        T: Serialize,
        E: std::error::Error + 'static,
        for<'a> Problem: From<&'a E>,
    {
        Self::json(200, &result.map_err(|error| refused(&error))?)
    }

    /// The answer of a read: 200 with the result, or `not_found` for this noun.
    ///
    /// # Errors
    /// The problem. A failure is logged.
    pub fn found<T: Serialize>(
        noun: &str,
        read: Result<Option<T>, Failure>,
    ) -> Result<Self, Problem> {
        Self::json(200, &found(noun, read)?)
    }

    /// Adds the version of the shown thing, for `If-Match`.
    #[must_use]
    pub fn with_version(self, version: i64) -> Self {
        match self {
            Self::Json(status, text) => Self::Versioned(status, text, version),
            other => other,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Json(status, _) | Self::Versioned(status, ..) => *status,
            Self::Text { .. } => 200,
            Self::Problem(problem) => problem.status,
        }
    }

    /// The problem's code. Empty for a result.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(..) | Self::Versioned(..) | Self::Text { .. } => "",
            Self::Problem(problem) => problem.code,
        }
    }

    /// Builds the response.
    #[must_use]
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        let mut response = Response::builder()
            .status(self.status())
            .header("x-request-id", request_id)
            .header("cache-control", "no-store");
        let body = match self {
            Self::Json(_, text) => {
                response = response.header(CONTENT_TYPE, "application/json");
                text
            }
            Self::Versioned(_, text, version) => {
                response = response
                    .header(CONTENT_TYPE, "application/json")
                    .header(ETAG, format!("\"{version}\""));
                text
            }
            Self::Text {
                content_type,
                text,
                next,
            } => {
                response = response.header(CONTENT_TYPE, content_type);
                if let Some(next) = next {
                    response = response.header("x-holdfast-next", next);
                }
                text
            }
            Self::Problem(problem) => {
                response = response.header(CONTENT_TYPE, problem::CONTENT_TYPE);
                if let Some(seconds) = problem.retry_after_s {
                    response = response.header(RETRY_AFTER, seconds);
                }
                if let Some(methods) = problem.allow {
                    response = response.header(ALLOW, methods);
                }
                problem.body(request_id).to_string()
            }
        };
        response.body(Body::Text(body)).unwrap_or_else(|error| {
            tracing::error!(%error, "a response could not be built");
            Response::new(Body::Empty)
        })
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// The result of a read, or `not_found` for this noun.
///
/// # Errors
/// The problem. A failure is logged.
pub fn found<T>(noun: &str, read: Result<Option<T>, Failure>) -> Result<T, Problem> {
    read.map_err(|failure| refused(&failure))?
        .ok_or_else(|| Problem::not_found(noun))
}

/// The problem of an operation's error. This is the one place that logs a failure.
pub fn refused<E>(error: &E) -> Problem
where
    E: std::error::Error + 'static,
    for<'a> Problem: From<&'a E>,
{
    let problem = Problem::from(error);
    if problem.status >= 500 {
        tracing::error!(
            code = problem.code,
            causes = operations::cause::causes(error),
            "failed"
        );
    }
    problem
}
