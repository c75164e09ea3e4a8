//! The plans of all shoppers. A plan follows from the seed, the number of shoppers and the skus
//! alone, never from timing or answers.

use std::time::Duration;

use serde::Serialize;
use simulator::Gateway;
use simulator::cashfree::webhook::{Kind, Version};

use crate::answers::{Line, merged};
use crate::random::Random;

/// How a shopper's visit ends when the cart is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    Pay,
    /// One or two failed or dropped attempts, then money.
    PayAfterTrouble,
    /// Orders and cancels. The money still arrives, after the hold is gone.
    PayLate,
    /// Cancels an order only when the sale is over, and the money still arrives: the hold is gone,
    /// but the units are still there.
    PayLast,
    /// Lets a short hold lapse, then orders and pays.
    OrderLate,
    /// Leaves a short hold to lapse.
    Abandon,
    /// Gives the cart back before ordering.
    LeaveCart,
    /// Gives the cart back after ordering.
    CancelOrder,
    /// Orders, closes the gateway's page, never pays.
    DropOut,
    /// Orders, and every attempt to pay fails.
    FailForGood,
}

/// The endings of 100 shoppers. They are dealt like cards, so a small run has every kind too.
const SHARES: [(Ending, usize); 10] = [
    (Ending::Pay, 38),
    (Ending::PayAfterTrouble, 18),
    (Ending::PayLate, 4),
    (Ending::PayLast, 4),
    (Ending::OrderLate, 4),
    (Ending::Abandon, 12),
    (Ending::LeaveCart, 5),
    (Ending::CancelOrder, 5),
    (Ending::DropOut, 6),
    (Ending::FailForGood, 4),
];

/// The same request sent more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    Once,
    /// All at the same time: a double click, a proxy that retries.
    Together(usize),
    /// One after another.
    Afterwards(usize),
}

/// Requests of shoppers that a correct deployment must refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The same checkout id and revision with another cart.
    OtherCart,
    /// A checkout read as another customer.
    OtherCustomer,
    /// A checkout read on another shop's path.
    OtherShop,
    /// A cart whose lines carry a price.
    OwnPrice,
}

/// How a shopper who pays at a simulated gateway pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Captures {
    Once,
    /// A second attempt is captured too: nothing keeps a bank from that.
    Twice,
    InParts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) version: Version,
    /// Events of one attempt to pay share the gateway's payment id.
    pub(crate) attempt: u32,
}

/// One sending of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    pub(crate) event: usize,
    /// After the shopper began to pay.
    pub(crate) after: Duration,
    /// Signed again with a new timestamp; else an exact copy of the first sending.
    pub(crate) signed_again: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShopperPlan {
    pub(crate) number: u32,
    pub(crate) ending: Ending,
    /// After the sale opened.
    pub(crate) arrives: Duration,
    pub(crate) cart: Vec<Line>,
    pub(crate) thinks: Duration,
    /// The waits before further tries of a refused cart.
    pub(crate) tries_again: Vec<Duration>,
    /// Comes back when stock was given back.
    pub(crate) waits_for_more: bool,
    pub(crate) begin: Copies,
    pub(crate) replacement: Option<Vec<Line>>,
    pub(crate) extends: bool,
    pub(crate) reads: bool,
    pub(crate) order: Copies,
    pub(crate) saves_address: bool,
    pub(crate) probes: Vec<Probe>,
    pub(crate) events: Vec<Event>,
    pub(crate) sendings: Vec<Sending>,
    pub(crate) gateway: Gateway,
    pub(crate) captures: Captures,
}

pub(crate) struct Settings<'a> {
    pub(crate) seed: u64,
    pub(crate) shoppers: u32,
    pub(crate) rush: Duration,
    pub(crate) hot_sku: &'a str,
    pub(crate) other_skus: &'a [String],
}

/// The plans of all shoppers, by number.
pub(crate) fn plan(settings: &Settings<'_>) -> Vec<ShopperPlan> {
    let endings = deal(settings.seed, settings.shoppers);
    (1..)
        .zip(endings)
        .map(|(number, ending)| shopper(settings, number, ending))
        .collect()
}

fn deal(seed: u64, shoppers: u32) -> Vec<Ending> {
    let deck: Vec<Ending> = SHARES
        .iter()
        .flat_map(|&(ending, share)| std::iter::repeat_n(ending, share))
        .collect();
    let shoppers = usize::try_from(shoppers).unwrap_or(usize::MAX);
    let mut dealt: Vec<Ending> = (0..shoppers)
        .filter_map(|i| deck.get(i * deck.len() / shoppers).copied())
        .collect();
    Random::new(seed, 0).shuffle(&mut dealt);
    dealt
}

fn shopper(settings: &Settings<'_>, number: u32, ending: Ending) -> ShopperPlan {
    let random = Random::new(settings.seed, u64::from(number));
    let cart = cart(&random, settings);
    let buys = matches!(ending, Ending::Pay | Ending::PayAfterTrouble);
    let events = events(&random, ending);
    let gateway = gateway(number);
    ShopperPlan {
        number,
        ending,
        arrives: arrival(&random, settings.rush),
        thinks: millis(&random, 50, 400),
        tries_again: (0..random.below(4))
            .map(|_| millis(&random, 400, 2_500))
            .collect(),
        waits_for_more: buys && random.percent(60),
        begin: copies(&random),
        replacement: random.percent(12).then(|| {
            let mut other = self::cart(&random, settings);
            if merged(&other) == merged(&cart) {
                other = vec![Line::new(settings.hot_sku, 3)];
            }
            other
        }),
        extends: random.percent(8),
        reads: random.percent(30),
        order: copies(&random),
        saves_address: random.percent(25),
        probes: [
            Probe::OtherCart,
            Probe::OtherCustomer,
            Probe::OtherShop,
            Probe::OwnPrice,
        ]
        .into_iter()
        .filter(|_| random.percent(8))
        .collect(),
        sendings: sendings(&random, &events),
        captures: captures(settings.seed, number, ending, gateway),
        gateway,
        events,
        cart,
    }
}

/// Shoppers take the gateways in turn.
fn gateway(number: u32) -> Gateway {
    match number % 3 {
        0 => Gateway::Cashfree,
        1 => Gateway::Stripe,
        _ => Gateway::Razorpay,
    }
}

/// From a stream of its own, so that a seed gives the same plan with and without gateways.
fn captures(seed: u64, number: u32, ending: Ending, gateway: Gateway) -> Captures {
    let random = Random::new(!seed, u64::from(number));
    let (twice, in_parts) = (random.percent(20), random.percent(25));
    match gateway {
        _ if !matches!(ending, Ending::Pay | Ending::PayAfterTrouble) => Captures::Once,
        // One intent is one charge.
        Gateway::Stripe => Captures::Once,
        Gateway::Razorpay if in_parts => Captures::InParts,
        Gateway::Razorpay | Gateway::Cashfree if twice => Captures::Twice,
        Gateway::Razorpay | Gateway::Cashfree => Captures::Once,
    }
}

fn millis(random: &Random, low: u64, high: u64) -> Duration {
    Duration::from_millis(random.between(low, high))
}

/// Half of the shoppers come in the first quarter of the rush.
fn arrival(random: &Random, rush: Duration) -> Duration {
    let share = random.below(1_000_000);
    rush.mul_f64(f64::from(u32::try_from(share * share / 1_000_000).unwrap_or(0)) / 1e6)
}

fn copies(random: &Random) -> Copies {
    let further = 2 + random.index(2);
    match random.below(100) {
        0..12 => Copies::Together(further),
        12..24 => Copies::Afterwards(further),
        _ => Copies::Once,
    }
}

/// The hot sku and up to two others; sometimes one sku on two lines, which is one line to hold.
fn cart(random: &Random, settings: &Settings<'_>) -> Vec<Line> {
    let quantity = if random.percent(10) { 2 } else { 1 };
    let mut cart = vec![Line::new(settings.hot_sku, quantity)];
    let mut others: Vec<&String> = settings.other_skus.iter().collect();
    random.shuffle(&mut others);
    for sku in others.into_iter().take(random.index(3)) {
        cart.push(Line::new(sku, 1));
        if random.percent(20) {
            cart.push(Line::new(sku, 1));
        }
    }
    random.shuffle(&mut cart);
    cart
}

fn events(random: &Random, ending: Ending) -> Vec<Event> {
    let trouble = |random: &Random| {
        if random.percent(50) {
            Kind::Failed
        } else {
            Kind::Dropped
        }
    };
    let kinds = match ending {
        Ending::Pay | Ending::PayLate | Ending::PayLast | Ending::OrderLate => {
            vec![Kind::Paid]
        }
        Ending::PayAfterTrouble => {
            let mut kinds: Vec<_> = (0..random.between(1, 2)).map(|_| trouble(random)).collect();
            kinds.push(Kind::Paid);
            kinds
        }
        Ending::DropOut if random.percent(50) => vec![Kind::Pending, Kind::Dropped],
        Ending::DropOut => vec![Kind::Dropped],
        Ending::FailForGood => vec![Kind::Dropped, Kind::Failed],
        Ending::Abandon | Ending::LeaveCart | Ending::CancelOrder => vec![],
    };
    // Half of the shoppers each: a deployment sees both versions while it moves to the newer one.
    let version = if random.percent(50) {
        Version::V2025
    } else {
        Version::V2023
    };
    (0..)
        .zip(kinds)
        .map(|(attempt, kind)| Event {
            kind,
            version,
            attempt,
        })
        .collect()
}

/// Every event one to three times, the copies late. In half of the visits the events come in
/// another order than they happened.
fn sendings(random: &Random, events: &[Event]) -> Vec<Sending> {
    let mut order: Vec<usize> = (0..events.len()).collect();
    if random.percent(50) {
        random.shuffle(&mut order);
    }
    let mut sendings = vec![];
    let mut base = Duration::ZERO;
    for event in order {
        base += millis(random, 20, 400);
        sendings.push(Sending {
            event,
            after: base,
            signed_again: false,
        });
        for _ in 0..random.below(3) {
            // Some arrive at the same time as the first, most later.
            let late = if random.percent(30) {
                0
            } else {
                random.between(50, 2_500)
            };
            sendings.push(Sending {
                event,
                after: base + Duration::from_millis(late),
                signed_again: random.percent(50),
            });
        }
    }
    sendings.sort_by_key(|d| d.after);
    sendings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans(seed: u64, shoppers: u32) -> Vec<ShopperPlan> {
        let other_skus = ["B", "C", "D"].map(str::to_owned);
        plan(&Settings {
            seed,
            shoppers,
            rush: Duration::from_secs(2),
            hot_sku: "HOT",
            other_skus: &other_skus,
        })
    }

    #[test]
    fn a_seed_repeats_every_decision() {
        assert_eq!(plans(7, 200), plans(7, 200));
        assert_ne!(plans(7, 200), plans(8, 200));
    }

    #[test]
    fn every_cart_has_the_hot_sku_and_at_most_three_skus_and_a_replacement_is_another() {
        for plan in plans(1, 500) {
            let skus = merged(&plan.cart);
            assert!(skus.iter().any(|(sku, _)| sku == "HOT"));
            assert!((1..=3).contains(&skus.len()));
            assert!(plan.replacement.is_none_or(|other| merged(&other) != skus));
            assert!(plan.arrives < Duration::from_secs(2));
        }
    }

    #[test]
    fn every_ending_has_its_share_in_small_runs_too() {
        for shoppers in [100_u32, 500] {
            let plans = plans(3, shoppers);
            for (ending, share) in SHARES {
                let count = plans.iter().filter(|p| p.ending == ending).count();
                assert_eq!(count, share * shoppers as usize / 100, "{ending:?}");
            }
        }
        assert_eq!(SHARES.iter().map(|s| s.1).sum::<usize>(), 100);
    }

    #[test]
    fn every_kind_of_trouble_is_planned() {
        let plans = plans(5, 500);
        let any = |wanted: fn(&ShopperPlan) -> bool| assert!(plans.iter().any(wanted));
        any(|p| matches!(p.begin, Copies::Together(_)));
        any(|p| matches!(p.begin, Copies::Afterwards(_)));
        any(|p| p.replacement.is_some());
        any(|p| p.cart.len() > merged(&p.cart).len());
        any(|p| p.sendings.len() > p.events.len());
        // A failed or dropped attempt that is reported only after the payment.
        any(|p| {
            let kinds: Vec<Kind> = p.sendings.iter().map(|s| p.events[s.event].kind).collect();
            let mut after_paid = kinds.iter().skip_while(|kind| **kind != Kind::Paid);
            after_paid.any(|kind| *kind < Kind::Paid)
        });
    }

    #[test]
    fn every_gateway_gets_its_third_and_every_way_to_pay_is_planned() {
        let plans = plans(1, 300);
        let at = |gateway: Gateway| plans.iter().filter(move |p| p.gateway == gateway);
        for gateway in Gateway::ALL {
            assert_eq!(at(gateway).count(), 100);
        }
        let ways = |gateway, captures| at(gateway).filter(|p| p.captures == captures).count();
        assert!(ways(Gateway::Razorpay, Captures::InParts) > 0);
        assert!(ways(Gateway::Razorpay, Captures::Twice) > 0);
        assert!(ways(Gateway::Cashfree, Captures::Twice) > 0);
        assert_eq!(ways(Gateway::Stripe, Captures::Once), 100);
    }
}
