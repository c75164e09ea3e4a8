//! Looks at the stock while the sale goes on: through the API like a shopper's page, and, when its
//! URL is given, in the database.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::answers::{Availability, Said};
use crate::api::Api;
use crate::history::{DatabaseCheck, StockSample, When};

const SAMPLE_EVERY: Duration = Duration::from_millis(100);
const PAGE_EVERY: Duration = Duration::from_millis(500);
const LOOK_AT_CLOCK_EVERY: Duration = Duration::from_millis(20);
const ANSWER_MAX: Duration = Duration::from_secs(10);

const LEVELS: &str = "select sku, on_hand, held from holdfast.stock_levels \
    where shop = $1 and sku = any ($2)";
const OTHER_SKUS: &str = "select l.sku from holdfast.stock_levels l \
    where l.shop = $1 and l.sku <> $2 and l.on_hand - l.held > 0 \
    order by l.on_hand - l.held desc, l.sku limit 6";
const STALE_EDIT: &str = "update holdfast.stock_levels set on_hand = on_hand + 1 \
    where shop = $1 and sku = $2";

/// The innermost cause says most: the outer ones only that there is one.
pub(crate) fn reason_of(error: &DatabaseError) -> String {
    let mut cause: &dyn std::error::Error = &**error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

pub(crate) type DatabaseError = Box<dyn std::error::Error + Send + Sync>;

/// A connection that is made again when it was lost: the rehearsal may include killing it.
pub(crate) struct Database {
    url: String,
    shop: String,
    client: Option<Client>,
}

impl Database {
    pub(crate) async fn connect(url: &str, shop: &str) -> Result<Self, DatabaseError> {
        let mut database = Self {
            url: url.to_owned(),
            shop: shop.to_owned(),
            client: None,
        };
        database.client().await?;
        Ok(database)
    }

    pub(crate) fn shop(&self) -> &str {
        &self.shop
    }

    pub(crate) async fn client(&mut self) -> Result<&mut Client, DatabaseError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            let tls = postgres_native_tls::MakeTlsConnector::new(native_tls::TlsConnector::new()?);
            let (client, connection) =
                tokio::time::timeout(ANSWER_MAX, tokio_postgres::connect(&self.url, tls)).await??;
            // its error is the next query's error too
            tokio::spawn(connection);
            self.client = Some(client);
        }
        self.client.as_mut().ok_or_else(|| "not connected".into())
    }

    /// The best stocked skus of the shop, for carts.
    pub(crate) async fn other_skus(&mut self, hot: &str) -> Result<Vec<String>, DatabaseError> {
        let shop = self.shop.clone();
        let rows = self
            .client()
            .await?
            .query(OTHER_SKUS, &[&shop, &hot])
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Another shop of the deployment, if there is one.
    pub(crate) async fn other_shop(&mut self) -> Result<Option<String>, DatabaseError> {
        let shop = self.shop.clone();
        let query = "select shop from holdfast.shops where shop <> $1 order by shop limit 1";
        let rows = self.client().await?.query(query, &[&shop]).await?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// How many deadlocks the server has had to resolve in this database, ever.
    pub(crate) async fn deadlocks(&mut self) -> Result<i64, DatabaseError> {
        let query = "select deadlocks from pg_stat_database where datname = current_database()";
        Ok(self.client().await?.query_one(query, &[]).await?.get(0))
    }

    pub(crate) async fn levels(
        &mut self,
        skus: &[String],
    ) -> Result<BTreeMap<String, (i64, i64)>, DatabaseError> {
        let shop = self.shop.clone();
        let rows = self.client().await?.query(LEVELS, &[&shop, &skus]).await?;
        let level = |row: &tokio_postgres::Row| {
            let (on_hand, held): (i32, i32) = (row.get(1), row.get(2));
            (row.get(0), (i64::from(on_hand), i64::from(held)))
        };
        Ok(rows.iter().map(level).collect())
    }

    /// The database's own check of all promises, and an attempt to edit stock by hand.
    pub(crate) async fn check(&mut self, sku: &str) -> Result<DatabaseCheck, DatabaseError> {
        let shop = self.shop.clone();
        let client = self.client().await?;
        let query = "select promise, violation::text from holdfast.promises_check($1)";
        let rows = client.query(query, &[&shop]).await?;
        let violations = rows
            .iter()
            .map(|row| {
                (
                    row.get(0),
                    row.get::<_, Option<String>>(1).unwrap_or_default(),
                )
            })
            .collect();
        let edit = client.transaction().await?;
        let edited = match edit.execute(STALE_EDIT, &[&shop, &sku]).await {
            // some guards look when the transaction ends: have them look now
            Ok(_) => edit.batch_execute("set constraints all immediate").await,
            Err(error) => Err(error),
        };
        edit.rollback().await?;
        let stale_edit_refused = match edited {
            Ok(()) => Some(false),
            Err(error) if error.code() == Some(&SqlState::CHECK_VIOLATION) => Some(true),
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(DatabaseCheck {
            violations,
            stale_edit_refused,
        })
    }
}

/// Samples the counters until told to stop.
pub(crate) async fn database(
    mut database: Database,
    api: Arc<Api>,
    skus: Vec<String>,
    mut stop: Receiver<bool>,
) -> (Database, Vec<StockSample>) {
    let mut samples = vec![];
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while !*stop.borrow() {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.changed() => {}
        }
        // a sample that fails is a gap in a plot, nothing more
        if let Ok(levels) = database.levels(&skus).await {
            samples.push(StockSample {
                at: api.now(),
                levels,
            });
        }
    }
    (database, samples)
}

/// Reloads the shop's page until told to stop.
pub(crate) async fn page(
    api: Arc<Api>,
    skus: Vec<String>,
    mut stop: Receiver<bool>,
) -> Vec<(When, Availability)> {
    let mut seen = vec![];
    let mut ticks = tokio::time::interval(PAGE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !*stop.borrow() {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.changed() => {}
        }
        if let (when, Said::Yes(page)) = api.availability(&skus).await {
            seen.push((when, page));
        }
    }
    seen
}

/// Until told to stop, how late this process itself was woken up, at most: on a machine that is
/// busy with other things, latencies say more about those.
pub(crate) async fn lag(stop: Receiver<bool>) -> Duration {
    let mut most = Duration::ZERO;
    while !*stop.borrow() {
        let due = tokio::time::Instant::now() + LOOK_AT_CLOCK_EVERY;
        tokio::time::sleep_until(due).await;
        most = most.max(due.elapsed());
    }
    most
}
