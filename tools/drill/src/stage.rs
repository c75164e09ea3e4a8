//! What all shoppers share: the deployment, the settings of the run, and the counters that the
//! terminal shows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::answers::Order;
use crate::api::Api;
use crate::control::Control;

pub(crate) struct Stage {
    pub(crate) api: Arc<Api>,
    /// Of the simulated gateways, where shoppers pay there; else the rehearsal signs events itself.
    pub(crate) control: Option<Arc<Control>>,
    pub(crate) run_id: String,
    pub(crate) seed: u64,
    pub(crate) secret: String,
    pub(crate) other_shop: Option<String>,
    pub(crate) hot_sku: String,
    pub(crate) hold_s: u32,
    /// How long to wait for a payment to end.
    pub(crate) settle: Duration,
    pub(crate) counts: Counts,
    /// Orders that were seen paid, for those who put back what is returned.
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

    pub(crate) fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

impl Stage {
    pub(crate) fn paid(&self) -> std::sync::MutexGuard<'_, Vec<Order>> {
        self.paid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn customer(&self, number: u32) -> String {
        format!("{}-{number:05}", self.run_id)
    }

    /// The id of the `n`th checkout of a shopper: the same in every run of this seed and run id.
    pub(crate) fn checkout_id(&self, number: u32, n: u32) -> Uuid {
        uuid::Builder::from_random_bytes(self.digest(&format!("checkout {number} {n}"))).into_uuid()
    }

    /// The gateway's id of an attempt to pay: 14 digits.
    pub(crate) fn payment_id(&self, number: u32, attempt: u32) -> u64 {
        let digest = u128::from_be_bytes(self.digest(&format!("payment {number} {attempt}")));
        10_000_000_000_000 + u64::try_from(digest % 90_000_000_000_000).unwrap_or(0)
    }

    /// The gateway's id of an event.
    pub(crate) fn event_key(&self, number: u32, event: usize) -> String {
        let bytes = self.digest(&format!("event {number} {event}"));
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .simple()
            .to_string()
    }

    fn digest(&self, of: &str) -> [u8; 16] {
        let digest = Sha256::digest(format!("{}|{}|{of}", self.run_id, self.seed));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes
    }
}
