//! What the batch's transactions have left to be announced is sent right behind them.
//!
//! It is only for speed: whatever is not sent here, because the queue is down or this process ends,
//! is sent by the sweeper. So nothing in here fails a delivery, and it has little time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use operations::cause::causes;
use operations::clock::Reading;
use operations::db::Database;
use operations::ids::Shop;
use operations::outbox::{self, Queue, group_of_order};
use uuid::Uuid;

/// For one batch, the wait for the queue included.
const BUDGET: Duration = Duration::from_secs(3);
/// After the queue could not be asked: a queue that is down costs a process one wait in this time.
const PAUSE: Duration = Duration::from_secs(30);
/// Messages of one shop: a batch has ten events at most.
const LIMIT: i32 = 50;

/// The orders that something happened to, by shop.
pub(crate) type Orders = BTreeMap<Shop, Vec<String>>;

/// Where announcements go, where they go anywhere.
pub struct Outbox {
    queue: Option<Box<dyn Queue>>,
    down_since: Mutex<Option<Reading>>,
}

impl Outbox {
    /// With this queue, or with none: the sweeper of another deployment may have one.
    #[must_use]
    pub fn new(queue: Option<Box<dyn Queue>>) -> Self {
        Self {
            queue,
            down_since: Mutex::new(None),
        }
    }

    /// Sends what waits for these orders. Never fails: what it could not do, the sweeper does.
    pub(crate) async fn send(&self, db: &Database, orders: Orders) {
        let Some(queue) = self.queue.as_deref().filter(|_| !self.is_down()) else {
            return;
        };
        let deadline = Instant::now() + BUDGET;
        for (shop, groups) in orders {
            let shop = shop.as_str();
            let relayed = outbox::relay(db, shop, Some(&groups), LIMIT, queue, deadline).await;
            let why = match relayed {
                Ok(relayed) => relayed.failure,
                Err(failure) => Some(causes(&failure)),
            };
            if let Some(causes) = why {
                tracing::warn!(shop, causes, "announcements wait for the sweeper");
                *self.lock() = Some(Reading::now());
                return;
            }
        }
    }

    fn is_down(&self) -> bool {
        let down_since = *self.lock();
        down_since.is_some_and(|since| since.elapsed() < PAUSE)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Reading>> {
        self.down_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts an order on the list.
pub(crate) fn add(orders: &mut Orders, shop: &Shop, order_id: Uuid) {
    let groups = orders.entry(shop.clone()).or_default();
    let group = group_of_order(order_id);
    if !groups.contains(&group) {
        groups.push(group);
    }
}
