//! Pieces of a history made by hand, for tests of the checks.

use std::time::Duration;

use simulator::cashfree::webhook::Kind;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::answers::{Answer, Checkout, Line, Order, Payment, PricedLine, Shortage, Sku};
use crate::history::{ActionEnd, Edit, Exchange, History, MustRefuse, Request};
use crate::history::{StaffAction, Visit, When, Work};
use crate::plan::Ending;

const PRICE: i64 = 1_000;

pub(crate) fn when(sent_ms: u64, got_ms: u64) -> When {
    let sent = Duration::from_millis(sent_ms);
    When {
        first_sent: sent,
        sent,
        got: Duration::from_millis(got_ms),
        attempts: 1,
    }
}

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn exchange(checkout: u128, when: When, request: Request) -> Exchange {
    let checkout = id(checkout);
    Exchange {
        when,
        checkout,
        request,
    }
}

fn priced(lines: &[(&str, u32)]) -> Vec<PricedLine> {
    let line = |&(sku, quantity): &(&str, u32)| PricedLine {
        sku: sku.to_owned(),
        quantity,
        price_minor: PRICE,
    };
    lines.iter().map(line).collect()
}

fn total(lines: &[(&str, u32)]) -> i64 {
    lines.iter().map(|l| i64::from(l.1) * PRICE).sum()
}

fn begin(
    checkout: u128,
    revision: u32,
    lines: &[(&str, u32)],
    when: When,
    answer: Answer<Checkout>,
) -> Exchange {
    let cart = lines.iter().map(|(sku, units)| Line::new(sku, *units));
    let request = Request::Begin {
        cart: cart.collect(),
        revision,
        hold_s: None,
        answer,
    };
    exchange(checkout, when, request)
}

/// A granted hold of `remaining_ms`.
pub(crate) fn checkout(
    checkout: u128,
    revision: u32,
    lines: &[(&str, u32)],
    when: When,
    remaining_ms: u64,
) -> Exchange {
    let server_time = OffsetDateTime::UNIX_EPOCH + when.sent;
    let granted = Checkout {
        checkout_id: id(checkout),
        customer: "c".into(),
        status: "open".into(),
        revision,
        lines: priced(lines),
        total_minor: total(lines),
        expires_at: server_time + Duration::from_millis(remaining_ms),
        server_time,
    };
    begin(checkout, revision, lines, when, Answer::Done(granted))
}

/// A refused begin: of each sku the requested and the available units.
pub(crate) fn refused(checkout: u128, shortages: &[(&str, i64, i64)], when: When) -> Exchange {
    let lines: Vec<(&str, u32)> = shortages
        .iter()
        .map(|s| (s.0, u32::try_from(s.1).unwrap()))
        .collect();
    let shortage = |&(sku, requested, available): &(&str, i64, i64)| Shortage {
        sku: sku.into(),
        requested,
        available,
    };
    let short = Answer::Short(shortages.iter().map(shortage).collect());
    begin(checkout, 1, &lines, when, short)
}

/// An order, as the answer to the order request (`awaiting_payment`) or as it was read.
pub(crate) fn order(checkout: u128, status: &str, lines: &[(&str, u32)], when: When) -> Exchange {
    let server_time = OffsetDateTime::UNIX_EPOCH + when.sent;
    let paid = matches!(status, "paid" | "refund_due");
    let answer = Answer::Done(Order {
        order_id: id(checkout + 1_000),
        checkout_id: id(checkout),
        status: status.into(),
        lines: priced(lines),
        subtotal_minor: total(lines),
        discount_minor: 0,
        total_minor: total(lines),
        currency: "INR".into(),
        payment: Payment {
            reference: format!("dress-{checkout}"),
            status: if paid { "paid" } else { "unpaid" }.into(),
            amount_minor: total(lines),
        },
        gateway_order: None,
        expires_at: server_time + Duration::from_secs(1_800),
        server_time,
    });
    let request = match status {
        "awaiting_payment" => Request::Order(answer),
        _ => Request::ReadOrder(answer),
    };
    exchange(checkout, when, request)
}

/// An acknowledged webhook.
pub(crate) fn webhook(checkout: u128, kind: Kind, when: When) -> Exchange {
    let request = Request::Webhook {
        kind,
        copy: false,
        status: Some(200),
    };
    exchange(checkout, when, request)
}

pub(crate) fn probe(probe: MustRefuse, status: Option<u16>) -> Exchange {
    let code = String::new();
    let request = Request::Probe {
        probe,
        status,
        code,
    };
    exchange(1, when(0, 10), request)
}

/// An edit of a clerk that takes units, or brings them when negative.
pub(crate) fn action(sku: &str, units: i64, when: When, end: ActionEnd) -> StaffAction {
    StaffAction {
        when,
        id: id(9_000),
        units: vec![(sku.into(), units)],
        end,
        work: Work::Edit(Edit {
            expected_version: 7,
            delta: -units,
            movement: Some((8, -units)),
            tries: 1,
            took: when.got - when.first_sent,
        }),
        wrong: vec![],
    }
}

pub(crate) fn visit(number: u32, exchanges: Vec<Exchange>) -> Visit {
    Visit {
        number,
        ending: Ending::Pay,
        exchanges,
    }
}

/// A sale of `stock` units of A to these shoppers, with `after` units available at the end.
pub(crate) fn sale(stock: i64, after: i64, shoppers: Vec<Vec<Exchange>>) -> History {
    let sku = Sku {
        sku: "A".into(),
        title: "A dress".into(),
        price_minor: PRICE,
        currency: "INR".into(),
        available: stock,
        on_sale: true,
    };
    let visits = (1..)
        .zip(shoppers)
        .map(|(n, exchanges)| visit(n, exchanges));
    History {
        hot_sku: "A".into(),
        before: [("A".to_owned(), sku)].into(),
        after: [("A".to_owned(), after)].into(),
        ended: when(60_000, 60_001),
        visits: visits.collect(),
        ..History::default()
    }
}

pub(crate) fn with_staff(mut history: History, action: StaffAction) -> History {
    history.staff.get_or_insert_default().actions.push(action);
    history
}
