//! Refunds and captures, for tests.

use operations::order::Order;
use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use operations::refund::{
    self, Claimed, GatewayAnswer, Reported, Request, RequestError, Requested,
};
use serde_json::Value;
use uuid::Uuid;

use crate::desk::actor;
use crate::{MAIN, TestDb, event, shop};

impl TestDb {
    /// An order of one unit that Stripe's payment `payment_id` has completed.
    pub async fn paid_order(&self, sku: &str, payment_id: &str) -> Order {
        let (_, order) = self.ordered(&[(sku, 1)]).await;
        let paid = event(&order, EventKind::Paid, payment_id);
        assert_eq!(self.stripe(&paid).await, Outcome::Completed);
        order
    }

    /// Records an event of Stripe about `main`.
    pub async fn stripe(&self, event: &Event) -> Outcome {
        let recorded =
            payment::record_event(&self.payments, &shop(MAIN), Gateway::Stripe, event).await;
        recorded.unwrap().outcome
    }

    /// The order's status.
    pub async fn order_status(&self, order: &Order) -> String {
        self.text(&format!(
            "select status from holdfast.orders where order_id = '{}'",
            order.order_id
        ))
        .await
    }

    /// Every refund of `main`, oldest first.
    pub async fn refunds(&self) -> Vec<Value> {
        let query = "select to_jsonb(r) from holdfast.refunds r order by created_at, refund_id";
        let rows = self.owner.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The only refund: its id, status and amount.
    pub async fn refund(&self) -> (Uuid, String, i64) {
        let query = "select refund_id, status, amount_minor from holdfast.refunds";
        let row = self.owner.query_one(query, &[]).await.unwrap();
        (row.get(0), row.get(1), row.get(2))
    }

    /// The clerk `meera` of `main` requests a refund of an order.
    ///
    /// # Errors
    /// The refusal of the routine.
    pub async fn ask(&self, order_id: Uuid, request: &Request) -> Result<Requested, RequestError> {
        refund::request(
            &self.desk(1).0,
            &shop(MAIN),
            order_id.into(),
            &actor("meera"),
            request,
        )
        .await
    }

    /// Claims the refunds that are to be sent now.
    pub async fn claimed(&self) -> Vec<Claimed> {
        refund::claim(&self.sweeper, &shop(MAIN), 100)
            .await
            .unwrap()
    }

    /// Reports the gateway's answer.
    pub async fn report(&self, refund_id: Uuid, result: &GatewayAnswer) -> Reported {
        refund::report(&self.sweeper, &shop(MAIN), refund_id, result)
            .await
            .unwrap()
    }

    /// The bodies of all messages of a topic.
    pub async fn announced(&self, topic: &str) -> Vec<Value> {
        let query = "select body from holdfast.outbox_messages where topic = $1
            order by created_at, subject";
        let rows = self.owner.query(query, &[&topic]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Makes every waiting refund due now, and gives up the claims of workers.
    pub async fn make_refunds_due(&self) {
        self.sql("update holdfast.refunds set next_try_at = now() - interval '1 second'")
            .await;
    }
}

/// A capture of a part of an order's total.
pub fn part(order: &Order, payment_id: &str, amount_minor: i64) -> Event {
    Event {
        amount_minor: Some(amount_minor),
        ..event(order, EventKind::Paid, payment_id)
    }
}

/// An event about a refund of one of Stripe's payments.
pub fn refund_event(
    kind: EventKind,
    payment_id: &str,
    gateway_refund_id: &str,
    refund_id: Option<Uuid>,
    amount_minor: i64,
) -> Event {
    let key = format!("{}:{gateway_refund_id}", kind.as_str());
    Event {
        amount_minor: Some(amount_minor),
        currency: Some("INR".to_owned()),
        gateway_payment_id: Some(payment_id.to_owned()),
        refund_id,
        gateway_refund_id: Some(gateway_refund_id.to_owned()),
        ..Event::new(key, kind, "{}".to_owned())
    }
}

/// A new refund of so much, or of all that is left.
pub fn ask_for(amount_minor: Option<i64>) -> Request {
    Request {
        refund_id: Uuid::new_v4().into(),
        amount_minor: amount_minor.map(|minor| minor.try_into().unwrap()),
        gateway_payment_id: None,
        restock: None,
        note: None,
        despite_dispute: None,
    }
}

/// The gateway has accepted it.
pub fn pending(gateway_refund_id: &str) -> GatewayAnswer {
    GatewayAnswer::Pending {
        gateway_refund_id: Some(gateway_refund_id.to_owned()),
    }
}

/// The gateway has paid it out.
pub fn settled(gateway_refund_id: &str) -> GatewayAnswer {
    GatewayAnswer::Settled {
        gateway_refund_id: Some(gateway_refund_id.to_owned()),
    }
}
