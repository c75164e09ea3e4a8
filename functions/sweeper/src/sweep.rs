//! One bounded sweep over all shops. Safe in any number of copies at once: each skips what another
//! has locked.

use std::time::{Duration, Instant};

use operations::backlog::{self, Backlog};
use operations::cause::causes;
use operations::db::{Database, Failure};
use operations::ids::{InvalidId, Shop};
use operations::promises::{self, Violation};
use operations::telemetry::{self, Metric};
use operations::{hold, import, outbox, payment, refund, shop, subscriber, sweep};
use serde::Serialize;
use uuid::Uuid;

/// How long the journal of resolved holds is kept, the rows of an import, and the messages that
/// nobody needs once they are sent.
const KEEP_DAYS: i32 = 30;

/// What one sweep did.
#[derive(Debug, Default, Serialize)]
pub struct SweepReport {
    /// What had been waiting when it began; none where that could not be read.
    pub backlog: Option<Backlog>,
    /// The refunds that were not through then; none where that could not be read.
    pub refunds: Option<refund::Backlog>,
    /// What subscribers did not have then; none where that could not be read.
    pub deliveries: Option<subscriber::Backlog>,
    /// Each shop, in the order of its code.
    pub shops: Vec<ShopSweep>,
    /// Broken promises, with the rows that show them. Each raises an alarm.
    pub violations: Vec<Violation>,
    /// Whether it stopped because its time was up; the next run goes on.
    pub out_of_time: bool,
    /// What could not be done for no shop in particular, for a person to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What one sweep did for one shop.
#[derive(Debug, Default, Serialize)]
pub struct ShopSweep {
    /// The shop's code.
    pub shop: String,
    /// Checkouts that were due and are now expired.
    pub expired: i32,
    /// Checkouts that are due and could not be expired: a row of theirs breaks a constraint.
    pub failed: Vec<Uuid>,
    /// Parked payment events whose payment is known by now, and which are applied.
    pub unparked: i32,
    /// Resolved holds older than 30 days that were purged.
    pub purged: i32,
    /// What could not be done for this shop, for a person to read; the other shops were done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl ShopSweep {
    /// The first failure stays: what fails behind it is often its consequence.
    fn fail(&mut self, failure: &Failure) {
        self.failure.get_or_insert_with(|| causes(failure));
    }
}

/// Sweeps every shop, for at most `budget`: no call is begun after it, and none waits longer
/// than it and a second. A shop where something fails never stops the others.
/// Locks: due checkouts (SKIP LOCKED), coupons by code, stock levels by sku; then, for each parked
/// event, as [`payment::record_event`].
///
/// # Errors
/// [`Failure`] when the database could not even name the shops.
pub async fn run_once(db: &Database, budget: Duration) -> Result<SweepReport, Failure> {
    let deadline = Instant::now() + budget;
    // Before anything is swept: how far behind the sweeps are. A gauge that can't be read stops
    // none of them.
    let backlog = backlog::read(&db.until(deadline)).await;
    let refunds = refund::backlog(&db.until(deadline)).await;
    let deliveries = subscriber::backlog(&db.until(deadline)).await;
    let mut shops: Vec<ShopSweep> = shop::list(db)
        .await?
        .into_iter()
        .map(|shop| ShopSweep {
            shop,
            ..ShopSweep::default()
        })
        .collect();
    // Holds first: they are what somebody may be waiting for. A batch a shop and round, so that a
    // busy shop leaves time for the others.
    let mut busy: Vec<&mut ShopSweep> = shops.iter_mut().collect();
    while !busy.is_empty() && Instant::now() < deadline {
        let mut still_busy = Vec::new();
        for sweep in busy {
            if Instant::now() >= deadline {
                still_busy.push(sweep);
                continue;
            }
            match expire_batch(&db.until(deadline), sweep).await {
                Ok(true) => still_busy.push(sweep),
                Ok(false) => {}
                Err(failure) => sweep.fail(&failure),
            }
        }
        busy = still_busy;
    }
    let mut report = SweepReport {
        out_of_time: !busy.is_empty(),
        failure: backlog
            .as_ref()
            .err()
            .or(refunds.as_ref().err())
            .or(deliveries.as_ref().err())
            .map(|failure| causes(failure)),
        backlog: backlog.ok(),
        refunds: refunds.ok(),
        deliveries: deliveries.ok(),
        ..SweepReport::default()
    };
    for sweep in &mut shops {
        if Instant::now() < deadline
            && let Err(failure) = retry_parked(db, sweep, deadline).await
        {
            sweep.fail(&failure);
        }
        if Instant::now() >= deadline {
            report.out_of_time = true;
            break;
        }
        match purge_and_check(db, sweep, deadline).await {
            Ok(violations) => report.violations.extend(violations),
            Err(failure) => sweep.fail(&failure),
        }
    }
    report.shops = shops;
    count(&report);
    Ok(report)
}

fn count(report: &SweepReport) {
    let number = |number: i32| usize::try_from(number).unwrap_or_default();
    let failures = |sweep: &ShopSweep| sweep.failed.len() + usize::from(sweep.failure.is_some());
    for (metric, shops) in [
        (
            Metric::HoldsExpired,
            report.shops.iter().map(|sweep| number(sweep.expired)).sum(),
        ),
        (
            Metric::SweepFailures,
            report.shops.iter().map(failures).sum(),
        ),
        (Metric::PromisesBroken, report.violations.len()),
    ] {
        telemetry::count(metric, shops);
    }
    telemetry::count(Metric::SweepFailures, usize::from(report.failure.is_some()));
    if let Some(refunds) = report.refunds {
        telemetry::count(Metric::RefundsFailed, number(refunds.failed));
        telemetry::observe(Metric::RefundsOwedAge, refunds.owed_s);
        telemetry::observe(Metric::RefundsPendingAge, refunds.pending_s);
    }
    if let Some(deliveries) = report.deliveries {
        telemetry::observe(Metric::SubscriberLag, deliveries.waiting_s);
        telemetry::count(Metric::DeliveriesGivenUp, number(deliveries.given_up));
    }
    let Some(backlog) = report.backlog else {
        return;
    };
    telemetry::count(Metric::EventsParked, number(backlog.parked));
    telemetry::count(Metric::LockWaiters, number(backlog.lock_waiters));
    telemetry::observe(Metric::SweepLag, backlog.due_s);
    telemetry::observe(Metric::OutboxLag, backlog.unsent_s);
    telemetry::observe(Metric::ParkedAge, backlog.parked_s);
    telemetry::observe(Metric::LockWait, backlog.lock_wait_ms);
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

async fn purge_and_check(
    db: &Database,
    sweep: &mut ShopSweep,
    deadline: Instant,
) -> Result<Vec<Violation>, Failure> {
    let db = db.until(deadline);
    sweep.purged = hold::purge(&db, &sweep.shop, KEEP_DAYS).await?;
    import::purge(&db, &sweep.shop, KEEP_DAYS).await?;
    outbox::purge(&db, &sweep.shop, KEEP_DAYS).await?;
    promises::check(&db, &sweep.shop).await
}
