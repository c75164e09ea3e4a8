//! A clerk who puts returned units back, while the sale goes on.

use std::sync::Arc;

use serde_json::json;

use super::office::{Office, action, new_id};
use crate::answers::{Line, Order, PricedLine};
use crate::api::Reply;
use crate::history::{ActionEnd, Work};
use crate::meters::Call;
use crate::random::Random;

/// Something of this many in 100 orders is returned.
const RETURNED_PERCENT: u64 = 40;

pub(super) async fn work(office: Arc<Office>, random: Random) {
    while office.on_duty(&random, 50, 300).await {
        let paid = office.sale.paid().pop();
        if let Some(order) = paid.filter(|_| random.percent(RETURNED_PERCENT)) {
            put_back(&office, &random, &order).await;
        }
    }
}

/// Puts back one line: sometimes more than was sold, which must fail; sometimes twice with one id.
async fn put_back(office: &Office, random: &Random, order: &Order) {
    let Some(line) = order.lines.get(random.index(order.lines.len())) else {
        return;
    };
    let id = order.order_id;
    if random.percent(20) {
        let return_id = new_id(random).to_string();
        let reply = restock(office, order, line, line.quantity + 1, &return_id).await;
        let mut refused = action(&reply, id, Work::Other, vec![], &["more_than_sold"]);
        if refused.end == ActionEnd::Done {
            let wrong = "more was put back than was sold";
            refused.wrong.push(wrong.to_owned());
        }
        office.note(refused);
    }
    let most = u64::from(line.quantity);
    let quantity = u32::try_from(random.between(1, most)).unwrap_or(1);
    let return_id = new_id(random).to_string();
    let reply = restock(office, order, line, quantity, &return_id).await;
    let units = vec![(line.sku.clone(), -i64::from(quantity))];
    let done = action(&reply, id, Work::Restock, units, &[]);
    let ended = done.end == ActionEnd::Done;
    office.note(done);
    if ended && random.percent(60) {
        let reply = restock(office, order, line, quantity, &return_id).await;
        let mut again = action(&reply, id, Work::Other, vec![], &[]);
        if reply.status() == Some(201) {
            let wrong = "a return was put back twice";
            again.wrong.push(wrong.to_owned());
        }
        office.note(again);
    }
}

async fn restock(
    office: &Office,
    order: &Order,
    line: &PricedLine,
    quantity: u32,
    return_id: &str,
) -> Reply {
    let lines = [Line::new(&line.sku, quantity)];
    let note = "returned in the rehearsal";
    let body = json!({ "return_id": return_id, "lines": lines, "note": note });
    let path = format!("orders/{}/restock", order.order_id);
    office.send(Call::Restock, &path, &body).await
}
