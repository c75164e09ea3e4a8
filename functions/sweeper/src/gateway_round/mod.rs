//! One round of work at the gateways: refunds to send, payments and refunds to look up, orders to
//! close. Each shop with an account gets bounded batches. Another batch follows if the last one was
//! full, no gateway failed and time is left.
//!
//! All gateways of all shops work in parallel, so a gateway that is down delays no other. After two
//! failures in a row this round stops asking that gateway.

mod closing;
mod lookups;
mod refunds;
mod work;

use std::env;
use std::time::Duration;

use futures_util::future::join_all;
use operations::cause::causes;
use operations::db::{Database, Failure};
use operations::lookup::Limits;
use operations::payment::Gateway;
use tokio::time::Instant;

use gateways::{GatewayError, Gateways};

pub use work::Round;
use work::{BATCH_MAX, Lines, Task, Work};

/// After this many failures in a row the round stops asking a gateway.
const FAILURES_MAX: u32 = 2;
/// The time that must be left when a call begins. With less, the answer would come too late.
const CALL_MIN: Duration = Duration::from_secs(1);
/// The time that must be left when another batch begins. With less, its claims would wait for the
/// next round.
const BATCH_MIN: Duration = Duration::from_secs(10);

/// The times of look-ups and closings.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The times and bounds of look-ups.
    pub lookups: Limits,
    /// Seconds before the end of a hold when its order is closed at the gateway. If this is less
    /// than the schedule's interval, the hold may expire first.
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

/// A setting of the plan is invalid.
#[derive(Debug, thiserror::Error)]
#[error("{0} must be a whole number of seconds from 0 to 604800")]
pub struct InvalidPlan(&'static str);

impl Plan {
    /// Reads `LOOKUP_BEFORE_S`, `LOOKUP_AFTER_S`, `LOOKUP_PENDING_S`, `LOOKUP_AGAIN_S` and
    /// `CLOSE_BEFORE_S`. All have defaults.
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

/// Does one round, until `until`. Any number of copies may run at once. If the database stops the
/// round of a shop, finished work stays, claimed but unfinished work comes again, and the other
/// shops go on. Shops whose node of a cluster is down wait.
///
/// # Errors
/// [`Failure`] when the database could not say where the shops are.
pub async fn round(
    db: &Database,
    gateways: &Gateways,
    plan: &Plan,
    until: Instant,
) -> Result<Round, Failure> {
    let db = &db.for_run().await?;
    let shops = gateways.shops();
    let awake = shops.iter().filter(|shop| !db.waits(shop.as_str()));
    let all = awake.map(async |shop| {
        let work = Work {
            db,
            gateways,
            shop,
            until,
        };
        let mut sum = Round::default();
        // a sale whose webhooks were all lost needs more than one batch before its holds end
        loop {
            match batch(&work, plan, &mut sum).await {
                Ok(true)
                    if sum.failed + sum.left == 0
                        && until.saturating_duration_since(Instant::now()) > BATCH_MIN => {}
                Ok(_) => break,
                Err(failure) => {
                    let (shop, causes) = (shop.as_str(), causes(&failure));
                    tracing::error!(shop, causes, "the round of a shop stopped");
                    sum.stopped = 1;
                    break;
                }
            }
        }
        sum
    });
    let mut sum = Round::default();
    for one in join_all(all).await {
        sum += one;
    }
    Ok(sum)
}

/// Does one batch of each kind for one shop. Returns whether there may be more.
async fn batch(work: &Work<'_>, plan: &Plan, sum: &mut Round) -> Result<bool, Failure> {
    let mut lines = Lines::default();
    let mut more = refunds::claim(work, &mut lines).await?;
    more |= lookups::claim(work, &plan.lookups, &mut lines).await?;
    more |= closing::claim(work, plan.close_before_s, &mut lines).await?;
    let tasks = lines.0.into_iter();
    let done = join_all(tasks.map(|(gateway, line)| advance(work, gateway, line))).await;
    let mut first = Ok(more);
    for one in done {
        match one {
            Ok(round) => *sum += round,
            Err(failure) => first = first.and(Err(failure)),
        }
    }
    first
}

/// Does the tasks of one gateway, one after the other.
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
