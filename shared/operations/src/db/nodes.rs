//! The nodes of a Citus cluster. Each shop is whole on one of them, and its calls go there: any
//! node would answer, but the others take longer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Row;

/// After this time the coordinator is asked again where a shop is. After a move, calls go to the
/// old node for so long: they are exact and durable there, because the shop's node commits
/// synchronously, and slower.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The same when the coordinator or the node did not answer.
const ASK_SOON_AFTER: Duration = Duration::from_millis(500);
/// Shops whose place is kept. Their codes come from callers, who may invent some.
const PLACES_MAX: usize = 20_000;

/// What the coordinator says of a shop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The address of the configuration serves it, too.
    Coordinator,
    /// This node has it.
    Node(Address),
}

impl Place {
    /// `o_host` and `o_port` of a row: null for the coordinator.
    pub(super) fn of(row: &Row) -> Self {
        let (host, port): (Option<String>, Option<i32>) = (row.get("o_host"), row.get("o_port"));
        let port = port.and_then(|port| port.try_into().ok());
        let address = host.zip(port).map(|(host, port)| Address { host, port });
        address.map_or(Self::Coordinator, Self::Node)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinator => f.write_str("the coordinator"),
            Self::Node(Address { host, port }) => write!(f, "{host}:{port}"),
        }
    }
}

/// Where a node takes connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Where the shops of one cluster are, and the pool of each node.
pub(super) struct Nodes<P> {
    shops: Mutex<HashMap<String, Arc<Shop>>>,
    pools: Mutex<HashMap<Address, P>>,
    /// The coordinator did not answer: nobody who has an answer asks before this moment.
    silent_until: Mutex<Option<Instant>>,
    again_after: Duration,
    soon_after: Duration,
}

#[derive(Default)]
struct Shop {
    known: Mutex<Option<Known>>,
    /// Held by the one call that asks.
    asks: tokio::sync::Mutex<()>,
}

impl Shop {
    fn know(&self, place: Place, again_after: Duration) {
        let now = Instant::now();
        *lock(&self.known) = Some(Known {
            place,
            asked_at: now,
            ask_at: now + again_after,
        });
    }
}

#[derive(Clone)]
struct Known {
    place: Place,
    asked_at: Instant,
    ask_at: Instant,
}

impl<P> Default for Nodes<P> {
    fn default() -> Self {
        Self {
            shops: Mutex::default(),
            pools: Mutex::default(),
            silent_until: Mutex::default(),
            again_after: ASK_AGAIN_AFTER,
            soon_after: ASK_SOON_AFTER,
        }
    }
}

impl<P: Clone> Nodes<P> {
    /// Where the shop is, as `ask` says. One call asks; the others go where they went before, or
    /// wait for the answer if it is the first one. If nobody answers, the last answer counts: shops
    /// sell while the coordinator is down. Then one call about any shop asks now and then: with a
    /// question for each shop, each would wait for nothing.
    pub(super) async fn of(&self, shop: &str, ask: impl Future<Output = Option<Place>>) -> Place {
        let shop = self.shop(shop);
        let before = lock(&shop.known).clone();
        let _asks = match before {
            Some(known) if Instant::now() < known.ask_at => return known.place,
            Some(known) => match shop.asks.try_lock() {
                Ok(asks) => asks,
                Err(_) => return known.place,
            },
            None => shop.asks.lock().await,
        };
        // somebody else may have asked meanwhile
        let before = lock(&shop.known).clone();
        if let Some(known) = &before
            && Instant::now() < known.ask_at
        {
            return known.place.clone();
        }
        if let Some(known) = &before
            && !self.is_next_to_ask()
        {
            return known.place.clone();
        }
        let answer = ask.await;
        let silent_until = answer.is_none().then(|| Instant::now() + self.soon_after);
        *lock(&self.silent_until) = silent_until;
        let (place, again_after) = match (answer, before) {
            (Some(place), _) => (place, self.again_after),
            (None, Some(known)) => (known.place, self.soon_after),
            (None, None) => (Place::Coordinator, self.soon_after),
        };
        shop.know(place.clone(), again_after);
        place
    }

    /// Whether the coordinator answers, as far as anybody knows, or is to be asked again now. Then
    /// this call asks, and the others wait another while.
    fn is_next_to_ask(&self) -> bool {
        let now = Instant::now();
        match &mut *lock(&self.silent_until) {
            None => true,
            Some(until) if now < *until => false,
            Some(until) => {
                *until = now + self.soon_after;
                true
            }
        }
    }

    /// Where the shop was when the coordinator last answered. Asks nobody.
    pub(super) fn last(&self, shop: &str) -> Place {
        let known = lock(&self.shop(shop).known).clone();
        known.map_or(Place::Coordinator, |known| known.place)
    }

    /// The coordinator has said where this shop is, among others: nobody need ask for a while.
    pub(super) fn learn(&self, shop: &str, place: Place) {
        *lock(&self.silent_until) = None;
        self.shop(shop).know(place, self.again_after);
    }

    /// The node of the shop did not answer: it may be elsewhere.
    pub(super) fn ask_soon(&self, shop: &str) {
        if let Some(shop) = lock(&self.shops).get(shop)
            && let Some(known) = lock(&shop.known).as_mut()
        {
            known.ask_at = known.ask_at.min(known.asked_at + self.soon_after);
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

    fn shop(&self, code: &str) -> Arc<Shop> {
        let mut shops = lock(&self.shops);
        if let Some(shop) = shops.get(code) {
            return Arc::clone(shop);
        }
        if shops.len() >= PLACES_MAX {
            // rare, and only costs questions
            shops.clear();
        }
        Arc::clone(shops.entry(code.to_owned()).or_default())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
