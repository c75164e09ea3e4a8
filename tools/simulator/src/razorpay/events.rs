//! The events that Razorpay sends.

use serde_json::{Map, Value, json};

use super::entities;
use crate::postman::Letter;
use crate::world::{Ending, Payment, Refund, RefundState, World, now};

pub(crate) fn of_payment(world: &mut World, payment: &Payment) -> Vec<Letter> {
    let Some(order) = world.orders.get(&payment.order).cloned() else {
        return Vec::new();
    };
    let entity = entities::payment(world, payment);
    let about = [("payment", entity.clone())];
    let names: &[&str] = match payment.ending {
        Ending::Paid => &["payment.authorized", "payment.captured"],
        Ending::Pending => &["payment.authorized"],
        Ending::Failed | Ending::Dropped => &["payment.failed"],
    };
    let mut letters = Vec::new();
    for name in names {
        let mut about = about.clone();
        if *name == "payment.authorized" {
            about[0].1["status"] = json!("authorized");
            about[0].1["captured"] = json!(false);
        }
        letters.push(event(world, payment.account, name, &about));
    }
    if payment.ending == Ending::Paid && world.paid(&order) >= order.amount {
        let order = entities::order(world, &order);
        let about = [("payment", entity), ("order", order)];
        letters.push(event(world, payment.account, "order.paid", &about));
    }
    letters
}

pub(crate) fn of_refund(
    world: &mut World,
    refund: &Refund,
    payment: &Payment,
    new: bool,
) -> Vec<Letter> {
    let name = match refund.state {
        _ if new => "refund.created",
        RefundState::Settled => "refund.processed",
        RefundState::Failed => "refund.failed",
        RefundState::Pending => return Vec::new(),
    };
    let about = [
        ("refund", entities::refund(refund, payment)),
        ("payment", entities::payment(world, payment)),
    ];
    vec![event(world, refund.account, name, &about)]
}

pub(crate) fn of_dispute(world: &mut World, payment: &Payment) -> Vec<Letter> {
    let dispute = json!({
        "id": world.id("disp_"), "entity": "dispute", "payment_id": payment.id,
        "amount": payment.amount, "currency": payment.currency, "amount_deducted": 0,
        "reason_code": "chargeback", "respond_by": now() + 864_000, "status": "open",
        "phase": "chargeback", "created_at": now(),
    });
    let about = [
        ("payment", entities::payment(world, payment)),
        ("dispute", dispute),
    ];
    vec![event(
        world,
        payment.account,
        "payment.dispute.created",
        &about,
    )]
}

fn event(world: &mut World, account: usize, name: &str, about: &[(&str, Value)]) -> Letter {
    let contains: Vec<&str> = about.iter().map(|(of, _)| *of).collect();
    let payload: Map<String, Value> = about
        .iter()
        .map(|(of, entity)| ((*of).to_owned(), json!({ "entity": entity })))
        .collect();
    let body = json!({
        "entity": "event", "account_id": "acc_Simulated0001", "event": name,
        "contains": contains, "payload": payload, "created_at": now(),
    });
    Letter {
        account,
        event_id: world.id(""),
        body: body.to_string(),
    }
}
