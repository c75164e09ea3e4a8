//! Sends the announcements of a batch right after its transactions.
//!
//! This is only for speed: the sweeper sends whatever stays unsent, because the queue is down or
//! this process ends. So nothing here fails a message, and the time is short.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use operations::cause::causes;
use operations::clock::Reading;
use operations::db::Database;
use operations::ids::Shop;
use operations::outbox::{self, Queue, group_of_order};
use uuid::Uuid;

/// Time for one batch, waiting for the queue included.
const BUDGET: Duration = Duration::from_secs(3);
/// If the queue cannot be reached, a process tries again only after this time.
const PAUSE: Duration = Duration::from_secs(30);
/// Messages of one shop: a batch has at most ten events.
const LIMIT: i32 = 50;

/// The orders that changed, by shop.
pub(crate) type Orders = BTreeMap<Shop, Vec<String>>;

/// The relay. It has no queue where announcements are not configured.
pub struct Outbox {
    queue: Option<Box<dyn Queue>>,
    down_since: Mutex<Option<Reading>>,
}

impl Outbox {
    /// A relay with a queue, or without one: another deployment's sweeper may send.
    #[must_use]
    pub fn new(queue: Option<Box<dyn Queue>>) -> Self {
        Self {
            queue,
            down_since: Mutex::new(None),
        }
    }

    /// Sends the waiting messages of these orders. Never fails: the sweeper sends the rest.
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
                // this shop's node is down, and the others' may not be
                Err(failure) if db.has_nodes() => {
                    let causes = causes(&failure);
                    tracing::warn!(shop, causes, "announcements wait for the sweeper");
                    continue;
                }
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

/// Adds an order to the list.
pub(crate) fn add(orders: &mut Orders, shop: &Shop, order_id: Uuid) {
    let groups = orders.entry(shop.clone()).or_default();
    let group = group_of_order(order_id);
    if !groups.contains(&group) {
        groups.push(group);
    }
}
