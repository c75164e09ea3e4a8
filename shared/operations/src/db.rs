//! Access to the database: a small pool, verified TLS, and bounded retries around every call.
//!
//! A call is one statement, one transaction and one round trip. The statement is unnamed and typed,
//! so the same code also runs behind PgBouncer in transaction mode and behind RDS Proxy. A retry
//! after a lost connection is safe, because the ids are the client's: the second run finds the
//! effect of the first, or has it.

mod authorities;
mod config;
mod connected;
mod connections;
mod constraint;
mod each;
mod failure;
mod json;
mod kept;
mod nodes;
mod only;
mod parameter;
mod run;
mod tries;

use std::any::Any;
use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Pool, PoolError};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;

use crate::cause::causes;
use crate::config::ConfigError;
use crate::telemetry::{self, Metric};
use connections::Connections;

pub use config::{Authorities, Cluster, DatabaseConfig, Idle, Keeper, Tls};
pub(crate) use connected::Connected;
pub use connections::connect;
pub use constraint::constraint;
pub use failure::Failure;
pub(crate) use json::from_json;
use kept::Kept;
use nodes::{Address, Nodes, Place};
use only::only;
pub use parameter::Parameter;
pub(crate) use parameter::{ShopCode, SqlType, sent_as};
pub use run::{CODES_MAX, Waiting};
use run::{Group, Run};
pub(crate) use tries::Tries;

/// Time for one operation, all tries included, unless [`Database::with_call_timeout`] sets another.
/// If too low, a failover of a few seconds causes errors. If too high, the function's own timeout
/// (10 seconds for checkout) comes first, and the caller gets no answer.
const CALL_TIMEOUT_DEFAULT: Duration = Duration::from_secs(8);
/// The least time for a call near a deadline, so that the call can succeed.
const CALL_TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// Time for the coordinator of a cluster to say where a shop is. It may be down while the shop's
/// node is not.
const COORDINATOR_WITHIN: Duration = Duration::from_secs(1);

/// Calls of one process that begin checkouts at the same time. Each may have a hundred requests,
/// and they wait for the same hot rows and the same disk. With more calls, each has fewer requests,
/// and each hold costs the server more (docs/benchmarks.md). With fewer, the processors are idle
/// while a call waits for the disk.
const BEGIN_CALLS_MAX: usize = 4;

/// The pool of one process. Connections are opened when they are first needed.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Connections>,
    begin_calls_max: usize,
    call_timeout: Duration,
    kept: Kept,
    cluster: Option<Arc<Citus>>,
    /// In a cluster: the work over all shops that it is for.
    run: Option<Arc<Run>>,
}

/// What a pool for the coordinator of a cluster knows of the nodes.
struct Citus {
    config: DatabaseConfig,
    nodes: Nodes<Database>,
    /// The shops of each node, as the coordinator last listed them.
    groups: Mutex<Option<Arc<Vec<Group>>>>,
}

impl Database {
    /// Prepares the pool; connects to nothing yet.
    ///
    /// # Errors
    /// When the file of certificate authorities can't be read or holds no certificate.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let citus = || Citus {
            config: config.clone(),
            nodes: Nodes::default(),
            groups: Mutex::default(),
        };
        Ok(Self {
            cluster: (config.cluster == Cluster::Citus).then(|| Arc::new(citus())),
            ..Self::at(config, None)?
        })
    }

    /// One server: that of the configuration, or the one at this address.
    fn at(config: &DatabaseConfig, address: Option<Address>) -> Result<Self, ConfigError> {
        let pool = Pool::builder(Connections::new(config, address)?)
            .max_size(config.pool_size)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| ConfigError::Invalid {
                variable: "DATABASE_POOL_SIZE",
                reason: error.to_string(),
            })?;
        Ok(Self {
            pool,
            begin_calls_max: config.pool_size.min(BEGIN_CALLS_MAX),
            call_timeout: CALL_TIMEOUT_DEFAULT,
            kept: Kept::default(),
            cluster: None,
            run: None,
        })
    }

    /// The pool for calls about this shop: in a cluster, that of the node which owns it. Asks the
    /// coordinator if it must, and ends before `deadline`.
    pub(crate) async fn of(&self, shop: &str, deadline: Instant) -> Cow<'_, Self> {
        self.place_of(shop, deadline).await.1
    }

    async fn place_of(&self, shop: &str, deadline: Instant) -> (Place, Cow<'_, Self>) {
        let Some(citus) = &self.cluster else {
            return (Place::Coordinator, Cow::Borrowed(self));
        };
        let is_silent = |run: &Arc<Run>| run.is_silent(&Place::Coordinator);
        let place = match self.run.as_ref().is_some_and(is_silent) {
            // each question would take a second of the run
            true => citus.nodes.last(shop),
            false => citus.nodes.of(shop, self.ask(shop, deadline)).await,
        };
        let Place::Node(address) = &place else {
            return (place, Cow::Borrowed(self));
        };
        match self.node(citus, address.clone()) {
            Ok(node) => (place, Cow::Owned(node)),
            Err(failure) => {
                tracing::error!(causes = causes(&failure), "a node has no pool");
                (Place::Coordinator, Cow::Borrowed(self))
            }
        }
    }

    /// The pool of a node.
    fn node(&self, citus: &Citus, address: Address) -> Result<Self, Failure> {
        let make = |address| Self::at(&citus.config, Some(address));
        let node = citus.nodes.pool(address, make);
        let node = node.map_err(|error| Failure::Refused(error.into()))?;
        Ok(node
            .with_call_timeout(self.call_timeout)
            .with_begin_calls_max(self.begin_calls_max))
    }

    /// Asks the coordinator where a shop is. `None`: it does not answer.
    async fn ask(&self, shop: &str, deadline: Instant) -> Option<Place> {
        // half of the time that is left is for the node
        let left = deadline.saturating_duration_since(Instant::now());
        let deadline = Instant::now() + COORDINATOR_WITHIN.min(left / 2);
        let asked = async {
            let connected = self.connected(deadline).await?;
            let statement = "select * from holdfast.shop_node($1)";
            let shop: [&dyn Parameter; 1] = [&ShopCode(shop)];
            connected.call_one(statement, &shop, deadline).await
        };
        let row: Row = asked
            .await
            .inspect_err(|failure| {
                let causes = causes(failure);
                tracing::warn!(shop, causes, "the coordinator does not say where a shop is");
            })
            .ok()?;
        Some(Place::of(&row))
    }

    /// A call about this shop failed. If its node did not answer, it may be elsewhere.
    pub(crate) fn failed(&self, shop: &str, failure: &Failure) {
        if let Some(citus) = &self.cluster
            && matches!(failure, Failure::Unavailable(_))
        {
            citus.nodes.ask_soon(shop);
        }
    }

    /// The same pool with another time for each operation: a sweep may take longer than a shopper's
    /// call.
    #[must_use]
    pub fn with_call_timeout(mut self, call_timeout: Duration) -> Self {
        self.call_timeout = call_timeout;
        self
    }

    /// The same pool, for so many calls that begin checkouts at the same time: in a benchmark or a
    /// test, one pool may stand for many processes.
    #[must_use]
    pub fn with_begin_calls_max(mut self, begin_calls_max: usize) -> Self {
        self.begin_calls_max = begin_calls_max;
        self
    }

    /// The same pool, for work that must end by `deadline`.
    #[must_use]
    pub fn until(&self, deadline: std::time::Instant) -> Self {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let timeout = self.call_timeout.min(left.max(CALL_TIMEOUT_MIN));
        self.clone().with_call_timeout(timeout)
    }

    /// Runs one statement and returns its rows. Retries errors that may pass: serialization
    /// failures, deadlocks, lost connections, a server that is starting or full.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when the tries or the time ran out; [`Failure::Internal`] for
    /// everything else.
    pub async fn call(
        &self,
        statement: &str,
        params: &[&dyn Parameter],
    ) -> Result<Vec<Row>, Failure> {
        let mut tries = self.tries();
        let shop = params.iter().find_map(|one| one.as_shop());
        loop {
            let called = match shop {
                None => self.call_once(statement, params, tries.deadline()).await,
                // not a try: nothing is asked
                Some(shop) if self.waits(shop) => return Err(run::refusal()),
                Some(shop) => {
                    self.call_of(shop, statement, params, tries.deadline())
                        .await
                }
            };
            match called {
                Ok(rows) => return Ok(rows),
                Err(failure) => tries.again_after(failure).await?,
            }
        }
    }

    /// The same for a statement that returns exactly one row.
    ///
    /// # Errors
    /// As [`Self::call`]; no row, or more than one, is [`Failure::Internal`].
    pub async fn call_one(
        &self,
        statement: &str,
        params: &[&dyn Parameter],
    ) -> Result<Row, Failure> {
        only(statement, self.call(statement, params).await?)
    }

    /// Once, on the node of the shop.
    async fn call_of(
        &self,
        shop: &str,
        statement: &str,
        params: &[&dyn Parameter],
        deadline: Instant,
    ) -> Result<Vec<Row>, Failure> {
        let (place, node) = self.place_of(shop, deadline).await;
        if let Some(run) = &self.run {
            run.check(&place)?;
        }
        let called = node.call_once(statement, params, deadline).await;
        if let Some(run) = &self.run {
            run.note(&place, &called);
        }
        called.inspect_err(|failure| self.failed(shop, failure))
    }

    async fn call_once(
        &self,
        statement: &str,
        params: &[&dyn Parameter],
        deadline: Instant,
    ) -> Result<Vec<Row>, Failure> {
        let connected = self.connected(deadline).await?;
        connected.call(statement, params, deadline).await
    }

    /// The tries of an operation that begins now.
    pub(crate) fn tries(&self) -> Tries {
        Tries::until(Instant::now() + self.call_timeout)
    }

    /// A connection, as soon as one is free.
    ///
    /// # Errors
    /// [`Failure`] when none could be opened, or none was free until `deadline`.
    pub(crate) async fn connected(&self, deadline: Instant) -> Result<Connected, Failure> {
        timeout_at(deadline, self.pool.get())
            .await
            .map_err(|elapsed| Failure::Unavailable(elapsed.into()))
            .and_then(|connection| connection.map_err(pool_failure))
            .map(Connected::new)
            .inspect_err(|_| telemetry::count(Metric::ConnectionFailures, 1))
    }

    /// Calls that begin checkouts at the same time. More requests wait, and go together.
    pub(crate) fn begin_calls_max(&self) -> usize {
        self.begin_calls_max
    }

    /// The value of this type that all clones of this pool share.
    pub(crate) fn kept<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        self.kept.get()
    }
}

fn pool_failure(error: PoolError<Failure>) -> Failure {
    match error {
        PoolError::Backend(failure) => failure,
        other => Failure::Unavailable(other.into()),
    }
}
