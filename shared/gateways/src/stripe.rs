//! Stripe's API: checkout sessions or payment intents, and refunds. Calls carry idempotency keys,
//! which Stripe keeps for at least a day. After that, a refund is found by its metadata. Stripe
//! keeps the first result under a key, also a refusal or a 500. So a new attempt needs a new key,
//! and a call that may still be at work needs the same key.
//!
//! Sources: Stripe's API reference (sessions, payment intents, refunds, idempotent requests,
//! errors) and its official library.

use futures_util::FutureExt as _;
use operations::payment::event::{REFERENCE_NOTE, REFUND_NOTE};
use operations::payment::stripe::amount::stripe_from_minor;
use operations::payment::{Event, Gateway};
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::credential::{Credential, ModeMark, live_by_default};
use crate::http::Http;
use crate::{
    Answer, Api, Closed, GatewayError, GatewayOrder, KnownOrder, KnownRefund, NewOrder, NewRefund,
    RefundResult, RefundState,
};

/// Refunds of one payment that are searched. No payment has as many.
const REFUNDS_MAX: &str = "100";
/// Stripe's sessions live at least 30 minutes from their creation, plus a minute for the call. If a
/// session outlives the hold, the sweeper closes it.
const SESSION_S_MIN: i64 = 31 * 60;
/// Sessions live less than a day. The end is counted from the last full hour, so a repeated call
/// asks for the same end.
const SESSION_S_MAX: i64 = 23 * HOUR_S;
const HOUR_S: i64 = 3600;

/// The shop's account, as in `GATEWAYS`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    pub(crate) base_url: String,
    /// Whether the account moves real money. Otherwise it is of the test mode.
    #[serde(default = "live_by_default")]
    live: bool,
    secret_key: Credential,
    /// The page to which Stripe's page sends the shopper back. With it, an order is a hosted
    /// session. Without it, an order is an intent, for a page of the storefront's own.
    return_url: Option<String>,
}

impl Account {
    pub(crate) fn check_mode(&self) -> Result<(), String> {
        const MARK: ModeMark = ModeMark {
            field: "secret_key",
            live: &["sk_live_", "rk_live_"],
            test: &["sk_test_", "rk_test_"],
        };
        MARK.check(self.secret_key.as_str(), self.live)
    }
}

/// An account at Stripe.
pub(crate) struct Stripe {
    pub(crate) http: Http,
    pub(crate) account: Account,
}

#[derive(Deserialize)]
struct Made {
    id: String,
    url: Option<String>,
    client_secret: Option<String>,
    expires_at: Option<i64>,
}

#[derive(Deserialize)]
struct Status {
    status: String,
    last_payment_error: Option<Value>,
    livemode: Option<bool>,
}

#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
struct RefundObject {
    id: String,
    status: Option<String>,
    #[serde(default)]
    metadata: Value,
}

/// Earlier keys of a refund that are asked before its next one is used. The results of still
/// earlier keys are final: the pause between two attempts doubles.
const KEYS_ASKED_AGAIN: u32 = 5;

type Form = Vec<(&'static str, String)>;

impl Api for Stripe {
    fn create_order<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, GatewayOrder> {
        async move {
            let amount = stripe_from_minor(order.amount_minor, &order.currency);
            let amount = amount.ok_or_else(|| unfit("Stripe does not take its amount"))?;
            let end = end_of(order);
            let (path, form) = match &self.account.return_url {
                Some(url) => ("/v1/checkout/sessions", session(order, amount, url, end)),
                None => ("/v1/payment_intents", intent(order, amount)),
            };
            // another end is another session, so the key must be another one
            let of_end = end.unwrap_or(0);
            let key = format!("holdfast-order-{}-{amount}-{of_end}", order.reference);
            // even if a 500 created one, no shopper saw it
            let mut attempt = 0;
            let made: Made = loop {
                let made = self.post(path, &form, &numbered(&key, attempt)).await;
                attempt += 1;
                if !made.as_ref().is_err_and(failed_inside) || attempt >= self.http.tries() {
                    break made?;
                }
            };
            let data = match (made.url, made.client_secret) {
                (Some(url), _) => json!({ "url": url }),
                (None, Some(secret)) => json!({ "client_secret": secret }),
                (None, None) => return Err(self.http.unreadable("no url and no client_secret")),
            };
            Ok(GatewayOrder {
                gateway_order_id: made.id,
                other_order_id: None,
                data,
                expires_at: made
                    .expires_at
                    .and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
            })
        }
        .boxed()
    }

    fn look_up<'a>(&'a self, order: &'a KnownOrder) -> Answer<'a, Vec<Event>> {
        async move {
            let objects: Vec<Box<RawValue>> = match &order.gateway_order_id {
                Some(id) => {
                    let request = self.signed(self.http.get(&path(id)?));
                    match self.http.repeatable(request).await {
                        Err(GatewayError::NotFound(_)) => Vec::new(),
                        object => vec![object?],
                    }
                }
                None => self.intents_of(&order.reference).await?,
            };
            let events = objects
                .iter()
                .filter_map(|object| self.event(object, order).transpose());
            events.collect()
        }
        .boxed()
    }

    fn close_order<'a>(&'a self, order: &'a KnownOrder) -> Answer<'a, Closed> {
        async move {
            let Some(id) = &order.gateway_order_id else {
                return Ok(Closed::Unsupported);
            };
            let (path, verb) = (path(id)?, if is_session(id) { "expire" } else { "cancel" });
            let closing = self.signed(self.http.post(&format!("{path}/{verb}")));
            let closed: Result<Status, _> = self.http.repeatable(closing).await;
            let status = match closed {
                // closed before, or paid: the status says which
                Err(GatewayError::Refused { .. }) => {
                    let request = self.signed(self.http.get(&path));
                    self.http.repeatable::<Status>(request).await?
                }
                Err(GatewayError::NotFound(_)) => return Ok(Closed::Closed),
                closed => closed?,
            };
            Ok(match status.status.as_str() {
                "expired" | "canceled" => Closed::Closed,
                "complete" | "succeeded" | "processing" | "requires_capture" => Closed::Paid,
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
            let amount = stripe_from_minor(refund.amount_minor, &refund.currency);
            let amount = amount.ok_or_else(|| unfit("Stripe does not take its amount"))?;
            let payment = refund.gateway_payment_id.clone();
            let form: Form = vec![
                (of_payment(&payment), payment.clone()),
                ("amount", amount.to_string()),
                ("metadata[refund_id]", refund.refund_id.to_string()),
                ("metadata[reference]", refund.reference.clone()),
            ];
            let (id, last) = (refund.refund_id.to_string(), refund.earlier_attempts);
            // an earlier call whose answer was lost may be at work: its key tells
            let mut attempt = last.saturating_sub(KEYS_ASKED_AGAIN);
            loop {
                let key = numbered(&id, attempt);
                match self.post("/v1/refunds", &form, &key).await {
                    Err(error) if is_over(&error) && attempt < last => attempt += 1,
                    made => break self.result(&made?),
                }
                if let Some(found) = self.look_up_refund(&refund.known()).await? {
                    break Ok(found);
                }
            }
        }
        .boxed()
    }

    fn look_up_refund<'a>(&'a self, refund: &'a KnownRefund) -> Answer<'a, Option<RefundResult>> {
        async move {
            if let Some(id) = &refund.gateway_refund_id {
                let request = self.signed(self.http.get(&format!("/v1/refunds/{id}")));
                return match self.http.repeatable(request).await {
                    Err(GatewayError::NotFound(_)) => Ok(None),
                    found => self.result(&found?).map(Some),
                };
            }
            let payment = &refund.gateway_payment_id;
            let query = [
                (of_payment(payment), payment.as_str()),
                ("limit", REFUNDS_MAX),
            ];
            let request = self.signed(self.http.get("/v1/refunds")).query(&query);
            let list: List<RefundObject> = self.http.repeatable(request).await?;
            let ours = refund.refund_id.to_string();
            let mut refunds = list.data.iter();
            let found = refunds.find(|one| one.metadata[REFUND_NOTE] == ours.as_str());
            found.map(|found| self.result(found)).transpose()
        }
        .boxed()
    }
}

impl Stripe {
    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.account.secret_key.as_str())
    }

    /// Posts under an idempotency key. A 500 is not repeated: the key would return it again.
    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Form,
        key: &str,
    ) -> Result<T, GatewayError> {
        let request = self.signed(self.http.post(path));
        let request = request.header("idempotency-key", key).form(form);
        let again = |error: &GatewayError| error.passes() && !failed_inside(error);
        self.http.repeat(request, again).await
    }

    /// The intents of a reference that the storefront created. Stripe's search lags by up to a
    /// minute and does not exist in every country. Then it finds nothing.
    async fn intents_of(&self, reference: &str) -> Result<Vec<Box<RawValue>>, GatewayError> {
        let query = format!("metadata['{REFERENCE_NOTE}']:'{reference}'");
        let request = self
            .signed(self.http.get("/v1/payment_intents/search"))
            .query(&[("query", query)]);
        match self.http.repeatable::<List<Box<RawValue>>>(request).await {
            Err(GatewayError::Refused { .. }) => Ok(Vec::new()),
            found => found.map(|list| list.data),
        }
    }

    /// Writes a session or an intent in the form of Stripe's webhook. `None` while nothing
    /// happened.
    fn event(&self, object: &RawValue, order: &KnownOrder) -> Result<Option<Event>, GatewayError> {
        let unreadable = |_| self.http.unreadable("an object without a status");
        let status: Status = serde_json::from_str(object.get()).map_err(unreadable)?;
        if status.livemode != Some(self.account.live) {
            return Err(self.http.unreadable("its livemode is not the account's"));
        }
        let name = match status.status.as_str() {
            "complete" => "checkout.session.completed",
            "expired" => "checkout.session.expired",
            "succeeded" => "payment_intent.succeeded",
            "processing" => "payment_intent.processing",
            "canceled" => "payment_intent.canceled",
            "requires_payment_method" if status.last_payment_error.is_some() => {
                "payment_intent.payment_failed"
            }
            _ => return Ok(None),
        };
        let object = object.get();
        let body = format!(r#"{{"object":"event","type":"{name}","data":{{"object":{object}}}}}"#);
        let event = Gateway::Stripe.adapter().event(body);
        let mut event = event.map_err(|reason| self.http.unreadable(&reason))?;
        event
            .reference
            .get_or_insert_with(|| order.reference.clone());
        Ok(Some(event))
    }

    fn result(&self, refund: &RefundObject) -> Result<RefundResult, GatewayError> {
        let state = match refund.status.as_deref() {
            Some("succeeded") => RefundState::Settled,
            Some("pending" | "requires_action") => RefundState::Pending,
            Some("failed" | "canceled") => RefundState::Failed,
            _ => return Err(self.http.unreadable("a refund of an unknown status")),
        };
        Ok(RefundResult {
            gateway_refund_id: refund.id.clone(),
            state,
        })
    }
}

fn unfit(reason: &'static str) -> GatewayError {
    GatewayError::Unfit {
        gateway: Gateway::Stripe,
        reason,
    }
}

/// The key of an attempt, counted from 0.
fn numbered(key: &str, attempt: u32) -> String {
    match attempt {
        0 => key.to_owned(),
        _ => format!("{key}-{attempt}"),
    }
}

/// A 500: Stripe keeps it and returns it under the same key again.
fn failed_inside(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Busy { status: 500, .. })
}

/// A kept result that is no refund. This key will never make one.
fn is_over(error: &GatewayError) -> bool {
    let refused = matches!(
        error,
        GatewayError::Refused { .. } | GatewayError::NotFound(_)
    );
    refused || failed_inside(error)
}

fn is_session(id: &str) -> bool {
    id.starts_with("cs_")
}

fn path(id: &str) -> Result<String, GatewayError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !id.bytes().all(fits) {
        return Err(unfit("its id is not one of Stripe's"));
    }
    Ok(if is_session(id) {
        format!("/v1/checkout/sessions/{id}")
    } else {
        format!("/v1/payment_intents/{id}")
    })
}

/// Old charges have no intent.
fn of_payment(id: &str) -> &'static str {
    if id.starts_with("ch_") || id.starts_with("py_") {
        "charge"
    } else {
        "payment_intent"
    }
}

/// The end of a session, in seconds of Unix time. It lies late enough whenever the session is
/// created, and a repeated call computes the same end. For a hold of nearly a day or more, it is
/// the same within the hour.
fn end_of(order: &NewOrder) -> Option<i64> {
    let hour = order.now.unix_timestamp().div_euclid(HOUR_S) * HOUR_S;
    order
        .expires_at
        .map(|at| (at.unix_timestamp() + SESSION_S_MIN).min(hour + SESSION_S_MAX))
}

fn session(order: &NewOrder, amount: i64, return_url: &str, end: Option<i64>) -> Form {
    let reference = || order.reference.clone();
    let mut form = vec![
        ("mode", "payment".to_owned()),
        ("success_url", return_url.to_owned()),
        ("cancel_url", return_url.to_owned()),
        ("client_reference_id", reference()),
        ("metadata[reference]", reference()),
        ("payment_intent_data[metadata][reference]", reference()),
        ("line_items[0][quantity]", "1".to_owned()),
        (
            "line_items[0][price_data][currency]",
            order.currency.to_ascii_lowercase(),
        ),
        ("line_items[0][price_data][unit_amount]", amount.to_string()),
        (
            "line_items[0][price_data][product_data][name]",
            format!("Order {}", order.reference),
        ),
    ];
    if let Some(end) = end {
        form.push(("expires_at", end.to_string()));
    }
    form
}

fn intent(order: &NewOrder, amount: i64) -> Form {
    vec![
        ("amount", amount.to_string()),
        ("currency", order.currency.to_ascii_lowercase()),
        ("metadata[reference]", order.reference.clone()),
        ("automatic_payment_methods[enabled]", "true".to_owned()),
    ]
}
