//! From the order to the end of its payment: the shopper's part, and the gateway's. At a simulated
//! gateway the shopper pays there, and the deployment learns of it from the gateway alone. Without
//! one, the drill signs and sends Cashfree's webhooks itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use simulator::cashfree::webhook::{self, Kind, Version};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Shopper, send_copies};
use crate::answers::{Answer, Order};
use crate::api::Webhook;
use crate::control::{Control, Try};
use crate::history::{Exchange, Forgery, MustRefuse, Request, When};
use crate::plan::{Captures, Ending, Event, Sending, ShopperPlan};
use crate::sale::{Counts, Sale};

/// How often the shop's thank-you page looks whether the money has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// Longer than the deployment needs to close a paid order at its gateway.
const SECOND_PAYMENT_AFTER: Duration = Duration::from_secs(6);

impl Shopper {
    pub(super) async fn order_and_pay(&mut self) {
        let Some(order) = self.order().await else {
            return;
        };
        match self.plan.ending {
            Ending::CancelOrder => self.release().await,
            // They pay when all others have left.
            Ending::PayLast => {}
            Ending::PayLate => {
                self.release().await;
                self.pay(&order).await;
            }
            _ => self.pay(&order).await,
        }
    }

    /// The end of a visit that waited for the end of the sale.
    pub(crate) async fn pay_last(&mut self) {
        let waited = self.plan.ending == Ending::PayLast;
        if let Some(order) = self.last_order().filter(|_| waited) {
            self.release().await;
            self.pay(&order).await;
        }
    }

    async fn order(&mut self) -> Option<Order> {
        let gateway = self.plan.gateway.as_str();
        let pay_at = self.sale.control.as_ref().map(|_| gateway);
        let (api, saves_address) = (&self.sale.api, self.plan.saves_address);
        let order = || api.order(self.checkout, saves_address, pay_at);
        let answers = send_copies(self.plan.order, order).await;
        let ordered = answers
            .iter()
            .find_map(|(_, answer)| answer.done().cloned());
        for (when, answer) in answers {
            self.note(when, Request::Order(answer));
        }
        if ordered.is_some() {
            Counts::add(&self.sale.counts.orders);
        }
        ordered
    }

    /// The gateway sends its webhooks as planned, while the shopper watches the order.
    async fn pay(&mut self, order: &Order) {
        let sale = Arc::clone(&self.sale);
        let cashfree = Cashfree::new(&sale, self, order);
        let due = self.plan.events.iter().filter(|event| {
            // A simulated gateway may never report a failed attempt.
            event.kind == Kind::Paid || sale.control.is_none()
        });
        let kinds = due.map(|event| event.kind);
        let due = kinds.filter(|kind| kind.status().is_some()).max();
        let due = due.and_then(Kind::status);
        let pay = async {
            match &sale.control {
                Some(control) => self.pay_at_gateway(control, order).await,
                None => cashfree.send_all().await,
            }
        };
        let (paid, watched) = tokio::join!(pay, watch_order(&sale, self.checkout, due));
        let unpaid = self.plan.ending == Ending::DropOut;
        let forgeries = if unpaid { &Forgery::ALL[..2] } else { &[] };
        let forged = cashfree.forge(forgeries).await;
        self.exchanges.extend(paid);
        let mut seen = watched.iter().filter_map(|(_, answer)| answer.done());
        if let Some(paid) = seen.find(|order| order.status == "paid") {
            Counts::add(&sale.counts.paid);
            sale.paid().push(paid.clone());
        }
        for (when, answer) in watched {
            self.note(when, Request::ReadOrder(answer));
        }
        self.exchanges.extend(forged);
    }

    /// Plays the planned attempts, one after another. A capture counts like an acknowledged
    /// webhook: it must end right, whether its webhook arrives or not.
    async fn pay_at_gateway(&self, control: &Control, order: &Order) -> Vec<Exchange> {
        // An answer shows no gateway's order when there is nothing left to pay.
        let orders = self.orders().filter(|o| o.order_id == order.order_id);
        let Some(made) = orders.filter_map(|o| o.gateway_order.as_ref()).next() else {
            return vec![];
        };
        let api = &self.sale.api;
        let mut exchanges = vec![];
        for event in &self.plan.events {
            let tries = tries(event.kind, self.plan.captures, order.total_minor);
            for (n, how) in tries.into_iter().enumerate() {
                let second = n > 0 && self.plan.captures == Captures::Twice;
                let thinks = self.plan.thinks;
                api.pause(if second { SECOND_PAYMENT_AFTER } else { thinks })
                    .await;
                let sent = api.now();
                let done = control.pay(&made.gateway_order_id, how).await;
                if let Err(reason) = &done {
                    eprintln!("holdfast drill: {}: {reason}", order.payment.reference);
                }
                let when = When {
                    first_sent: sent,
                    sent,
                    got: api.now(),
                    attempts: 1,
                };
                let request = Request::Webhook {
                    kind: event.kind,
                    copy: false,
                    status: done.is_ok().then_some(200),
                };
                exchanges.push(Exchange {
                    when,
                    checkout: self.checkout,
                    request,
                });
            }
        }
        exchanges
    }

    /// Sends every kind of forged webhook for this shopper's order, and a signed one on another
    /// shop's path.
    pub(crate) async fn forge(&mut self) {
        let Some(order) = self.last_order() else {
            return;
        };
        let cashfree = Cashfree::new(&self.sale, self, &order);
        let forged = cashfree.forge(&Forgery::ALL).await;
        let foreign = cashfree.send_to_other_shop().await;
        self.exchanges.extend(forged.into_iter().chain(foreign));
    }

    pub(crate) fn last_order(&self) -> Option<Order> {
        self.orders().last().cloned()
    }

    fn orders(&self) -> impl Iterator<Item = &Order> {
        self.exchanges.iter().filter_map(|e| match &e.request {
            Request::Order(answer) | Request::ReadOrder(answer) => answer.done(),
            _ => None,
        })
    }
}

/// The attempts at a simulated gateway that play one event.
fn tries(kind: Kind, captures: Captures, total_minor: i64) -> Vec<Try> {
    let ending = match kind {
        Kind::Paid => "paid",
        Kind::Failed => "failed",
        Kind::Dropped => "dropped",
        Kind::Pending => "pending",
    };
    let amount = None;
    let rest = Try { ending, amount };
    let amount = Some((total_minor / 3).max(1));
    match (kind, captures) {
        (Kind::Paid, Captures::Twice) => vec![rest, rest],
        (Kind::Paid, Captures::InParts) => vec![Try { ending, amount }, rest],
        _ => vec![rest],
    }
}

/// Reads the order until its payment has the status that is due, within the bound.
async fn watch_order(sale: &Sale, id: Uuid, due: Option<&str>) -> Vec<(When, Answer<Order>)> {
    let mut seen = vec![];
    let until = sale.api.now() + sale.settle;
    loop {
        sale.api.pause(LOOK_EVERY).await;
        let (when, answer) = sale.api.read_order(id).await;
        let status = answer.done().map(|order| order.payment.status.as_str());
        let ended = due.is_none() || status == due;
        seen.push((when, answer));
        if ended || sale.api.now() >= until || sale.api.out_of_time() {
            return seen;
        }
    }
}

/// Cashfree, for one order.
struct Cashfree<'a> {
    sale: &'a Sale,
    plan: &'a ShopperPlan,
    customer: &'a str,
    checkout: Uuid,
    order: &'a Order,
    at: OffsetDateTime,
}

impl<'a> Cashfree<'a> {
    fn new(sale: &'a Sale, shopper: &'a Shopper, order: &'a Order) -> Self {
        Self {
            sale,
            plan: &shopper.plan,
            customer: &shopper.customer,
            checkout: shopper.checkout,
            order,
            at: OffsetDateTime::now_utc(),
        }
    }

    /// An event signed with the shop's secret, sent so long after it happened.
    fn signed(&self, event: Event, after: Duration) -> Webhook<'static> {
        let facts = webhook::Facts {
            kind: event.kind,
            version: event.version,
            reference: &self.order.payment.reference,
            amount_minor: self.order.total_minor,
            currency: &self.order.currency,
            customer: self.customer,
            payment_id: self.sale.payment_id(self.plan.number, event.attempt),
            at: self.at,
        };
        let body = webhook::body(&facts);
        let timestamp = webhook::timestamp(self.at + after);
        let secret = &self.sale.webhook_secret;
        Webhook {
            shop: None,
            signature: Some(webhook::signature(secret, &timestamp, body.as_bytes())),
            body,
            timestamp,
            version: event.version.name(),
            idempotency_key: None,
        }
    }

    /// A success event that the plan does not have.
    fn success(&self) -> Webhook<'a> {
        let event = Event {
            kind: Kind::Paid,
            version: Version::V2025,
            attempt: u32::MAX,
        };
        Webhook {
            idempotency_key: Some("forged".to_owned()),
            ..self.signed(event, Duration::ZERO)
        }
    }

    async fn send_all(&self) -> Vec<Exchange> {
        let mut first = vec![true; self.plan.events.len()];
        let sent = self.plan.sendings.iter().filter_map(|sending| {
            let event = *self.plan.events.get(sending.event)?;
            let copy = !std::mem::take(first.get_mut(sending.event)?);
            Some(self.send(*sending, event, copy))
        });
        join_all(sent).await
    }

    async fn send(&self, sending: Sending, event: Event, copy: bool) -> Exchange {
        self.sale.api.pause(sending.after).await;
        let later = sending.signed_again.then_some(sending.after);
        let mut webhook = self.signed(event, later.unwrap_or_default());
        if event.version == Version::V2025 {
            let key = self.sale.event_key(self.plan.number, sending.event);
            webhook.idempotency_key = Some(key);
        }
        let kind = event.kind;
        self.exchange(&webhook, |status| Request::Webhook { kind, copy, status })
            .await
    }

    /// Success events with a wrong signature.
    async fn forge(&self, forgeries: &[Forgery]) -> Vec<Exchange> {
        let sent = forgeries.iter().map(|forgery| self.send_forged(*forgery));
        join_all(sent).await
    }

    async fn send_forged(&self, forgery: Forgery) -> Exchange {
        let mut forged = self.success();
        match forgery {
            Forgery::WrongSecret => {
                let (timestamp, body) = (&forged.timestamp, forged.body.as_bytes());
                let signature = webhook::signature("not the secret", timestamp, body);
                forged.signature = Some(signature);
            }
            Forgery::ChangedBody => forged.body = forged.body.replace("SUCCESS", "SUCCESS "),
            Forgery::TruncatedBody => forged.body.truncate(forged.body.len() / 2),
            Forgery::OtherTimestamp => {
                forged.timestamp = webhook::timestamp(self.at + Duration::from_secs(1));
            }
            Forgery::NoSignature => forged.signature = None,
        }
        self.send_probe(MustRefuse::Forgery(forgery), &forged).await
    }

    async fn send_to_other_shop(&self) -> Option<Exchange> {
        let shop = Some(self.sale.other_shop.as_deref()?);
        let webhook = Webhook {
            shop,
            ..self.success()
        };
        Some(self.send_probe(MustRefuse::OtherShopsPath, &webhook).await)
    }

    async fn send_probe(&self, probe: MustRefuse, webhook: &Webhook<'_>) -> Exchange {
        let code = String::new();
        let probe = |status| Request::Probe {
            probe,
            status,
            code,
        };
        self.exchange(webhook, probe).await
    }

    async fn exchange(
        &self,
        webhook: &Webhook<'_>,
        request: impl FnOnce(Option<u16>) -> Request,
    ) -> Exchange {
        let reply = self.sale.api.webhook(webhook).await;
        Exchange {
            when: reply.when,
            checkout: self.checkout,
            request: request(reply.status()),
        }
    }
}
