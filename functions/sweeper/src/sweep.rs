//! One bounded sweep over all shops. Any number of copies may run at once: each skips rows that
//! another has locked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use operations::backlog::{self, Backlog};
use operations::cause::causes;
use operations::db::{Database, Failure, Waiting};
use operations::ids::{InvalidId, Shop};
use operations::promises::Violation;
use operations::telemetry::{self, Metric};
use operations::{hold, import, outbox, payment, refund, shop, subscriber, sweep};
use serde::Serialize;

use crate::check::Check;
use crate::shop_sweep::ShopSweep;

/// Days until resolved holds, rows of imports and sent messages are purged.
const KEEP_DAYS: i32 = 30;

/// The result of one sweep.
#[derive(Debug, Default, Serialize)]
pub struct SweepReport {
    /// The backlog when the sweep began. `None` if it could not be read.
    pub backlog: Option<Backlog>,
    /// The unfinished refunds at that time. `None` if they could not be read.
    pub refunds: Option<refund::Backlog>,
    /// The undelivered announcements at that time. `None` if they could not be read.
    pub deliveries: Option<subscriber::Backlog>,
    /// What was held without a try to pay at that time. `None` if it could not be read.
    pub holds: Option<hold::Backlog>,
    /// Each shop, sorted by code, but those whose node did not answer.
    pub shops: Vec<ShopSweep>,
    /// The shops whose node of a cluster does not answer. Their work waits for the next run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// Broken promises, with the rows that show them. Each raises an alarm.
    pub violations: Vec<Violation>,
    /// How many there are. From 1,000 on, `violations` leaves the rest out.
    pub broken: usize,
    /// Whether the time was up before the end. The next run continues.
    pub out_of_time: bool,
    /// The first failure outside of any shop, for a person to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Sweeps every shop, for at most `budget`. No call begins after that, and none waits more than a
/// second longer. A failure in one shop does not stop the others, nor does a node of a cluster that
/// is down.
///
/// Locks: due checkouts (SKIP LOCKED), coupons by code, stock levels by sku; then those of
/// [`operations::promises::recheck()`]; for each parked event, those of [`payment::record_event`];
/// then those of [`operations::promises::sweep()`].
///
/// # Errors
/// [`Failure`] when the database could not list the shops.
pub async fn run_once(db: &Database, budget: Duration) -> Result<SweepReport, Failure> {
    let deadline = Instant::now() + budget;
    let db = &db.for_run().await?;
    // Before the sweep: how far behind the sweeps are. A gauge that cannot be read does not stop
    // the sweep.
    let backlog = backlog::read(&db.until(deadline)).await;
    let refunds = refund::backlog(&db.until(deadline)).await;
    let deliveries = subscriber::backlog(&db.until(deadline)).await;
    let holds = hold::backlog(&db.until(deadline)).await;
    let mut shops: Vec<ShopSweep> = shop::list(db)
        .await?
        .into_iter()
        .filter(|shop| !db.waits(shop))
        .map(|shop| ShopSweep {
            shop,
            ..ShopSweep::default()
        })
        .collect();
    // Holds first, because shoppers wait for their stock. A quarter of the time is left for the
    // rest: what is known to be broken must raise its alarm.
    let expire_until = deadline - budget / 4;
    let in_time = in_turns(&db.until(deadline), &mut shops, Batch::Expire, expire_until).await;
    let check = Check::begin(db, &mut shops, deadline).await;
    let mut report = SweepReport {
        out_of_time: !in_time,
        failure: backlog
            .as_ref()
            .err()
            .or(refunds.as_ref().err())
            .or(deliveries.as_ref().err())
            .or(check.as_ref().err())
            .or(holds.as_ref().err())
            .map(|failure| causes(failure)),
        backlog: backlog.ok(),
        refunds: refunds.ok(),
        deliveries: deliveries.ok(),
        holds: holds.ok(),
        ..SweepReport::default()
    };
    for sweep in &mut shops {
        if Instant::now() < deadline
            && let Err(failure) = retry_parked(db, sweep, deadline).await
        {
            sweep.fail(&failure);
        }
    }
    // Half of the time that is left: the purges need some, too.
    let check_until = deadline - deadline.saturating_duration_since(Instant::now()) / 2;
    if let Ok(mut check) = check {
        check.laps(db, &mut shops, check_until).await;
        report.out_of_time |= check.unfinished;
        report.broken = check.broken.number;
        report.violations = check.broken.shown;
    }
    // Ends early enough for its last batch: a batch that is cut off would be a failure.
    let purge_until = deadline - budget / 10;
    report.out_of_time |=
        !in_turns(&db.until(deadline), &mut shops, Batch::Purge, purge_until).await;
    for sweep in &mut shops {
        sweep.waits = db.waits(&sweep.shop);
    }
    report.shops = shops;
    report.waiting = db.waiting();
    count(&report);
    if db.has_nodes() {
        // one server has no nodes, and pays for no series of them
        telemetry::count(Metric::ShopsWaiting, shops_waiting(&report));
    }
    Ok(report)
}

/// A coordinator without shops counts as one, so that the alarm rings.
fn shops_waiting(report: &SweepReport) -> usize {
    report.waiting.iter().map(|node| node.shops.max(1)).sum()
}

fn count(report: &SweepReport) {
    let number = |number: i32| usize::try_from(number).unwrap_or_default();
    // a shop that waits has its own metric
    let failures = |sweep: &ShopSweep| {
        sweep.failed.len() + usize::from(sweep.failure.is_some() && !sweep.waits)
    };
    for (metric, shops) in [
        (
            Metric::HoldsExpired,
            report.shops.iter().map(|sweep| number(sweep.expired)).sum(),
        ),
        (
            Metric::SweepFailures,
            report.shops.iter().map(failures).sum(),
        ),
        (Metric::PromisesBroken, report.broken),
    ] {
        telemetry::count(metric, shops);
    }
    telemetry::count(Metric::SweepFailures, usize::from(report.failure.is_some()));
    let ages = report.shops.iter().filter_map(|sweep| sweep.changed_s);
    if let Some(oldest) = ages.reduce(f64::max) {
        telemetry::observe(Metric::PromisesCheckLag, oldest);
    }
    if let Some(refunds) = report.refunds {
        telemetry::count(Metric::RefundsFailed, number(refunds.failed));
        telemetry::observe(Metric::RefundsOwedAge, refunds.owed_s);
        telemetry::observe(Metric::RefundsPendingAge, refunds.pending_s);
    }
    if let Some(deliveries) = report.deliveries {
        telemetry::observe(Metric::SubscriberLag, deliveries.waiting_s);
        telemetry::count(Metric::DeliveriesGivenUp, number(deliveries.given_up));
    }
    if let Some(holds) = report.holds {
        telemetry::count(Metric::UnitsHeldUnordered, number(holds.units));
        telemetry::observe(Metric::ShareHeldUnordered, holds.share);
    }
    let Some(backlog) = report.backlog else {
        return;
    };
    telemetry::count(Metric::EventsParked, number(backlog.parked));
    telemetry::count(Metric::LockWaiters, number(backlog.lock_waiters));
    telemetry::count(Metric::RolesChanged, number(backlog.roles_changed));
    telemetry::observe(Metric::SweepLag, backlog.due_s);
    telemetry::observe(Metric::OutboxLag, backlog.unsent_s);
    telemetry::observe(Metric::ParkedAge, backlog.parked_s);
    telemetry::observe(Metric::LockWait, backlog.lock_wait_ms);
}

/// Work that a sweep does batch by batch.
#[derive(Debug, Clone, Copy)]
enum Batch {
    Expire,
    Purge,
}

/// Runs one batch of each shop after the other, until no shop has more. So a busy shop leaves time
/// for the others. The nodes of a cluster work side by side: one that hangs takes no time from the
/// others. No batch begins after `until`. Returns whether the end came before.
async fn in_turns(db: &Database, shops: &mut [ShopSweep], batch: Batch, until: Instant) -> bool {
    let mut nodes: BTreeMap<Option<usize>, Vec<&mut ShopSweep>> = BTreeMap::new();
    for sweep in shops {
        nodes
            .entry(db.group_of(&sweep.shop))
            .or_default()
            .push(sweep);
    }
    let nodes = nodes.into_values();
    let ended = join_all(nodes.map(|shops| in_turns_on_node(db, shops, batch, until))).await;
    ended.into_iter().all(|in_time| in_time)
}

async fn in_turns_on_node(
    db: &Database,
    mut busy: Vec<&mut ShopSweep>,
    batch: Batch,
    until: Instant,
) -> bool {
    while !busy.is_empty() {
        let mut still_busy = Vec::new();
        for sweep in busy {
            if Instant::now() >= until {
                return false;
            }
            let more = match batch {
                Batch::Expire => expire_batch(db, sweep).await,
                Batch::Purge => purge_batch(db, sweep).await,
            };
            match more {
                Ok(true) => still_busy.push(sweep),
                Ok(false) => {}
                Err(failure) => sweep.fail(&failure),
            }
        }
        busy = still_busy;
    }
    true
}

/// Expires one batch of a shop. Returns whether there may be more.
async fn expire_batch(db: &Database, swept: &mut ShopSweep) -> Result<bool, Failure> {
    let batch = sweep::expire(db, &swept.shop, &swept.failed).await?;
    let more = batch.expired > 0 || !batch.failed.is_empty();
    swept.expired += batch.expired;
    swept.failed.extend(batch.failed);
    Ok(more)
}

async fn retry_parked(
    db: &Database,
    sweep: &mut ShopSweep,
    deadline: Instant,
) -> Result<(), Failure> {
    let shop: Shop = sweep
        .shop
        .parse()
        .map_err(|error: InvalidId| Failure::Internal(error.into()))?;
    let retried = payment::retry_parked(db, &shop, deadline).await?;
    sweep.unparked = retried.unparked;
    retried.failure.map_or(Ok(()), Err)
}

/// Purges one batch of a shop. Returns whether there may be more.
async fn purge_batch(db: &Database, sweep: &mut ShopSweep) -> Result<bool, Failure> {
    let holds = hold::purge(db, &sweep.shop, KEEP_DAYS).await?;
    sweep.purged += holds;
    let imports = import::purge(db, &sweep.shop, KEEP_DAYS).await?;
    let messages = outbox::purge(db, &sweep.shop, KEEP_DAYS).await?;
    Ok(holds >= hold::PURGE_MAX || imports > 0 || messages >= outbox::PURGE_MAX)
}

#[cfg(test)]
mod tests {
    use super::{SweepReport, Waiting, shops_waiting};

    #[test]
    fn a_coordinator_without_shops_rings_the_alarm() {
        let waiting = |shops| Waiting {
            node: String::new(),
            shops,
            codes: Vec::new(),
            failure: String::new(),
        };
        let report = |waiting| SweepReport {
            waiting,
            ..SweepReport::default()
        };
        assert_eq!(shops_waiting(&report(vec![])), 0);
        assert_eq!(shops_waiting(&report(vec![waiting(0), waiting(7)])), 8);
    }
}
