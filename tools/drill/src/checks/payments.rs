//! Checks of payments as shoppers saw them, and of everything that was acknowledged.

use simulator::cashfree::webhook::Kind;

use super::Checked;
use crate::answers::{Answer, Checkout};
use crate::history::{Exchange, History, Request, Visit};
use crate::taken::Taken;

fn rank(status: &str) -> Option<usize> {
    let ranks = ["unpaid", "dropped", "failed", "paid"];
    ranks.iter().position(|known| *known == status)
}

/// Promise 4. The status of a payment never falls from one reading to the next, and ends at the
/// highest of the acknowledged events.
pub(crate) fn payments_only_rise(history: &History) -> Checked {
    let mut checked = Checked::new("a_payment_only_rises", "readings of payments");
    for visit in &history.visits {
        let mut seen: Vec<_> = visit.orders().collect();
        seen.sort_by_key(|(when, _)| when.sent);
        for pair in seen.windows(2) {
            let ((earlier, before), (later, now)) = (pair[0], pair[1]);
            let (was, is) = (&before.payment.status, &now.payment.status);
            // Readings at the same time have no order.
            let fell = earlier.got <= later.sent && rank(is) < rank(was);
            checked.check(!fell, || {
                format!("{}: {was} fell to {is}", now.payment.reference)
            });
        }
        let Some((_, order)) = seen.last() else {
            continue;
        };
        let ranks = visit.acknowledged().filter_map(|kind| rank(kind.status()?));
        let due = ranks.max().unwrap_or(0);
        let status = &order.payment.status;
        // At a simulated gateway, the webhook of an unpaid attempt may be lost, and a dropped
        // attempt may be reported as a failed one.
        let unpaid = |rank_of| rank_of < rank("paid");
        let unknown = history.records.is_some() && unpaid(Some(due)) && unpaid(rank(status));
        checked.check(rank(status) == Some(due) || unknown, || {
            format!("{}: ended as {status}", order.payment.reference)
        });
    }
    checked
}

/// Promise 5. Acknowledged money ends in a paid order or, when the hold was given back before, in a
/// refund that is due. No order is paid without money.
pub(crate) fn payments_end_right(history: &History) -> Checked {
    let mut checked = Checked::new("no_payment_is_lost", "payments");
    for visit in &history.visits {
        let Some((_, order)) = visit.orders().last() else {
            continue;
        };
        let paid = visit.acknowledged().any(|kind| kind == Kind::Paid);
        let gave_back = visit.any(|request| matches!(request, Request::Release(_)));
        let right = match order.status.as_str() {
            "paid" => paid,
            "refund_due" | "refunded" => paid && gave_back,
            "awaiting_payment" | "cancelled" | "expired" => !paid,
            _ => false,
        };
        checked.check(right, || {
            let (reference, status) = (&order.payment.reference, &order.status);
            let money = if paid { "paid" } else { "never paid" };
            format!("{reference}: {money}, ended as {status}")
        });
    }
    checked
}

/// Promise 11. What was acknowledged is there when it is read again: the checkout, its hold for as
/// long as was promised, and the order with the same id, reference and total.
pub(crate) fn acknowledged_survives(history: &History, taken: &[Taken]) -> Checked {
    let mut checked = Checked::new(
        "what_was_acknowledged_survives",
        "readings of acknowledged checkouts and orders",
    );
    for visit in &history.visits {
        for reading in &visit.exchanges {
            match &reading.request {
                Request::Read(answer) => hold_survives(&mut checked, visit, reading, answer, taken),
                Request::ReadOrder(answer) if !matches!(answer, Answer::Missing(_)) => {
                    let before = visit.exchanges.iter().filter(|e| is_before(e, reading));
                    let mut ordered = before.filter_map(|e| match &e.request {
                        Request::Order(ordered) => ordered.done(),
                        _ => None,
                    });
                    if let Some(ordered) = ordered.next() {
                        let same = answer.done().is_some_and(|now| ordered.is_same(now));
                        checked.check(same, || format!("order of {} is gone", reading.checkout));
                    }
                }
                _ => {}
            }
        }
    }
    checked
}

/// Answered before the reading was sent, about the same checkout.
fn is_before(exchange: &Exchange, reading: &Exchange) -> bool {
    exchange.checkout == reading.checkout && exchange.when.got <= reading.when.first_sent
}

fn hold_survives(
    checked: &mut Checked,
    visit: &Visit,
    reading: &Exchange,
    answer: &Answer<Checkout>,
    taken: &[Taken],
) {
    let (when, id) = (reading.when, reading.checkout);
    let mut begins = visit.begins();
    let granted = begins.any(|(begin, begun)| is_before(begin, reading) && begun.done().is_some());
    if !granted || matches!(answer, Answer::Missing(_)) {
        return;
    }
    let live = taken.iter().any(|one| {
        one.checkout == id && one.certainly_at(when.first_sent) && one.certainly_at(when.got)
    });
    let status = answer.done().map_or("gone", |now| now.status.as_str());
    let right = answer.done().is_some() && (!live || ["open", "ordered", "paid"].contains(&status));
    checked.check(right, || format!("{id} was acknowledged and is {status}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{checkout, order, sale, webhook, when};
    use crate::taken;

    /// A sale to one shopper, who ordered and then did this.
    fn ordered_and(more: Vec<Exchange>) -> History {
        let mut exchanges = vec![
            checkout(1, 1, &[("A", 1)], when(0, 10), 1_800_000),
            order(1, "awaiting_payment", &[("A", 1)], when(20, 30)),
        ];
        exchanges.extend(more);
        sale(1, 0, vec![exchanges])
    }

    fn paid() -> Exchange {
        webhook(1, Kind::Paid, when(40, 50))
    }

    fn seen(status: &str, at: u64) -> Exchange {
        order(1, status, &[("A", 1)], when(at, at + 5))
    }

    #[test]
    fn a_payment_that_falls_is_found() {
        let wrong = |more| payments_only_rise(&ordered_and(more)).wrong.len();
        assert_eq!(wrong(vec![paid(), seen("paid", 60), seen("paid", 80)]), 0);
        let mut fallen = seen("paid", 80);
        if let Request::ReadOrder(Answer::Done(order)) = &mut fallen.request {
            order.payment.status = "failed".into();
        }
        // It fell, and it ended below the highest event.
        assert_eq!(wrong(vec![paid(), seen("paid", 60), fallen]), 2);
    }

    #[test]
    fn money_without_a_right_ending_is_found() {
        let wrong = |more| payments_end_right(&ordered_and(more)).wrong.len();
        assert_eq!(wrong(vec![paid(), seen("paid", 60)]), 0);
        assert_eq!(wrong(vec![paid()]), 1, "never resolved");
        let refund = vec![paid(), seen("refund_due", 60)];
        assert_eq!(wrong(refund), 1, "a refund although it was held");
        assert_eq!(wrong(vec![seen("paid", 60)]), 1, "nobody paid");
        assert_eq!(wrong(vec![]), 0);
    }

    #[test]
    fn an_acknowledged_hold_or_order_that_is_gone_is_found() {
        let wrong = |request| {
            let reading = Exchange {
                request,
                ..seen("paid", 60)
            };
            let history = ordered_and(vec![reading]);
            acknowledged_survives(&history, &taken::in_run(&history))
                .wrong
                .len()
        };
        let gone = || Answer::Refused(404, "not_found".into());
        assert_eq!(wrong(Request::Read(gone())), 1);
        assert_eq!(
            wrong(Request::ReadOrder(Answer::Refused(404, "".into()))),
            1
        );
        let read = |status: &str| {
            let granted = checkout(1, 1, &[("A", 1)], when(0, 10), 1_800_000);
            let Request::Begin {
                answer: Answer::Done(granted),
                ..
            } = granted.request
            else {
                panic!()
            };
            let status = status.into();
            Request::Read(Answer::Done(Checkout { status, ..granted }))
        };
        assert_eq!(wrong(read("ordered")), 0);
        assert_eq!(wrong(read("expired")), 1);
    }
}
