//! Receives gateways' webhooks: verifies the signature over the raw bytes, puts the webhook on the
//! queue, and answers 200.
//!
//! The function has no database. So it stays up and fast while the database is down. It
//! acknowledges nothing that is not stored in the queue.

pub mod queue;
pub mod secrets;

use holdfast_http::Reply;
use holdfast_http::problem::Problem;
use lambda_http::http::header::HeaderMap;
use lambda_http::{Body, Request, RequestExt as _, Response};
use operations::cause::causes;
use operations::ids::Shop;
use operations::payment::webhook::{Refusal, Webhook};
use operations::payment::{Gateway, QueuedWebhook};
use operations::telemetry::{self, Metric};
use serde_json::json;
use tracing::Span;

pub use queue::Queue;
pub use secrets::{Keyring, Secrets};

/// Bytes of a body. Gateways send a few kilobytes. In base64 the limit stays below SQS's 1 MiB.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The state of one process.
pub struct App {
    /// The gateways' secrets.
    pub secrets: Keyring,
    /// The queue of verified webhooks.
    pub queue: Queue,
}

/// Answers one request. Never fails: a failure is an answer too.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    holdfast_http::answer(&request, |request| receive(app, request)).await
}

async fn receive(app: &App, request: &Request) -> Result<Reply, Problem> {
    let segments: Vec<&str> = request
        .uri()
        .path()
        .trim_start_matches('/')
        .split('/')
        .collect();
    let ["v1", "shops", shop, "webhooks", gateway] = segments.as_slice() else {
        return Err(Problem::not_found("path"));
    };
    if request.method() != lambda_http::http::Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    let raw: &[u8] = request.body();
    if raw.len() > BODY_BYTES_MAX {
        return Err(Problem::body_too_large(BODY_BYTES_MAX));
    }
    let secrets = app.secrets.secrets().await.map_err(|cause| {
        tracing::error!(
            causes = causes(&*cause),
            "no secrets to verify webhooks with"
        );
        Problem::unavailable()
    })?;
    // An unknown shop or gateway has no secret, so it looks exactly like a wrong signature.
    let mut verified = verify(&secrets, shop, gateway, request.headers(), raw);
    if verified.is_err()
        && let Some(newer) = app.secrets.newer_than(&secrets).await
    {
        verified = verify(&newer, shop, gateway, request.headers(), raw);
    }
    let verified = verified.map_err(|why| {
        tracing::warn!(why, "webhook refused");
        telemetry::count(Metric::WebhooksForged, 1);
        Problem::unauthorized()
    })?;
    // The sender is the gateway, and its dashboard shows this problem.
    let webhook = verified.map_err(|refusal| {
        tracing::warn!(why = %refusal, "a verified webhook was not accepted");
        Problem::invalid_request(refusal.field, refusal.reason)
    })?;
    let trace = request.lambda_context().xray_trace_id;
    let message_id = app.queue.send(&webhook, trace).await.map_err(|error| {
        tracing::error!(causes = error, "a verified webhook could not be queued");
        Problem::unavailable()
    })?;
    Span::current().record("message.id", message_id);
    Reply::json(200, &json!({}))
}

/// Verifies the raw bytes. The outer error says, for the log, why the signature is wrong. The inner
/// error says why this deployment does not take a genuine webhook.
fn verify(
    secrets: &Secrets,
    shop: &str,
    gateway: &str,
    headers: &HeaderMap,
    raw: &[u8],
) -> Result<Result<QueuedWebhook, Refusal>, String> {
    let shop: Shop = shop.parse().map_err(|_| "no such shop".to_owned())?;
    let gateway: Gateway = gateway.parse().map_err(|()| "no such gateway".to_owned())?;
    let account = secrets
        .of(&shop, gateway)
        .ok_or_else(|| "the shop has no secrets for this gateway".to_owned())?;
    let webhook = Webhook {
        header: &|name| headers.get(name).and_then(|value| value.to_str().ok()),
        raw,
        now: time::OffsetDateTime::now_utc(),
    };
    let adapter = gateway.adapter();
    adapter
        .verify(account, &webhook)
        .map_err(|forgery| forgery.to_string())?;
    let admitted = adapter.admit(account, raw);
    Ok(admitted.map(|()| QueuedWebhook::new(shop, gateway, &webhook)))
}
