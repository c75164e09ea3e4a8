//! What became of the money: the simulated gateways' own account of it beside the deployment's.
//! Judged by `checks/endings.rs`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::checks;

/// Both accounts, at one moment near the end of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    /// What the gateways say.
    pub(crate) world: World,
    /// What the database says.
    pub(crate) ledger: Ledger,
    /// Of the queue of events; none when nobody can count them.
    pub(crate) queues: Option<Queues>,
    /// For how long the database was stopped.
    pub(crate) outage_s: f64,
}

/// The simulator's `GET /control/state`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct World {
    pub(crate) orders: Vec<GatewayOrder>,
    pub(crate) payments: Vec<Attempt>,
    pub(crate) refunds: Vec<GatewayRefund>,
    pub(crate) webhooks: BTreeMap<String, Webhooks>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct GatewayOrder {
    pub(crate) id: String,
    pub(crate) reference: String,
}

/// An attempt to pay.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) gateway: String,
    pub(crate) attempt: String,
    /// What the shop knows it by.
    pub(crate) id: String,
    /// The gateway's order.
    pub(crate) order: String,
    /// In hundredths: the rehearsal sells in a currency that has them.
    pub(crate) amount: i64,
    pub(crate) ending: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct GatewayRefund {
    pub(crate) gateway: String,
    pub(crate) id: String,
    pub(crate) attempt: String,
    pub(crate) amount: i64,
    pub(crate) state: String,
}

/// What became of one gateway's webhooks.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Webhooks {
    pub(crate) written: u64,
    pub(crate) lost: u64,
    pub(crate) copies: u64,
    pub(crate) arrived: u64,
    pub(crate) given_up: u64,
}

/// The messages of the deployment's queue of events.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Queues {
    pub(crate) waiting: u64,
    pub(crate) dead: u64,
}

/// What the database knows of the shop's money and goods.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// By reference.
    pub(crate) orders: BTreeMap<String, BookedOrder>,
    /// Gateway and the gateway's payment id, with the amount.
    pub(crate) captures: BTreeMap<(String, String), i64>,
    pub(crate) refunds: Vec<BookedRefund>,
    /// Holds that are over and not let go.
    pub(crate) overdue: i64,
    /// Events that wait for their order to be known.
    pub(crate) parked: i64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct BookedOrder {
    pub(crate) status: String,
    pub(crate) total_minor: i64,
    pub(crate) lines: BTreeMap<String, i64>,
    /// By sku: how often the ledger says that it was sold, and the units.
    pub(crate) sold: BTreeMap<String, (i64, i64)>,
}

/// One that is not void.
#[derive(Clone, Debug)]
pub(crate) struct BookedRefund {
    pub(crate) reference: String,
    pub(crate) gateway: String,
    pub(crate) amount_minor: i64,
    pub(crate) status: String,
    pub(crate) gateway_refund_id: Option<String>,
}

/// How a capture ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its order is paid with it.
    Paid,
    /// All of it went back.
    Refunded,
    /// It goes back, and the deployment says so.
    Owed,
    None,
}

impl Books {
    /// Whether there is nothing left to wait for.
    pub(crate) fn are_in_order(&self) -> bool {
        let all_settled = self.ledger.refunds.iter().all(|r| r.status == "settled");
        let right = [
            checks::every_capture_ends_once(self),
            checks::refunds_add_up(self),
            checks::sold_once(self),
            checks::nothing_is_left_over(self),
        ];
        all_settled && right.iter().all(|checked| checked.wrong.is_empty())
    }

    /// The captures: attempts that are paid, with the reference of their order.
    pub(crate) fn captures(&self) -> impl Iterator<Item = (&Attempt, &str)> {
        let references: BTreeMap<&str, &str> = self
            .world
            .orders
            .iter()
            .map(|order| (order.id.as_str(), order.reference.as_str()))
            .collect();
        let paid = self.world.payments.iter().filter(|p| p.ending == "paid");
        paid.map(move |payment| {
            let reference = references.get(payment.order.as_str());
            (payment, reference.copied().unwrap_or_default())
        })
    }

    /// How much of an attempt went back.
    pub(crate) fn settled(&self, attempt: &Attempt) -> i64 {
        let refunds = self.world.refunds.iter();
        let of = refunds.filter(|refund| {
            refund.attempt == attempt.attempt
                && refund.gateway == attempt.gateway
                && refund.state == "settled"
        });
        of.map(|refund| refund.amount).sum()
    }

    /// How much of an order the deployment says that it still has to give back.
    pub(crate) fn owed(&self, reference: &str) -> i64 {
        let refunds = self.ledger.refunds.iter();
        let of = refunds.filter(|refund| {
            refund.reference == reference && !matches!(refund.status.as_str(), "settled" | "failed")
        });
        of.map(|refund| refund.amount_minor).sum()
    }

    /// The end of one capture, as far as it can be told from those of its order's others.
    pub(crate) fn end(&self, attempt: &Attempt, reference: &str) -> End {
        let settled = self.settled(attempt);
        let paid = self
            .ledger
            .orders
            .get(reference)
            .is_some_and(|order| order.status == "paid");
        if settled >= attempt.amount {
            End::Refunded
        } else if self.owed(reference) >= attempt.amount - settled {
            End::Owed
        } else if paid {
            End::Paid
        } else {
            End::None
        }
    }
}
