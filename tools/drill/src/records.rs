//! The records of the money, at one time near the end of a run: the simulated gateways' beside the
//! deployment's. `checks/money.rs` compares them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    pub(crate) gateways: GatewayState,
    pub(crate) database: Ledger,
    /// The queue of webhooks. None when nobody can count its messages.
    pub(crate) queue: Option<Queue>,
    /// For how long the database was stopped.
    pub(crate) outage_s: f64,
}

/// The simulator's `GET /control/state`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct GatewayState {
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
    /// The payment id that the shop sees.
    pub(crate) id: String,
    /// The gateway's order.
    pub(crate) order: String,
    /// In hundredths: the drill sells in a currency that has them.
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

/// How many webhooks of one gateway came how far.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Webhooks {
    pub(crate) written: u64,
    pub(crate) lost: u64,
    pub(crate) copies: u64,
    pub(crate) arrived: u64,
    pub(crate) given_up: u64,
}

/// How many messages wait in the queue of webhooks, and how many are dead letters.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Queue {
    pub(crate) waiting: u64,
    pub(crate) dead: u64,
}

/// The shop's money and goods, as the database has them.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Ledger {
    /// By reference.
    pub(crate) orders: BTreeMap<String, LedgerOrder>,
    /// Gateway, the gateway's payment id, and the amount.
    pub(crate) captures: Vec<(String, String, i64)>,
    pub(crate) refunds: Vec<LedgerRefund>,
    /// Holds that have expired and are not released.
    pub(crate) overdue: i64,
    /// Payment events that wait for their order to be known.
    pub(crate) parked: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct LedgerOrder {
    pub(crate) status: String,
    pub(crate) total_minor: i64,
    pub(crate) lines: BTreeMap<String, i64>,
    /// By sku: how often the stock ledger says that it was sold, and the units.
    pub(crate) sold: BTreeMap<String, (i64, i64)>,
}

/// A refund that is not void.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LedgerRefund {
    pub(crate) reference: String,
    pub(crate) gateway: String,
    pub(crate) amount_minor: i64,
    pub(crate) status: String,
    pub(crate) gateway_refund_id: Option<String>,
}

/// How a capture ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaptureEnd {
    /// It paid its order.
    Paid,
    /// All of it was refunded.
    Refunded,
    /// The deployment says that it will refund it.
    Owed,
    None,
}

impl Records {
    /// The captures (attempts that are paid), each with the reference of its order.
    pub(crate) fn captures(&self) -> impl Iterator<Item = (&Attempt, &str)> {
        let orders = self.gateways.orders.iter();
        let references: BTreeMap<&str, &str> = orders
            .map(|order| (order.id.as_str(), order.reference.as_str()))
            .collect();
        let paid = self.gateways.payments.iter().filter(|p| p.ending == "paid");
        paid.map(move |attempt| {
            let reference = references.get(attempt.order.as_str());
            (attempt, reference.copied().unwrap_or_default())
        })
    }

    /// How much of an attempt was refunded or is being refunded, in states that `counts` accepts.
    pub(crate) fn refunded(&self, attempt: &Attempt, counts: impl Fn(&str) -> bool) -> i64 {
        let of_attempt = |refund: &&GatewayRefund| {
            refund.attempt == attempt.attempt && refund.gateway == attempt.gateway
        };
        let refunds = self.gateways.refunds.iter().filter(of_attempt);
        refunds.filter(|r| counts(&r.state)).map(|r| r.amount).sum()
    }

    pub(crate) fn settled(&self, attempt: &Attempt) -> i64 {
        self.refunded(attempt, |state| state == "settled")
    }

    /// How much of an order the deployment still has to refund, as it says itself.
    pub(crate) fn owed(&self, reference: &str) -> i64 {
        let refunds = self.database.refunds.iter().filter(|refund| {
            let over = matches!(refund.status.as_str(), "settled" | "failed");
            refund.reference == reference && !over
        });
        refunds.map(|refund| refund.amount_minor).sum()
    }

    /// The end of one capture. An order with several captures says only together which of them is
    /// owed, so this is for the figures; the checks add them up.
    pub(crate) fn end(&self, attempt: &Attempt, reference: &str) -> CaptureEnd {
        let left = attempt.amount - self.settled(attempt);
        let order = self.database.orders.get(reference);
        if left <= 0 {
            CaptureEnd::Refunded
        } else if self.owed(reference) >= left {
            CaptureEnd::Owed
        } else if order.is_some_and(|order| order.status == "paid") {
            CaptureEnd::Paid
        } else {
            CaptureEnd::None
        }
    }
}
