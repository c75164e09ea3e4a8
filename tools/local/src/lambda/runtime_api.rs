//! The Lambda Runtime API of one process: next, response, error.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::environment::Environment;
use super::{Idle, Invocation, InvokeError, PAYLOAD_BYTES_MAX};

pub(super) fn router(environment: Arc<Environment>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{request_id}/response",
            post(response),
        )
        .route(
            "/2018-06-01/runtime/invocation/{request_id}/error",
            post(error),
        )
        .route("/2018-06-01/runtime/init/error", post(init_error))
        // A larger answer is refused below, in the words of AWS.
        .layer(DefaultBodyLimit::max(2 * PAYLOAD_BYTES_MAX))
        .with_state(environment)
}

async fn next(State(environment): State<Arc<Environment>>) -> Response {
    // A process that asks again without having answered has given its work up.
    environment.give_up();
    let (assign, assigned) = oneshot::channel();
    environment.mark_ready();
    let idle = Idle {
        environment: Arc::clone(&environment),
        assign,
    };
    if environment.function.idle.send(idle).is_err() {
        return StatusCode::GONE.into_response();
    }
    // When the process dies while it waits, this whole future is dropped, `assigned` included.
    let Ok(mut invocation) = assigned.await else {
        return StatusCode::GONE.into_response();
    };
    let payload = std::mem::take(&mut invocation.payload);
    let answer = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &invocation.request_id)
        .header(
            "lambda-runtime-deadline-ms",
            invocation.deadline_ms.to_string(),
        )
        .header(
            "lambda-runtime-invoked-function-arn",
            &environment.function.arn,
        )
        .header("lambda-runtime-trace-id", &invocation.trace_id)
        .body(Body::from(payload));
    environment.begin(invocation);
    answer.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn response(
    State(environment): State<Arc<Environment>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response {
    let Some(invocation) = environment.finish(&request_id) else {
        return wrong_request();
    };
    if body.len() > PAYLOAD_BYTES_MAX {
        let error_type = String::from("Function.ResponseSizeTooLarge");
        let message = format!("{} bytes", body.len());
        finish(
            invocation,
            Err(InvokeError::Failed {
                error_type,
                message,
            }),
        );
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    finish(invocation, Ok(body.into()));
    accepted()
}

/// What a runtime reports when the handler failed.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Report {
    error_type: String,
    error_message: String,
}

async fn error(
    State(environment): State<Arc<Environment>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response {
    let Some(invocation) = environment.finish(&request_id) else {
        return wrong_request();
    };
    let report: Report = serde_json::from_slice(&body).unwrap_or_default();
    let failed = InvokeError::Failed {
        error_type: report.error_type,
        message: report.error_message,
    };
    finish(invocation, Err(failed));
    accepted()
}

/// The process ends after this; its exit is what is reported.
async fn init_error(headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get("lambda-runtime-function-error-type");
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    tracing::error!(
        "initialisation failed: {kind} {}",
        String::from_utf8_lossy(&body)
    );
    accepted()
}

fn finish(invocation: Invocation, answer: Result<Vec<u8>, InvokeError>) {
    // A caller that no longer waits (its time is over) is no error of the process.
    let _ = invocation.reply.send(answer);
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}

fn wrong_request() -> Response {
    let body = r#"{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}"#;
    (StatusCode::BAD_REQUEST, body).into_response()
}
