//! What happened, as facts: every request of every shopper with its answer and its times. The
//! promises are judged from this alone, after the run, by pure functions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::answers::{Availability, Checkout, Line, Order, Said, Shortage, Sku};
use crate::books::Books;
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
                "refund_due" | "refunded" => Outcome::RefundDue,
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

/// What staff did beside the shoppers, in a mixed run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staff {
    pub(crate) deeds: Vec<Deed>,
    /// Deadlocks that the database counted before and after the run.
    pub(crate) deadlocks: Option<(i64, i64)>,
}

/// One thing that a member of staff did: one request, its repetitions included; of an edit the last
/// of its tries.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) when: When,
    /// Of the booking, the movement, the return or the import.
    pub(crate) id: Uuid,
    /// By sku, the units that it takes from the stock; negative, brings.
    pub(crate) units: Vec<(String, i64)>,
    pub(crate) end: End,
    pub(crate) work: Work,
    /// What in its answers the contract does not have.
    pub(crate) wrong: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    /// A correct no: nothing has changed.
    Refused,
    /// The same, because too few units are available.
    Short(Vec<Shortage>),
    /// The edit was stale each time, until it was given up.
    Starved,
    /// Done or not: no answer, and why.
    Unclear(String),
}

#[derive(Clone, Debug)]
pub(crate) enum Work {
    Edit(Edit),
    Book,
    Amend,
    Cancel,
    Restock,
    Import(Import),
    Shrink(Shrink),
    /// What others of these need: a sku put, a level read.
    Other,
}

/// A change of stock with the version that the clerk had read.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) expected_version: i64,
    /// By how much `on_hand` was to change.
    pub(crate) delta: i64,
    /// What the ledger says of it: the version that it gave the stock level, and the difference.
    pub(crate) movement: Option<(i64, i64)>,
    /// How often the level was read and the edit sent.
    pub(crate) tries: u32,
    /// From the first reading to the end of the last try.
    pub(crate) took: Duration,
}

/// How many rows an import created, changed, left unchanged and refused.
pub(crate) type RowCounts = [i64; 4];

#[derive(Clone, Debug, Default)]
pub(crate) struct Import {
    /// What the rows were to become.
    pub(crate) expected: RowCounts,
    pub(crate) applied: Option<RowCounts>,
    pub(crate) reported: Option<RowCounts>,
    /// What the catalogue shows afterwards that is not as the report says.
    pub(crate) differs: Vec<String>,
}

/// A shrinkage of a sku whose holds are all of the rehearsal's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shrink {
    /// Oldest first: the checkout and its units.
    pub(crate) holds: Vec<(Uuid, i64)>,
    /// How many of them had to go, from the newest on.
    pub(crate) to_break: usize,
    pub(crate) broken: Vec<Uuid>,
    /// Those that are still open when read afterwards.
    pub(crate) open: Vec<Uuid>,
    /// `on_hand` and `held` afterwards.
    pub(crate) level: (i64, i64),
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
    /// None: not a mixed run.
    pub(crate) staff: Option<Staff>,
    /// None: nobody paid at simulated gateways.
    pub(crate) books: Option<Books>,
}

impl History {
    pub(crate) fn deeds(&self) -> impl Iterator<Item = &Deed> {
        self.staff.iter().flat_map(|staff| &staff.deeds)
    }

    pub(crate) fn facts(&self) -> impl Iterator<Item = (&Visit, &Fact)> {
        self.visits
            .iter()
            .flat_map(|visit| visit.facts.iter().map(move |fact| (visit, fact)))
    }

    pub(crate) fn stock_before(&self, sku: &str) -> i64 {
        self.before.get(sku).map_or(0, |s| s.available)
    }
}
