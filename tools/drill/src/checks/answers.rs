//! Checks of single answers against their requests, the catalogue and each other.

use std::collections::BTreeMap;

use super::Checked;
use crate::answers::{Answer, Checkout, Order, PricedLine, merged, units_of};
use crate::history::{Exchange, History, MustRefuse, Request};
use crate::plan::Probe;

/// Promise 6. A grant holds the whole cart, each sku once. A refusal names at least one shortage,
/// and only skus of the cart, with the requested units and fewer available ones.
pub(crate) fn cart_whole_or_refused(history: &History) -> Checked {
    let mut checked = Checked::new("a_cart_is_all_or_nothing", "grants and refusals");
    for exchange in history.exchanges() {
        let Request::Begin { cart, answer, .. } = &exchange.request else {
            continue;
        };
        let (cart, id) = (merged(cart), exchange.checkout);
        match answer {
            Answer::Done(checkout) => checked.check(units_of(&checkout.lines) == cart, || {
                format!("{id}: asked for {cart:?}, got {:?}", checkout.lines)
            }),
            Answer::Short(shortages) => {
                let is_true = |shortage: &crate::answers::Shortage| {
                    let asked = cart.iter().find(|(sku, _)| *sku == shortage.sku);
                    asked.is_some_and(|(_, units)| i64::from(*units) == shortage.requested)
                        && (0..shortage.requested).contains(&shortage.available)
                };
                let right = !shortages.is_empty() && shortages.iter().all(is_true);
                checked.check(right, || {
                    format!("{id}: asked for {cart:?}, refused with {shortages:?}")
                });
            }
            _ => {}
        }
    }
    checked
}

/// Every price and total is the catalogue's, whatever the caller sent.
pub(crate) fn prices_are_the_catalogues(history: &History) -> Checked {
    let mut checked = Checked::new("prices_are_the_catalogues", "prices and totals");
    let catalogue = |lines: &[PricedLine]| -> Option<i64> {
        let lines = lines.iter().map(|line| {
            let price = history.before.get(&line.sku)?.price_minor;
            (line.price_minor == price).then_some(price * i64::from(line.quantity))
        });
        lines.sum()
    };
    for exchange in history.exchanges() {
        use Answer::Done;
        let (right, shown) = match &exchange.request {
            Request::Begin {
                answer: Done(checkout),
                ..
            }
            | Request::Extend(Done(checkout))
            | Request::Read(Done(checkout)) => {
                let total = catalogue(&checkout.lines);
                (total == Some(checkout.total_minor), checkout.total_minor)
            }
            Request::Order(Done(order)) | Request::ReadOrder(Done(order)) => {
                let total = catalogue(&order.lines);
                let right = total == Some(order.subtotal_minor)
                    && order.discount_minor == 0
                    && order.total_minor == order.subtotal_minor
                    && order.payment.amount_minor == order.total_minor;
                (right, order.total_minor)
            }
            _ => continue,
        };
        checked.check(right, || {
            format!("{}: a total of {shown}", exchange.checkout)
        });
    }
    checked
}

/// Promise 7. Requests with one id and one content have one answer, and one order.
pub(crate) fn same_request_same_answer(history: &History) -> Checked {
    let mut checked = Checked::new("same_id_same_answer", "repeated requests");
    for visit in &history.visits {
        let mut begins: BTreeMap<_, Vec<(&Exchange, &Answer<Checkout>)>> = BTreeMap::new();
        let mut orders: BTreeMap<_, Vec<&Order>> = BTreeMap::new();
        for exchange in &visit.exchanges {
            let id = exchange.checkout;
            match &exchange.request {
                Request::Begin {
                    revision,
                    cart,
                    answer,
                    ..
                } => {
                    let request = (id, *revision, merged(cart));
                    begins.entry(request).or_default().push((exchange, answer));
                }
                Request::Order(Answer::Done(order)) => orders.entry(id).or_default().push(order),
                _ => {}
            }
        }
        for ((id, ..), answers) in begins {
            for pair in answers.windows(2) {
                checked.check(agree(pair[0], pair[1]), || {
                    format!("{id}: first {:?}, then {:?}", pair[0].1, pair[1].1)
                });
            }
        }
        for (id, answers) in orders {
            for pair in answers.windows(2) {
                let same = pair[0].is_same(pair[1]) && same_at_gateway(pair[0], pair[1]);
                checked.check(same, || format!("{id}: two orders"));
            }
        }
    }
    checked
}

/// The gateway's order stays the same. An answer shows none when there is nothing left to pay.
fn same_at_gateway(first: &Order, second: &Order) -> bool {
    match (&first.gateway_order, &second.gateway_order) {
        (Some(first), Some(second)) => first == second,
        _ => true,
    }
}

fn agree(
    (first, answered): (&Exchange, &Answer<Checkout>),
    (second, again): (&Exchange, &Answer<Checkout>),
) -> bool {
    match (answered, again) {
        (Answer::Done(answered), Answer::Done(again)) => {
            // All but the clock's reading and the status, which may move on.
            let timeless = |checkout: &Checkout| Checkout {
                server_time: time::OffsetDateTime::UNIX_EPOCH,
                status: String::new(),
                ..checkout.clone()
            };
            timeless(answered) == timeless(again)
        }
        // A grant is a grant for as long as it lasts. A refusal changes nothing, so a grant may
        // follow it. A missing answer is judged by what is there at the end.
        (Answer::Done(answered), Answer::Short(_) | Answer::Refused(..)) => {
            let lapsed = first.when.sent.saturating_add(answered.remaining());
            let at_once = second.when.first_sent < first.when.got;
            at_once || second.when.got >= lapsed
        }
        _ => true,
    }
}

/// Every probe was refused with the right status.
pub(crate) fn probes_refused(history: &History) -> [Checked; 4] {
    let mut other_carts = Checked::new("same_id_same_answer", "other carts under a used id");
    let mut foreign = Checked::new("a_shop_sees_only_itself", "foreign requests");
    let mut own_prices = Checked::new("prices_are_the_catalogues", "carts with own prices");
    let mut forged = Checked::new("forged_events_are_refused", "forged webhooks");
    for exchange in history.exchanges() {
        let Request::Probe {
            probe,
            status: Some(status),
            code,
        } = &exchange.request
        else {
            continue;
        };
        let (checked, right): (_, &[u16]) = match probe {
            MustRefuse::Shopper(Probe::OtherCart) => (&mut other_carts, &[409]),
            // A checkout of another customer looks like a missing one.
            MustRefuse::Shopper(Probe::OtherCustomer) => (&mut foreign, &[404]),
            MustRefuse::Shopper(Probe::OtherShop) => (&mut foreign, &[403, 404]),
            MustRefuse::OtherShopsPath => (&mut foreign, &[401]),
            MustRefuse::Shopper(Probe::OwnPrice) => (&mut own_prices, &[400, 422]),
            MustRefuse::Forgery(_) => (&mut forged, &[401]),
        };
        checked.check(right.contains(status), || {
            format!("{probe:?} was answered with {status} {code}")
        });
    }
    [other_carts, foreign, own_prices, forged]
}

/// Every request was answered in time, with an answer that the contract allows.
pub(crate) fn answered_by_contract(history: &History) -> Checked {
    let mut checked = Checked::new("every_request_is_answered", "requests");
    for exchange in history.exchanges() {
        let wrong = match &exchange.request {
            Request::Begin { answer, hold_s, .. } => unexpected(answer, |status, code| {
                // A copy of a request for a short hold may come when the hold is over.
                hold_s.is_some() && (status, code) == (409, "checkout_ended")
            }),
            Request::Extend(answer) => unexpected(answer, |status, _| status == 409),
            Request::Read(answer) => unexpected(answer, |status, _| status == 404),
            Request::Release(answer) => unexpected(answer, |status, code| {
                status == 404 || code == "checkout_paid"
            }),
            Request::Order(Answer::Done(order))
                if history.records.is_some()
                    && order.status == "awaiting_payment"
                    && order.gateway_order.is_none() =>
            {
                Some("an order without a gateway's order".to_owned())
            }
            Request::Order(answer) => unexpected(answer, |_, code| code == "checkout_ended"),
            Request::ReadOrder(answer) => unexpected(answer, |status, _| status == 404),
            Request::Webhook { status, .. } => {
                let wrong = format!("a webhook was answered with {status:?}");
                (*status != Some(200)).then_some(wrong)
            }
            Request::Probe { probe, status, .. } => {
                status.is_none().then(|| format!("{probe:?} not answered"))
            }
        };
        checked.check(wrong.is_none(), || {
            format!("{}: {}", exchange.checkout, wrong.unwrap_or_default())
        });
    }
    for action in history.actions() {
        checked.check(action.wrong.is_empty(), || {
            format!("staff, {:?}: {}", action.work, action.wrong.join("; "))
        });
    }
    checked
}

fn unexpected<T>(answer: &Answer<T>, expected: impl Fn(u16, &str) -> bool) -> Option<String> {
    match answer {
        Answer::Done(_) | Answer::Short(_) => None,
        Answer::Refused(status, code) if expected(*status, code) => None,
        Answer::Refused(status, code) => Some(format!("answered with {status} {code}")),
        Answer::Missing(reason) => Some(format!("no answer: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Line;
    use crate::examples::{action, checkout, order, probe, refused, sale, when};
    use crate::history::{ActionEnd, Forgery};

    fn of(exchanges: Vec<Exchange>) -> History {
        sale(5, 0, vec![exchanges])
    }

    fn hold() -> Exchange {
        checkout(1, 1, &[("A", 2)], when(0, 10), 60_000)
    }

    fn changed(change: impl FnOnce(&mut Checkout)) -> Exchange {
        let mut exchange = hold();
        if let Request::Begin {
            answer: Answer::Done(checkout),
            ..
        } = &mut exchange.request
        {
            change(checkout);
        }
        exchange
    }

    #[test]
    fn half_a_cart_is_found() {
        let wrong = |exchange| cart_whole_or_refused(&of(vec![exchange])).wrong.len();
        assert_eq!(wrong(hold()), 0);
        assert_eq!(wrong(changed(|half| half.lines[0].quantity = 1)), 1);
        let mut two_lines = hold();
        if let Request::Begin { cart, .. } = &mut two_lines.request {
            *cart = vec![Line::new("A", 1), Line::new("A", 1)];
        }
        assert_eq!(wrong(two_lines), 0);
    }

    #[test]
    fn a_false_shortage_is_found() {
        let wrong = |shortages: &[(&str, i64, i64)]| {
            let refused = refused(1, shortages, when(0, 1));
            cart_whole_or_refused(&of(vec![refused])).wrong.len()
        };
        assert_eq!(wrong(&[("A", 2, 1)]), 0);
        assert_eq!(wrong(&[("A", 2, 2)]), 1);
        assert_eq!(wrong(&[("A", 2, -1)]), 1);
        assert_eq!(wrong(&[]), 1);
    }

    #[test]
    fn a_price_of_the_callers_is_found() {
        let wrong = |exchange| prices_are_the_catalogues(&of(vec![exchange])).wrong.len();
        assert_eq!(wrong(hold()), 0);
        assert_eq!(wrong(changed(|cheap| cheap.lines[0].price_minor = 1)), 1);
        assert_eq!(wrong(changed(|cheap| cheap.total_minor = 1)), 1);
    }

    #[test]
    fn another_answer_to_the_same_request_is_found() {
        let wrong = |exchange, when| {
            let second = Exchange { when, ..exchange };
            let history = of(vec![hold(), second]);
            same_request_same_answer(&history).wrong.len()
        };
        assert_eq!(wrong(hold(), when(20, 30)), 0);
        let second = std::time::Duration::from_secs(1);
        let later = changed(|checkout| checkout.expires_at += second);
        assert_eq!(wrong(later, when(20, 30)), 1);
        let short = || refused(1, &[("A", 2, 0)], when(0, 0));
        assert_eq!(wrong(short(), when(20, 30)), 1);
        assert_eq!(wrong(short(), when(5, 30)), 0);
    }

    #[test]
    fn two_orders_of_one_checkout_are_found() {
        let first = || order(1, "awaiting_payment", &[("A", 1)], when(20, 30));
        let wrong = |second| {
            let history = of(vec![hold(), first(), second]);
            same_request_same_answer(&history).wrong.len()
        };
        assert_eq!(wrong(first()), 0);
        let mut other = first();
        if let Request::Order(Answer::Done(order)) = &mut other.request {
            order.payment.reference = "dress-other".into();
        }
        assert_eq!(wrong(other), 1);
    }

    #[test]
    fn each_probe_that_is_answered_as_if_it_were_right_is_found() {
        use MustRefuse::{Forgery as Forged, OtherShopsPath, Shopper};
        let probes = [
            (Shopper(Probe::OtherCart), 409, "same_id_same_answer"),
            (
                Shopper(Probe::OtherCustomer),
                404,
                "a_shop_sees_only_itself",
            ),
            (Shopper(Probe::OtherShop), 404, "a_shop_sees_only_itself"),
            (OtherShopsPath, 401, "a_shop_sees_only_itself"),
            (Shopper(Probe::OwnPrice), 422, "prices_are_the_catalogues"),
            (
                Forged(Forgery::WrongSecret),
                401,
                "forged_events_are_refused",
            ),
        ];
        for (must_refuse, right, promise) in probes {
            let wrong = |status| {
                let checked = probes_refused(&of(vec![probe(must_refuse, Some(status))]));
                let one = checked
                    .into_iter()
                    .find(|checked| checked.promise == promise);
                one.map(|checked| (checked.count, checked.wrong.len()))
            };
            assert_eq!(wrong(right), Some((1, 0)), "{must_refuse:?}");
            assert_eq!(wrong(200), Some((1, 1)), "{must_refuse:?}");
        }
    }

    #[test]
    fn an_answer_that_the_contract_does_not_allow_is_found() {
        let wrong = |exchange| answered_by_contract(&of(vec![exchange])).wrong.len();
        let request = |request| Exchange { request, ..hold() };
        assert_eq!(wrong(hold()), 0);
        let missing = Request::Read(Answer::Missing("reset".into()));
        assert_eq!(wrong(request(missing)), 1);
        let teapot = Request::Order(Answer::Refused(418, "teapot".into()));
        assert_eq!(wrong(request(teapot)), 1);
        let forged = MustRefuse::Forgery(Forgery::NoSignature);
        assert_eq!(wrong(probe(forged, Some(401))), 0);
        assert_eq!(wrong(probe(forged, None)), 1);

        let mut staff = of(vec![hold()]);
        let mut action = action("A", 1, when(0, 10), ActionEnd::Refused);
        action.wrong.push("answered with 418 teapot".into());
        staff.staff.get_or_insert_default().actions.push(action);
        assert_eq!(answered_by_contract(&staff).wrong.len(), 1);
    }
}
