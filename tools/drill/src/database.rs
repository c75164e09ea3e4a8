//! The deployment's database, read directly: counters, its own check of the promises, and its
//! records of money and goods.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{Client, Row};

use crate::api::innermost_cause;
use crate::history::DatabaseCheck;
use crate::records::Ledger;

const CONNECT_MAX: Duration = Duration::from_secs(10);

const LEVELS: &str = "select sku, on_hand::bigint, held::bigint from holdfast.stock_levels \
    where shop = $1 and sku = any ($2)";
/// The best stocked skus of the shop, for carts.
const OTHER_SKUS: &str = "select l.sku from holdfast.stock_levels l \
    where l.shop = $1 and l.sku <> $2 and l.on_hand - l.held > 0 \
    order by l.on_hand - l.held desc, l.sku limit 6";
const OTHER_SHOP: &str = "select shop from holdfast.shops where shop <> $1 order by shop limit 1";
const STALE_EDIT: &str = "update holdfast.stock_levels set on_hand = on_hand + 1 \
    where shop = $1 and sku = $2";
/// How many deadlocks the server has ever resolved in this database.
const DEADLOCKS: &str = "select deadlocks from pg_stat_database where datname = current_database()";
const CHECK: &str = "select promise, coalesce(violation::text, '') \
    from holdfast.promises_check($1)";

const LEDGER: &str = include_str!("ledger.sql");

/// One line that says why a reading failed.
#[derive(Debug)]
pub(crate) struct DatabaseError(String);

impl<E: std::error::Error + 'static> From<E> for DatabaseError {
    fn from(error: E) -> Self {
        Self(innermost_cause(&error))
    }
}

impl From<DatabaseError> for String {
    fn from(error: DatabaseError) -> Self {
        format!("--database: {}", error.0)
    }
}

async fn connect(url: &str) -> Result<Client, DatabaseError> {
    let tls = postgres_native_tls::MakeTlsConnector::new(native_tls::TlsConnector::new()?);
    let connecting = tokio_postgres::connect(url, tls);
    let (client, connection) = tokio::time::timeout(CONNECT_MAX, connecting).await??;
    // Its error is the error of the next query too.
    tokio::spawn(connection);
    Ok(client)
}

/// A connection that is made again when it was lost: a run may include killing it.
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

    /// The connection. A database that recovers from a crash refuses connections for a while.
    async fn client(&mut self) -> Result<&mut Client, DatabaseError> {
        let until = Instant::now() + CONNECT_MAX;
        loop {
            let client = match self.client.take().filter(|client| !client.is_closed()) {
                Some(client) => Ok(client),
                None => connect(&self.url).await,
            };
            match client {
                Ok(client) => return Ok(self.client.insert(client)),
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
    }

    async fn query(
        &mut self,
        query: &str,
        more: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, DatabaseError> {
        let shop = self.shop.clone();
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&shop];
        parameters.extend(more);
        Ok(self.client().await?.query(query, &parameters).await?)
    }

    pub(crate) async fn other_skus(&mut self, hot: &str) -> Result<Vec<String>, DatabaseError> {
        let rows = self.query(OTHER_SKUS, &[&hot]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    pub(crate) async fn other_shop(&mut self) -> Result<Option<String>, DatabaseError> {
        let rows = self.query(OTHER_SHOP, &[]).await?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    pub(crate) async fn deadlocks(&mut self) -> Result<i64, DatabaseError> {
        let row = self.client().await?.query_one(DEADLOCKS, &[]).await?;
        Ok(row.get(0))
    }

    /// Reads (on_hand, held) of each sku.
    pub(crate) async fn levels(
        &mut self,
        skus: &[String],
    ) -> Result<BTreeMap<String, (i64, i64)>, DatabaseError> {
        let rows = self.query(LEVELS, &[&skus]).await?;
        let level = |row: &Row| (row.get(0), (row.get(1), row.get(2)));
        Ok(rows.iter().map(level).collect())
    }

    /// The database's own check of all promises, and an attempt to edit stock by hand.
    pub(crate) async fn check(&mut self, sku: &str) -> Result<DatabaseCheck, DatabaseError> {
        let rows = self.query(CHECK, &[]).await?;
        let violations = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let shop = self.shop.clone();
        let edit = self.client().await?.transaction().await?;
        let edited = match edit.execute(STALE_EDIT, &[&shop, &sku]).await {
            // Some guards check when the transaction ends: this makes them check now.
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

    /// All records of the shop's money and goods.
    pub(crate) async fn ledger(&mut self) -> Result<Ledger, DatabaseError> {
        let rows = self.query(LEDGER, &[]).await?;
        let ledger: Option<Json<Ledger>> = rows.first().map(|row| row.get(0));
        Ok(ledger.map(|Json(ledger)| ledger).unwrap_or_default())
    }
}
