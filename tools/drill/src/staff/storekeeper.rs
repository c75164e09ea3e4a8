//! A storekeeper who finds units missing that are held. That breaks acknowledged holds on purpose,
//! so it happens to a sku of the drill, on which only the drill itself has holds.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::office::{Office, action, new_id};
use crate::answers::{Answer, Line};
use crate::history::{ActionEnd, Shrink, Work};
use crate::meters::Call;
use crate::random::Random;

/// On the shelf before each search.
const UNITS: i64 = 6;
/// So long that no hold lapses before it is broken.
const HOLD_S: u32 = 600;

#[derive(Deserialize)]
struct Shrinkage {
    broken: Vec<Broken>,
}

#[derive(Deserialize)]
struct Broken {
    checkout_id: Uuid,
}

pub(super) async fn work(office: Arc<Office>, random: Random) {
    let sku = office.own_sku("MISSING");
    let (path, title) = (format!("skus/{sku}"), "Rehearsal: found missing");
    let body = json!({ "title": title, "price_minor": 100 });
    if !office.prepare(Call::SkuPut, &path, &body).await {
        return;
    }
    let mut turn = 0;
    while office.on_duty(&random, 300, 1_200).await {
        turn += 1;
        // None: a level could not be read, and the next turn tries again.
        let _ = find_missing(&office, &random, &sku, turn).await;
    }
    office.retire(&sku).await;
}

/// Fills the shelf, holds some of it, and finds some of it missing.
async fn find_missing(office: &Office, random: &Random, sku: &str, turn: u32) -> Option<()> {
    fill(office, random, sku).await?;
    let api = &office.sale.api;
    let mut shrink = Shrink::default();
    for number in 0..4 {
        let (id, units) = (new_id(random), random.between(1, 2));
        let customer = format!("{}-missing-{turn}-{number}", office.sale.run_id);
        let cart = [Line::new(sku, u32::try_from(units).unwrap_or(1))];
        let (_, held) = api.begin(id, &customer, 1, Some(HOLD_S), &cart).await;
        if held.done().is_some() {
            let units = i64::from(cart[0].quantity);
            shrink.holds.push((id, units));
        }
    }
    let holds = shrink.holds.clone();
    let shrunk = shrink_stock(office, random, sku, shrink).await;
    for (id, _) in &holds {
        api.release(*id).await;
    }
    shrunk
}

async fn fill(office: &Office, random: &Random, sku: &str) -> Option<()> {
    let level = office.level(sku).await?;
    if level.on_hand < UNITS {
        let body = json!({
            "quantity": UNITS - level.on_hand, "expected_version": level.version,
            "movement_id": new_id(random).to_string(),
        });
        let path = format!("stock/{sku}/receive");
        office.prepare(Call::Receive, &path, &body).await;
    }
    Some(())
}

async fn shrink_stock(
    office: &Office,
    random: &Random,
    sku: &str,
    mut shrink: Shrink,
) -> Option<()> {
    let level = office.level(sku).await?;
    let id = new_id(random);
    // One or two more than the units that nobody holds.
    let gone = i64::try_from(random.between(1, 2)).unwrap_or(1);
    let missing = (level.on_hand - level.held + gone).min(level.on_hand);
    if missing == 0 {
        return None;
    }
    let body = json!({
        "missing": missing, "expected_version": level.version, "note": "rehearsal",
        "movement_id": id.to_string(),
    });
    let path = format!("stock/{sku}/shrink");
    let reply = office.send(Call::Shrink, &path, &body).await;
    let mut needed = level.held - (level.on_hand - missing);
    for (_, units) in shrink.holds.iter().rev() {
        if needed > 0 {
            shrink.to_break += 1;
            needed -= units;
        }
    }
    let shrinkage: Option<Shrinkage> = reply.json(200);
    let broken = shrinkage.into_iter().flat_map(|shrinkage| shrinkage.broken);
    shrink.broken = broken.map(|broken| broken.checkout_id).collect();
    for (id, _) in &shrink.holds {
        if let (_, Answer::Done(checkout)) = office.sale.api.read(*id).await
            && checkout.status == "open"
        {
            shrink.open.push(*id);
        }
    }
    let after = office.level(sku).await?;
    shrink.level = (after.on_hand, after.held);
    // No shopper buys this sku, so it takes nothing from the stock of the run.
    let mut done = action(&reply, id, Work::Shrink(shrink), vec![], &[]);
    if done.end == ActionEnd::Done && after.on_hand != level.on_hand - missing {
        let wrong = format!("{missing} missing of {level:?} left {after:?}");
        done.wrong.push(wrong);
    }
    office.note(done);
    Some(())
}
