//! Verifies a webhook and puts it on the queue.

use axum::extract::{FromRequestParts, State};
use holdfast_http::problem::{UNAUTHORIZED, UNAVAILABLE};
use holdfast_http::{Answer, Json, Problem, text};
use lambda_http::http::request::Parts;
use operations::cause::causes;
use operations::ids::Shop;
use operations::payment::webhook::{Refusal, Webhook};
use operations::payment::{Gateway, QueuedWebhook};
use operations::refusals;
use operations::telemetry::{self, Metric};
use serde::Serialize;
use tracing::Span;
use utoipa::ToSchema;

use crate::app::{App, Shared};
use crate::delivery::Delivery;
use crate::secrets::Secrets;

refusals! {
    /// Why a webhook is not queued.
    pub enum ReceiveError {
        /// the signature is missing, no secret fits it, or the shop has no secrets for this
        /// gateway. Only the log says which.
        Forged => UNAUTHORIZED;
    }
}

/// The answer to a queued webhook.
#[derive(Serialize, ToSchema)]
#[schema(max_properties = 0, example = json!({}))]
pub(crate) struct Queued {}

/// The gateway of a path. `None`: there is no such gateway.
pub(crate) struct Named(Option<Gateway>);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(text(parts, state, "gateway").await.parse().ok()))
    }
}

/// An unknown gateway has no secret, so it looks exactly like a wrong signature. A known one gets
/// here when its name is percent-encoded.
pub(crate) async fn of_any_gateway(
    State(app): State<Shared>,
    Named(gateway): Named,
    delivery: Delivery<()>,
) -> Answer<Json<Queued>, ReceiveError> {
    receive(&app, gateway, delivery).await
}

pub(crate) async fn receive<G>(
    app: &App,
    gateway: Option<Gateway>,
    delivery: Delivery<G>,
) -> Answer<Json<Queued>, ReceiveError> {
    if let Some(gateway) = gateway {
        Span::current().record("gateway", gateway.as_str());
    }
    let secrets = app.secrets.secrets().await.map_err(|cause| {
        tracing::error!(
            causes = causes(&*cause),
            "no secrets to verify webhooks with"
        );
        Problem::from(UNAVAILABLE)
    })?;
    let mut verified = verify(&secrets, gateway, &delivery);
    if verified.is_err()
        && let Some(newer) = app.secrets.newer_than(&secrets).await
    {
        verified = verify(&newer, gateway, &delivery);
    }
    let verified = verified.map_err(|why| {
        tracing::warn!(why, "webhook refused");
        telemetry::count(Metric::WebhooksForged, 1);
        ReceiveError::Forged
    })?;
    // The sender is the gateway, and its dashboard shows this problem.
    let webhook = verified.map_err(|refusal| {
        tracing::warn!(why = %refusal, "a verified webhook was not accepted");
        Problem::invalid(refusal.field, refusal.reason)
    })?;
    let sent = app.queue.send(&webhook, delivery.trace).await;
    let message_id = sent.map_err(|error| {
        tracing::error!(causes = error, "a verified webhook could not be queued");
        Problem::from(UNAVAILABLE)
    })?;
    Span::current().record("message.id", message_id);
    Ok(Json(Queued {}))
}

/// Verifies the raw bytes. The outer error says, for the log, why the signature is wrong. The inner
/// error says why this deployment does not take a genuine webhook.
fn verify<G>(
    secrets: &Secrets,
    gateway: Option<Gateway>,
    delivery: &Delivery<G>,
) -> Result<Result<QueuedWebhook, Refusal>, String> {
    let shop: Result<Shop, _> = delivery.shop.parse();
    let shop = shop.map_err(|_| "no such shop".to_owned())?;
    let gateway = gateway.ok_or_else(|| "no such gateway".to_owned())?;
    let account = secrets
        .of(&shop, gateway)
        .ok_or_else(|| "the shop has no secrets for this gateway".to_owned())?;
    let header = |name: &str| {
        let value = delivery.headers.get(name);
        value.and_then(|value| value.to_str().ok())
    };
    let webhook = Webhook {
        header: &header,
        raw: &delivery.raw,
        now: time::OffsetDateTime::now_utc(),
    };
    let adapter = gateway.adapter();
    adapter
        .verify(account, &webhook)
        .map_err(|forgery| forgery.to_string())?;
    let admitted = adapter.admit(account, &delivery.raw);
    Ok(admitted.map(|()| QueuedWebhook::new(shop, gateway, &webhook)))
}
