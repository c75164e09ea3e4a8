//! Somebody who finds units missing that are held. It breaks acknowledged holds, on purpose: so it
//! happens to a sku of the rehearsal's own, whose holds are the rehearsal's own too.

use std::sync::Arc;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Office, deed, new_id, put_sku, retire};
use crate::answers::{Line, Said};
use crate::api::Sent;
use crate::history::{End, Shrink, Work};
use crate::meters::Call;
use crate::random::Random;

/// On the shelf before each search.
const UNITS: i64 = 6;
/// Long enough that no hold lapses before it is broken.
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
    let body = json!({ "title": "Rehearsal: found missing", "price_minor": 100 });
    if !put_sku(&office, &sku, &body).await {
        return;
    }
    let mut turn = 0;
    while office.on_duty(&random, 300, 1_200).await {
        turn += 1;
        find_missing(&office, &random, &sku, turn).await;
    }
    retire(&office, &sku).await;
}

/// Fills the shelf, has shoppers of its own hold from it, finds some of it missing.
async fn find_missing(office: &Office, random: &Random, sku: &str, turn: u32) -> Option<()> {
    fill(office, random, sku).await?;
    let mut shrink = Shrink::default();
    for number in 0..4 {
        let (id, units) = (new_id(random), random.between(1, 2));
        let customer = format!("{}-missing-{turn}-{number}", office.stage.run_id);
        let cart = [Line {
            sku: sku.to_owned(),
            quantity: u32::try_from(units).unwrap_or(1),
        }];
        let api = office.api();
        let (_, held) = api.begin(id, &customer, 1, Some(HOLD_S), &cart).await;
        if held.yes().is_some() {
            shrink.holds.push((id, i64::try_from(units).unwrap_or(1)));
        }
    }
    take_out(office, random, sku, &mut shrink).await;
    for (id, _) in &shrink.holds {
        office.api().release(*id).await;
    }
    Some(())
}

async fn fill(office: &Office, random: &Random, sku: &str) -> Option<()> {
    let level = office.api().level(sku).await?;
    if level.on_hand < UNITS {
        let body = json!({
            "quantity": UNITS - level.on_hand, "expected_version": level.version,
            "movement_id": new_id(random).to_string(),
        });
        let path = format!("stock/{sku}/receive");
        let api = office.api();
        let sent = Sent::Json(&body);
        let reply = api.office(Call::Receive, Method::POST, &path, sent).await;
        office.note(deed(&reply, Uuid::nil(), Work::Other, vec![], &[]));
    }
    Some(())
}

async fn take_out(office: &Office, random: &Random, sku: &str, shrink: &mut Shrink) -> Option<()> {
    let api = office.api();
    let level = api.level(sku).await?;
    let id = new_id(random);
    // one or two more than nobody holds
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
    let sent = Sent::Json(&body);
    let reply = api.office(Call::Shrink, Method::POST, &path, sent).await;
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
        if let (_, Said::Yes(checkout)) = api.read(*id).await
            && checkout.status == "open"
        {
            shrink.open.push(*id);
        }
    }
    let after = api.level(sku).await?;
    shrink.level = (after.on_hand, after.held);
    // of a sku that no shopper has: no claim on the stock of the run
    let mut deed = deed(&reply, id, Work::Shrink(shrink.clone()), vec![], &[]);
    if deed.end == End::Done && after.on_hand != level.on_hand - missing {
        deed.wrong
            .push(format!("{missing} missing of {level:?} left {after:?}"));
    }
    office.note(deed);
    Some(())
}
