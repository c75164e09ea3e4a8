//! Paying at a gateway that is simulated: the shopper acts there, and the deployment learns of it
//! from the gateway alone.

use std::time::Duration;

use super::Shopper;
use crate::answers::Order;
use crate::cashfree::Kind;
use crate::control::{Control, Try};
use crate::history::{Fact, What, When};
use crate::plan::Money;

/// Longer than the deployment needs to close an order that is paid, at its gateway.
const SECOND_AFTER: Duration = Duration::from_secs(6);

impl Shopper {
    /// Plays the planned attempts, one after another. What the gateway took is a fact as an event
    /// that the deployment took would be: it must end right, whether its webhook arrives or not.
    pub(super) async fn pay_there(&self, control: &Control, order: &Order) -> Vec<Fact> {
        let Some(made) = self.made_for(order) else {
            return vec![];
        };
        let mut facts = vec![];
        for event in &self.plan.events {
            let tries = self.tries(event.kind, order.total_minor);
            for (n, how) in tries.into_iter().enumerate() {
                // the second comes when everybody thinks that it is all over
                let late = n > 0 && self.plan.money == Money::Twice;
                let pause = if late { SECOND_AFTER } else { self.plan.thinks };
                self.stage.api.pause(pause).await;
                let first_sent = self.stage.api.now();
                let done = control.pay(&made, how).await;
                if let Err(reason) = &done {
                    eprintln!("holdfast drill: {}: {reason}", order.payment.reference);
                }
                let when = When {
                    first_sent,
                    sent: first_sent,
                    got: self.stage.api.now(),
                    attempts: 1,
                };
                let what = What::Webhook {
                    kind: event.kind,
                    copy: false,
                    status: done.is_ok().then_some(200),
                };
                facts.push(Fact {
                    when,
                    checkout: order.checkout_id,
                    what,
                });
            }
        }
        facts
    }

    /// The gateway's id of this order. An answer may come without: when there was nothing to pay
    /// any more.
    fn made_for(&self, order: &Order) -> Option<String> {
        let orders = self.orders().filter(|o| o.order_id == order.order_id);
        orders
            .filter_map(|order| order.gateway_order.as_ref())
            .map(|made| made.gateway_order_id.clone())
            .next()
    }

    fn tries(&self, kind: Kind, total_minor: i64) -> Vec<Try> {
        let ending = match kind {
            Kind::Paid => "paid",
            Kind::Failed => "failed",
            Kind::Dropped => "dropped",
            Kind::Pending => "pending",
        };
        let all = Try {
            ending,
            amount: None,
        };
        match (kind, self.plan.money) {
            (Kind::Paid, Money::Twice) => vec![all, all],
            (Kind::Paid, Money::InParts) => {
                let part = Try {
                    amount: Some((total_minor / 3).max(1)),
                    ..all
                };
                // then what is due still
                vec![part, all]
            }
            _ => vec![all],
        }
    }
}
