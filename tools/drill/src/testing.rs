//! Facts made by hand, for tests of the judges.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::answers::{Checkout, Line, Order, Payment, PricedLine, Said, Shortage, Sku};
use crate::cashfree::Kind;
use crate::history::{Deed, Edit, End, Fact, History, Visit, What, When, Work};
use crate::plan::Ending;

pub(crate) const PRICE: i64 = 1_000;

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

pub(crate) fn cart(lines: &[(&str, u32)]) -> Vec<Line> {
    lines
        .iter()
        .map(|&(sku, quantity)| Line {
            sku: sku.to_owned(),
            quantity,
        })
        .collect()
}

/// A granted hold of `remaining_ms`.
pub(crate) fn checkout(
    checkout: u128,
    revision: u32,
    lines: &[(&str, u32)],
    when: When,
    remaining_ms: u64,
) -> Fact {
    let server_time = OffsetDateTime::UNIX_EPOCH + when.sent;
    let answer = Said::Yes(Checkout {
        checkout_id: id(checkout),
        customer: "c".into(),
        status: "open".into(),
        revision,
        lines: priced(lines),
        total_minor: total(lines),
        expires_at: server_time + Duration::from_millis(remaining_ms),
        server_time,
    });
    let what = What::Begin {
        cart: cart(lines),
        revision,
        hold_s: None,
        answer,
    };
    Fact {
        when,
        checkout: id(checkout),
        what,
    }
}

/// A refused begin: of each sku, what was asked for and what was said to be available.
pub(crate) fn refused(checkout: u128, shortages: &[(&str, i64, i64)], when: When) -> Fact {
    let lines: Vec<(&str, u32)> = shortages
        .iter()
        .map(|s| (s.0, u32::try_from(s.1).unwrap()))
        .collect();
    let shortages = shortages
        .iter()
        .map(|&(sku, requested, available)| Shortage {
            sku: sku.into(),
            requested,
            available,
        })
        .collect();
    let answer = Said::Short(shortages);
    let what = What::Begin {
        cart: cart(&lines),
        revision: 1,
        hold_s: None,
        answer,
    };
    Fact {
        when,
        checkout: id(checkout),
        what,
    }
}

/// An order as it was read.
pub(crate) fn order(checkout: u128, status: &str, lines: &[(&str, u32)], when: When) -> Fact {
    let server_time = OffsetDateTime::UNIX_EPOCH + when.sent;
    let payment = match status {
        "paid" | "refund_due" => "paid",
        _ => "unpaid",
    };
    let order = Order {
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
            status: payment.into(),
            amount_minor: total(lines),
        },
        gateway_order: None,
        expires_at: server_time + Duration::from_secs(1_800),
        server_time,
    };
    let said = Said::Yes(order);
    let what = if status == "awaiting_payment" {
        What::Order(said)
    } else {
        What::ReadOrder(said)
    };
    Fact {
        when,
        checkout: id(checkout),
        what,
    }
}

pub(crate) fn webhook(checkout: u128, kind: Kind, when: When) -> Fact {
    Fact {
        when,
        checkout: id(checkout),
        what: What::Webhook {
            kind,
            copy: false,
            status: Some(200),
        },
    }
}

/// What a clerk did with a sku: units taken, or brought when negative.
pub(crate) fn deed(sku: &str, units: i64, when: When, end: End) -> Deed {
    Deed {
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

pub(crate) fn visit(number: u32, facts: Vec<Fact>) -> Visit {
    Visit {
        number,
        ending: Ending::Pay,
        facts,
    }
}

/// A sale of `stock` units of A that ended with `after` available.
pub(crate) fn history(stock: i64, after: i64, visits: Vec<Visit>) -> History {
    let sku = Sku {
        sku: "A".into(),
        title: "A dress".into(),
        price_minor: PRICE,
        currency: "INR".into(),
        available: stock,
        on_sale: true,
    };
    History {
        hot_sku: "A".into(),
        before: [("A".to_owned(), sku)].into(),
        after: [("A".to_owned(), after)].into(),
        ended: when(60_000, 60_001),
        visits,
        ..History::default()
    }
}
