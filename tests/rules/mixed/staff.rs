//! Clerks and dispatchers, who change the same stock.

use std::time::Duration;

use operations::ids::{CheckoutId, MovementId, Sku};
use operations::order::{self, Amend, Amended, Book, Booked, Restock};
use operations::quantity::Version;
use operations::stock::{
    self, Adjust, ChangeError, Changed, Level, Receive, Set, Shrink, ShrinkError,
};
use operations::text::Note;
use rand::Rng as _;
use rand::rngs::StdRng;
use tests::cart;

use super::traffic::{EDIT_TRIES_MAX, Traffic, actor, any_sku, id_of};

/// Bookings of one dispatcher at a time.
const BOOKINGS_MAX: usize = 5;

fn note() -> Note {
    "mixed traffic".parse().unwrap()
}

/// Receives, adjusts and counts, always with the version just read. A stale change is tried again.
pub(super) async fn clerk(traffic: &Traffic, mut random: StdRng) {
    for _ in 0..traffic.turns_max {
        if traffic.over() {
            return;
        }
        let sku: Sku = any_sku(&mut random).parse().unwrap();
        let (what, units) = (random.random_range(0..100), random.random_range(1..=4_i64));
        let movement_id = id_of(&mut random);
        // an edit that gives up is missing in `tries`
        traffic.edits_begun.set(traffic.edits_begun.get() + 1);
        for tries in 1..=EDIT_TRIES_MAX {
            let level = stock::read(&traffic.admin, &traffic.main, &sku)
                .await
                .unwrap()
                .unwrap();
            let edited = edit(traffic, &level, (what, units), movement_id).await;
            if matches!(edited, Err(ChangeError::Stale(..))) {
                traffic.count("edit: Stale");
                continue;
            }
            traffic.tries.borrow_mut().push(tries);
            traffic.outcome("edit", edited);
            break;
        }
    }
}

/// One change of the stock level that was just read.
async fn edit(
    traffic: &Traffic,
    level: &Level,
    (what, units): (i32, i64),
    movement_id: MovementId,
) -> Result<Changed, ChangeError> {
    let (office, main, clerk) = (&traffic.admin, &traffic.main, actor("clerk"));
    let sku: Sku = level.sku.parse().unwrap();
    let expected_version = Some(level.version.try_into().unwrap());
    let (reference, note) = (None, note());
    // stock must come in before it can be sold
    if level.available < 2 && what < 60 {
        let receive = Receive {
            quantity: (units + 2).try_into().unwrap(),
            note: Some(note),
            expected_version,
            reference,
            movement_id,
        };
        return stock::receive(office, main, &sku, &clerk, &receive).await;
    }
    if what < 70 {
        let delta = if what < 40 { -units } else { units };
        let adjust = Adjust {
            delta: delta.try_into().unwrap(),
            note,
            expected_version,
            reference,
            movement_id,
        };
        return stock::adjust(office, main, &sku, &clerk, &adjust).await;
    }
    let counted = (i64::from(level.on_hand) + units - 3).max(0);
    let set = Set {
        on_hand: counted.try_into().unwrap(),
        note,
        expected_version,
        reference,
        movement_id,
    };
    stock::set(office, main, &sku, &clerk, &set).await
}

/// A party at the desk: its version, sku and size.
type Booking = (CheckoutId, i64, &'static str, i64);

/// Books, changes, moves and cancels.
pub(super) async fn dispatcher(traffic: &Traffic, mut random: StdRng) {
    let mut bookings: Vec<Booking> = vec![];
    for _ in 0..traffic.turns_max {
        if traffic.over() {
            return;
        }
        if bookings.len() < BOOKINGS_MAX && (bookings.is_empty() || random.random_bool(0.4)) {
            bookings.extend(book(traffic, &mut random).await);
            continue;
        }
        let place = random.random_range(0..bookings.len());
        if random.random_bool(0.4) {
            let (id, ..) = bookings.swap_remove(place);
            let dispatcher = actor("dispatcher");
            let cancelled =
                order::cancel(&traffic.admin, &traffic.main, id, &dispatcher, None).await;
            traffic.outcome("cancel", cancelled);
        } else {
            amend(traffic, &mut random, &mut bookings[place]).await;
        }
    }
}

async fn book(traffic: &Traffic, random: &mut StdRng) -> Option<Booking> {
    let (id, sku, size) = (id_of(random), any_sku(random), random.random_range(1..=2));
    let request = Book {
        customer: format!("party-{id}").parse().unwrap(),
        lines: cart(&[(sku, size)]),
        coupon: None,
    };
    let dispatcher = actor("dispatcher");
    let booked = order::book(&traffic.admin, &traffic.main, id, &dispatcher, &request).await;
    let (Booked::New(order) | Booked::Same(order)) = traffic.outcome("book", booked)?;
    Some((id, order.version, sku, size))
}

/// Another size, or another sku: both or neither.
async fn amend(traffic: &Traffic, random: &mut StdRng, booking: &mut Booking) {
    let (id, version, sku, size) = *booking;
    let (sku, size) = match random.random_bool(0.5) {
        true => (any_sku(random), size),
        false => (sku, random.random_range(1..=3)),
    };
    let request = Amend {
        expected_version: version.try_into().unwrap(),
        lines: cart(&[(sku, size)]),
    };
    let dispatcher = actor("dispatcher");
    let amended = order::amend(&traffic.admin, &traffic.main, id, &dispatcher, &request).await;
    if let Some(Amended::Changed(order) | Amended::Same(order)) = traffic.outcome("amend", amended)
    {
        *booking = (id, order.version, sku, size);
    }
}

/// Returns more and more units of a sold order, until none is left.
pub(super) async fn put_back(traffic: &Traffic, mut random: StdRng) {
    for _ in 0..traffic.turns_max {
        if traffic.over() {
            return;
        }
        let sold = traffic.paid.borrow_mut().pop();
        let Some((order_id, sku, quantity)) = sold else {
            // until something is sold
            tokio::time::sleep(Duration::from_millis(random.random_range(1..20))).await;
            continue;
        };
        let request = Restock {
            return_id: id_of(&mut random),
            lines: cart(&[(&sku, quantity)]),
            note: Some(note()),
        };
        let returns = actor("returns");
        let restock =
            || order::restock(&traffic.admin, &traffic.main, order_id, &returns, &request);
        // twice at once with one id: one effect
        let (one, two) = tokio::join!(restock(), restock());
        traffic.outcome("restock", one);
        traffic.outcome("restock", two);
    }
}

/// Reports missing units, held or not: the newest holds go.
pub(super) async fn find_missing(traffic: &Traffic, mut random: StdRng) {
    for _ in 0..traffic.turns_max {
        if traffic.over() {
            return;
        }
        let sku: Sku = any_sku(&mut random).parse().unwrap();
        let (missing, movement_id) = (random.random_range(1..=3_i64), id_of(&mut random));
        // an edit that gives up is missing in `tries`
        traffic.edits_begun.set(traffic.edits_begun.get() + 1);
        for tries in 1..=EDIT_TRIES_MAX {
            let level = stock::read(&traffic.admin, &traffic.main, &sku)
                .await
                .unwrap()
                .unwrap();
            let request = Shrink {
                missing: missing.try_into().unwrap(),
                movement_id,
                expected_version: Some(Version::try_from(level.version).unwrap()),
                reference: None,
                note: note(),
                dry_run: random.random_bool(0.1),
            };
            let keeper = actor("storekeeper");
            let shrunk =
                stock::shrink(&traffic.admin, &traffic.main, &sku, &keeper, &request).await;
            if matches!(shrunk, Err(ShrinkError::Stale(..))) {
                continue;
            }
            traffic.tries.borrow_mut().push(tries);
            traffic.outcome("shrink", shrunk);
            break;
        }
    }
}
