//! Cashfree's API, version 2025-01-01. Orders and refunds carry our ids. So creating one twice has
//! one effect, and it can be found again.
//!
//! Sources: Cashfree's API reference (create, get and terminate order, payments of an order, create
//! and get refund) and its official library.

use data_encoding::HEXLOWER;
use futures_util::FutureExt as _;
use operations::ids::Shop;
use operations::money;
use operations::payment::{Event, Gateway};
use reqwest::{RequestBuilder, Url};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::credential::{Credential, ModeMark, live_by_default};
use crate::http::{Http, refused_with};
use crate::{
    Answer, Api, Closed, GatewayError, GatewayOrder, KnownOrder, KnownRefund, NewOrder, NewRefund,
    RefundResult, RefundState,
};

const API_VERSION: &str = "2025-01-01";
/// Hex digits of a customer's id. Cashfree accepts 3 to 50 characters.
const CUSTOMER_CHARS: usize = 32;

/// The shop's account, as in `GATEWAYS`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    pub(crate) base_url: String,
    /// Whether the account moves real money. Otherwise it is of the test mode.
    #[serde(default = "live_by_default")]
    live: bool,
    client_id: Credential,
    client_secret: Credential,
}

impl Account {
    pub(crate) fn check_mode(&self) -> Result<(), String> {
        const MARK: ModeMark = ModeMark {
            field: "base_url",
            live: &["api.cashfree.com"],
            test: &["sandbox.cashfree.com"],
        };
        let url = Url::parse(&self.base_url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        MARK.check(host, self.live)
    }
}

/// An account at Cashfree.
pub(crate) struct Cashfree {
    pub(crate) http: Http,
    pub(crate) account: Account,
    pub(crate) shop: Shop,
}

#[derive(Serialize)]
struct OrderRequest<'a> {
    order_id: &'a str,
    order_amount: Box<RawValue>,
    order_currency: &'a str,
    customer_details: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_expiry_time: Option<String>,
}

#[derive(Serialize)]
struct RefundRequest<'a> {
    refund_id: String,
    refund_amount: Box<RawValue>,
    refund_note: &'a str,
}

/// The fields that Holdfast uses. Amounts stay as Cashfree wrote them.
#[derive(Deserialize, Serialize)]
struct OrderEntity {
    order_id: String,
    /// Cashfree's own id: a text, or a number in older versions.
    #[serde(default, skip_serializing)]
    cf_order_id: Value,
    order_amount: Box<RawValue>,
    order_currency: String,
    #[serde(skip_serializing)]
    order_status: String,
    #[serde(default, skip_serializing)]
    payment_session_id: Option<String>,
    #[serde(default, skip_serializing)]
    order_expiry_time: Option<String>,
}

#[derive(Deserialize)]
struct PaymentStatus {
    payment_status: String,
}

#[derive(Deserialize)]
struct RefundEntity {
    cf_refund_id: Value,
    refund_status: String,
}

impl Api for Cashfree {
    fn create_order<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, GatewayOrder> {
        async move {
            let expiry = order.expires_at.map(|at| at.format(&Rfc3339)).transpose();
            let phone = order.phone.as_deref();
            let phone = phone.ok_or_else(|| unfit("it lacks the customer's phone"))?;
            let request = OrderRequest {
                order_id: &order.reference,
                order_amount: amount(order.amount_minor, &order.currency)?,
                order_currency: &order.currency,
                customer_details: json!({
                    "customer_id": customer_id(&self.shop, &order.customer),
                    "customer_phone": phone,
                }),
                order_expiry_time: expiry.map_err(|_| unfit("its end is not a time"))?,
            };
            let made = self
                .http
                .repeatable(self.signed(self.http.post("/pg/orders")).json(&request))
                .await;
            // it exists: the answer to an earlier call was lost, or its idempotency key is
            // forgotten
            let made: OrderEntity = if refused_with(&made, 409) {
                still_payable(self.order(&order.reference).await?)?
            } else {
                made?
            };
            let minor = money::minor_from_major(made.order_amount.get(), &made.order_currency);
            if minor != Ok(order.amount_minor) || made.order_currency != order.currency {
                return Err(unfit("an order of this id and another amount is there"));
            }
            let session = made.payment_session_id;
            let session = session.ok_or_else(|| self.http.unreadable("no payment_session_id"))?;
            let expiry = made.order_expiry_time.as_deref();
            Ok(GatewayOrder {
                gateway_order_id: made.order_id,
                other_order_id: id_text(&made.cf_order_id),
                data: json!({ "payment_session_id": session }),
                expires_at: expiry.and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok()),
            })
        }
        .boxed()
    }

    fn look_up<'a>(&'a self, order: &'a KnownOrder) -> Answer<'a, Vec<Event>> {
        async move {
            let found = match self.order(&order.reference).await {
                Err(GatewayError::NotFound(_)) => return Ok(Vec::new()),
                found => found?,
            };
            let path = format!("/pg/orders/{}/payments", order.reference);
            let payments: Vec<Box<RawValue>> = self
                .http
                .repeatable(self.signed(self.http.get(&path)))
                .await?;
            let events = payments
                .iter()
                .filter_map(|payment| self.event(&found, payment).transpose());
            events.collect()
        }
        .boxed()
    }

    fn close_order<'a>(&'a self, order: &'a KnownOrder) -> Answer<'a, Closed> {
        async move {
            let path = format!("/pg/orders/{}", order.reference);
            let request = self
                .signed(self.http.patch(&path))
                .json(&json!({ "order_status": "TERMINATED" }));
            let closed: OrderEntity = match self.http.repeatable(request).await {
                // for any reason that Cashfree cannot terminate the order: its status says more
                Err(GatewayError::Refused { .. }) => self.order(&order.reference).await?,
                Err(GatewayError::NotFound(_)) => return Ok(Closed::Closed),
                closed => closed?,
            };
            Ok(match closed.order_status.as_str() {
                "TERMINATED" | "EXPIRED" => Closed::Closed,
                // the latter while an attempt to pay is under way
                "PAID" | "TERMINATION_REQUESTED" => Closed::Paid,
                _ => Closed::StillOpen,
            })
        }
        .boxed()
    }

    fn refund<'a>(&'a self, refund: &'a NewRefund) -> Answer<'a, RefundResult> {
        async move {
            if refund.sent_before
                && let Some(found) = self.look_up_refund(&refund.known()).await?
            {
                return Ok(found);
            }
            let path = format!("/pg/orders/{}/refunds", refund.reference);
            let body = RefundRequest {
                refund_id: refund.refund_id.to_string(),
                refund_amount: amount(refund.amount_minor, &refund.currency)?,
                refund_note: &refund.reason,
            };
            let request = self
                .signed(self.http.post(&path))
                .header("x-idempotency-key", refund.refund_id.to_string())
                .json(&body);
            let made: Result<RefundEntity, _> = self.http.repeatable(request).await;
            // a refund with our id exists: it is this one
            if refused_with(&made, 409)
                && let Some(found) = self.look_up_refund(&refund.known()).await?
            {
                return Ok(found);
            }
            self.result(&made?)
        }
        .boxed()
    }

    fn look_up_refund<'a>(&'a self, refund: &'a KnownRefund) -> Answer<'a, Option<RefundResult>> {
        async move {
            let (order, id) = (&refund.reference, refund.refund_id);
            let path = format!("/pg/orders/{order}/refunds/{id}");
            let found = self.http.repeatable(self.signed(self.http.get(&path)));
            match found.await {
                Err(GatewayError::NotFound(_)) => Ok(None),
                found => self.result(&found?).map(Some),
            }
        }
        .boxed()
    }
}

impl Cashfree {
    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request
            .header("x-api-version", API_VERSION)
            .header("x-client-id", self.account.client_id.as_str())
            .header("x-client-secret", self.account.client_secret.as_str())
    }

    async fn order(&self, reference: &str) -> Result<OrderEntity, GatewayError> {
        let path = format!("/pg/orders/{reference}");
        self.http
            .repeatable(self.signed(self.http.get(&path)))
            .await
    }

    /// Writes an attempt to pay in the form of Cashfree's webhook.
    fn event(
        &self,
        order: &OrderEntity,
        payment: &RawValue,
    ) -> Result<Option<Event>, GatewayError> {
        let status: PaymentStatus = serde_json::from_str(payment.get())
            .map_err(|_| self.http.unreadable("a payment without a status"))?;
        let kind = match status.payment_status.as_str() {
            "SUCCESS" | "PENDING" => "PAYMENT_SUCCESS_WEBHOOK",
            "FAILED" => "PAYMENT_FAILED_WEBHOOK",
            "USER_DROPPED" => "PAYMENT_USER_DROPPED_WEBHOOK",
            _ => return Ok(None),
        };
        let order = serde_json::to_string(order)
            .map_err(|_| self.http.unreadable("an order that can't be written"))?;
        let payment = payment.get();
        let body = format!(r#"{{"data":{{"order":{order},"payment":{payment}}},"type":"{kind}"}}"#);
        let event = Gateway::Cashfree.adapter().event(body);
        event
            .map(Some)
            .map_err(|reason| self.http.unreadable(&reason))
    }

    fn result(&self, refund: &RefundEntity) -> Result<RefundResult, GatewayError> {
        let id = id_text(&refund.cf_refund_id)
            .ok_or_else(|| self.http.unreadable("a refund without cf_refund_id"))?;
        let state = match refund.refund_status.as_str() {
            "SUCCESS" => RefundState::Settled,
            "PENDING" | "ONHOLD" => RefundState::Pending,
            "CANCELLED" | "FAILED" => RefundState::Failed,
            _ => return Err(self.http.unreadable("a refund of an unknown status")),
        };
        Ok(RefundResult {
            gateway_refund_id: id,
            state,
        })
    }
}

/// An id, which is a text or a number, depending on the version.
fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn unfit(reason: &'static str) -> GatewayError {
    GatewayError::Unfit {
        gateway: Gateway::Cashfree,
        reason,
    }
}

/// An order that exists may be over. Its page then takes no money.
fn still_payable(order: OrderEntity) -> Result<OrderEntity, GatewayError> {
    match order.order_status.as_str() {
        "ACTIVE" => Ok(order),
        "PAID" => Err(unfit("its order there is paid already")),
        _ => Err(unfit("its order there is closed or has expired")),
    }
}

/// The customer's id for Cashfree. Cashfree accepts only letters, digits, `_` and `-`, and our id
/// may be an e-mail address. The same customer of a shop always gets the same id, and another one
/// in another shop.
fn customer_id(shop: &Shop, customer: &str) -> String {
    let digest = Sha256::digest(format!("{}/{customer}", shop.as_str()));
    let mut id = HEXLOWER.encode(&digest);
    id.truncate(CUSTOMER_CHARS);
    id
}

/// A JSON number, exact.
fn amount(minor: i64, currency: &str) -> Result<Box<RawValue>, GatewayError> {
    let major = money::major_from_minor(minor, currency);
    RawValue::from_string(major).map_err(|_| unfit("its amount is not a number"))
}
