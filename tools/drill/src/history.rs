//! Everything that happened in a run, as the drill saw it. The checks judge this record alone,
//! after the run, as pure functions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use simulator::cashfree::webhook::Kind;
use uuid::Uuid;

use crate::answers::{Answer, Availability, Checkout, Line, Order, Shortage, Sku};
use crate::plan::{Ending, Probe};
use crate::records::Records;

/// When a request happened, since the start of the run. Its effect came after `first_sent`; its
/// answer was true at some time from `sent` to `got`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct When {
    /// The first attempt was sent.
    pub(crate) first_sent: Duration,
    /// The attempt that was answered was sent.
    pub(crate) sent: Duration,
    /// Its answer was complete, or the client gave up.
    pub(crate) got: Duration,
    pub(crate) attempts: u32,
}

/// A request of a shopper about one checkout.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) when: When,
    pub(crate) checkout: Uuid,
    pub(crate) request: Request,
}

/// A request with its answer.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Begin {
        cart: Vec<Line>,
        revision: u32,
        hold_s: Option<u32>,
        answer: Answer<Checkout>,
    },
    Extend(Answer<Checkout>),
    Read(Answer<Checkout>),
    Release(Answer<Checkout>),
    Order(Answer<Order>),
    ReadOrder(Answer<Order>),
    /// A signed webhook, or an attempt at a simulated gateway. Status None: no answer.
    Webhook {
        kind: Kind,
        copy: bool,
        status: Option<u16>,
    },
    /// A request that must be refused: its status (None for no answer) and problem code.
    Probe {
        probe: MustRefuse,
        status: Option<u16>,
        code: String,
    },
}

/// Everything that a correct deployment refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MustRefuse {
    Shopper(Probe),
    Forgery(Forgery),
    /// A correctly signed webhook on another shop's path.
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

/// How a visit ended, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Paid,
    /// Paid after the hold was gone, and still got the goods.
    PaidLate,
    /// Paid after the hold was gone, and the goods were gone too.
    RefundDue,
    /// Ordered and not paid; the units are held until the order expires.
    Unpaid,
    /// Left the cart; the hold lapsed.
    Abandoned,
    Released,
    /// Ordered after the hold had lapsed, and was refused.
    TooLate,
    SoldOut,
    /// A request was not answered, or not as the contract says.
    Unclear,
}

impl Outcome {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::PaidLate => "paid late, got the goods",
            Self::RefundDue => "paid late, refund due",
            Self::Unpaid => "ordered, not paid",
            Self::Abandoned => "abandoned the cart",
            Self::Released => "gave the cart back",
            Self::TooLate => "came back too late",
            Self::SoldOut => "sold out",
            Self::Unclear => "unclear",
        }
    }
}

/// One shopper's part of the run.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) number: u32,
    pub(crate) ending: Ending,
    pub(crate) exchanges: Vec<Exchange>,
}

impl Visit {
    /// Every answer that showed an order, in the order of the requests.
    pub(crate) fn orders(&self) -> impl Iterator<Item = (&When, &Order)> {
        self.exchanges.iter().filter_map(|e| match &e.request {
            Request::Order(answer) | Request::ReadOrder(answer) => Some((&e.when, answer.done()?)),
            _ => None,
        })
    }

    pub(crate) fn begins(&self) -> impl Iterator<Item = (&Exchange, &Answer<Checkout>)> {
        self.exchanges.iter().filter_map(|e| match &e.request {
            Request::Begin { answer, .. } => Some((e, answer)),
            _ => None,
        })
    }

    pub(crate) fn any(&self, wanted: impl Fn(&Request) -> bool) -> bool {
        self.exchanges.iter().any(|e| wanted(&e.request))
    }

    pub(crate) fn released(&self) -> bool {
        self.any(|request| matches!(request, Request::Release(Answer::Done(_))))
    }

    /// The kinds of the webhooks that the deployment acknowledged, except `pending` ones.
    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = Kind> {
        self.exchanges.iter().filter_map(|e| match e.request {
            Request::Webhook {
                kind,
                status: Some(200),
                ..
            } if kind.status().is_some() => Some(kind),
            _ => None,
        })
    }

    /// The first success webhook, acknowledged or not.
    pub(crate) fn first_payment(&self) -> Option<&When> {
        first_payment(self.exchanges.iter())
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let late = self.released();
        if let Some((_, order)) = self.orders().last() {
            return match order.status.as_str() {
                "paid" if late => Outcome::PaidLate,
                "paid" => Outcome::Paid,
                "refund_due" | "refunded" => Outcome::RefundDue,
                "awaiting_payment" => Outcome::Unpaid,
                "cancelled" | "expired" if late && self.first_payment().is_none() => {
                    Outcome::Released
                }
                _ => Outcome::Unclear,
            };
        }
        let order_refused = |request: &Request| {
            use Answer::{Refused, Short};
            matches!(request, Request::Order(Short(_) | Refused(409, _)))
        };
        let mut begins = self.begins().map(|(_, answer)| answer).peekable();
        let began = begins.peek().is_some();
        if self.any(order_refused) {
            Outcome::TooLate
        } else if late {
            Outcome::Released
        } else if self.ending == Ending::Abandon && self.begins().any(|b| b.1.done().is_some()) {
            Outcome::Abandoned
        } else if began && begins.all(|answer| matches!(answer, Answer::Short(_))) {
            Outcome::SoldOut
        } else {
            Outcome::Unclear
        }
    }
}

/// The earliest success webhook among these.
pub(crate) fn first_payment<'a>(exchanges: impl Iterator<Item = &'a Exchange>) -> Option<&'a When> {
    let paid = exchanges.filter(|e| {
        let kind = Kind::Paid;
        matches!(e.request, Request::Webhook { kind: k, .. } if k == kind)
    });
    paid.map(|e| &e.when).min_by_key(|when| when.first_sent)
}

/// The work of staff in a mixed run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staff {
    pub(crate) actions: Vec<StaffAction>,
    /// Deadlocks that the database counted before and after the run.
    pub(crate) deadlocks: Option<(i64, i64)>,
}

/// One request of staff after its repetitions. For an edit: the last of its tries.
#[derive(Clone, Debug)]
pub(crate) struct StaffAction {
    pub(crate) when: When,
    /// The id of the booking, the movement, the return or the import.
    pub(crate) id: Uuid,
    /// The units of each sku that it takes from the stock. A negative number: it brings them.
    pub(crate) units: Vec<(String, i64)>,
    pub(crate) end: ActionEnd,
    pub(crate) work: Work,
    /// What the contract does not allow in its answers.
    pub(crate) wrong: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ActionEnd {
    Done,
    /// A correct refusal: nothing has changed.
    Refused,
    /// Refused, because too few units are available.
    Short(Vec<Shortage>),
    /// The edit was stale each time, until the clerk gave up.
    Starved,
    /// Done or not: there is no answer, for this reason.
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
    /// Anything that the others need first: putting a sku, reading a level.
    Other,
}

/// A change of stock with the version that the clerk had read.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) expected_version: i64,
    /// The wanted change of `on_hand`.
    pub(crate) delta: i64,
    /// As the stock ledger shows it: the new version of the stock level, and the change.
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
    pub(crate) expected: RowCounts,
    pub(crate) applied: Option<RowCounts>,
    pub(crate) reported: Option<RowCounts>,
    /// Where the report's rows or the catalogue differ from the expected ones.
    pub(crate) differs: Vec<String>,
}

/// A shrinkage of a sku on which only the drill itself has holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shrink {
    /// The checkouts with their units, oldest first.
    pub(crate) holds: Vec<(Uuid, i64)>,
    /// How many of them had to break, from the newest on.
    pub(crate) to_break: usize,
    pub(crate) broken: Vec<Uuid>,
    /// Those that are still open when read afterwards.
    pub(crate) open: Vec<Uuid>,
    /// `on_hand` and `held` afterwards.
    pub(crate) level: (i64, i64),
}

/// One reading of the counters in the database: of each sku, (on_hand, held).
#[derive(Clone, Debug)]
pub(crate) struct StockSample {
    pub(crate) at: Duration,
    pub(crate) levels: BTreeMap<String, (i64, i64)>,
}

/// What the database said at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct DatabaseCheck {
    /// The rows of `holdfast.promises_check`: (promise, violation).
    pub(crate) violations: Vec<(String, String)>,
    /// Whether a hand-written change of stock without version and ledger was refused (it is rolled
    /// back). None: the role has no right to try.
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
    pub(crate) records: Option<Records>,
}

impl History {
    pub(crate) fn actions(&self) -> impl Iterator<Item = &StaffAction> {
        self.staff.iter().flat_map(|staff| &staff.actions)
    }

    pub(crate) fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.visits.iter().flat_map(|visit| &visit.exchanges)
    }

    pub(crate) fn stock_before(&self, sku: &str) -> i64 {
        self.before.get(sku).map_or(0, |s| s.available)
    }
}
