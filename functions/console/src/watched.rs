//! The numbers of a sale that many browsers watch. One read costs the database as much as a
//! hundred holds, and five hundred browsers ask 250 times a second. So the polls of a second share
//! one read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use holdfast_http::{Refused, found};
use operations::db::{Database, Failure};
use operations::ids::Shop;
use operations::promises::{self, Breached};
use operations::sale::{self, Filter, Sale};

/// The age of the numbers that a poll still gets. It is half of the time between two polls
/// (live.js): so the first poll after a page never shows older numbers than the page.
const SHARED_FOR: Duration = Duration::from_secs(1);
/// Shops whose numbers one process keeps.
const SHOPS_MAX: usize = 200;

/// What the page of a sale shows.
#[derive(Clone)]
pub(crate) struct Numbers {
    pub(crate) sale: Arc<Sale>,
    pub(crate) promises: Arc<Breached>,
    /// When they were asked for.
    asked_at: Instant,
}

/// The last numbers of one shop. Who reads them anew holds the lock, and the others wait for it.
type Last = Arc<tokio::sync::Mutex<Option<Numbers>>>;

/// The last numbers of the shops of one process.
#[derive(Default)]
pub(crate) struct Watched(Mutex<HashMap<String, Last>>);

impl Watched {
    fn last(&self, shop: &Shop) -> Last {
        let mut shops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shops.len() >= SHOPS_MAX && !shops.contains_key(shop.as_str()) {
            shops.clear();
        }
        Arc::clone(shops.entry(shop.as_str().to_owned()).or_default())
    }

    /// The numbers as they are now: for somebody who opens the page, perhaps after a change.
    pub(crate) async fn now(
        &self,
        db: &Database,
        shop: &Shop,
    ) -> Result<Numbers, Refused<Failure>> {
        let last = self.last(shop);
        let numbers = read(db, shop).await?;
        let mut last = last.lock().await;
        // a poll may have asked later, and was answered sooner
        if last
            .as_ref()
            .is_none_or(|last| last.asked_at < numbers.asked_at)
        {
            *last = Some(numbers.clone());
        }
        Ok(numbers)
    }

    /// The numbers for a poll: of the last second.
    pub(crate) async fn lately(
        &self,
        db: &Database,
        shop: &Shop,
    ) -> Result<Numbers, Refused<Failure>> {
        let polled_at = Instant::now();
        let last = self.last(shop);
        let mut last = last.lock().await;
        // Also one that the database has answered slowly: whoever waited for it shares it.
        let shared = last.as_ref();
        let shared = shared.filter(|numbers| numbers.asked_at + SHARED_FOR > polled_at);
        if let Some(numbers) = shared {
            return Ok(numbers.clone());
        }
        let numbers = read(db, shop).await?;
        *last = Some(numbers.clone());
        Ok(numbers)
    }
}

async fn read(db: &Database, shop: &Shop) -> Result<Numbers, Refused<Failure>> {
    let asked_at = Instant::now();
    let sale = found("shop", sale::read(db, shop, &Filter::default()).await)?;
    let promises = promises::breached(db, shop).await?;
    Ok(Numbers {
        sale: Arc::new(sale),
        promises: Arc::new(promises),
        asked_at,
    })
}
