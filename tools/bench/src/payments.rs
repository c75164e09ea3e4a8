//! Payments: one event a call, and ten events a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use local::roles::PAYMENTS;
use operations::ids::Shop;
use operations::payment::{self, Event, EventKind, Gateway, Outcome};

use crate::combined::pool;
use crate::cpu::Meter;
use crate::report::Round;
use crate::server::{Failed, Server};

/// Functions at once, with a connection each.
const FUNCTIONS: usize = 8;
/// Orders that are paid in a round.
const ORDERS: u32 = 3_000;
/// Events of a batch, as SQS hands them over.
const BATCH: u32 = 10;
/// Time for a batch.
const CALL_MAX: Duration = Duration::from_secs(20);
/// The price of the hot sku.
const PRICE_MINOR: i64 = 4_990_000;

/// Orders that await their payments, `main-0` and so on.
const MAKE: &str = "
    select holdfast.checkout_begin_attempt('main', id, 'shopper', 1, '', null, '{HOT}', '{1}',
            true),
        holdfast.order_create_attempt('main', id, 'shopper', '', id, 'main-' || n, 'online', null,
            null, null, false, true)
    from (select n, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id
        from generate_series(0, 2999) n) o";

type Broken = Box<dyn std::error::Error + Send + Sync>;

/// One round: all orders are paid, each event alone or ten in one call.
pub(crate) async fn round(server: &Server, together: bool) -> Result<Round, Failed> {
    server.begin_round()?;
    let clear = "truncate holdfast.payment_events, holdfast.outbox_messages cascade";
    for statement in [clear, MAKE, "vacuum analyze", "checkpoint"] {
        server.cluster.execute("postgres", statement)?;
    }
    let db = pool(server, PAYMENTS, FUNCTIONS)?;
    let next = Arc::new(AtomicU32::new(0));
    let shop: Shop = "main".parse()?;
    let meter = Meter::start(&[server.pid()?])?;
    let running: Vec<_> = (0..FUNCTIONS)
        .map(|_| {
            let (db, next, shop) = (db.clone(), Arc::clone(&next), shop.clone());
            tokio::spawn(async move {
                let mut waits = Vec::new();
                loop {
                    let first = next.fetch_add(BATCH, Ordering::Relaxed);
                    if first >= ORDERS {
                        return Ok::<_, Broken>(waits);
                    }
                    let events: Vec<Event> = (first..first + BATCH).map(paid).collect();
                    let asked = Instant::now();
                    record(&db, &shop, &events, together).await?;
                    // of an event: as long as its batch
                    waits.extend(events.iter().map(|_| asked.elapsed()));
                }
            })
        })
        .collect();
    let mut waits = Vec::new();
    for one in running {
        waits.extend(one.await?.map_err(|why| why.to_string())?);
    }
    let used = meter.stop()?;
    if waits.len() != ORDERS as usize || server.held_of("HOT").await? != 0 {
        return Err("an order was not completed".into());
    }
    Ok(Round::of_waits(waits, &used))
}

async fn record(
    db: &operations::db::Database,
    shop: &Shop,
    events: &[Event],
    together: bool,
) -> Result<(), Broken> {
    let gateway = Gateway::Cashfree;
    let recorded = if together {
        let all: Vec<_> = events.iter().map(|event| (gateway, event)).collect();
        payment::record_events(db, shop, &all, CALL_MAX).await?
    } else {
        let mut recorded = Vec::new();
        for event in events {
            recorded.push(Some(payment::record_event(db, shop, gateway, event).await?));
        }
        recorded
    };
    for one in recorded {
        if one.is_none_or(|one| one.outcome != Outcome::Completed) {
            return Err("an event did not complete its order".into());
        }
    }
    Ok(())
}

fn paid(number: u32) -> Event {
    Event {
        reference: Some(format!("main-{number}")),
        amount_minor: Some(PRICE_MINOR),
        currency: Some("INR".to_owned()),
        gateway_payment_id: Some(format!("p-{number}")),
        ..Event::new(format!("paid:{number}"), EventKind::Paid, "x".repeat(1_500))
    }
}
