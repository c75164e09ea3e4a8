//! The check of the promises within one sweep. What is known to be broken comes first, then what
//! has changed, then the next part of everything. So a sweep costs as much as the traffic since the
//! last one, however old the shop is.

use std::time::Instant;

use operations::db::Database;
use operations::promises::{self, Lap, Violation};

use crate::shop_sweep::ShopSweep;

/// Rows of each source of changes in one step. If too low, a busy shop needs many calls. If too
/// high, one call takes seconds.
const CHANGES: i32 = 500;
/// Subjects in one step through the history, and steps in one sweep. With a sweep each minute,
/// every row of 4.3 million subjects is looked at again within a day (docs/invariants.md).
const SUBJECTS: i32 = 1_000;
const HISTORY_STEPS: usize = 3;

/// Looks again at what is known to be broken in each shop. Every sweep does, so an alarm lasts.
pub(crate) async fn known(
    db: &Database,
    shops: &mut [ShopSweep],
    deadline: Instant,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for sweep in shops {
        match promises::recheck(&db.until(deadline), &sweep.shop).await {
            Ok(known) => {
                violations.extend(known.violations);
                sweep.changed_s = Some(known.changed_s);
                sweep.history_s = Some(known.history_s);
            }
            Err(failure) => sweep.fail(&failure),
        }
    }
    violations
}

/// Goes on with the laps of each shop. Returns the promises that are newly found broken, and
/// whether the time was up before every change was looked at.
pub(crate) async fn laps(
    db: &Database,
    shops: &mut [ShopSweep],
    deadline: Instant,
) -> (Vec<Violation>, bool) {
    let mut violations = Vec::new();
    let unfinished = step(db, shops, (Lap::Changed, CHANGES, usize::MAX), deadline).await;
    violations.extend(unfinished.0);
    let history = step(db, shops, (Lap::History, SUBJECTS, HISTORY_STEPS), deadline).await;
    violations.extend(history.0);
    (violations, unfinished.1)
}

/// One step per shop and turn, so a busy shop leaves time for the others. Returns the violations,
/// and whether the time was up.
async fn step(
    db: &Database,
    shops: &mut [ShopSweep],
    (lap, limit, steps_max): (Lap, i32, usize),
    deadline: Instant,
) -> (Vec<Violation>, bool) {
    let mut violations = Vec::new();
    let mut busy: Vec<&mut ShopSweep> = shops.iter_mut().collect();
    for _ in 0..steps_max {
        let mut still_busy = Vec::new();
        for sweep in busy {
            if Instant::now() >= deadline {
                return (violations, true);
            }
            match promises::sweep(&db.until(deadline), &sweep.shop, lap, limit).await {
                Ok(step) => {
                    violations.extend(step.violations);
                    if step.more {
                        still_busy.push(sweep);
                    }
                }
                Err(failure) => sweep.fail(&failure),
            }
        }
        busy = still_busy;
        if busy.is_empty() {
            break;
        }
    }
    (violations, false)
}
