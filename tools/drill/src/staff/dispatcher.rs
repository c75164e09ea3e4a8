//! A dispatcher who books parties by telephone from the stock that the shoppers want too, changes
//! their size, moves them to another sku, and cancels.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Office, deed, new_id};
use crate::answers::{Line, PricedLine, lines_json, units_of};
use crate::api::{Reply, Sent};
use crate::history::{Deed, End, Work};
use crate::meters::Call;
use crate::random::Random;

/// Bookings that one dispatcher looks after at once.
const BOOKINGS_MAX: usize = 6;

/// What the desk answers, as far as a dispatcher reads it.
#[derive(Deserialize)]
struct DeskOrder {
    order_id: Uuid,
    status: String,
    version: i64,
    lines: Vec<PricedLine>,
}

/// A party that was booked, as the last answer showed it.
struct Booking {
    id: Uuid,
    order_id: Uuid,
    version: i64,
    party: (String, u32),
}

pub(super) async fn work(office: Arc<Office>, random: Random) {
    let mut bookings: Vec<Booking> = vec![];
    while office.on_duty(&random, 100, 600).await {
        if bookings.is_empty() || bookings.len() < BOOKINGS_MAX && random.percent(40) {
            bookings.extend(book(&office, &random).await);
            continue;
        }
        let booking = bookings.swap_remove(random.index(bookings.len()));
        let kept = if random.percent(35) {
            cancel(&office, &random, booking).await
        } else {
            amend(&office, &random, booking).await
        };
        bookings.extend(kept);
    }
}

fn path(id: Uuid) -> String {
    format!("desk/orders/{id}")
}

fn lines(party: &(String, u32)) -> serde_json::Value {
    let (sku, quantity) = party.clone();
    lines_json(&[Line { sku, quantity }])
}

/// By sku, what a change from one party to another takes; negative, gives back.
fn difference(before: Option<&(String, u32)>, after: Option<&(String, u32)>) -> Vec<(String, i64)> {
    let mut units = BTreeMap::new();
    for ((sku, quantity), sign) in before
        .map(|b| (b, -1))
        .into_iter()
        .chain(after.map(|a| (a, 1)))
    {
        *units.entry(sku.clone()).or_insert(0) += sign * i64::from(*quantity);
    }
    units.into_iter().filter(|(_, units)| *units != 0).collect()
}

/// What in an answer is not what was asked for.
fn differs(deed: &mut Deed, reply: &Reply, party: &(String, u32)) -> Option<DeskOrder> {
    if deed.end != End::Done {
        return None;
    }
    let order: Option<DeskOrder> = reply.status().and_then(|status| reply.json(status));
    let Some(order) = order else {
        deed.wrong
            .push("an unreadable answer of the desk".to_owned());
        return None;
    };
    if order.status != "paid" || units_of(&order.lines) != [party.clone()] {
        let (status, lines) = (&order.status, &order.lines);
        deed.wrong
            .push(format!("asked for {party:?}, got {status} {lines:?}"));
    }
    Some(order)
}

async fn book(office: &Office, random: &Random) -> Option<Booking> {
    let id = new_id(random);
    let size = if random.percent(30) { 2 } else { 1 };
    let party = (office.any_sku(random).to_owned(), size);
    let customer = format!("{}-party-{}", office.stage.run_id, id.simple());
    let body = json!({ "customer": customer, "lines": lines(&party) });
    let send = || {
        let sent = Sent::Json(&body);
        let path = path(id);
        async move {
            office
                .api()
                .office(Call::Book, Method::PUT, &path, sent)
                .await
        }
    };
    let reply = send().await;
    let units = difference(None, Some(&party));
    let mut booked = deed(&reply, id, Work::Book, units, &["shortage"]);
    let order = differs(&mut booked, &reply, &party);
    office.note(booked);
    let order = order?;
    if random.percent(20) {
        let again = send().await;
        let mut deed = deed(&again, id, Work::Other, vec![], &[]);
        let same = differs(&mut deed, &again, &party);
        if same.is_some_and(|same| same.order_id != order.order_id) || again.status() == Some(201) {
            deed.wrong
                .push("the same booking again is another order".to_owned());
        }
        office.note(deed);
    }
    Some(Booking {
        id,
        order_id: order.order_id,
        version: order.version,
        party,
    })
}

/// Another size, or another sku; now and then with a version that is over.
async fn amend(office: &Office, random: &Random, booking: Booking) -> Option<Booking> {
    let (sku, size) = &booking.party;
    let party = if *size > 1 && random.percent(50) {
        // a smaller party is there to be had even when everything is sold
        (sku.clone(), size - 1)
    } else if random.percent(50) {
        (sku.clone(), 1 + size % 3)
    } else {
        (office.any_sku(random).to_owned(), *size)
    };
    if party == booking.party {
        return Some(booking);
    }
    let stale = booking.version > 0 && random.percent(15);
    let version = booking.version - i64::from(stale);
    let body = json!({ "expected_version": version, "lines": lines(&party) });
    let api = office.api();
    let sent = Sent::Json(&body);
    let reply = api
        .office(Call::Amend, Method::PATCH, &path(booking.id), sent)
        .await;
    let units = difference(Some(&booking.party), Some(&party));
    let noes: &[&str] = if stale {
        &["order_stale"]
    } else {
        &["shortage"]
    };
    let mut deed = deed(&reply, booking.id, Work::Amend, units, noes);
    let order = differs(&mut deed, &reply, &party);
    if stale && deed.end == End::Done {
        deed.wrong.push("a stale amendment was done".to_owned());
    }
    let known = !matches!(deed.end, End::Unclear(_));
    office.note(deed);
    match order {
        Some(order) => Some(Booking {
            version: order.version,
            party,
            ..booking
        }),
        // whether it was changed is not known: nobody touches it any more
        None => known.then_some(booking),
    }
}

async fn cancel(office: &Office, random: &Random, booking: Booking) -> Option<Booking> {
    let times = if random.percent(20) { 2 } else { 1 };
    let mut units = difference(Some(&booking.party), None);
    for _ in 0..times {
        let reply = office
            .api()
            .office(
                Call::Cancel,
                Method::DELETE,
                &path(booking.id),
                Sent::Nothing,
            )
            .await;
        let work = if units.is_empty() {
            Work::Other
        } else {
            Work::Cancel
        };
        // the second time it gives nothing back
        let mut deed = deed(&reply, booking.id, work, std::mem::take(&mut units), &[]);
        let order: Option<DeskOrder> = reply.json(200);
        let right =
            |order: DeskOrder| order.status == "cancelled" && order.order_id == booking.order_id;
        if deed.end == End::Done && !order.is_some_and(right) {
            deed.wrong
                .push("a cancelled booking is not shown as one".to_owned());
        }
        let unclear = matches!(deed.end, End::Unclear(_));
        office.note(deed);
        if unclear {
            break;
        }
    }
    None
}
