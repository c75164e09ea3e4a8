//! Webhooks of Razorpay.

use axum::extract::State;
use holdfast_http::{Answer, Json, Route, route};
use operations::payment::Gateway;
use operations::text::Currency;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, SchemaType, Type};

use crate::app::Shared;
use crate::delivery::{Delivery, Sender};
use crate::receive::{Queued, ReceiveError, receive};

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(receive_razorpay)]
}

struct Razorpay;

impl Sender for Razorpay {
    type Headers = Headers;
    type Body = Body;
    const BODY: &'static str =
        "The event as Razorpay sends it, at most 256 KiB. Unknown fields are stored.";
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is needed")]
struct Headers {
    /// Hex of the HMAC-SHA256, by one of the shop's secrets.
    #[schema(
        pattern = "^[0-9a-f]{64}$",
        max_length = 64,
        example = "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"
    )]
    x_razorpay_signature: String,
    /// Stored but not trusted, because it is not signed.
    #[schema(max_length = 256, example = "QhTfAbCdEfGhIj")]
    x_razorpay_event_id: Option<String>,
}

/// Only the fields that Holdfast reads. Our `payment.reference` is the order's `receipt`, or
/// `notes.reference`.
#[derive(ToSchema)]
#[schema(as = RazorpayWebhook)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Body {
    #[schema(examples("payment.captured", "payment.failed", "order.paid", "refund.processed"))]
    event: String,
    #[schema(inline)]
    payload: Payload,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Payload {
    #[schema(inline)]
    payment: Option<Payment>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Payment {
    #[schema(inline)]
    entity: Option<Entity>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Entity {
    id: Option<String>,
    /// In the smallest unit of the currency.
    amount: Option<i64>,
    currency: Option<Currency>,
    /// Only `captured` means money.
    status: Option<String>,
    #[schema(schema_with = text_or_null, required = false)]
    order_id: String,
    #[schema(schema_with = object_or_list, required = false)]
    notes: (),
}

/// `anyOf`, because null is removed from the types of a field that may be absent.
fn text_or_null() -> Schema {
    let of_type = |of_type| ObjectBuilder::new().schema_type(of_type);
    let either = AnyOfBuilder::new().item(of_type(Type::String));
    Schema::AnyOf(either.item(of_type(Type::Null)).build())
}

fn object_or_list() -> Schema {
    let either = ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::Object, Type::Array]))
        .description(Some("An object, or an empty list if there are none."));
    Schema::Object(either.build())
}

/// Receive a webhook of Razorpay
///
/// Checks the signature over the raw bytes, queues the event, and answers 200. The signature is
/// the hex HMAC-SHA256 of the raw body. The event is interpreted later. Types that Holdfast
/// does not use are accepted too.
///
/// **Retry:** Razorpay sends an event again for 24 hours after any answer but 2xx, then
/// disables the webhook. A repeated or reordered event has one effect.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/webhooks/razorpay",
    operation_id = "webhook_receive_razorpay",
    tag = "webhook",
    responses((status = 200, description = "The event is queued."))
)]
async fn receive_razorpay(
    State(app): State<Shared>,
    delivery: Delivery<Razorpay>,
) -> Answer<Json<Queued>, ReceiveError> {
    receive(&app, Some(Gateway::Razorpay), delivery).await
}
