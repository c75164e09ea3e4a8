//! What happened, as facts: every request of every shopper with its answer and its times. The
//! promises are judged from this alone, after the run, by pure functions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::answers::{Availability, Checkout, Line, Order, Said, Sku};
use crate::cashfree::Kind;
use crate::plan::{Ending, Probe};

/// When a request happened, since the start of the run. Whatever the deployment did about it, it
/// did after `first_sent`; what the answer reports was true at some moment from `sent` to `got`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct When {
    /// The first attempt was sent.
    pub(crate) first_sent: Duration,
    /// The attempt that was answered was sent.
    pub(crate) sent: Duration,
    /// Its answer was complete, or the shopper gave up.
    pub(crate) got: Duration,
    pub(crate) attempts: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) when: When,
    pub(crate) checkout: Uuid,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Begin {
        cart: Vec<Line>,
        revision: u32,
        hold_s: Option<u32>,
        answer: Said<Checkout>,
    },
    Extend(Said<Checkout>),
    Read(Said<Checkout>),
    Release(Said<Checkout>),
    Order(Said<Order>),
    ReadOrder(Said<Order>),
    /// A signed event; the answer's status, None for no answer.
    Webhook {
        kind: Kind,
        copy: bool,
        status: Option<u16>,
    },
    /// A request that must be refused: its status (None for no answer) and problem code.
    Probe {
        probe: Refusable,
        status: Option<u16>,
        code: String,
    },
}

/// Everything that a correct deployment refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusable {
    Shopper(Probe),
    Forgery(Forgery),
    /// Our own signed event on another shop's path.
    OtherShopsPath,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    WrongSecret,
    ChangedBody,
    TruncatedBody,
    NoSignature,
    OtherTimestamp,
}

impl Forgery {
    pub(crate) const ALL: [Self; 5] = [
        Self::WrongSecret,
        Self::ChangedBody,
        Self::TruncatedBody,
        Self::NoSignature,
        Self::OtherTimestamp,
    ];
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Paid,
    /// Paid when the hold was gone, and still got the goods.
    PaidLate,
    /// Paid when the hold was gone, and the goods were too.
    RefundDue,
    /// Ordered, not paid; the units are held until the order expires.
    Unpaid,
    /// Left the cart; the hold lapsed.
    Abandoned,
    Released,
    /// Ordered after the hold had lapsed, and was refused.
    TooLate,
    SoldOut,
    /// A request was never answered, or with something the contract does not know.
    Unclear,
}

impl Outcome {
    pub(crate) const ALL: [Self; 9] = [
        Self::Paid,
        Self::PaidLate,
        Self::RefundDue,
        Self::Unpaid,
        Self::Abandoned,
        Self::Released,
        Self::TooLate,
        Self::SoldOut,
        Self::Unclear,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::PaidLate => "paid late, got it",
            Self::RefundDue => "paid late, refund due",
            Self::Unpaid => "ordered, not paid",
            Self::Abandoned => "abandoned the cart",
            Self::Released => "gave it back",
            Self::TooLate => "came back too late",
            Self::SoldOut => "sold out",
            Self::Unclear => "unclear",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) number: u32,
    pub(crate) ending: Ending,
    pub(crate) facts: Vec<Fact>,
}

impl Visit {
    /// Every answer that showed an order, in the order in which they were asked for.
    pub(crate) fn orders(&self) -> impl Iterator<Item = (&When, &Order)> {
        self.facts.iter().filter_map(|fact| match &fact.what {
            What::Order(said) | What::ReadOrder(said) => Some((&fact.when, said.yes()?)),
            _ => None,
        })
    }

    pub(crate) fn begins(&self) -> impl Iterator<Item = (&Fact, &Said<Checkout>)> {
        self.facts.iter().filter_map(|fact| match &fact.what {
            What::Begin { answer, .. } => Some((fact, answer)),
            _ => None,
        })
    }

    pub(crate) fn holds_granted(&self) -> bool {
        self.begins().any(|(_, answer)| answer.yes().is_some())
    }

    pub(crate) fn released(&self) -> bool {
        self.facts
            .iter()
            .any(|f| matches!(&f.what, What::Release(Said::Yes(_))))
    }

    /// Signed events that the deployment took, without `pending` ones.
    pub(crate) fn acknowledged_events(&self) -> impl Iterator<Item = (&When, Kind)> {
        self.facts.iter().filter_map(|fact| match fact.what {
            What::Webhook {
                kind,
                status: Some(200),
                ..
            } if kind.status().is_some() => Some((&fact.when, kind)),
            _ => None,
        })
    }

    /// Signed success events that were sent, taken or not.
    pub(crate) fn first_payment_sent(&self) -> Option<&When> {
        self.facts.iter().find_map(|fact| match fact.what {
            What::Webhook {
                kind: Kind::Paid, ..
            } => Some(&fact.when),
            _ => None,
        })
    }

    pub(crate) fn outcome(&self) -> Outcome {
        if let Some((_, order)) = self.orders().last() {
            let late = self.released();
            return match order.status.as_str() {
                "paid" if late => Outcome::PaidLate,
                "paid" => Outcome::Paid,
                "refund_due" => Outcome::RefundDue,
                "awaiting_payment" => Outcome::Unpaid,
                "cancelled" | "expired" if late && self.first_payment_sent().is_none() => {
                    Outcome::Released
                }
                _ => Outcome::Unclear,
            };
        }
        let refused_order = |w: &What| {
            matches!(
                w,
                What::Order(Said::Short(_)) | What::Order(Said::No(409, _))
            )
        };
        if self.facts.iter().any(|f| refused_order(&f.what)) {
            Outcome::TooLate
        } else if self.released() {
            Outcome::Released
        } else if self.holds_granted() && self.ending == Ending::Abandon {
            Outcome::Abandoned
        } else if self.begins().all(|(_, a)| matches!(a, Said::Short(_)))
            && self.begins().next().is_some()
        {
            Outcome::SoldOut
        } else {
            Outcome::Unclear
        }
    }
}

/// One look at the counters of the database.
#[derive(Clone, Debug)]
pub(crate) struct StockSample {
    pub(crate) at: Duration,
    /// sku -> (on_hand, held)
    pub(crate) levels: BTreeMap<String, (i64, i64)>,
}

/// What the database said at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct DatabaseCheck {
    /// (promise, the violating row) of `holdfast.promises_check`.
    pub(crate) violations: Vec<(String, String)>,
    /// A hand-written stock change without version and ledger (rolled back): Some(true) when it was
    /// refused, None when the role may not even try.
    pub(crate) stale_edit_refused: Option<bool>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) hot_sku: String,
    /// The skus of the run as they were offered before it.
    pub(crate) before: BTreeMap<String, Sku>,
    /// Available units at the end.
    pub(crate) after: BTreeMap<String, i64>,
    /// When `after` was read.
    pub(crate) ended: When,
    pub(crate) visits: Vec<Visit>,
    /// Shoppers who would have bought more of the hot sku at the end.
    pub(crate) still_wanted: usize,
    pub(crate) availability: Vec<(When, Availability)>,
    pub(crate) samples: Vec<StockSample>,
    pub(crate) database: Option<DatabaseCheck>,
}

impl History {
    pub(crate) fn facts(&self) -> impl Iterator<Item = (&Visit, &Fact)> {
        self.visits
            .iter()
            .flat_map(|visit| visit.facts.iter().map(move |fact| (visit, fact)))
    }

    pub(crate) fn stock_before(&self, sku: &str) -> i64 {
        self.before.get(sku).map_or(0, |s| s.available)
    }
}
