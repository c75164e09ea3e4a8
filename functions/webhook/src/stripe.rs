//! Webhooks of Stripe.

use axum::extract::State;
use holdfast_http::{Answer, Json, Route, route};
use operations::payment::Gateway;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::delivery::{Delivery, Sender};
use crate::receive::{Queued, ReceiveError, receive};

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(receive_stripe)]
}

struct Stripe;

impl Sender for Stripe {
    type Headers = Headers;
    type Body = Body;
    const BODY: &'static str =
        "The event as Stripe sends it, at most 256 KiB. Unknown fields are stored.";
    const REFUSED: Option<&'static str> = Some(
        "the signature fits, but the event is not for this deployment: it is a thin event, or of \
         the other mode (`livemode`). `errors` says which.",
    );
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is needed")]
struct Headers {
    /// A time and any number of signatures; two while a secret is rolled. One `v1` must be by one
    /// of the shop's secrets.
    #[schema(
        max_length = 1024,
        example = "t=1795255222,\
        v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"
    )]
    stripe_signature: String,
}

/// Only the fields that Holdfast reads, from the envelope and from payment intents, checkout
/// sessions, refunds and disputes. Our `payment.reference` is `client_reference_id` of a session,
/// or `metadata.reference`.
#[derive(ToSchema)]
#[schema(as = StripeWebhook)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Body {
    id: Option<String>,
    #[schema(inline)]
    object: Envelope,
    #[schema(examples(
        "payment_intent.succeeded",
        "checkout.session.completed",
        "refund.updated",
        "charge.dispute.created"
    ))]
    r#type: String,
    livemode: bool,
    #[schema(inline)]
    data: Content,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is needed")]
enum Envelope {
    Event,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Content {
    #[schema(inline)]
    object: Thing,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Thing {
    id: Option<String>,
    status: Option<String>,
    /// For a session. A completed session is paid only if this is `paid`.
    payment_status: Option<String>,
    /// In the smallest unit of the currency.
    amount_received: Option<i64>,
    currency: Option<String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<()>,
}

/// Receive a webhook of Stripe
///
/// Checks the signature over the raw bytes, queues the event, and answers 200. One `v1` of
/// `stripe-signature` must be the hex HMAC-SHA256 of `{t}.{raw body}`, and `t` at most five
/// minutes old, unless the shop's settings say otherwise. The event is interpreted later.
/// Snapshot events of any API version. Types that Holdfast does not use are accepted too.
///
/// **Retry:** Stripe sends an event again after any answer but 2xx. A repeated or reordered
/// event has one effect.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/webhooks/stripe",
    operation_id = "webhook_receive_stripe",
    tag = "webhook",
    responses((status = 200, description = "The event is queued."))
)]
async fn receive_stripe(
    State(app): State<Shared>,
    delivery: Delivery<Stripe>,
) -> Answer<Json<Queued>, ReceiveError> {
    receive(&app, Some(Gateway::Stripe), delivery).await
}
