//! Sweeps: gives the stock of due holds back, purges the old journal, checks the promises.

mod safe;

use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Error, LambdaEvent};
use serde_json::Value;
use shared::db::{Database, causes};
use shared::sweep::{self, SweepReport};
use shared::telemetry;
use tracing::Instrument as _;

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
    let _metrics = telemetry::Flush;
    let span = tracing::info_span!(
        "sweep",
        request.id = event.context.request_id,
        trace.id = event
            .context
            .xray_trace_id
            .as_deref()
            .and_then(telemetry::trace_id),
    );
    sweep(db, &event.context).instrument(span).await
}

async fn sweep(db: &Database, context: &Context) -> Result<SweepReport, Error> {
    // A deadline in the past is no deadline: some local hosts send one.
    let budget = context
        .deadline()
        .duration_since(SystemTime::now())
        .map_or(BUDGET_DEFAULT, |left| left.saturating_sub(RESERVE));
    let report = sweep::run_once(db, budget).await.inspect_err(|failure| {
        tracing::error!(causes = causes(failure), "the sweep stopped");
    })?;
    tell(&report);
    Ok(report)
}

fn tell(report: &SweepReport) {
    if let Some(failure) = &report.failure {
        tracing::error!(failure, "what waits could not be read");
    }
    for sweep in &report.shops {
        let shop = &sweep.shop;
        if let Some(failure) = &sweep.failure {
            tracing::error!(shop, failure, "could not be swept");
        }
        for checkout in &sweep.failed {
            tracing::error!(shop, checkout.id = %checkout, "could not be expired");
        }
    }
    for violation in &report.violations {
        let (shop, promise) = (&violation.shop, &violation.promise);
        let detail = safe::ids_and_numbers(&violation.detail);
        tracing::error!(shop, promise, %detail, "a promise is broken");
    }
    let expired: i32 = report.shops.iter().map(|sweep| sweep.expired).sum();
    let unparked: i32 = report.shops.iter().map(|sweep| sweep.unparked).sum();
    let purged: i32 = report.shops.iter().map(|sweep| sweep.purged).sum();
    tracing::info!(expired, unparked, purged, report.out_of_time, "swept");
}
