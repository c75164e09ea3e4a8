//! A dispatcher who books parties by telephone from the stock that the shoppers want too, changes
//! their size, moves them to another sku, and cancels.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::office::{Office, action, new_id};
use crate::answers::{Line, PricedLine, units_of};
use crate::api::Reply;
use crate::history::{ActionEnd, StaffAction, Work};
use crate::meters::Call;
use crate::random::Random;

/// Open bookings of one dispatcher.
const BOOKINGS_MAX: usize = 6;

/// A sku and how many units of it.
type Party = (String, u32);

/// The desk's answer, as far as a dispatcher reads it.
#[derive(Deserialize)]
struct DeskOrder {
    order_id: Uuid,
    status: String,
    version: i64,
    lines: Vec<PricedLine>,
}

/// A booked party, as the last answer showed it.
struct Booking {
    id: Uuid,
    order_id: Uuid,
    version: i64,
    party: Party,
}

pub(super) async fn work(office: Arc<Office>, random: Random) {
    let mut bookings: Vec<Booking> = vec![];
    while office.on_duty(&random, 100, 600).await {
        if bookings.is_empty() || bookings.len() < BOOKINGS_MAX && random.percent(40) {
            bookings.extend(book(&office, &random).await);
            continue;
        }
        let booking = bookings.swap_remove(random.index(bookings.len()));
        if random.percent(35) {
            cancel(&office, &random, &booking).await;
        } else {
            bookings.extend(amend(&office, &random, booking).await);
        }
    }
}

fn path(id: Uuid) -> String {
    format!("desk/orders/{id}")
}

fn lines((sku, quantity): &Party) -> [Line; 1] {
    [Line::new(sku, *quantity)]
}

/// The units of each sku that a change from one party to another takes. Negative: gives back.
fn difference(before: Option<&Party>, after: Option<&Party>) -> Vec<(String, i64)> {
    let mut units = BTreeMap::new();
    for (party, sign) in [(before, -1), (after, 1)] {
        if let Some((sku, quantity)) = party {
            *units.entry(sku.clone()).or_insert(0) += sign * i64::from(*quantity);
        }
    }
    units.into_iter().filter(|(_, units)| *units != 0).collect()
}

/// The order of an answer. Notes in the action where it differs from the wanted party.
fn read(action: &mut StaffAction, reply: &Reply, party: &Party) -> Option<DeskOrder> {
    if action.end != ActionEnd::Done {
        return None;
    }
    let order: Option<DeskOrder> = reply.status().and_then(|status| reply.json(status));
    let Some(order) = order else {
        let wrong = "an unreadable answer of the desk";
        action.wrong.push(wrong.to_owned());
        return None;
    };
    let (status, lines) = (&order.status, units_of(&order.lines));
    if status != "paid" || lines != [party.clone()] {
        let wrong = format!("asked for {party:?}, got {status} {lines:?}");
        action.wrong.push(wrong);
    }
    Some(order)
}

/// Books a party, sometimes twice with the same id.
async fn book(office: &Office, random: &Random) -> Option<Booking> {
    let id = new_id(random);
    let size = if random.percent(30) { 2 } else { 1 };
    let party = (office.any_sku(random).to_owned(), size);
    let customer = format!("{}-party-{}", office.sale.run_id, id.simple());
    let body = json!({ "customer": customer, "lines": lines(&party) });
    let path = path(id);
    let reply = office.send(Call::Book, &path, &body).await;
    let units = difference(None, Some(&party));
    let mut booked = action(&reply, id, Work::Book, units, &["shortage"]);
    let order = read(&mut booked, &reply, &party);
    office.note(booked);
    let DeskOrder {
        order_id, version, ..
    } = order?;
    if random.percent(20) {
        let reply = office.send(Call::Book, &path, &body).await;
        let mut again = action(&reply, id, Work::Other, vec![], &[]);
        let same = read(&mut again, &reply, &party);
        if reply.status() == Some(201) || same.is_some_and(|same| same.order_id != order_id) {
            let wrong = "the same booking again is another order";
            again.wrong.push(wrong.to_owned());
        }
        office.note(again);
    }
    Some(Booking {
        id,
        order_id,
        version,
        party,
    })
}

/// Another size, or another sku; sometimes with an old version, which must be refused.
async fn amend(office: &Office, random: &Random, booking: Booking) -> Option<Booking> {
    let (sku, size) = &booking.party;
    let party = if *size > 1 && random.percent(50) {
        // A smaller party is possible even when everything is sold.
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
    let reply = office.send(Call::Amend, &path(booking.id), &body).await;
    let units = difference(Some(&booking.party), Some(&party));
    let refusal = if stale { "order_stale" } else { "shortage" };
    let mut amended = action(&reply, booking.id, Work::Amend, units, &[refusal]);
    let order = read(&mut amended, &reply, &party);
    if stale && amended.end == ActionEnd::Done {
        let wrong = "a stale amendment was done";
        amended.wrong.push(wrong.to_owned());
    }
    let unclear = matches!(amended.end, ActionEnd::Unclear(_));
    office.note(amended);
    match order {
        Some(DeskOrder { version, .. }) => Some(Booking {
            version,
            party,
            ..booking
        }),
        // Nobody knows whether it was changed, so nobody touches it any more.
        None if unclear => None,
        None => Some(booking),
    }
}

/// Cancels a booking, sometimes twice. The second time gives nothing back.
async fn cancel(office: &Office, random: &Random, booking: &Booking) {
    let first = (Work::Cancel, difference(Some(&booking.party), None));
    let again = random.percent(20).then_some((Work::Other, vec![]));
    for (work, units) in std::iter::once(first).chain(again) {
        let path = path(booking.id);
        let reply = office.send(Call::Cancel, &path, &Value::Null).await;
        let mut cancelled = action(&reply, booking.id, work, units, &[]);
        let order: Option<DeskOrder> = reply.json(200);
        let right = order
            .is_some_and(|order| order.status == "cancelled" && order.order_id == booking.order_id);
        if cancelled.end == ActionEnd::Done && !right {
            let wrong = "a cancelled booking is not shown as one";
            cancelled.wrong.push(wrong.to_owned());
        }
        let unclear = matches!(cancelled.end, ActionEnd::Unclear(_));
        office.note(cancelled);
        if unclear {
            break;
        }
    }
}
