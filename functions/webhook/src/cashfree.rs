//! Webhooks of Cashfree.

use axum::extract::State;
use holdfast_http::{Answer, Json, Route, route};
use operations::payment::Gateway;
use operations::text::Currency;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};

use crate::app::Shared;
use crate::delivery::{Delivery, Sender};
use crate::receive::{Queued, ReceiveError, receive};

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(receive_cashfree)]
}

struct Cashfree;

impl Sender for Cashfree {
    type Headers = Headers;
    type Body = Body;
    const BODY: &'static str =
        "The event as Cashfree sends it, at most 256 KiB. Unknown fields are stored.";
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is needed")]
struct Headers {
    /// Base64 of the HMAC-SHA256, by one of the shop's secrets.
    #[schema(
        pattern = "^[A-Za-z0-9+/]{43}=$",
        max_length = 44,
        example = "YJX6QRZ2mk0pVx8l0iXk1l2gO3pUaTq9sE4wB7nDcFg="
    )]
    x_webhook_signature: String,
    /// When the gateway signed, in milliseconds since 1970. It is part of the signed bytes.
    #[schema(pattern = "^[0-9]{13}$", max_length = 13, example = "1795255222512")]
    x_webhook_timestamp: String,
    /// The version of the payload.
    #[schema(max_length = 32, example = "2025-01-01")]
    x_webhook_version: Option<String>,
    /// One key per event, from version 2025-01-01 on. Stored but not trusted, because it is not
    /// signed: repeated events are recognised by their body.
    #[schema(max_length = 256, example = "8f2c1a7e-5b0d-4c1f-9b77-2f6f0e9c1d34")]
    x_idempotency_key: Option<String>,
}

/// Only the fields that Holdfast reads. `data.order.order_id` is our `payment.reference`. An order
/// is paid if `data.payment.payment_status` is `SUCCESS` and amount and currency are the order's.
/// The `type` alone never means paid.
#[derive(ToSchema)]
#[schema(as = CashfreeWebhook)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Body {
    #[schema(examples(
        "PAYMENT_SUCCESS_WEBHOOK",
        "PAYMENT_FAILED_WEBHOOK",
        "PAYMENT_USER_DROPPED_WEBHOOK",
        "REFUND_STATUS_WEBHOOK"
    ))]
    r#type: String,
    /// ISO 8601 with an offset.
    event_time: Option<String>,
    #[schema(inline)]
    data: Content,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Content {
    #[schema(inline)]
    order: Option<Order>,
    #[schema(inline)]
    payment: Option<Payment>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Order {
    order_id: Option<String>,
    /// In major units, such as 170.00.
    order_amount: Option<f64>,
    order_currency: Option<Currency>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Payment {
    #[schema(schema_with = text_or_integer, required = false)]
    cf_payment_id: String,
    #[schema(examples("SUCCESS", "FAILED", "USER_DROPPED", "PENDING"))]
    payment_status: Option<String>,
}

fn text_or_integer() -> Schema {
    let either = ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Integer]))
        .description(Some("A string, or an integer in older versions."));
    Schema::Object(either.build())
}

/// Receive a webhook of Cashfree
///
/// Checks the signature over the raw bytes, queues the event, and answers 200. The signature is
/// `base64(HMAC-SHA256(client secret, x-webhook-timestamp ++ raw body))`. The event is
/// interpreted later, so 200 means that it is stored safely, not that an order is paid.
/// Versions 2023-08-01 and 2025-01-01. Types that Holdfast does not use are accepted too.
///
/// **Retry:** Cashfree sends an event again after any answer but 200. A repeated or reordered
/// event has one effect.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/webhooks/cashfree",
    operation_id = "webhook_receive",
    tag = "webhook",
    responses((status = 200, description = "The event is queued."))
)]
async fn receive_cashfree(
    State(app): State<Shared>,
    delivery: Delivery<Cashfree>,
) -> Answer<Json<Queued>, ReceiveError> {
    receive(&app, Some(Gateway::Cashfree), delivery).await
}
