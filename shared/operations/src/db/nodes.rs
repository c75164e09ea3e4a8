//! The nodes of a Citus cluster. Each shop is whole on one of them, and its calls go there: any
//! node would answer, but only the owner frees a lock early, and the others take longer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// After this time the coordinator is asked again where a shop is. After a move, calls go to the
/// old node for so long: they are exact there, and slower.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Where the shops of one cluster are, and the pool of each node.
pub(super) struct Nodes<P> {
    places: Mutex<HashMap<String, Place>>,
    pools: Mutex<HashMap<Address, P>>,
}

/// Where a node takes connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

#[derive(Clone)]
struct Place {
    /// None: the coordinator has not said.
    address: Option<Address>,
    /// None: the node did not answer since.
    asked_at: Option<Instant>,
}

impl Place {
    fn is_fresh(&self) -> bool {
        self.asked_at
            .is_some_and(|asked_at| asked_at.elapsed() < ASK_AGAIN_AFTER)
    }
}

impl<P> Default for Nodes<P> {
    fn default() -> Self {
        Self {
            places: Mutex::default(),
            pools: Mutex::default(),
        }
    }
}

impl<P: Clone> Nodes<P> {
    /// The node that owns the shop, as `ask` has said. `ask` answers an outer `None` if nobody can
    /// say: then the last answer counts. So shops sell while the coordinator is down.
    pub(super) async fn of(
        &self,
        shop: &str,
        ask: impl Future<Output = Option<Option<Address>>>,
    ) -> Option<Address> {
        let known = lock(&self.places).get(shop).cloned();
        if let Some(place) = &known
            && place.is_fresh()
        {
            return place.address.clone();
        }
        let before = known.and_then(|place| place.address);
        // First of all: one call asks. The others go where they went before.
        self.keep(shop, before.clone());
        match ask.await {
            None => before,
            Some(address) => {
                self.keep(shop, address.clone());
                address
            }
        }
    }

    /// The node of the shop did not answer. The next call asks where the shop is.
    pub(super) fn forget(&self, shop: &str) {
        if let Some(place) = lock(&self.places).get_mut(shop) {
            place.asked_at = None;
        }
    }

    /// The pool of the node, which is made when it is first needed.
    pub(super) fn pool<E>(
        &self,
        address: Address,
        make: impl FnOnce(Address) -> Result<P, E>,
    ) -> Result<P, E> {
        let mut pools = lock(&self.pools);
        if let Some(pool) = pools.get(&address) {
            return Ok(pool.clone());
        }
        let pool = make(address.clone())?;
        pools.insert(address, pool.clone());
        Ok(pool)
    }

    fn keep(&self, shop: &str, address: Option<Address>) {
        let asked_at = Some(Instant::now());
        lock(&self.places).insert(shop.to_owned(), Place { address, asked_at });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
