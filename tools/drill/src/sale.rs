//! What all shoppers and staff of a run share: the deployment, the run's settings, and the counters
//! that the terminal shows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::answers::Order;
use crate::api::Api;
use crate::control::Control;

pub(crate) struct Sale {
    pub(crate) api: Arc<Api>,
    /// The simulated gateways at which shoppers pay. None: the drill signs Cashfree's webhooks.
    pub(crate) control: Option<Arc<Control>>,
    pub(crate) run_id: String,
    pub(crate) seed: u64,
    pub(crate) webhook_secret: String,
    pub(crate) other_shop: Option<String>,
    pub(crate) hot_sku: String,
    pub(crate) hold_s: u32,
    /// How long to wait for a payment to end.
    pub(crate) settle: Duration,
    pub(crate) counts: Counts,
    /// Orders that were seen paid, from which something may be returned.
    pub(crate) paid: Mutex<Vec<Order>>,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) done: AtomicU64,
    pub(crate) granted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) orders: AtomicU64,
    pub(crate) paid: AtomicU64,
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Sale {
    pub(crate) fn paid(&self) -> std::sync::MutexGuard<'_, Vec<Order>> {
        self.paid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn customer(&self, number: u32) -> String {
        format!("{}-{number:05}", self.run_id)
    }

    /// The id of the `n`th checkout of a shopper: the same in every run of this seed and run id.
    pub(crate) fn checkout_id(&self, number: u32, n: u32) -> Uuid {
        self.id(&format!("checkout {number} {n}"))
    }

    /// The gateway's id of an attempt to pay: 14 digits.
    pub(crate) fn payment_id(&self, number: u32, attempt: u32) -> u64 {
        let id = self.id(&format!("payment {number} {attempt}")).as_u128();
        10_000_000_000_000 + u64::try_from(id % 90_000_000_000_000).unwrap_or(0)
    }

    /// The gateway's id of an event.
    pub(crate) fn event_key(&self, number: u32, event: usize) -> String {
        self.id(&format!("event {number} {event}"))
            .simple()
            .to_string()
    }

    fn id(&self, of: &str) -> Uuid {
        let digest = Sha256::digest(format!("{}|{}|{of}", self.run_id, self.seed));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
