//! Sweeps: gives the stock of due holds back, purges the old journal, checks the promises.

use std::time::{Duration, SystemTime};

use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use shared::db::{Database, causes};
use shared::sweep::{self, SweepReport};

/// How long a sweep may take when the deadline of its invocation says nothing.
const BUDGET_DEFAULT: Duration = Duration::from_secs(20);
/// What is left before the deadline, to answer in time.
const RESERVE: Duration = Duration::from_secs(3);

/// Runs one sweep within the time of its invocation, and logs what a person must see.
///
/// # Errors
/// When the database could not answer. What was swept until then is swept; the schedule comes
/// again.
pub async fn handle(db: &Database, event: LambdaEvent<Value>) -> Result<SweepReport, Error> {
    let request_id = event.context.request_id.as_str();
    // A deadline in the past is no deadline: some local hosts send one.
    let budget = event
        .context
        .deadline()
        .duration_since(SystemTime::now())
        .map_or(BUDGET_DEFAULT, |left| left.saturating_sub(RESERVE));
    let report = sweep::run_once(db, budget).await.inspect_err(|failure| {
        tracing::error!(
            request.id = request_id,
            causes = causes(failure),
            "the sweep stopped"
        );
    })?;
    for sweep in &report.shops {
        if let Some(failure) = &sweep.failure {
            let shop = &sweep.shop;
            tracing::error!(request.id = request_id, shop, failure, "could not be swept");
        }
        if !sweep.failed.is_empty() {
            let (shop, checkouts) = (&sweep.shop, &sweep.failed);
            tracing::error!(
                request.id = request_id,
                shop,
                ?checkouts,
                "could not be expired"
            );
        }
    }
    for violation in &report.violations {
        let (shop, promise, detail) = (&violation.shop, &violation.promise, &violation.detail);
        tracing::error!(request.id = request_id, shop, promise, %detail, "a promise is broken");
    }
    let expired: i32 = report.shops.iter().map(|sweep| sweep.expired).sum();
    let unparked: i32 = report.shops.iter().map(|sweep| sweep.unparked).sum();
    let purged: i32 = report.shops.iter().map(|sweep| sweep.purged).sum();
    tracing::info!(
        request.id = request_id,
        expired,
        unparked,
        purged,
        report.out_of_time,
        "swept"
    );
    Ok(report)
}
