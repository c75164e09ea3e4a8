//! From the order to the end of its payment: the shopper's part, and the gateway's.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Shopper;
use crate::answers::{Order, Said};
use crate::api::Posted;
use crate::cashfree::{self, Kind};
use crate::history::{Fact, Forgery, Refusable, What, When};
use crate::plan::{Copies, Delivery, Ending, Event, ShopperPlan};
use crate::stage::{Counts, Stage};

/// The page that thanks for the order looks this often whether the money has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(400);

impl Shopper {
    pub(super) async fn order_and_pay(&mut self) {
        let Some(order) = self.order().await else {
            return;
        };
        match self.plan.ending {
            Ending::CancelOrder => self.release().await,
            // their time comes when the others have left
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
        if self.plan.ending != Ending::PayLast {
            return;
        }
        if let Some(order) = self.orders().last().cloned() {
            self.release().await;
            self.pay(&order).await;
        }
    }

    async fn order(&mut self) -> Option<Order> {
        let (together, afterwards) = match self.plan.order {
            Copies::Once => (1, 0),
            Copies::Together(copies) => (copies, 0),
            Copies::Afterwards(copies) => (1, copies - 1),
        };
        let pay_at = self.stage.control.is_some();
        let pay_at = pay_at.then_some(self.plan.gateway.as_str());
        let saves_address = self.plan.saves_address;
        let order = || self.stage.api.order(self.checkout, saves_address, pay_at);
        let mut answers = join_all((0..together).map(|_| order())).await;
        for _ in 0..afterwards {
            answers.push(order().await);
        }
        let ordered = answers.iter().find_map(|(_, said)| said.yes().cloned());
        for (when, answer) in answers {
            self.note(when, What::Order(answer));
        }
        if ordered.is_some() {
            Counts::add(&self.stage.counts.orders);
        }
        ordered
    }

    /// The gateway delivers its events as planned, while the shopper watches the order.
    async fn pay(&mut self, order: &Order) {
        let stage = Arc::clone(&self.stage);
        let gateway = Gateway::new(&stage, &self.plan, &self.customer, self.checkout, order);
        let events = self.plan.events.iter().map(|event| event.kind);
        let due = events
            .filter_map(Kind::status)
            .max_by_key(|status| rank(status))
            // that an attempt failed may never be told of
            .filter(|status| stage.control.is_none() || *status == "paid");
        let deliver = async {
            match &stage.control {
                Some(control) => self.pay_there(control, order).await,
                None => gateway.deliver().await,
            }
        };
        let (delivered, watched) = tokio::join!(deliver, watch_order(&stage, self.checkout, due));
        let unpaid = self.plan.ending == Ending::DropOut;
        let forgeries = if unpaid { &Forgery::ALL[..2] } else { &[] };
        let forged = gateway.forge(forgeries).await;
        self.facts.extend(delivered);
        let mut seen = watched.iter().filter_map(|(_, said)| said.yes());
        if let Some(paid) = seen.find(|order| order.status == "paid") {
            Counts::add(&stage.counts.paid);
            stage.paid().push(paid.clone());
        }
        for (when, answer) in watched {
            self.note(when, What::ReadOrder(answer));
        }
        self.facts.extend(forged);
    }

    /// Sends every kind of forged event for this shopper's order, when there is one.
    pub(crate) async fn forge(&mut self) {
        let Some(order) = self.orders().last().cloned() else {
            return;
        };
        let stage = Arc::clone(&self.stage);
        let plan = self.plan.clone();
        let customer = self.customer.clone();
        let gateway = Gateway::new(&stage, &plan, &customer, order.checkout_id, &order);
        self.facts.extend(gateway.forge(&Forgery::ALL).await);
        self.facts.extend(gateway.on_the_wrong_path().await);
    }

    pub(crate) fn has_ordered(&self) -> bool {
        self.orders().next().is_some()
    }

    pub(super) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.facts.iter().filter_map(|fact| match &fact.what {
            What::Order(said) | What::ReadOrder(said) => said.yes(),
            _ => None,
        })
    }
}

fn rank(status: &str) -> usize {
    ["dropped", "failed", "paid"]
        .iter()
        .position(|known| *known == status)
        .unwrap_or(0)
}

/// Reads the order until its payment has the status that is due, within the bound.
async fn watch_order(stage: &Stage, checkout: Uuid, due: Option<&str>) -> Vec<(When, Said<Order>)> {
    let mut seen = vec![];
    let until = stage.api.now() + stage.settle;
    loop {
        stage.api.pause(LOOK_EVERY).await;
        let (when, said) = stage.api.read_order(checkout).await;
        let ended = said
            .yes()
            .is_some_and(|order| Some(order.payment.status.as_str()) == due);
        seen.push((when, said));
        if ended || due.is_none() || stage.api.now() >= until || stage.api.out_of_time() {
            return seen;
        }
    }
}

/// Cashfree, for one order.
struct Gateway<'a> {
    stage: &'a Stage,
    plan: &'a ShopperPlan,
    customer: &'a str,
    checkout: Uuid,
    order: &'a Order,
    at: OffsetDateTime,
}

impl<'a> Gateway<'a> {
    fn new(
        stage: &'a Stage,
        plan: &'a ShopperPlan,
        customer: &'a str,
        checkout: Uuid,
        order: &'a Order,
    ) -> Self {
        Self {
            stage,
            plan,
            customer,
            checkout,
            order,
            at: OffsetDateTime::now_utc(),
        }
    }

    fn body(&self, event: Event, payment_id: u64) -> String {
        let facts = cashfree::Facts {
            kind: event.kind,
            version: event.version,
            reference: &self.order.payment.reference,
            amount_minor: self.order.total_minor,
            currency: &self.order.currency,
            customer: self.customer,
            payment_id,
            at: self.at,
        };
        cashfree::body(&facts)
    }

    async fn deliver(&self) -> Vec<Fact> {
        let mut first = vec![true; self.plan.events.len()];
        let sent = self.plan.deliveries.iter().filter_map(|delivery| {
            let event = *self.plan.events.get(delivery.event)?;
            let copy = !std::mem::take(first.get_mut(delivery.event)?);
            Some(self.post(*delivery, event, copy))
        });
        join_all(sent).await
    }

    async fn post(&self, delivery: Delivery, event: Event, copy: bool) -> Fact {
        self.stage.api.pause(delivery.after).await;
        let body = self.body(
            event,
            self.stage.payment_id(self.plan.number, event.attempt),
        );
        let again = if delivery.signed_again {
            delivery.after
        } else {
            Duration::ZERO
        };
        let timestamp = cashfree::timestamp(self.at + again);
        let signature = cashfree::signature(&self.stage.secret, &timestamp, body.as_bytes());
        let key = self.stage.event_key(self.plan.number, delivery.event);
        let newer = event.version == cashfree::Version::V2025;
        let reply = self
            .stage
            .api
            .webhook(&Posted {
                shop: None,
                body: &body,
                timestamp: &timestamp,
                signature: Some(&signature),
                version: event.version.name(),
                idempotency_key: newer.then_some(key.as_str()),
            })
            .await;
        let what = What::Webhook {
            kind: event.kind,
            copy,
            status: reply.status(),
        };
        Fact {
            when: reply.when,
            checkout: self.checkout,
            what,
        }
    }

    /// Success events that nobody signed with the secret, as they are.
    async fn forge(&self, forgeries: &[Forgery]) -> Vec<Fact> {
        let sent = forgeries.iter().map(|forgery| self.forged(*forgery));
        join_all(sent).await
    }

    async fn forged(&self, forgery: Forgery) -> Fact {
        let event = Event {
            kind: Kind::Paid,
            version: cashfree::Version::V2025,
            attempt: u32::MAX,
        };
        let mut body = self.body(event, self.stage.payment_id(self.plan.number, u32::MAX));
        let mut timestamp = cashfree::timestamp(self.at);
        let secret = match forgery {
            Forgery::WrongSecret => "not the secret",
            _ => &self.stage.secret,
        };
        let signature = cashfree::signature(secret, &timestamp, body.as_bytes());
        match forgery {
            Forgery::ChangedBody => body = body.replace("SUCCESS", "SUCCESS "),
            Forgery::TruncatedBody => body.truncate(body.len() / 2),
            Forgery::OtherTimestamp => {
                timestamp = cashfree::timestamp(self.at + Duration::from_secs(1));
            }
            Forgery::WrongSecret | Forgery::NoSignature => {}
        }
        let signature = (forgery != Forgery::NoSignature).then_some(signature.as_str());
        self.probe(
            Refusable::Forgery(forgery),
            None,
            &body,
            &timestamp,
            signature,
        )
        .await
    }

    /// A genuine event of this shop, on another shop's path.
    async fn on_the_wrong_path(&self) -> Option<Fact> {
        let other = self.stage.other_shop.as_deref()?;
        let event = Event {
            kind: Kind::Paid,
            version: cashfree::Version::V2025,
            attempt: u32::MAX,
        };
        let body = self.body(event, self.stage.payment_id(self.plan.number, u32::MAX));
        let timestamp = cashfree::timestamp(self.at);
        let signature = cashfree::signature(&self.stage.secret, &timestamp, body.as_bytes());
        let probe = Refusable::OtherShopsPath;
        Some(
            self.probe(probe, Some(other), &body, &timestamp, Some(&signature))
                .await,
        )
    }

    async fn probe(
        &self,
        probe: Refusable,
        shop: Option<&str>,
        body: &str,
        timestamp: &str,
        signature: Option<&str>,
    ) -> Fact {
        let version = cashfree::Version::V2025.name();
        let event = Posted {
            shop,
            body,
            timestamp,
            signature,
            version,
            idempotency_key: Some("forged"),
        };
        let reply = self.stage.api.webhook(&event).await;
        let what = What::Probe {
            probe,
            status: reply.status(),
            code: String::new(),
        };
        Fact {
            when: reply.when,
            checkout: self.checkout,
            what,
        }
    }
}
