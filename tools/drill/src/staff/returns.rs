//! A clerk who puts back what buyers returned, while the sale goes on.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Office, deed, new_id};
use crate::answers::{Line, Order, PricedLine, lines_json};
use crate::api::{Reply, Sent};
use crate::history::{End, Work};
use crate::meters::Call;
use crate::random::Random;

/// Of so many buyers in 100, something comes back.
const RETURNED_PERCENT: u64 = 40;

pub(super) async fn work(office: Arc<Office>, random: Random) {
    while office.on_duty(&random, 50, 300).await {
        let paid = office.stage.paid().pop();
        if let Some(order) = paid.filter(|_| random.percent(RETURNED_PERCENT)) {
            put_back(&office, &random, &order).await;
        }
    }
}

async fn send(office: &Office, order: &Order, body: &Value) -> Reply {
    let path = format!("orders/{}/restock", order.order_id);
    let sent = Sent::Json(body);
    office
        .api()
        .office(Call::Restock, Method::POST, &path, sent)
        .await
}

fn body(random: &Random, line: &PricedLine, quantity: u32) -> Value {
    let line = Line {
        sku: line.sku.clone(),
        quantity,
    };
    json!({
        "return_id": new_id(random).to_string(), "lines": lines_json(&[line]),
        "note": "returned in the rehearsal",
    })
}

/// One line of it, at times twice with the same id; and at times more than was sold, in vain.
async fn put_back(office: &Office, random: &Random, order: &Order) {
    let Some(line) = order.lines.get(random.index(order.lines.len())) else {
        return;
    };
    if random.percent(20) {
        let reply = send(office, order, &body(random, line, line.quantity + 1)).await;
        let mut deed = deed(
            &reply,
            order.order_id,
            Work::Other,
            vec![],
            &["more_than_sold"],
        );
        if deed.end == End::Done {
            deed.wrong
                .push("more was put back than was sold".to_owned());
        }
        office.note(deed);
    }
    let most = u64::from(line.quantity);
    let quantity = u32::try_from(random.between(1, most)).unwrap_or(1);
    let request = body(random, line, quantity);
    let reply = send(office, order, &request).await;
    let units = vec![(line.sku.clone(), -i64::from(quantity))];
    let done = deed(&reply, order.order_id, Work::Restock, units, &[]);
    let ended = done.end == End::Done;
    office.note(done);
    if ended && random.percent(60) {
        let again = send(office, order, &request).await;
        let mut deed = deed(&again, order.order_id, Work::Other, vec![], &[]);
        if again.status() == Some(201) {
            deed.wrong.push("a return was put back twice".to_owned());
        }
        office.note(deed);
    }
}
