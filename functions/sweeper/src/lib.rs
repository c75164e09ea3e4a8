//! Sweeps: gives the stock of due holds back, purges the old journal, checks the promises; does
//! what is to be done at the payment gateways; and sends what waits to be announced.

pub mod gateway_round;
mod safe;
pub mod subscribers;
pub mod sweep;

use std::time::{Duration, SystemTime};

use gateway_round::{Plan, Round};
use gateways::Accounts;
use lambda_runtime::{Context, Error, LambdaEvent};
use operations::cause::causes;
use operations::db::Database;
use operations::outbox::{self, Queue, RelayReport};
use operations::telemetry;
use serde::Serialize;
use serde_json::Value;
use sweep::SweepReport;
use tokio::time::Instant;
use tracing::Instrument as _;

pub use subscribers::{Subscribers, ToldReport};

/// What one process needs.
pub struct App {
    /// The database.
    pub db: Database,
    /// The shops' accounts at gateways.
    pub accounts: Accounts,
    /// What is done there, and when.
    pub plan: Plan,
    /// Where announcements go; without it they wait.
    pub queue: Option<Box<dyn Queue>>,
    /// How to tell subscribers; without it nobody is told.
    pub subscribers: Option<Subscribers>,
}

/// How long a sweep may take when the deadline of its invocation says nothing.
const BUDGET_DEFAULT: Duration = Duration::from_secs(20);
/// How long announcements are sent for: longer than this would keep the function running for
/// nothing but a long queue, which the next run goes on with.
const RELAY_BUDGET_MAX: Duration = Duration::from_secs(30);
/// What is left before the deadline, to answer in time.
const RESERVE: Duration = Duration::from_secs(3);

/// What one run did.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The sweep.
    #[serde(flatten)]
    pub sweep: SweepReport,
    /// The announcements; none where there is no queue for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announcements: Option<RelayReport>,
    /// The subscribers; none where there are no secrets to sign with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribers: Option<ToldReport>,
}

/// Runs one sweep within the time of its invocation, and logs what a person must see.
///
/// # Errors
/// When the database could not answer. What was swept until then is swept; the schedule comes
/// again.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Report, Error> {
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
    run(app, &event.context).instrument(span).await
}

async fn run(app: &App, context: &Context) -> Result<Report, Error> {
    // A deadline in the past is no deadline: some local hosts send one.
    let budget = context
        .deadline()
        .duration_since(SystemTime::now())
        .map_or(BUDGET_DEFAULT, |left| left.saturating_sub(RESERVE));
    // At the same time: a gateway or a queue that hangs keeps no stock from being let go.
    // Two thirds of the time for gateways: what a slow one leaves is done by the next run, and this
    // one ends long before it would be cut off.
    let until = Instant::now() + budget * 2 / 3;
    let (sweep, announcements, subscribers, ()) = tokio::join!(
        sweep::run_once(&app.db, budget),
        announce(app, budget.min(RELAY_BUDGET_MAX)),
        tell_subscribers(app, budget),
        at_the_gateways(app, until)
    );
    let sweep = sweep.inspect_err(|failure| {
        tracing::error!(causes = causes(failure), "the sweep stopped");
    })?;
    tell(&sweep);
    Ok(Report {
        sweep,
        announcements,
        subscribers,
    })
}

/// That it failed keeps no sweep from its report.
async fn announce(app: &App, budget: Duration) -> Option<RelayReport> {
    let queue = app.queue.as_deref()?;
    let report = outbox::run_once(&app.db, queue, budget).await;
    let report = report.unwrap_or_else(|failure| RelayReport {
        failure: Some(causes(&failure)),
        ..RelayReport::default()
    });
    if let Some(failure) = &report.failure {
        tracing::error!(failure, "announcements could not be sent");
    }
    let RelayReport {
        sent,
        refused,
        more,
        ..
    } = report;
    if sent + refused > 0 || more {
        tracing::info!(sent, refused, more, "announced");
    }
    Some(report)
}

async fn tell_subscribers(app: &App, budget: Duration) -> Option<ToldReport> {
    let report = app.subscribers.as_ref()?.tell(&app.db, budget).await;
    let ToldReport {
        delivered, failed, ..
    } = report;
    if delivered + failed > 0 {
        tracing::info!(delivered, failed, "sent announcements to subscribers");
    }
    Some(report)
}

/// What is to be done at the gateways. That it failed keeps no sweep from its report.
async fn at_the_gateways(app: &App, until: Instant) {
    let gateways = match app.accounts.now().await {
        Ok(gateways) => gateways,
        Err(cause) => {
            let causes = causes(&*cause);
            tracing::error!(causes, "the gateways' accounts could not be fetched");
            return;
        }
    };
    let round = gateway_round::round(&app.db, &gateways, &app.plan, until).await;
    if round.as_ref().is_ok_and(|round| round.unauthorized > 0) {
        // for the next round: what was refused comes again then
        app.accounts.newer_than(&gateways).await;
    }
    match round {
        Ok(round) if round == Round::default() => {}
        Ok(round) => tracing::info!(
            round.refunds_sent,
            round.looked_up,
            round.found,
            round.closed,
            round.failed,
            round.unauthorized,
            round.left,
            "finished a round at the gateways"
        ),
        Err(failure) => tracing::error!(
            causes = causes(&failure),
            "the round at the gateways stopped"
        ),
    }
}

fn tell(report: &SweepReport) {
    if let Some(failure) = &report.failure {
        tracing::error!(failure, "what waits could not be read");
    }
    for sweep in &report.shops {
        let shop = &sweep.shop;
        if let Some(failure) = &sweep.failure {
            tracing::error!(shop, failure, "a shop could not be swept");
        }
        for checkout in &sweep.failed {
            tracing::error!(shop, checkout.id = %checkout, "a checkout could not be expired");
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
