//! The figures of a run. As JSON they are `report.json`; the drill's README lists its keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use simulator::cashfree::webhook::Kind;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::answers::Answer;
use crate::args::Args;
use crate::checks::staff::edits;
use crate::history::{ActionEnd, History, MustRefuse, Outcome, Request, Staff, Visit, Work};
use crate::meters::{Call, Meter, Quantiles, histogram};
use crate::plan::Ending;
use crate::promises::{self, PromiseResult, State};
use crate::records::{Attempt, CaptureEnd, Records, Webhooks};
use crate::taken::{self, By, Taken};
use crate::timetable::Run;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) tool: &'static str,
    pub(crate) started_at: String,
    pub(crate) duration_s: f64,
    pub(crate) client_lag_max_ms: f64,
    pub(crate) run_id: String,
    pub(crate) seed: u64,
    pub(crate) arguments: Arguments,
    pub(crate) passed: bool,
    pub(crate) promises: Vec<PromiseResult>,
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

/// The arguments that shape a run. No URLs and no secrets, so that a report can be shown.
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

#[derive(Serialize, Default)]
pub(crate) struct Counts {
    /// Units of the hot sku in the first carts of all shoppers.
    pub(crate) units_wanted: u32,
    pub(crate) holds_granted: usize,
    /// Checkouts refused for a shortage, and not granted by a repetition.
    pub(crate) refused: usize,
    pub(crate) orders: usize,
    pub(crate) orders_paid: usize,
    pub(crate) refunds_due: usize,
    /// Payments that arrived after the hold was gone.
    pub(crate) late_payments: usize,
    pub(crate) revenue_minor: i64,
    pub(crate) currency: String,
    /// Rounds in which waiting shoppers took units that others had given back.
    pub(crate) second_calls: u32,
    pub(crate) events_sent: usize,
    pub(crate) duplicates_sent: usize,
    /// Failed or dropped attempts reported after the payment.
    pub(crate) events_out_of_order: usize,
    pub(crate) forged_sent: usize,
    /// Requests repeated on purpose, with the same id and content.
    pub(crate) requests_repeated: usize,
    /// Attempts that failed and were sent again: 5xx answers and lost connections.
    pub(crate) attempts_failed: u64,
}

#[derive(Serialize)]
pub(crate) struct CallFigures {
    pub(crate) call: Call,
    pub(crate) answers: u64,
    pub(crate) latency_ms: Quantiles,
    pub(crate) unavailable: u64,
    pub(crate) unanswered: u64,
    pub(crate) histogram: Vec<Bar>,
}

/// This many answers took at least `from_ms` and less than `to_ms`.
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
    /// By staff, less the units that they took.
    pub(crate) brought: i64,
    pub(crate) sold: i64,
    /// By carts, and by orders that await their payment.
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
pub(crate) struct StaffFigures {
    pub(crate) edits: EditFigures,
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
pub(crate) struct EditFigures {
    pub(crate) done: usize,
    pub(crate) refused: usize,
    pub(crate) starved: usize,
    pub(crate) tries: Quantiles,
    pub(crate) took_ms: Quantiles,
}

#[derive(Serialize)]
pub(crate) struct GatewayFigures {
    pub(crate) outage_s: f64,
    pub(crate) at: Vec<OneGateway>,
}

#[derive(Serialize)]
pub(crate) struct OneGateway {
    pub(crate) gateway: String,
    pub(crate) attempts: usize,
    /// The paid ones among them, each of which must end once: as one of the next four.
    pub(crate) captures: usize,
    pub(crate) paid: usize,
    pub(crate) refunded: usize,
    pub(crate) owed: usize,
    pub(crate) unresolved: usize,
    pub(crate) refunds: usize,
    pub(crate) webhooks: Webhooks,
}

#[derive(Serialize)]
pub(crate) struct ShopperFigures {
    pub(crate) number: u32,
    pub(crate) planned: Ending,
    pub(crate) outcome: Outcome,
    /// When the first begin was sent.
    pub(crate) arrived_s: f64,
    pub(crate) tries: usize,
    /// From sending the last begin to its answer.
    pub(crate) begin_ms: f64,
}

impl Report {
    pub(crate) fn new(args: &Args, run: &Run) -> Self {
        let history = &run.history;
        let taken = taken::in_run(history);
        let promises = promises::results(history);
        let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
        for visit in &history.visits {
            *outcomes.entry(visit.outcome()).or_default() += 1;
        }
        let mut shoppers: Vec<_> = history.visits.iter().map(shopper).collect();
        shoppers.sort_by(|a, b| a.arrived_s.total_cmp(&b.arrived_s));
        let started_at = OffsetDateTime::now_utc() - run.api.now();
        let started_at = started_at.replace_nanosecond(0).unwrap_or(started_at);
        let calls = run.api.meters.all().into_iter().map(call).collect();
        let staff = history.staff.as_ref();
        Self {
            tool: concat!("holdfast drill ", env!("CARGO_PKG_VERSION")),
            started_at: started_at.format(&Rfc3339).unwrap_or_default(),
            duration_s: run.api.now().as_secs_f64(),
            client_lag_max_ms: run.lag.as_secs_f64() * 1_000.0,
            run_id: run.run_id.clone(),
            seed: args.seed,
            arguments: arguments(args, history),
            passed: promises.iter().all(|one| one.state != State::Failed),
            promises,
            counts: counts(run),
            outcomes,
            calls,
            stock: stock(history, &taken),
            timeline: timeline(history, &taken),
            staff: staff.map(|staff| staff_figures(history, staff)),
            gateways: history.records.as_ref().map(gateways),
            shoppers,
        }
    }

    /// One line. A promise that could not be checked is not called passed.
    pub(crate) fn conclusion(&self) -> String {
        let count = |state| self.promises.iter().filter(|p| p.state == state).count();
        match (count(State::Failed), count(State::NotChecked)) {
            (0, 0) => "Every check passed".to_owned(),
            (0, unknown) => format!("No check failed, {unknown} not checked"),
            (1, _) => "1 CHECK FAILED".to_owned(),
            (failed, _) => format!("{failed} CHECKS FAILED"),
        }
    }
}

fn arguments(args: &Args, history: &History) -> Arguments {
    let others = history.before.keys().filter(|sku| **sku != args.hot_sku);
    Arguments {
        shop: args.shop.clone(),
        other_shop: args.other_shop.clone(),
        hot_sku: args.hot_sku.clone(),
        skus: others.cloned().collect(),
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
    let hot = history.before.get(&history.hot_sku);
    let meters = run.api.meters.all();
    let failed = |meter: &Meter| meter.unavailable + meter.unanswered;
    let mut counts = Counts {
        second_calls: run.second_calls,
        currency: hot.map(|sku| sku.currency.clone()).unwrap_or_default(),
        attempts_failed: meters.values().map(failed).sum(),
        ..Counts::default()
    };
    for visit in &history.visits {
        count_requests(&mut counts, visit, &history.hot_sku);
        count_order(&mut counts, visit);
    }
    counts
}

fn count_requests(counts: &mut Counts, visit: &Visit, hot_sku: &str) {
    let mut granted = BTreeMap::new();
    let mut wanted = None;
    let mut paid = false;
    for exchange in &visit.exchanges {
        match &exchange.request {
            Request::Begin {
                cart,
                revision,
                answer,
                ..
            } => {
                let hot = cart.iter().filter(|line| line.sku == hot_sku);
                wanted.get_or_insert(hot.map(|line| line.quantity).sum::<u32>());
                let begun_before = granted.contains_key(&exchange.checkout);
                counts.requests_repeated += usize::from(begun_before && *revision == 1);
                *granted.entry(exchange.checkout).or_default() |= answer.done().is_some();
            }
            Request::Webhook { kind, copy, status } => {
                counts.events_sent += 1;
                counts.duplicates_sent += usize::from(*copy);
                let late = paid && !copy && *kind != Kind::Paid;
                counts.events_out_of_order += usize::from(late);
                paid |= *kind == Kind::Paid && *status == Some(200);
            }
            Request::Probe {
                probe: MustRefuse::Forgery(_),
                ..
            } => counts.forged_sent += 1,
            _ => {}
        }
    }
    let holds = granted.values().filter(|granted| **granted).count();
    counts.units_wanted += wanted.unwrap_or(0);
    counts.holds_granted += holds;
    counts.refused += granted.len() - holds;
    counts.late_payments += usize::from(paid && visit.released());
}

fn count_order(counts: &mut Counts, visit: &Visit) {
    let ordered =
        |e: &&crate::history::Exchange| matches!(e.request, Request::Order(Answer::Done(_)));
    let ordered = visit.exchanges.iter().filter(ordered).count();
    counts.orders += usize::from(ordered > 0);
    counts.requests_repeated += ordered.saturating_sub(1);
    match visit.orders().last() {
        Some((_, order)) if order.status == "paid" => {
            counts.orders_paid += 1;
            counts.revenue_minor += order.total_minor;
        }
        Some((_, order)) if matches!(order.status.as_str(), "refund_due" | "refunded") => {
            counts.refunds_due += 1;
        }
        _ => {}
    }
}

fn shopper(visit: &Visit) -> ShopperFigures {
    let checkouts: BTreeSet<_> = visit.begins().map(|(begin, _)| begin.checkout).collect();
    let first = visit
        .begins()
        .next()
        .map(|(begin, _)| begin.when.first_sent);
    let last = visit.begins().last().map(|(begin, _)| begin.when);
    let took = last.map(|when| when.got - when.first_sent);
    ShopperFigures {
        number: visit.number,
        planned: visit.ending,
        outcome: visit.outcome(),
        arrived_s: first.unwrap_or_default().as_secs_f64(),
        tries: checkouts.len(),
        begin_ms: took.unwrap_or_default().as_secs_f64() * 1_000.0,
    }
}

fn call((call, meter): (Call, Meter)) -> CallFigures {
    CallFigures {
        call,
        answers: meter.latency.len(),
        latency_ms: Quantiles::in_ms(&meter.latency),
        unavailable: meter.unavailable,
        unanswered: meter.unanswered,
        histogram: bars(&meter.latency),
    }
}

/// Twelve bars to a factor of ten: each is a fifth wider than the one before.
fn bars(latency: &Histogram<u64>) -> Vec<Bar> {
    let edge = |step: u32| 0.01 * 10_f64.powf(f64::from(step) / 12.0);
    let bars = (0..84).map(|step| Bar {
        from_ms: edge(step),
        to_ms: edge(step + 1),
        answers: 0,
    });
    let mut bars: Vec<Bar> = bars.collect();
    for value in latency.iter_recorded() {
        let ms = value.value_iterated_to() as f64 / 1_000.0;
        if let Some(bar) = bars.iter_mut().find(|bar| ms < bar.to_ms) {
            bar.answers += value.count_at_value();
        }
    }
    bars.retain(|bar| bar.answers > 0);
    bars
}

fn staff_figures(history: &History, staff: &Staff) -> StaffFigures {
    let done = |work: fn(&Work) -> bool| {
        let done = staff.actions.iter().filter(|a| a.end == ActionEnd::Done);
        done.filter(|action| work(&action.work)).count()
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

fn edit_figures(history: &History) -> EditFigures {
    let (mut tries, mut took) = (histogram(), histogram());
    for (_, edit) in edits(history) {
        tries.saturating_record(edit.tries.into());
        took.saturating_record(u64::try_from(edit.took.as_micros()).unwrap_or(u64::MAX));
    }
    let ended = |end: ActionEnd| edits(history).filter(|(e, _)| **e == end).count();
    EditFigures {
        done: ended(ActionEnd::Done),
        refused: ended(ActionEnd::Refused),
        starved: ended(ActionEnd::Starved),
        tries: Quantiles::of(&tries, 1.0),
        took_ms: Quantiles::in_ms(&took),
    }
}

fn gateways(records: &Records) -> GatewayFigures {
    let state = &records.gateways;
    let attempts = state.payments.iter().map(|payment| &payment.gateway);
    let names: BTreeSet<&String> = attempts.chain(state.webhooks.keys()).collect();
    let one = |name: &String| {
        let at_this = |attempt: &Attempt| attempt.gateway == *name;
        let captures = records.captures().filter(|(attempt, _)| at_this(attempt));
        let ends: Vec<CaptureEnd> = captures
            .map(|(attempt, reference)| records.end(attempt, reference))
            .collect();
        let ended = |end| ends.iter().filter(|one| **one == end).count();
        OneGateway {
            gateway: name.clone(),
            attempts: state.payments.iter().filter(|a| at_this(a)).count(),
            captures: ends.len(),
            paid: ended(CaptureEnd::Paid),
            refunded: ended(CaptureEnd::Refunded),
            owed: ended(CaptureEnd::Owed),
            unresolved: ended(CaptureEnd::None),
            refunds: state.refunds.iter().filter(|r| r.gateway == *name).count(),
            webhooks: state.webhooks.get(name).copied().unwrap_or_default(),
        }
    };
    GatewayFigures {
        outage_s: records.outage_s,
        at: names.into_iter().map(one).collect(),
    }
}

fn stock(history: &History, taken: &[Taken]) -> Vec<StockFigures> {
    let at_end = history.ended.got;
    let figures = |sku: &crate::answers::Sku| {
        let end = acknowledged(taken, &sku.sku, sku.available, at_end);
        StockFigures {
            sku: sku.sku.clone(),
            title: sku.title.clone(),
            price_minor: sku.price_minor,
            currency: sku.currency.clone(),
            before: sku.available,
            brought: brought(taken, &sku.sku, at_end),
            sold: end.sold,
            held: end.held,
            available: history.after.get(&sku.sku).copied().unwrap_or(0),
        }
    };
    let mut stock: Vec<StockFigures> = history.before.values().map(figures).collect();
    stock.sort_by_key(|stock| stock.sku != history.hot_sku);
    stock
}

/// The units that staff had brought by then, less those that they had taken.
fn brought(taken: &[Taken], sku: &str, at: Duration) -> i64 {
    let by_staff = taken.iter().filter(|one| {
        let done = one.sold.is_some_and(|done| done <= at);
        one.by == By::Staff && one.sku == sku && done
    });
    -by_staff.map(|one| one.units).sum::<i64>()
}

/// The units that shoppers certainly had at that time.
fn acknowledged(taken: &[Taken], sku: &str, stock: i64, at: Duration) -> Point {
    let (mut sold, mut held) = (0, 0);
    for one in taken {
        if one.by == By::Shopper && one.sku == sku && one.certainly_at(at) {
            let is_sold = one.sold.is_some_and(|sold| sold <= at);
            *(if is_sold { &mut sold } else { &mut held }) += one.units;
        }
    }
    Point {
        at_s: at.as_secs_f64(),
        sold,
        held,
        available: stock + brought(taken, sku, at) - sold - held,
    }
}

fn timeline(history: &History, taken: &[Taken]) -> Timeline {
    let sku = &history.hot_sku;
    let (source, points) = if history.samples.is_empty() {
        let stock = history.stock_before(sku);
        let end = history.ended.got;
        let of_sku = taken.iter().filter(|one| one.sku == *sku);
        let changes = of_sku.flat_map(|one| [Some(one.certain.0), Some(one.certain.1), one.sold]);
        let times = changes.flatten().chain([Duration::ZERO, end]);
        let times: BTreeSet<Duration> = times.filter(|at| *at <= end).collect();
        let point = |at| acknowledged(taken, sku, stock, at);
        ("answers", times.into_iter().map(point).collect())
    } else {
        ("database", sampled(history, taken))
    };
    let points = without_standstill(points);
    Timeline { source, points }
}

fn sampled(history: &History, taken: &[Taken]) -> Vec<Point> {
    let sku = &history.hot_sku;
    let samples = history.samples.iter();
    let mut samples = samples
        .filter_map(|s| Some((s.at, *s.levels.get(sku)?)))
        .peekable();
    let shelf = samples.peek().map_or(0, |(_, (on_hand, _))| *on_hand);
    let point = |(at, (on_hand, held)): (Duration, (i64, i64))| Point {
        at_s: at.as_secs_f64(),
        // An edit counts from its answer on, so for a moment it may look like a sale.
        sold: (shelf + brought(taken, sku, at) - on_hand).max(0),
        held,
        available: on_hand - held,
    };
    samples.map(point).collect()
}

/// Keeps only the two ends of a stretch without change.
fn without_standstill(points: Vec<Point>) -> Vec<Point> {
    let mut changes: Vec<Point> = vec![];
    for point in points {
        let at_s = point.at_s;
        let same = |other: &Point| Point { at_s, ..*other } == point;
        if let [.., before, last] = changes.as_slice()
            && same(last)
            && same(before)
        {
            changes.pop();
        }
        changes.push(point);
    }
    changes
}
