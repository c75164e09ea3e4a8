//! Razorpay's API: orders, their payments, refunds. Orders have no idempotency keys. So before the
//! client creates one, it looks for an order with our reference as its receipt. Refunds have keys.
//!
//! Sources: Razorpay's API reference (orders, payments of an order, refunds, idempotent refunds)
//! and its official library.

use futures_util::FutureExt as _;
use operations::payment::event::{REFERENCE_NOTE, REFUND_NOTE};
use operations::payment::{Event, Gateway};
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::credential::{Credential, ModeMark, live_by_default};
use crate::http::{Http, refused_with};
use crate::{
    Answer, Api, Closed, GatewayError, GatewayOrder, KnownOrder, KnownRefund, NewOrder, NewRefund,
    RefundResult, RefundState,
};

/// The shop's account, as in `GATEWAYS`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    pub(crate) base_url: String,
    /// Whether the account moves real money. Otherwise it is of the test mode.
    #[serde(default = "live_by_default")]
    live: bool,
    key_id: Credential,
    key_secret: Credential,
}

impl Account {
    pub(crate) fn check_mode(&self) -> Result<(), String> {
        const MARK: ModeMark = ModeMark {
            field: "key_id",
            live: &["rzp_live_"],
            test: &["rzp_test_"],
        };
        MARK.check(self.key_id.as_str(), self.live)
    }
}

/// An account at Razorpay.
pub(crate) struct Razorpay {
    pub(crate) http: Http,
    pub(crate) account: Account,
}

#[derive(Deserialize)]
struct OrderEntity {
    id: String,
    amount: i64,
    currency: String,
}

#[derive(Deserialize)]
struct Collection<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Status {
    status: String,
}

#[derive(Deserialize)]
struct RefundEntity {
    id: String,
    status: String,
    receipt: Option<String>,
    #[serde(default)]
    notes: Value,
}

impl Api for Razorpay {
    fn create_order<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, GatewayOrder> {
        async move {
            let mut tried = 1;
            let made = loop {
                let same = |made: &OrderEntity| {
                    made.amount == order.amount_minor && made.currency == order.currency
                };
                let known = self.orders(&order.reference).await?;
                if let Some(known) = known.into_iter().find(same) {
                    break known;
                }
                match self.http.once(self.order_request(order)).await {
                    Err(error) if error.passes() && tried < self.http.tries() => {
                        self.http.pause(tried).await;
                        tried += 1;
                    }
                    made => break made?,
                }
            };
            Ok(GatewayOrder {
                data: json!({
                    "order_id": made.id, "key_id": self.account.key_id.as_str(),
                    "amount": made.amount, "currency": made.currency,
                }),
                gateway_order_id: made.id,
                other_order_id: None,
                expires_at: None,
            })
        }
        .boxed()
    }

    fn look_up<'a>(&'a self, order: &'a KnownOrder) -> Answer<'a, Vec<Event>> {
        async move {
            let ids = match &order.gateway_order_id {
                Some(id) => vec![id.clone()],
                None => {
                    let known = self.orders(&order.reference).await?.into_iter();
                    known.map(|order| order.id).collect()
                }
            };
            let mut events = Vec::new();
            for id in ids {
                let request = self.signed(self.http.get(&format!("/v1/orders/{id}/payments")));
                let payments: Collection<Box<RawValue>> = self.http.repeatable(request).await?;
                for payment in payments.items {
                    events.extend(self.event(&payment, order)?);
                }
            }
            Ok(events)
        }
        .boxed()
    }

    /// Razorpay's orders stay open for ever.
    fn close_order<'a>(&'a self, _: &'a KnownOrder) -> Answer<'a, Closed> {
        async { Ok(Closed::Unsupported) }.boxed()
    }

    fn refund<'a>(&'a self, refund: &'a NewRefund) -> Answer<'a, RefundResult> {
        async move {
            if refund.sent_before
                && let Some(found) = self.look_up_refund(&refund.known()).await?
            {
                return Ok(found);
            }
            let id = refund.refund_id.to_string();
            let body = json!({
                "amount": refund.amount_minor, "receipt": id,
                "notes": { REFUND_NOTE: id, REFERENCE_NOTE: refund.reference },
            });
            let payment = &refund.gateway_payment_id;
            let request = self
                .signed(self.http.post(&format!("/v1/payments/{payment}/refund")))
                .header("x-refund-idempotency", id)
                .json(&body);
            let made: Result<RefundEntity, _> = self.http.repeatable(request).await;
            // the first of two calls is still at work
            if refused_with(&made, 409) {
                return Err(GatewayError::Busy {
                    gateway: Gateway::Razorpay,
                    status: 409,
                });
            }
            self.result(&made?)
        }
        .boxed()
    }

    fn look_up_refund<'a>(&'a self, refund: &'a KnownRefund) -> Answer<'a, Option<RefundResult>> {
        async move {
            if let Some(id) = &refund.gateway_refund_id {
                let request = self.signed(self.http.get(&format!("/v1/refunds/{id}")));
                let found: RefundEntity = self.http.repeatable(request).await?;
                return self.result(&found).map(Some);
            }
            let path = format!("/v1/payments/{}/refunds", refund.gateway_payment_id);
            let request = self.signed(self.http.get(&path)).query(&[("count", "100")]);
            let refunds: Collection<RefundEntity> = self.http.repeatable(request).await?;
            let ours = refund.refund_id.to_string();
            let mut refunds = refunds.items.iter();
            let found = refunds.find(|one| {
                one.receipt.as_ref() == Some(&ours) || one.notes[REFUND_NOTE] == ours.as_str()
            });
            found.map(|found| self.result(found)).transpose()
        }
        .boxed()
    }
}

impl Razorpay {
    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        let (id, secret) = (&self.account.key_id, &self.account.key_secret);
        request.basic_auth(id.as_str(), Some(secret.as_str()))
    }

    fn order_request(&self, order: &NewOrder) -> RequestBuilder {
        self.signed(self.http.post("/v1/orders")).json(&json!({
            "amount": order.amount_minor, "currency": order.currency,
            "receipt": order.reference, "notes": { REFERENCE_NOTE: order.reference },
        }))
    }

    async fn orders(&self, reference: &str) -> Result<Vec<OrderEntity>, GatewayError> {
        let request = self.signed(self.http.get("/v1/orders"));
        let request = request.query(&[("receipt", reference)]);
        let known: Collection<OrderEntity> = self.http.repeatable(request).await?;
        Ok(known.items)
    }

    /// Writes a payment in the form of Razorpay's webhook.
    fn event(&self, payment: &RawValue, order: &KnownOrder) -> Result<Option<Event>, GatewayError> {
        let unreadable = |_| self.http.unreadable("a payment without a status");
        let status: Status = serde_json::from_str(payment.get()).map_err(unreadable)?;
        let name = match status.status.as_str() {
            "captured" => "payment.captured",
            "authorized" => "payment.authorized",
            "failed" => "payment.failed",
            // created: nobody paid; refunded: the shopper got the captured money back
            _ => return Ok(None),
        };
        let payment = payment.get();
        let body =
            format!(r#"{{"event":"{name}","payload":{{"payment":{{"entity":{payment}}}}}}}"#);
        let event = Gateway::Razorpay.adapter().event(body);
        let mut event = event.map_err(|reason| self.http.unreadable(&reason))?;
        event
            .reference
            .get_or_insert_with(|| order.reference.clone());
        Ok(Some(event))
    }

    fn result(&self, refund: &RefundEntity) -> Result<RefundResult, GatewayError> {
        let state = match refund.status.as_str() {
            "processed" => RefundState::Settled,
            "pending" => RefundState::Pending,
            "failed" => RefundState::Failed,
            _ => return Err(self.http.unreadable("a refund of an unknown status")),
        };
        Ok(RefundResult {
            gateway_refund_id: refund.id.clone(),
            state,
        })
    }
}
