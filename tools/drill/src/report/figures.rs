//! The figures of a run. As JSON they are `report.json`; its keys are stable, and README.md lists
//! them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::gateways::GatewayFigures;
use crate::answers::{Order, Said};
use crate::args::Args;
use crate::cashfree::Kind;
use crate::checks;
use crate::claims::{self, By, Claim};
use crate::history::{End, History, Outcome, Refusable, Staff, Visit, What, Work};
use crate::meters::{Call, Meters, micros_as_ms};
use crate::plan::Ending;
use crate::promises::{self, State, Verdict};
use crate::run::Run;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) tool: Tool,
    pub(crate) started_at: String,
    pub(crate) duration_s: f64,
    /// The longest that the rehearsal itself was kept waiting by its machine.
    pub(crate) client_lag_max_ms: f64,
    pub(crate) run_id: String,
    pub(crate) seed: u64,
    pub(crate) arguments: Arguments,
    /// No promise is broken.
    pub(crate) kept: bool,
    pub(crate) promises: Vec<Verdict>,
    pub(crate) counts: Counts,
    pub(crate) outcomes: BTreeMap<Outcome, usize>,
    pub(crate) calls: Vec<CallFigures>,
    pub(crate) stock: Vec<StockFigures>,
    pub(crate) timeline: Timeline,
    /// None: not a mixed run.
    pub(crate) staff: Option<StaffFigures>,
    /// None: nobody paid at simulated gateways.
    pub(crate) gateways: Option<GatewayFigures>,
    pub(crate) shoppers: Vec<ShopperFigures>,
}

#[derive(Serialize)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

/// The arguments that shape a run; no URLs and no secrets, so that a report can be shown.
#[derive(Serialize)]
pub(crate) struct Arguments {
    pub(crate) shop: String,
    pub(crate) other_shop: Option<String>,
    pub(crate) hot_sku: String,
    pub(crate) skus: Vec<String>,
    pub(crate) shoppers: u32,
    pub(crate) units: u32,
    pub(crate) rush_s: f64,
    pub(crate) hold_s: u32,
    pub(crate) settle_s: f64,
    pub(crate) timeout_s: f64,
    pub(crate) database: bool,
    pub(crate) mixed: bool,
}

/// What staff did.
#[derive(Serialize)]
pub(crate) struct StaffFigures {
    pub(crate) edits: Edits,
    pub(crate) bookings: usize,
    pub(crate) amendments: usize,
    pub(crate) cancellations: usize,
    pub(crate) restocks: usize,
    pub(crate) imports: usize,
    pub(crate) shrinkages: usize,
    pub(crate) deadlocks: Option<i64>,
}

/// Changes of stock with the version that was read; each with all its tries.
#[derive(Serialize)]
pub(crate) struct Edits {
    pub(crate) done: usize,
    pub(crate) refused: usize,
    pub(crate) starved: usize,
    pub(crate) tries_p50: u64,
    pub(crate) tries_p95: u64,
    pub(crate) tries_p99: u64,
    pub(crate) tries_max: u64,
    pub(crate) took_p50_ms: f64,
    pub(crate) took_p95_ms: f64,
    pub(crate) took_p99_ms: f64,
    pub(crate) took_max_ms: f64,
}

#[derive(Serialize, Default)]
pub(crate) struct Counts {
    /// Units of the hot sku in the first carts of all shoppers.
    pub(crate) units_wanted: u32,
    pub(crate) holds_granted: usize,
    /// Checkouts refused for a shortage, and not granted by a retry.
    pub(crate) refused: usize,
    pub(crate) orders: usize,
    pub(crate) orders_paid: usize,
    pub(crate) refunds_due: usize,
    /// Payments that arrived when the hold was gone.
    pub(crate) late_payments: usize,
    pub(crate) revenue_minor: i64,
    pub(crate) currency: String,
    /// Rounds in which waiting shoppers took what others had given back.
    pub(crate) second_calls: u32,
    pub(crate) events_sent: usize,
    pub(crate) duplicates_sent: usize,
    /// Failed or dropped attempts told of after the payment.
    pub(crate) events_out_of_order: usize,
    pub(crate) forged_sent: usize,
    /// Requests repeated on purpose, with the same id and content.
    pub(crate) requests_repeated: usize,
    /// Attempts that failed and were sent again: 5xx answers and lost connections.
    pub(crate) attempts_failed: u64,
}

#[derive(Serialize)]
pub(crate) struct CallFigures {
    pub(crate) call: &'static str,
    pub(crate) answers: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) unavailable: u64,
    pub(crate) unanswered: u64,
    pub(crate) histogram: Vec<Bar>,
}

/// So many answers took at least `from_ms` and less than `to_ms`.
#[derive(Serialize)]
pub(crate) struct Bar {
    pub(crate) from_ms: f64,
    pub(crate) to_ms: f64,
    pub(crate) answers: u64,
}

#[derive(Serialize)]
pub(crate) struct StockFigures {
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) price_minor: i64,
    pub(crate) currency: String,
    pub(crate) before: i64,
    /// By staff, less what they took.
    pub(crate) brought: i64,
    pub(crate) sold: i64,
    /// Held by orders that await their payment, and carts.
    pub(crate) held: i64,
    pub(crate) available: i64,
}

/// The hot sku over time; a point for every change.
#[derive(Serialize)]
pub(crate) struct Timeline {
    /// `database`: the counters, sampled; `answers`: what was acknowledged to shoppers.
    pub(crate) source: &'static str,
    pub(crate) points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Point {
    pub(crate) at_s: f64,
    pub(crate) sold: i64,
    pub(crate) held: i64,
    pub(crate) available: i64,
}

#[derive(Serialize)]
pub(crate) struct ShopperFigures {
    pub(crate) number: u32,
    pub(crate) planned: Ending,
    pub(crate) outcome: Outcome,
    /// When their first begin was sent.
    pub(crate) arrived_s: f64,
    /// Checkouts begun.
    pub(crate) tries: usize,
    /// From sending the last begin to its answer.
    pub(crate) begin_ms: f64,
}

impl Report {
    pub(crate) fn new(args: &Args, run: &Run) -> Self {
        let history = &run.history;
        let claims = claims::of_all(history);
        let promises = promises::judge(history);
        let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
        for visit in &history.visits {
            *outcomes.entry(visit.outcome()).or_default() += 1;
        }
        let mut shoppers: Vec<_> = history.visits.iter().map(shopper).collect();
        shoppers.sort_by(|a, b| a.arrived_s.total_cmp(&b.arrived_s));
        let elapsed = run.api.started().elapsed();
        Self {
            tool: Tool {
                name: "holdfast drill",
                version: env!("CARGO_PKG_VERSION"),
            },
            started_at: (OffsetDateTime::now_utc() - elapsed)
                .replace_nanosecond(0)
                .ok()
                .and_then(|at| at.format(&Rfc3339).ok())
                .unwrap_or_default(),
            duration_s: elapsed.as_secs_f64(),
            client_lag_max_ms: run.lag.as_secs_f64() * 1_000.0,
            run_id: run.run_id.clone(),
            seed: args.seed,
            arguments: arguments(args, history),
            kept: promises
                .iter()
                .all(|verdict| verdict.state != State::Broken),
            promises,
            counts: counts(run),
            outcomes,
            calls: Call::ALL
                .iter()
                .map(|call| call_figures(*call, &run.api.meters))
                .collect(),
            stock: stock(history, &claims),
            timeline: timeline(history, &claims),
            staff: history
                .staff
                .as_ref()
                .map(|staff| staff_figures(history, staff)),
            gateways: history.books.as_ref().map(GatewayFigures::new),
            shoppers,
        }
    }

    /// One line; a promise that could not be checked is not called kept.
    pub(crate) fn conclusion(&self) -> String {
        let count = |state| {
            self.promises
                .iter()
                .filter(|verdict| verdict.state == state)
                .count()
        };
        match (count(State::Broken), count(State::NotChecked)) {
            (0, 0) => "Every promise kept".to_owned(),
            (0, unknown) => format!("No promise broken, {unknown} not checked"),
            (1, _) => "1 PROMISE BROKEN".to_owned(),
            (broken, _) => format!("{broken} PROMISES BROKEN"),
        }
    }

    /// The line of the hot sku.
    pub(crate) fn hot(&self) -> Option<&StockFigures> {
        self.stock
            .iter()
            .find(|stock| stock.sku == self.arguments.hot_sku)
    }
}

fn arguments(args: &Args, history: &History) -> Arguments {
    Arguments {
        shop: args.shop.clone(),
        other_shop: args.other_shop.clone(),
        hot_sku: args.hot_sku.clone(),
        skus: history
            .before
            .keys()
            .filter(|sku| **sku != args.hot_sku)
            .cloned()
            .collect(),
        shoppers: args.shoppers,
        units: args.units,
        rush_s: args.rush_s.as_secs_f64(),
        hold_s: args.hold_s,
        settle_s: args.settle_s.as_secs_f64(),
        timeout_s: args.timeout.as_secs_f64(),
        database: args.database.is_some(),
        mixed: args.mixed,
    }
}

fn counts(run: &Run) -> Counts {
    let history = &run.history;
    let mut counts = Counts {
        second_calls: run.second_calls,
        ..Counts::default()
    };
    let failed = |call: &Call| {
        let meter = run.api.meters.of(*call);
        meter.unavailable + meter.unanswered
    };
    counts.attempts_failed = Call::ALL.iter().map(failed).sum();
    for visit in &history.visits {
        count_visit(&mut counts, visit, &history.hot_sku);
    }
    let hot = history.before.get(&history.hot_sku);
    counts.currency = hot.map(|sku| sku.currency.clone()).unwrap_or_default();
    counts
}

fn count_visit(counts: &mut Counts, visit: &Visit, hot_sku: &str) {
    let mut granted: BTreeMap<_, bool> = BTreeMap::new();
    let mut ordered = 0;
    for (fact, answer) in visit.begins() {
        let granted = granted.entry(fact.checkout);
        if matches!(granted, std::collections::btree_map::Entry::Occupied(_)) {
            counts.requests_repeated += usize::from(revision(&fact.what) == 1);
        }
        *granted.or_default() |= answer.yes().is_some();
    }
    counts.holds_granted += granted.values().filter(|granted| **granted).count();
    counts.refused += granted.values().filter(|granted| !**granted).count();
    let first = visit.facts.iter().find_map(|fact| match &fact.what {
        What::Begin { cart, .. } => Some(cart),
        _ => None,
    });
    let hot = first
        .into_iter()
        .flatten()
        .filter(|line| line.sku == hot_sku);
    counts.units_wanted += hot.map(|line| line.quantity).sum::<u32>();
    let mut paid = false;
    for fact in &visit.facts {
        match &fact.what {
            What::Order(Said::Yes(_)) => ordered += 1,
            What::Webhook { kind, copy, status } => {
                counts.events_sent += 1;
                counts.duplicates_sent += usize::from(*copy);
                let after_paid = paid && !copy && *kind != Kind::Paid;
                counts.events_out_of_order += usize::from(after_paid);
                paid |= *kind == Kind::Paid && *status == Some(200);
            }
            What::Probe {
                probe: Refusable::Forgery(_),
                ..
            } => counts.forged_sent += 1,
            _ => {}
        }
    }
    counts.requests_repeated += usize::saturating_sub(ordered, 1);
    counts.orders += usize::from(ordered > 0);
    counts.late_payments += usize::from(paid && visit.released());
    if let Some((_, order)) = visit.orders().last() {
        counts.orders_paid += usize::from(order.status == "paid");
        counts.refunds_due += usize::from(gone_back(order));
        if order.status == "paid" {
            counts.revenue_minor += order.total_minor;
        }
    }
}

fn gone_back(order: &Order) -> bool {
    matches!(order.status.as_str(), "refund_due" | "refunded")
}

fn revision(what: &What) -> u32 {
    match what {
        What::Begin { revision, .. } => *revision,
        _ => 0,
    }
}

fn shopper(visit: &Visit) -> ShopperFigures {
    let mut checkouts: Vec<_> = visit.begins().map(|(fact, _)| fact.checkout).collect();
    checkouts.dedup();
    let first = visit.begins().next().map(|(fact, _)| fact.when.first_sent);
    let last = visit
        .begins()
        .last()
        .map(|(fact, _)| fact.when.got - fact.when.first_sent);
    ShopperFigures {
        number: visit.number,
        planned: visit.ending,
        outcome: visit.outcome(),
        arrived_s: first.unwrap_or_default().as_secs_f64(),
        tries: checkouts.len(),
        begin_ms: last.unwrap_or_default().as_secs_f64() * 1_000.0,
    }
}

fn call_figures(call: Call, meters: &Meters) -> CallFigures {
    let meter = meters.of(call);
    CallFigures {
        call: call.name(),
        answers: meter.latency.len(),
        p50_ms: meter.quantile_ms(0.5),
        p95_ms: meter.quantile_ms(0.95),
        p99_ms: meter.quantile_ms(0.99),
        max_ms: meter.max_ms(),
        unavailable: meter.unavailable,
        unanswered: meter.unanswered,
        histogram: bars(&meter.latency),
    }
}

fn staff_figures(history: &History, staff: &Staff) -> StaffFigures {
    let done = |work: fn(&Work) -> bool| {
        let done = staff.deeds.iter().filter(|deed| deed.end == End::Done);
        done.filter(|deed| work(&deed.work)).count()
    };
    StaffFigures {
        edits: edit_figures(history),
        bookings: done(|work| matches!(work, Work::Book)),
        amendments: done(|work| matches!(work, Work::Amend)),
        cancellations: done(|work| matches!(work, Work::Cancel)),
        restocks: done(|work| matches!(work, Work::Restock)),
        imports: done(|work| matches!(work, Work::Import(_))),
        shrinkages: done(|work| matches!(work, Work::Shrink(_))),
        deadlocks: staff.deadlocks.map(|(before, after)| after - before),
    }
}

fn edit_figures(history: &History) -> Edits {
    let ended = |wanted: fn(&End) -> bool| {
        checks::edits(history)
            .filter(|(end, _)| wanted(end))
            .count()
    };
    let mut tries: Vec<u64> = checks::edits(history)
        .map(|(_, edit)| edit.tries.into())
        .collect();
    tries.sort_unstable();
    let mut took: Vec<Duration> = checks::edits(history).map(|(_, edit)| edit.took).collect();
    took.sort_unstable();
    let took_ms = |percent| at(&took, percent).as_secs_f64() * 1_000.0;
    Edits {
        done: ended(|end| *end == End::Done),
        refused: ended(|end| *end == End::Refused),
        starved: ended(|end| *end == End::Starved),
        tries_p50: at(&tries, 50),
        tries_p95: at(&tries, 95),
        tries_p99: at(&tries, 99),
        tries_max: at(&tries, 100),
        took_p50_ms: took_ms(50),
        took_p95_ms: took_ms(95),
        took_p99_ms: took_ms(99),
        took_max_ms: took_ms(100),
    }
}

/// The smallest value that so many percent of them don't exceed.
fn at<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

/// Twelve bars to a factor of ten: each is a fifth wider than the one before.
fn bars(latency: &hdrhistogram::Histogram<u64>) -> Vec<Bar> {
    let edges: Vec<f64> = (0..=84)
        .map(|step| 0.01 * 10_f64.powf(f64::from(step) / 12.0))
        .collect();
    let mut counts = vec![0; edges.len()];
    for value in latency.iter_recorded() {
        let ms = micros_as_ms(value.value_iterated_to());
        let bar = edges.partition_point(|edge| *edge <= ms).saturating_sub(1);
        if let Some(count) = counts.get_mut(bar) {
            *count += value.count_at_value();
        }
    }
    let bar = |(edge, answers): (&[f64], u64)| match edge {
        [from, to] if answers > 0 => Some(Bar {
            from_ms: *from,
            to_ms: *to,
            answers,
        }),
        _ => None,
    };
    edges.windows(2).zip(counts).filter_map(bar).collect()
}

fn stock(history: &History, claims: &[Claim]) -> Vec<StockFigures> {
    let at_end = history.ended.got;
    let units = |sku: &str, sold: bool| -> i64 {
        let of_sku = claims
            .iter()
            .filter(|c| c.by == By::Shopper && c.sku == sku && c.sold.is_some() == sold);
        of_sku
            .filter(|c| c.certainly_at(at_end))
            .map(|c| c.units)
            .sum()
    };
    let mut stock: Vec<StockFigures> = history
        .before
        .values()
        .map(|sku| StockFigures {
            sku: sku.sku.clone(),
            title: sku.title.clone(),
            price_minor: sku.price_minor,
            currency: sku.currency.clone(),
            before: sku.available,
            brought: brought(claims, &sku.sku, at_end),
            sold: units(&sku.sku, true),
            held: units(&sku.sku, false),
            available: history.after.get(&sku.sku).copied().unwrap_or(0),
        })
        .collect();
    stock.sort_by_key(|stock| (stock.sku != history.hot_sku, stock.sku.clone()));
    stock
}

/// What staff had brought by then, less what they had taken.
fn brought(claims: &[Claim], sku: &str, at: Duration) -> i64 {
    let of_staff = claims.iter().filter(|c| c.by == By::Staff && c.sku == sku);
    let taken: i64 = of_staff
        .filter(|c| c.sold.is_some_and(|done| done <= at))
        .map(|c| c.units)
        .sum();
    -taken
}

fn timeline(history: &History, claims: &[Claim]) -> Timeline {
    let sku = &history.hot_sku;
    let stock = history.stock_before(sku);
    if history.samples.is_empty() {
        let point = |at| acknowledged(claims, sku, stock, at);
        let end = history.ended.got;
        let mut moments: Vec<Duration> = claims
            .iter()
            .filter(|c| c.sku == *sku)
            .flat_map(|c| [Some(c.certain.0), Some(c.certain.1), c.sold])
            .flatten()
            .filter(|at| *at <= end)
            .collect();
        moments.extend([Duration::ZERO, end]);
        moments.sort_unstable();
        moments.dedup();
        return Timeline {
            source: "answers",
            points: moments.into_iter().map(point).collect(),
        };
    }
    let level = |sample: &crate::history::StockSample| sample.levels.get(sku).copied();
    let shelf = history
        .samples
        .iter()
        .find_map(level)
        .map_or(stock, |(on_hand, _)| on_hand);
    let mut points: Vec<Point> = vec![];
    for sample in &history.samples {
        let Some((on_hand, held)) = level(sample) else {
            continue;
        };
        let at_s = sample.at.as_secs_f64();
        let point = Point {
            at_s,
            // an edit counts when it was answered, so for a moment it may look like a sale
            sold: (shelf + brought(claims, sku, sample.at) - on_hand).max(0),
            held,
            available: on_hand - held,
        };
        let same = |last: &Point| Point { at_s, ..*last } == point;
        match points.as_slice() {
            // of a stretch without change, its two ends
            [.., before, last] if same(last) && same(before) => {
                points.pop();
            }
            _ => {}
        }
        points.push(point);
    }
    Timeline {
        source: "database",
        points,
    }
}

fn acknowledged(claims: &[Claim], sku: &str, stock: i64, at: Duration) -> Point {
    let live = || {
        claims
            .iter()
            .filter(|c| c.by == By::Shopper && c.sku == *sku && c.certainly_at(at))
    };
    let is_sold = |c: &&Claim| c.sold.is_some_and(|sold| sold <= at);
    let sold: i64 = live().filter(is_sold).map(|c| c.units).sum();
    let held: i64 = live().filter(|c| !is_sold(c)).map(|c| c.units).sum();
    Point {
        at_s: at.as_secs_f64(),
        sold,
        held,
        available: stock + brought(claims, sku, at) - sold - held,
    }
}
