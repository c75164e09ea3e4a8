//! The check of the promises within one sweep. What is known to be broken comes first, then what
//! has changed, then the next part of everything. So a sweep costs as much as the traffic since the
//! last one, however old the shop is. A shop without traffic costs no call.

use std::collections::HashMap;
use std::time::Instant;

use operations::db::{Database, Failure};
use operations::promises::{self, Due, Lap, Violation};

use crate::shop_sweep::ShopSweep;

/// Rows of each source of changes in one step. If too low, a busy shop needs many calls. If too
/// high, one call takes seconds.
const CHANGES: i32 = 500;
/// Subjects in one step through the history, and steps of one shop in one sweep. With a sweep each
/// minute, every row of 4.3 million subjects is looked at again within a day, if the other shops
/// leave the time: all shops share it (docs/invariants.md).
const SUBJECTS: i32 = 1_000;
const HISTORY_STEPS: usize = 3;
/// Violations that a report shows. A person mends the first ones, and reads the next report.
const SHOWN_MAX: usize = 1_000;

/// The broken promises that a sweep found.
#[derive(Debug, Default)]
pub(crate) struct Broken {
    /// The first [`SHOWN_MAX`].
    pub(crate) shown: Vec<Violation>,
    /// How many there are.
    pub(crate) number: usize,
}

impl Broken {
    fn add(&mut self, violations: Vec<Violation>) {
        self.number += violations.len();
        let room = SHOWN_MAX - self.shown.len();
        self.shown.extend(violations.into_iter().take(room));
    }
}

/// The check of one sweep.
#[derive(Debug, Default)]
pub(crate) struct Check {
    pub(crate) broken: Broken,
    due: HashMap<String, Due>,
    /// Whether the time was up before every change was looked at.
    pub(crate) unfinished: bool,
}

impl Check {
    /// Reads what is to be done, and looks again at what is known to be broken. Every sweep does,
    /// so an alarm lasts.
    ///
    /// # Errors
    /// [`Failure`] when the database could not say what is to be done.
    pub(crate) async fn begin(
        db: &Database,
        shops: &mut [ShopSweep],
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let due = promises::due(&db.until(deadline)).await?.into_iter();
        let mut check = Self {
            due: due.map(|due| (due.shop.clone(), due)).collect(),
            ..Self::default()
        };
        for sweep in shops {
            let Some(due) = check.due.get(&sweep.shop) else {
                continue;
            };
            sweep.changed_s = Some(due.changed_s);
            sweep.history_s = Some(due.history_s);
            if !due.broken {
                continue;
            }
            if Instant::now() >= deadline {
                check.unfinished = true;
                continue;
            }
            match promises::recheck(&db.until(deadline), &sweep.shop).await {
                Ok(violations) => check.broken.add(violations),
                Err(failure) => sweep.fail(&failure),
            }
        }
        Ok(check)
    }

    /// Goes on with the laps. The history has its own third of the time: a shop with much traffic
    /// does not stop it.
    pub(crate) async fn laps(&mut self, db: &Database, shops: &mut [ShopSweep], deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let changed = self.busy(shops, Lap::Changed);
        let lap = (Lap::Changed, CHANGES, usize::MAX);
        self.unfinished |= self.step(db, changed, lap, deadline - left / 3).await;
        let history = self.busy(shops, Lap::History);
        let lap = (Lap::History, SUBJECTS, HISTORY_STEPS);
        self.step(db, history, lap, deadline).await;
    }

    /// The shops in which this lap has something to do. The one that is furthest behind is first:
    /// if the time is up, the next sweep begins with the others.
    fn busy<'a>(&self, shops: &'a mut [ShopSweep], lap: Lap) -> Vec<&'a mut ShopSweep> {
        let is_due = |sweep: &ShopSweep| {
            self.due.get(&sweep.shop).is_some_and(|due| match lap {
                Lap::Changed => due.changed,
                Lap::History => due.history,
            })
        };
        let age = |sweep: &ShopSweep| match lap {
            Lap::Changed => sweep.changed_s.unwrap_or_default(),
            Lap::History => sweep.history_s.unwrap_or_default(),
        };
        let mut busy: Vec<_> = shops.iter_mut().filter(|sweep| is_due(sweep)).collect();
        busy.sort_by(|a, b| age(b).total_cmp(&age(a)));
        busy
    }

    /// One step per shop and turn, so a busy shop leaves time for the others. Returns whether the
    /// time was up.
    async fn step(
        &mut self,
        db: &Database,
        mut busy: Vec<&mut ShopSweep>,
        (lap, limit, steps_max): (Lap, i32, usize),
        deadline: Instant,
    ) -> bool {
        for _ in 0..steps_max {
            let mut still_busy = Vec::new();
            for sweep in busy {
                if Instant::now() >= deadline {
                    return true;
                }
                match promises::sweep(&db.until(deadline), &sweep.shop, lap, limit).await {
                    Ok(step) => {
                        self.broken.add(step.violations);
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
        false
    }
}
