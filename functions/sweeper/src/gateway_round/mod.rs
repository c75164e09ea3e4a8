//! One round of what is to be done at the gateways: refunds to send, payments and refunds to look
//! up, orders to close. Bounded batches of each, for every shop that has an account: another one
//! while the last was full, no gateway failed and there is time.
//!
//! Each gateway of each shop has a line of its own, and all lines advance at once: one that is down
//! or does not take the credentials keeps nobody waiting, and is given up for this round when it
//! fails twice in a row.

mod closing;
mod lookups;
mod refunds;
mod work;

use std::env;
use std::time::Duration;

use futures_util::future::join_all;
use operations::db::{Database, Failure};
use operations::lookup::Limits;
use operations::payment::Gateway;
use tokio::time::Instant;

use gateways::{GatewayError, Gateways};

pub use work::Round;
use work::{BATCH_MAX, Lines, Task, Work};

/// A gateway that fails so often in a row is not asked again in this round.
const FAILURES_MAX: u32 = 2;
/// What is left of the time when a call begins, at least: less, and its answer comes too late.
const CALL_MIN: Duration = Duration::from_secs(1);
/// The same when a further batch begins: what it claims should not be left to the next round.
const BATCH_MIN: Duration = Duration::from_secs(10);

/// When something is looked up, and when an order is closed.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Of payments and refunds that are looked up.
    pub lookups: Limits,
    /// Orders are closed at their gateway so many seconds before their hold ends. Less than the
    /// schedule's interval, and the stock is let go first.
    pub close_before_s: i32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            lookups: Limits {
                batch_max: BATCH_MAX,
                before_s: 300,
                after_s: 7_200,
                pending_s: 900,
                again_s: 120,
            },
            close_before_s: 90,
        }
    }
}

/// Why a plan can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{0} must be a whole number of seconds from 0 to 604800")]
pub struct InvalidPlan(&'static str);

impl Plan {
    /// Reads `LOOKUP_BEFORE_S`, `LOOKUP_AFTER_S`, `LOOKUP_PENDING_S`, `LOOKUP_AGAIN_S` and
    /// `CLOSE_BEFORE_S`; all have defaults.
    ///
    /// # Errors
    /// [`InvalidPlan`].
    pub fn from_env() -> Result<Self, InvalidPlan> {
        let Self {
            lookups,
            close_before_s,
        } = Self::default();
        Ok(Self {
            lookups: Limits {
                batch_max: lookups.batch_max,
                before_s: seconds("LOOKUP_BEFORE_S", lookups.before_s)?,
                after_s: seconds("LOOKUP_AFTER_S", lookups.after_s)?,
                pending_s: seconds("LOOKUP_PENDING_S", lookups.pending_s)?,
                again_s: seconds("LOOKUP_AGAIN_S", lookups.again_s)?,
            },
            close_before_s: seconds("CLOSE_BEFORE_S", close_before_s)?,
        })
    }
}

fn seconds(name: &'static str, default: i32) -> Result<i32, InvalidPlan> {
    match env::var(name) {
        Err(env::VarError::NotPresent) => Ok(default),
        Err(_) => Err(InvalidPlan(name)),
        Ok(text) => text
            .parse()
            .ok()
            .filter(|seconds| (0..=604_800).contains(seconds))
            .ok_or(InvalidPlan(name)),
    }
}

/// Does one round, within the time. Safe in any number of copies at once.
///
/// # Errors
/// [`Failure`] when the database could not answer. What was done until then is done; what was
/// claimed and not done comes again.
pub async fn round(
    db: &Database,
    gateways: &Gateways,
    plan: &Plan,
    until: Instant,
) -> Result<Round, Failure> {
    let shops = gateways.shops();
    let all = shops.iter().map(|shop| async move {
        let work = Work {
            db,
            gateways,
            shop,
            until,
        };
        let mut sum = Round::default();
        // a sale whose webhooks were all lost is more than a batch, and its holds end
        while batch(&work, plan, &mut sum).await?
            && sum.failed + sum.left == 0
            && until.saturating_duration_since(Instant::now()) > BATCH_MIN
        {}
        Ok::<_, Failure>(sum)
    });
    let mut sum = Round::default();
    for one in join_all(all).await {
        sum += one?;
    }
    Ok(sum)
}

/// Does a batch of each for one shop; whether there may be more.
async fn batch(work: &Work<'_>, plan: &Plan, sum: &mut Round) -> Result<bool, Failure> {
    let mut lines = Lines::default();
    let mut more = refunds::claim(work, &mut lines).await?;
    more |= lookups::claim(work, &plan.lookups, &mut lines).await?;
    more |= closing::claim(work, plan.close_before_s, &mut lines).await?;
    let tasks = lines.0.into_iter();
    let done = join_all(tasks.map(|(gateway, line)| advance(work, gateway, line))).await;
    for one in done {
        *sum += one?;
    }
    Ok(more)
}

/// Works one gateway's line off.
async fn advance(work: &Work<'_>, gateway: Gateway, line: Vec<Task>) -> Result<Round, Failure> {
    let mut done = Round::default();
    let mut failures = 0;
    let mut untried = Vec::new();
    for task in line {
        let time_left = work.until.saturating_duration_since(Instant::now());
        if failures >= FAILURES_MAX || time_left < CALL_MIN {
            done.left += 1;
            if let Task::Refund(refund) = task {
                untried.push(refund);
            }
            continue;
        }
        let (round, error) = match task {
            Task::Refund(refund) => refunds::send(work, &refund).await?,
            Task::LookUpPayment(order) => lookups::payment(work, gateway, &order).await?,
            Task::LookUpRefund(refund) => lookups::refund(work, gateway, &refund).await?,
            Task::Close(order) => closing::close(work, gateway, &order).await?,
        };
        done += round;
        failures = match error {
            Some(error) => {
                error.count();
                done.failed += 1;
                done.unauthorized += u32::from(matches!(error, GatewayError::Unauthorized(_)));
                let shop = work.shop.as_str();
                tracing::warn!(shop, gateway = %gateway, %error, "a gateway gave no answer");
                if error.is_of_account() {
                    failures + 1
                } else {
                    0
                }
            }
            None => 0,
        };
    }
    operations::refund::untried(work.db, work.shop, &untried).await?;
    Ok(done)
}
