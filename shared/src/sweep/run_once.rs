//! One bounded sweep over all shops. Safe in any number of copies at once: each skips what another has locked.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::promises::{self, Violation};

/// Checkouts that one transaction expires at most. More would hold the locks of hot skus longer; fewer cost more commits.
pub const BATCH_MAX: i32 = 200;
/// Batches for one shop in one run at most; the next run goes on.
const BATCHES_MAX: usize = 500;
/// Journal rows that one run purges for one shop at most.
const PURGE_MAX: i32 = 5_000;
/// How long the journal of resolved holds is kept.
const KEEP_DAYS: i32 = 30;

/// What one sweep did.
#[derive(Debug, Default, Serialize)]
pub struct SweepReport {
    /// Each shop, in the order of its code.
    pub shops: Vec<ShopSweep>,
    /// Broken promises, with the rows that show them. Each raises an alarm.
    pub violations: Vec<Violation>,
    /// Whether it stopped because its time was up; the next run goes on.
    pub out_of_time: bool,
}

/// What one sweep did for one shop.
#[derive(Debug, Serialize)]
pub struct ShopSweep {
    /// The shop's code.
    pub shop: String,
    /// Checkouts that were due and are now expired.
    pub expired: i32,
    /// Checkouts that are due and could not be expired: a row of theirs breaks a constraint.
    pub failed: Vec<Uuid>,
    /// Resolved holds older than 30 days that were purged.
    pub purged: i32,
}

/// Sweeps every shop, for at most `budget`. Locks: due checkouts (SKIP LOCKED), coupons by code, stock levels by sku.
///
/// # Errors
/// [`Failure`] when the database could not answer; what was done until then is done.
pub async fn run_once(db: &Database, budget: Duration) -> Result<SweepReport, Failure> {
    let deadline = Instant::now() + budget;
    let mut report = SweepReport::default();
    let rows = db.call("select * from holdfast.shop_list()", &[]).await?;
    let shops: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    // All holds of all shops before anything else: they are what somebody may be waiting for.
    for shop in &shops {
        let (expired, failed) = expire(db, shop, deadline).await?;
        report.shops.push(ShopSweep {
            shop: shop.clone(),
            expired,
            failed,
            purged: 0,
        });
    }
    for sweep in &mut report.shops {
        if Instant::now() >= deadline {
            report.out_of_time = true;
            return Ok(report);
        }
        sweep.purged = purge(db, &sweep.shop).await?;
        let Ok(shop) = sweep.shop.parse::<Shop>() else {
            continue;
        };
        report.violations.extend(promises::check(db, &shop).await?);
    }
    Ok(report)
}

async fn expire(db: &Database, shop: &str, deadline: Instant) -> Result<(i32, Vec<Uuid>), Failure> {
    let mut expired = 0;
    let mut failed: Vec<Uuid> = Vec::new();
    for _ in 0..BATCHES_MAX {
        if Instant::now() >= deadline {
            break;
        }
        let row = db
            .call_one(
                "select * from holdfast.sweep_expire($1, $2, $3)",
                &[
                    (&shop, Type::TEXT),
                    (&BATCH_MAX, Type::INT4),
                    (&failed, Type::UUID_ARRAY),
                ],
            )
            .await?;
        let batch: i32 = row.get("o_expired");
        let bad: Vec<Uuid> = row.get("o_failed");
        if batch == 0 && bad.is_empty() {
            break;
        }
        expired += batch;
        failed.extend(bad);
    }
    Ok((expired, failed))
}

async fn purge(db: &Database, shop: &str) -> Result<i32, Failure> {
    let row = db
        .call_one(
            "select holdfast.hold_purge($1, make_interval(days => $2), $3)",
            &[
                (&shop, Type::TEXT),
                (&KEEP_DAYS, Type::INT4),
                (&PURGE_MAX, Type::INT4),
            ],
        )
        .await?;
    Ok(row.get(0))
}
