//! Checks of single answers against their requests, the catalogue and each other.

use std::collections::BTreeMap;

use super::Checked;
use crate::answers::{Checkout, Order, PricedLine, Said, merged, units_of};
use crate::history::{Fact, History, Refusable, What};
use crate::plan::Probe;

/// Promise 6. A grant holds the whole cart, every sku once; a refusal names at least one shortage,
/// only skus of the cart, with what was asked for and less than that available.
pub(crate) fn cart_whole_or_refused(history: &History) -> Checked {
    let mut checked = Checked::new("grants and refusals");
    for (_, fact) in history.facts() {
        let What::Begin { cart, answer, .. } = &fact.what else {
            continue;
        };
        let cart = merged(cart);
        match answer {
            Said::Yes(checkout) => checked.judge(units_of(&checkout.lines) == cart, || {
                format!(
                    "{}: asked for {cart:?}, got {:?}",
                    fact.checkout, checkout.lines
                )
            }),
            Said::Short(shortages) => {
                let names_it = |shortage: &crate::answers::Shortage| {
                    let asked = cart.iter().find(|(sku, _)| *sku == shortage.sku);
                    asked.is_some_and(|(_, units)| i64::from(*units) == shortage.requested)
                        && (0..shortage.requested).contains(&shortage.available)
                };
                let right = !shortages.is_empty() && shortages.iter().all(names_it);
                checked.judge(right, || {
                    format!(
                        "{}: asked for {cart:?}, refused with {shortages:?}",
                        fact.checkout
                    )
                });
            }
            _ => {}
        }
    }
    checked
}

/// Every price and total is the catalogue's, whatever the caller sent.
pub(crate) fn prices_are_the_catalogues(history: &History) -> Checked {
    let mut checked = Checked::new("prices and totals");
    let catalogue = |lines: &[PricedLine]| -> Option<i64> {
        lines
            .iter()
            .map(|line| {
                let price = history.before.get(&line.sku)?.price_minor;
                (line.price_minor == price).then_some(price * i64::from(line.quantity))
            })
            .sum()
    };
    for (_, fact) in history.facts() {
        let (right, shown) = match &fact.what {
            What::Begin {
                answer: Said::Yes(checkout),
                ..
            }
            | What::Extend(Said::Yes(checkout))
            | What::Read(Said::Yes(checkout)) => {
                let total = catalogue(&checkout.lines);
                (total == Some(checkout.total_minor), checkout.total_minor)
            }
            What::Order(Said::Yes(order)) | What::ReadOrder(Said::Yes(order)) => {
                let total = catalogue(&order.lines);
                let right = total == Some(order.subtotal_minor)
                    && order.discount_minor == 0
                    && order.total_minor == order.subtotal_minor
                    && order.payment.amount_minor == order.total_minor;
                (right, order.total_minor)
            }
            _ => continue,
        };
        checked.judge(right, || format!("{}: a total of {shown}", fact.checkout));
    }
    checked
}

/// Promise 7. Requests with one id and one content have one answer, and one order.
pub(crate) fn same_request_same_answer(history: &History) -> Checked {
    let mut checked = Checked::new("repeated requests");
    for visit in &history.visits {
        let mut same: BTreeMap<_, Vec<(&Fact, &Said<Checkout>)>> = BTreeMap::new();
        let mut orders: BTreeMap<_, Vec<&Order>> = BTreeMap::new();
        for fact in &visit.facts {
            match &fact.what {
                What::Begin {
                    revision,
                    cart,
                    answer,
                    ..
                } => {
                    let request = (fact.checkout, *revision, merged(cart));
                    same.entry(request).or_default().push((fact, answer));
                }
                What::Order(Said::Yes(order)) => {
                    orders.entry(fact.checkout).or_default().push(order);
                }
                _ => {}
            }
        }
        for ((checkout, ..), answers) in same {
            for pair in answers.windows(2) {
                let [(first, said), (second, again)] = pair else {
                    continue;
                };
                checked.judge(agree(first, said, second, again), || {
                    format!("{checkout}: first {said:?}, then {again:?}")
                });
            }
        }
        for (checkout, answers) in orders {
            for pair in answers.windows(2) {
                let [first, again] = pair else { continue };
                let same = first.order_id == again.order_id
                    && first.payment.reference == again.payment.reference
                    && first.total_minor == again.total_minor
                    && first.lines == again.lines
                    && same_at_gateway(first, again);
                checked.judge(same, || format!("{checkout}: two orders"));
            }
        }
    }
    checked
}

/// What a gateway made for it stays the same; once there is nothing to pay it is not shown.
fn same_at_gateway(first: &Order, again: &Order) -> bool {
    match (&first.gateway_order, &again.gateway_order) {
        (Some(first), Some(again)) => first == again,
        _ => true,
    }
}

fn agree(first: &Fact, said: &Said<Checkout>, second: &Fact, again: &Said<Checkout>) -> bool {
    match (said, again) {
        (Said::Yes(said), Said::Yes(again)) => {
            // all but the clock's reading and the status, which may move on
            let timeless = |checkout: &Checkout| Checkout {
                server_time: time::OffsetDateTime::UNIX_EPOCH,
                status: String::new(),
                ..checkout.clone()
            };
            timeless(said) == timeless(again)
        }
        // a grant is a grant for as long as it lasts; a refusal changes nothing and may be followed
        // by a grant; what went unanswered is judged by what is there at the end
        (Said::Yes(said), Said::Short(_) | Said::No(..)) => {
            let left = std::time::Duration::try_from(said.expires_at - said.server_time);
            let lapsed = first.when.sent.saturating_add(left.unwrap_or_default());
            let at_once = second.when.first_sent < first.when.got;
            at_once || second.when.got >= lapsed
        }
        _ => true,
    }
}

/// Requests that must be refused were, with the right status. `which` picks the probes.
pub(crate) fn refusables_refused(
    history: &History,
    what: &'static str,
    which: fn(Refusable) -> bool,
) -> Checked {
    let mut checked = Checked::new(what);
    for (_, fact) in history.facts() {
        let What::Probe {
            probe,
            status: Some(status),
            code,
        } = &fact.what
        else {
            continue;
        };
        if !which(*probe) {
            continue;
        }
        let right: &[u16] = match probe {
            Refusable::Shopper(Probe::OtherCart) => &[409],
            // a foreign id looks like a missing one
            Refusable::Shopper(Probe::OtherCustomer) => &[404],
            Refusable::Shopper(Probe::OtherShop) => &[403, 404],
            Refusable::Shopper(Probe::OwnPrice) => &[400, 422],
            Refusable::Forgery(_) | Refusable::OtherShopsPath => &[401],
        };
        checked.judge(right.contains(status), || {
            format!("{probe:?} was answered with {status} {code}")
        });
    }
    checked
}

/// Every request was answered in time, with an answer that the contract has for it.
pub(crate) fn contract_kept(history: &History) -> Checked {
    let mut checked = Checked::new("requests");
    for (_, fact) in history.facts() {
        let wrong = match &fact.what {
            What::Begin { answer, hold_s, .. } => unexpected(answer, |status, code| {
                // a copy of a request for a short hold may come when that is over
                hold_s.is_some() && (status, code) == (409, "checkout_ended")
            }),
            What::Extend(answer) => unexpected(answer, |status, _| status == 409),
            What::Read(answer) => unexpected(answer, |status, _| status == 404),
            What::Release(answer) => unexpected(answer, |status, code| {
                status == 404 || code == "checkout_paid"
            }),
            What::Order(Said::Yes(order))
                if history.books.is_some()
                    && order.status == "awaiting_payment"
                    && order.gateway_order.is_none() =>
            {
                Some("an order without what a gateway made for it".to_owned())
            }
            What::Order(answer) => unexpected(answer, |_, code| code == "checkout_ended"),
            What::ReadOrder(answer) => unexpected(answer, |status, _| status == 404),
            What::Webhook {
                status: Some(200), ..
            }
            | What::Probe {
                status: Some(_), ..
            } => None,
            What::Webhook { status, .. } => Some(format!("event answered with {status:?}")),
            What::Probe {
                probe,
                status: None,
                ..
            } => Some(format!("{probe:?} not answered")),
        };
        checked.judge(wrong.is_none(), || {
            format!("{}: {}", fact.checkout, wrong.unwrap_or_default())
        });
    }
    for deed in history.deeds() {
        checked.judge(deed.wrong.is_empty(), || {
            format!("staff, {:?}: {}", deed.work, deed.wrong.join("; "))
        });
    }
    checked
}

fn unexpected<T>(answer: &Said<T>, expected: impl Fn(u16, &str) -> bool) -> Option<String> {
    match answer {
        Said::Yes(_) | Said::Short(_) => None,
        Said::No(status, code) if expected(*status, code) => None,
        Said::No(status, code) => Some(format!("answered with {status} {code}")),
        Said::Nothing(reason) => Some(format!("no answer: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Forgery;
    use crate::testing::{cart, checkout, history, order, refused, visit, when};

    fn of(facts: Vec<Fact>) -> History {
        history(5, 0, vec![visit(1, facts)])
    }

    fn hold() -> Fact {
        checkout(1, 1, &[("A", 2)], when(0, 10), 60_000)
    }

    fn change(mut fact: Fact, change: impl FnOnce(&mut Checkout)) -> Fact {
        if let What::Begin {
            answer: Said::Yes(checkout),
            ..
        } = &mut fact.what
        {
            change(checkout);
        }
        fact
    }

    #[test]
    fn half_a_cart_is_seen() {
        assert!(cart_whole_or_refused(&of(vec![hold()])).wrong.is_empty());
        let half = change(hold(), |checkout| checkout.lines[0].quantity = 1);
        assert_eq!(cart_whole_or_refused(&of(vec![half])).wrong.len(), 1);
    }

    #[test]
    fn two_lines_of_one_sku_are_one_line_to_hold() {
        let mut fact = hold();
        if let What::Begin { cart: lines, .. } = &mut fact.what {
            *lines = cart(&[("A", 1), ("A", 1)]);
        }
        assert!(cart_whole_or_refused(&of(vec![fact])).wrong.is_empty());
    }

    #[test]
    fn a_refusal_must_name_a_true_shortage() {
        let wrong = |shortages| cart_whole_or_refused(&of(vec![shortages])).wrong.len();
        assert_eq!(wrong(refused(1, &[("A", 2, 1)], when(0, 1))), 0);
        assert_eq!(wrong(refused(1, &[("A", 2, 2)], when(0, 1))), 1);
        assert_eq!(wrong(refused(1, &[("A", 2, -1)], when(0, 1))), 1);
        assert_eq!(wrong(refused(1, &[], when(0, 1))), 1);
    }

    #[test]
    fn a_price_of_the_callers_is_seen() {
        assert!(
            prices_are_the_catalogues(&of(vec![hold()]))
                .wrong
                .is_empty()
        );
        let cheap = change(hold(), |checkout| checkout.lines[0].price_minor = 1);
        assert_eq!(prices_are_the_catalogues(&of(vec![cheap])).wrong.len(), 1);
        let total = change(hold(), |checkout| checkout.total_minor = 1);
        assert_eq!(prices_are_the_catalogues(&of(vec![total])).wrong.len(), 1);
    }

    #[test]
    fn another_answer_to_the_same_request_is_seen() {
        let again = |fact: Fact| Fact {
            when: when(20, 30),
            ..fact
        };
        let wrong = |second| {
            same_request_same_answer(&of(vec![hold(), second]))
                .wrong
                .len()
        };
        assert_eq!(wrong(again(hold())), 0);
        let later = change(hold(), |checkout| {
            checkout.expires_at += std::time::Duration::from_secs(1);
        });
        assert_eq!(wrong(again(later)), 1);
        let no = refused(1, &[("A", 2, 0)], when(20, 30));
        assert_eq!(wrong(no), 1);
        let at_once = refused(1, &[("A", 2, 0)], when(5, 30));
        assert_eq!(wrong(at_once), 0);
    }

    #[test]
    fn two_orders_of_one_checkout_are_seen() {
        let first = order(1, "awaiting_payment", &[("A", 1)], when(20, 30));
        let mut second = first.clone();
        let same = vec![hold(), first.clone(), second.clone()];
        assert!(same_request_same_answer(&of(same)).wrong.is_empty());
        if let What::Order(Said::Yes(order)) = &mut second.what {
            order.payment.reference = "dress-other".into();
        }
        let two = vec![hold(), first, second];
        assert_eq!(same_request_same_answer(&of(two)).wrong.len(), 1);
    }

    #[test]
    fn a_forged_event_that_is_taken_is_seen() {
        let forged = |status| Fact {
            what: What::Probe {
                probe: Refusable::Forgery(Forgery::WrongSecret),
                status: Some(status),
                code: String::new(),
            },
            ..hold()
        };
        let wrong = |status| {
            refusables_refused(&of(vec![forged(status)]), "forged events", |probe| {
                matches!(probe, Refusable::Forgery(_))
            })
        };
        assert!(wrong(401).wrong.is_empty());
        assert_eq!(wrong(200).wrong.len(), 1);
        assert_eq!(wrong(200).judged, 1);
    }

    #[test]
    fn an_answer_to_staff_that_the_contract_does_not_have_is_seen() {
        let mut bad = of(vec![hold()]);
        let mut deed = crate::testing::deed("A", 1, when(0, 10), crate::history::End::Refused);
        deed.wrong.push("answered with 418 teapot".into());
        bad.staff.get_or_insert_default().deeds.push(deed);
        assert_eq!(contract_kept(&bad).wrong.len(), 1);
    }

    #[test]
    fn an_unanswered_request_breaks_the_contract() {
        let mut fact = hold();
        if let What::Begin { answer, .. } = &mut fact.what {
            *answer = Said::Nothing("reset".into());
        }
        assert_eq!(contract_kept(&of(vec![fact])).wrong.len(), 1);
        let internal = Fact {
            what: What::Order(Said::No(418, "teapot".into())),
            ..hold()
        };
        assert_eq!(contract_kept(&of(vec![internal])).wrong.len(), 1);
    }
}
