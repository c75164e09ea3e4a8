//! Checks of money, and of what was acknowledged.

use super::Checked;
use crate::answers::{Order, Said};
use crate::cashfree::Kind;
use crate::claims::Claim;
use crate::history::{Fact, History, Visit, What};

fn rank(status: &str) -> Option<u8> {
    ["unpaid", "dropped", "failed", "paid"]
        .iter()
        .position(|known| *known == status)
        .and_then(|rank| u8::try_from(rank).ok())
}

/// Promise 4. The status of a payment never falls from one reading to the next, and ends at the
/// highest of the events that were taken.
pub(crate) fn payments_only_rise(history: &History) -> Checked {
    let mut checked = Checked::new("readings of payments");
    for visit in &history.visits {
        let mut seen: Vec<_> = visit.orders().collect();
        seen.sort_by_key(|(when, _)| when.sent);
        for pair in seen.windows(2) {
            let [(earlier, before), (later, now)] = pair else {
                continue;
            };
            let (was, is) = (&before.payment.status, &now.payment.status);
            // readings at the same time have no order
            let fell = earlier.got <= later.sent && rank(is) < rank(was);
            checked.judge(!fell, || {
                format!("{}: {was} fell to {is}", now.payment.reference)
            });
        }
        if let Some((_, order)) = seen.last() {
            let highest = visit
                .acknowledged_events()
                .filter_map(|(_, kind)| rank(kind.status()?));
            let due = highest.max().unwrap_or(0);
            let status = &order.payment.status;
            // a gateway may tell of a dropped attempt as of a failed one, or its webhook is lost
            let unpaid = |rank_of| rank_of < rank("paid");
            let unclear = history.books.is_some() && unpaid(Some(due)) && unpaid(rank(status));
            let right = rank(status) == Some(due) || unclear;
            checked.judge(right, || {
                format!("{}: ended as {status}", order.payment.reference)
            });
        }
    }
    checked
}

/// Promise 5. Money that was acknowledged ends in a paid order or, when the hold was given back
/// before, in a refund that is due; and no order is paid without money.
pub(crate) fn payments_end_right(history: &History) -> Checked {
    let mut checked = Checked::new("payments");
    for visit in &history.visits {
        let Some((_, order)) = visit.orders().last() else {
            continue;
        };
        let paid = visit
            .acknowledged_events()
            .any(|(_, kind)| kind == Kind::Paid);
        let gave_back = visit
            .facts
            .iter()
            .any(|fact| matches!(fact.what, What::Release(_)));
        let right = match order.status.as_str() {
            "paid" => paid,
            "refund_due" | "refunded" => paid && gave_back,
            "awaiting_payment" | "cancelled" | "expired" => !paid,
            _ => false,
        };
        checked.judge(right, || {
            let money = if paid {
                "paid by the gateway"
            } else {
                "never paid"
            };
            format!(
                "{}: {money}, ended as {}",
                order.payment.reference, order.status
            )
        });
    }
    checked
}

/// Promise 11. What was acknowledged is there when it is read again: the checkout, its hold for as
/// long as it was promised, and the order with the same id, reference and total.
pub(crate) fn acknowledged_survives(history: &History, claims: &[Claim]) -> Checked {
    let mut checked = Checked::new("readings of acknowledged checkouts and orders");
    for visit in &history.visits {
        for fact in &visit.facts {
            match &fact.what {
                What::Read(said) => read_again(&mut checked, visit, fact, said, claims),
                What::ReadOrder(said) => {
                    let ordered = |f: &&Fact| {
                        f.checkout == fact.checkout && f.when.got <= fact.when.first_sent
                    };
                    let first = visit
                        .facts
                        .iter()
                        .filter(ordered)
                        .find_map(|f| match &f.what {
                            What::Order(said) => said.yes(),
                            _ => None,
                        });
                    if let Some(first) = first
                        && !matches!(said, Said::Nothing(_))
                    {
                        let same = said.yes().is_some_and(|now| same_order(first, now));
                        checked.judge(same, || format!("order of {} is gone", fact.checkout));
                    }
                }
                _ => {}
            }
        }
    }
    checked
}

fn read_again(
    checked: &mut Checked,
    visit: &Visit,
    fact: &Fact,
    said: &Said<crate::answers::Checkout>,
    claims: &[Claim],
) {
    let granted = visit.begins().any(|(begin, answer)| {
        let before = begin.when.got <= fact.when.first_sent;
        begin.checkout == fact.checkout && before && answer.yes().is_some()
    });
    if !granted || matches!(said, Said::Nothing(_)) {
        return;
    }
    let live = claims.iter().any(|claim| {
        claim.checkout == fact.checkout
            && claim.certainly_at(fact.when.first_sent)
            && claim.certainly_at(fact.when.got)
    });
    let kept = said.yes().is_some_and(|checkout| {
        !live || matches!(checkout.status.as_str(), "open" | "ordered" | "paid")
    });
    checked.judge(kept, || {
        let now = said
            .yes()
            .map_or("gone", |checkout| checkout.status.as_str());
        format!("{} was acknowledged and is {now}", fact.checkout)
    });
}

fn same_order(first: &Order, now: &Order) -> bool {
    first.order_id == now.order_id
        && first.payment.reference == now.payment.reference
        && first.total_minor == now.total_minor
        && first.lines == now.lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims;
    use crate::testing::{checkout, history, order, visit, webhook, when};

    fn ordered() -> Vec<Fact> {
        vec![
            checkout(1, 1, &[("A", 1)], when(0, 10), 1_800_000),
            order(1, "awaiting_payment", &[("A", 1)], when(20, 30)),
        ]
    }

    fn with(mut facts: Vec<Fact>, more: Vec<Fact>) -> History {
        facts.extend(more);
        history(1, 0, vec![visit(1, facts)])
    }

    #[test]
    fn a_payment_that_falls_is_seen() {
        let paid = webhook(1, Kind::Paid, when(40, 50));
        let seen = |status, at| order(1, status, &[("A", 1)], when(at, at + 5));
        let good = with(
            ordered(),
            vec![paid.clone(), seen("paid", 60), seen("paid", 80)],
        );
        assert!(payments_only_rise(&good).wrong.is_empty());
        let mut fallen = seen("paid", 80);
        if let What::ReadOrder(Said::Yes(order)) = &mut fallen.what {
            order.payment.status = "failed".into();
        }
        let bad = with(ordered(), vec![paid, seen("paid", 60), fallen]);
        // it fell, and it ended below the highest event
        assert_eq!(payments_only_rise(&bad).wrong.len(), 2);
    }

    #[test]
    fn acknowledged_money_must_end_somewhere() {
        let paid = || webhook(1, Kind::Paid, when(40, 50));
        let seen = |status| order(1, status, &[("A", 1)], when(60, 65));
        let ends = |facts| payments_end_right(&with(ordered(), facts)).wrong.len();
        assert_eq!(ends(vec![paid(), seen("paid")]), 0);
        assert_eq!(ends(vec![paid()]), 1, "never resolved");
        assert_eq!(
            ends(vec![paid(), seen("refund_due")]),
            1,
            "a refund although it was held"
        );
        assert_eq!(ends(vec![seen("paid")]), 1, "nobody paid");
        assert_eq!(ends(vec![]), 0);
    }

    #[test]
    fn an_acknowledged_hold_or_order_that_is_gone_is_seen() {
        let gone = Said::No(404, "not_found".into());
        let read = Fact {
            what: What::Read(gone),
            ..ordered().remove(0)
        };
        let read = Fact {
            when: when(60, 65),
            ..read
        };
        let gone_order = Said::No(404, "not_found".into());
        let read_order = Fact {
            what: What::ReadOrder(gone_order),
            ..read.clone()
        };
        let bad = with(ordered(), vec![read, read_order]);
        let claims: Vec<_> = bad.visits.iter().flat_map(claims::of).collect();
        assert_eq!(acknowledged_survives(&bad, &claims).wrong.len(), 2);
    }

    #[test]
    fn a_live_hold_that_reads_as_expired_is_seen() {
        let mut facts = ordered();
        let What::Begin {
            answer: Said::Yes(granted),
            ..
        } = &facts[0].what
        else {
            panic!()
        };
        let expired = crate::answers::Checkout {
            status: "expired".into(),
            ..granted.clone()
        };
        let what = What::Read(Said::Yes(expired));
        facts.push(Fact {
            when: when(60, 65),
            what,
            ..facts[0].clone()
        });
        let bad = with(facts, vec![]);
        let claims: Vec<_> = bad.visits.iter().flat_map(claims::of).collect();
        assert_eq!(acknowledged_survives(&bad, &claims).wrong.len(), 1);
    }
}
