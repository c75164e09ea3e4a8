//! One run of the sweeper: expires due holds, purges old rows and checks the promises; sends
//! refunds and look-ups to the payment gateways; sends announcements and tells subscribers.

mod check;
pub mod gateway_round;
mod safe;
pub mod shop_sweep;
pub mod subscribers;
pub mod sweep;

use std::time::{Duration, SystemTime};

use gateway_round::Round;
use gateways::Accounts;
use lambda_runtime::{Context, Error, LambdaEvent};
use operations::cause::causes;
use operations::db::Database;
use operations::outbox::{self, Queue, RelayReport};
use operations::telemetry;
use serde::Serialize;
use serde_json::Value;
use shop_sweep::ShopSweep;
use sweep::SweepReport;
use tokio::time::Instant;
use tracing::Instrument as _;

pub use gateway_round::Plan;
pub use subscribers::{Subscribers, ToldReport};

/// The state of one process.
pub struct App {
    pub db: Database,
    /// The shops' accounts at gateways.
    pub accounts: Accounts,
    /// The times of look-ups and closings.
    pub plan: Plan,
    /// The queue of announcements. Without it they wait.
    pub queue: Option<Box<dyn Queue>>,
    /// The client of subscribers. Without it no subscriber is told.
    pub subscribers: Option<Subscribers>,
}

/// Time for a sweep when the invocation has no deadline.
const BUDGET_DEFAULT: Duration = Duration::from_secs(20);
/// Time for sending announcements. The next run continues with a long queue.
const RELAY_BUDGET_MAX: Duration = Duration::from_secs(30);
/// Time left before the deadline for the answer.
const RESERVE: Duration = Duration::from_secs(3);

/// The result of one run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The sweep.
    #[serde(flatten)]
    pub sweep: SweepReport,
    /// The announcements. `None` without a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announcements: Option<RelayReport>,
    /// The subscribers. `None` without signing secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribers: Option<ToldReport>,
}

/// Does one run within the time of its invocation, and logs what a person must see.
///
/// # Errors
/// When the database could not answer. Finished work stays, and the schedule comes again.
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
    let db = app.db.for_run().await.inspect_err(|failure| {
        tracing::error!(causes = causes(failure), "the shops could not be listed");
    })?;
    // Some local hosts send a deadline in the past: treat it as none.
    let budget = context
        .deadline()
        .duration_since(SystemTime::now())
        .map_or(BUDGET_DEFAULT, |left| left.saturating_sub(RESERVE));
    // All four run at the same time: a gateway or a queue that hangs must not delay the expiry of
    // holds. Gateways get two thirds of the time, so the run ends long before its deadline; the
    // next run does the rest.
    let until = Instant::now() + budget * 2 / 3;
    let (sweep, announcements, subscribers, ()) = tokio::join!(
        sweep::run_once(&db, budget),
        announce(app, &db, budget.min(RELAY_BUDGET_MAX)),
        tell_subscribers(app, &db, budget),
        at_the_gateways(app, &db, until)
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

/// A failed announcement does not stop the sweep from reporting.
async fn announce(app: &App, db: &Database, budget: Duration) -> Option<RelayReport> {
    let queue = app.queue.as_deref()?;
    let report = outbox::run_once(db, queue, budget).await;
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

async fn tell_subscribers(app: &App, db: &Database, budget: Duration) -> Option<ToldReport> {
    let report = app.subscribers.as_ref()?.tell(db, budget).await;
    let ToldReport {
        delivered, failed, ..
    } = report;
    if delivered + failed > 0 {
        tracing::info!(delivered, failed, "sent announcements to subscribers");
    }
    Some(report)
}

/// Does the round at the gateways. A failed round does not stop the sweep from reporting.
async fn at_the_gateways(app: &App, db: &Database, until: Instant) {
    let gateways = match app.accounts.now().await {
        Ok(gateways) => gateways,
        Err(cause) => {
            let causes = causes(&*cause);
            tracing::error!(causes, "the gateways' accounts could not be fetched");
            return;
        }
    };
    let round = gateway_round::round(db, &gateways, &app.plan, until).await;
    if round.as_ref().is_ok_and(|round| round.unauthorized > 0) {
        // refused credentials: the next round uses the new ones
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
            round.stopped,
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
        tracing::error!(failure, "the backlog or the laps could not be read");
    }
    for waiting in &report.waiting {
        let (node, shops) = (&waiting.node, waiting.shops);
        let (codes, failure) = (waiting.codes.join(" "), &waiting.failure);
        tracing::error!(node, shops, codes, failure, "the shops of a node wait");
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
    let left_out = report.broken - report.violations.len();
    if left_out > 0 {
        tracing::error!(left_out, "more promises are broken");
    }
    let expired: i32 = report.shops.iter().map(|sweep| sweep.expired).sum();
    let unparked: i32 = report.shops.iter().map(|sweep| sweep.unparked).sum();
    let purged: i32 = report.shops.iter().map(|sweep| sweep.purged).sum();
    let oldest = |ages: fn(&ShopSweep) -> Option<f64>| {
        let ages = report.shops.iter().filter_map(ages);
        ages.fold(0.0, f64::max)
    };
    tracing::info!(
        expired,
        unparked,
        purged,
        promises.changed_s = oldest(|sweep| sweep.changed_s),
        promises.history_s = oldest(|sweep| sweep.history_s),
        report.out_of_time,
        "swept"
    );
}
