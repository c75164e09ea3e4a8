//! The Lambda Runtime API of one process.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::environment::Environment;
use super::function::{ACCOUNT, InvokeError, PAYLOAD_BYTES_MAX, REGION, unix_ms};

pub(super) fn router(environment: Arc<Environment>) -> Router {
    let invocation = Router::new()
        .route("/next", get(next))
        .route("/{request_id}/response", post(response))
        .route("/{request_id}/error", post(error));
    Router::new()
        .nest("/2018-06-01/runtime/invocation", invocation)
        .route("/2018-06-01/runtime/init/error", post(init_error))
        // `response` refuses a larger answer in the words of AWS.
        .layer(DefaultBodyLimit::max(2 * PAYLOAD_BYTES_MAX))
        .with_state(environment)
}

async fn next(State(environment): State<Arc<Environment>>) -> Response {
    // When the process dies while it waits, this future is dropped, and with it the receiver.
    let Some(offer) = environment.offer().await else {
        return StatusCode::GONE.into_response();
    };
    let Ok(mut invocation) = offer.assigned.await else {
        return StatusCode::GONE.into_response();
    };
    invocation.place = Some(offer.place);
    let name = &environment.function.options.name;
    let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
    let answer = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &invocation.request_id)
        .header(
            "lambda-runtime-deadline-ms",
            invocation.deadline_ms.to_string(),
        )
        .header("lambda-runtime-invoked-function-arn", arn)
        .header("lambda-runtime-trace-id", trace_id())
        .body(Body::from(std::mem::take(&mut invocation.payload)));
    environment.begin(invocation);
    answer.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// `Root=1-<seconds>-<24 hex digits>`, as X-Ray writes it.
fn trace_id() -> String {
    let mut random = uuid::Uuid::new_v4().simple().to_string();
    random.truncate(24);
    format!("Root=1-{:08x}-{random};Sampled=0", unix_ms() / 1000)
}

async fn response(
    State(environment): State<Arc<Environment>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response {
    if body.len() <= PAYLOAD_BYTES_MAX {
        return finish(&environment, &request_id, Ok(body.into()));
    }
    let too_large = InvokeError::Failed {
        error_type: "Function.ResponseSizeTooLarge".to_owned(),
        message: format!("{} bytes", body.len()),
    };
    finish(&environment, &request_id, Err(too_large));
    StatusCode::PAYLOAD_TOO_LARGE.into_response()
}

/// A runtime's report of a handler that failed.
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
    let report: Report = serde_json::from_slice(&body).unwrap_or_default();
    let failed = InvokeError::Failed {
        error_type: report.error_type,
        message: report.error_message,
    };
    finish(&environment, &request_id, Err(failed))
}

/// The process ends after this call, and its keeper reports the end.
async fn init_error(body: Bytes) -> Response {
    tracing::error!("initialisation failed: {}", String::from_utf8_lossy(&body));
    accepted()
}

fn finish(
    environment: &Environment,
    request_id: &str,
    answer: Result<Vec<u8>, InvokeError>,
) -> Response {
    let Some(invocation) = environment.finish(request_id) else {
        let body = r#"{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}"#;
        return (StatusCode::BAD_REQUEST, body).into_response();
    };
    // A caller whose time is over no longer waits. That is no error of the process.
    let _ = invocation.reply.send(answer);
    accepted()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}
