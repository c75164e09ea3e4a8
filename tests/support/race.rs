//! Races with the same result every time: all sessions start behind one barrier, and the server's
//! locks, not sleeps, tell when a session waits.

use std::sync::Arc;

use local::postgres::SUPERUSER;
use tokio::sync::Barrier;
use tokio_postgres::Client;

use crate::routine::{Routine, SHUT_GATE};
use crate::{TestDb, until};

/// Routines written without care for concurrency: the negative controls call them.
const NAIVE: &str = include_str!("../fixtures/naive.sql");

/// Runs `task(0)` to `task(n - 1)` at once, from behind one barrier; returns the answers in that
/// order.
pub async fn at_once<T, F>(tasks: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(tasks));
    let start = |future: F| {
        let barrier = Arc::clone(&barrier);
        tokio::spawn(async move {
            barrier.wait().await;
            future.await
        })
    };
    let running: Vec<_> = (0..tasks).map(|n| start(task(n))).collect();
    let mut answers = Vec::with_capacity(tasks);
    for one in running {
        answers.push(one.await.unwrap());
    }
    answers
}

/// A session that holds locks until the test ends it.
pub struct Blocker(Client);

impl Blocker {
    /// Rolls back.
    pub async fn let_go(self) {
        self.0.batch_execute("rollback").await.unwrap();
    }

    /// Runs more SQL in the same transaction.
    pub async fn also(self, sql: &str) -> Self {
        self.0.batch_execute(sql).await.unwrap();
        self
    }

    /// Commits.
    pub async fn commit(self) {
        self.0.batch_execute("commit").await.unwrap();
    }
}

impl TestDb {
    /// A session that has run `sql` in an open transaction.
    pub async fn block(&self, sql: &str) -> Blocker {
        let session = self.session().await;
        session
            .batch_execute(&format!("begin; {sql}"))
            .await
            .unwrap();
        Blocker(session)
    }

    /// A session that holds the row lock of a stock level of `main`.
    pub async fn block_level(&self, sku: &str) -> Blocker {
        self.block(&format!(
            "select from holdfast.stock_levels where shop = 'main' and sku = '{sku}' for update"
        ))
        .await
    }

    /// How many sessions of this database wait for a lock.
    pub async fn waiting(&self) -> i64 {
        self.count_on_nodes(
            "select count(*) from pg_stat_activity \
             where datname = current_database() and wait_event_type = 'Lock'",
        )
        .await
    }

    /// Waits until so many do.
    pub async fn until_waiting(&self, sessions: i64) {
        until(&format!("{sessions} sessions wait for a lock"), || async {
            self.waiting().await == sessions
        })
        .await;
    }

    /// Waits until the owner's session is the only one: the server's counters include a session for
    /// certain only after its end. On other nodes the owner has sessions that carry its number, and
    /// Citus has some of its own.
    pub async fn until_alone(&self) {
        let number = match self.has_citus {
            true => self.count("select citus_backend_gpid()").await,
            false => 0,
        };
        let own = self.count("select pg_backend_pid()::bigint").await;
        let sessions = format!(
            "select count(*) from pg_stat_activity where datname = current_database()
                and backend_type = 'client backend' and pid <> {own}
                and application_name not like '%gpid={number}'
                and not (usename = '{SUPERUSER}' and application_name like 'citus_internal%')"
        );
        until("all other sessions have ended", || async {
            self.count_on_nodes(&sessions).await == 0
        })
        .await;
    }

    /// The deadlocks of this database, counted once all other sessions have ended.
    pub async fn deadlocks(&self) -> i64 {
        self.until_alone().await;
        let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
        self.count_on_nodes(deadlocks).await
    }

    /// Replaces text in a routine of this database. The text must be there.
    pub async fn change_routine(&self, routine: &str, changes: &[(&str, &str)]) {
        let mut routine = Routine::named(routine);
        for (from, to) in changes {
            routine = routine.changed(from, to);
        }
        self.put_routine(routine).await;
    }

    /// Runs a race with the [`GATE`](crate::GATE) shut until so many sessions wait at it.
    pub async fn behind_the_gate<T>(&self, sessions: i64, race: impl Future<Output = T>) -> T {
        let gate = self.block(SHUT_GATE).await;
        self.behind(gate, sessions, race).await
    }

    /// Runs a race behind a lock, which is released once so many sessions wait for it.
    pub async fn behind<T>(
        &self,
        blocker: Blocker,
        sessions: i64,
        race: impl Future<Output = T>,
    ) -> T {
        let released = async {
            self.until_waiting(sessions).await;
            blocker.let_go().await;
        };
        tokio::join!(race, released).0
    }

    /// Makes the routines of the negative controls, in the schema `naive` of this database.
    pub async fn naive(&self) {
        self.owner.batch_execute(NAIVE).await.unwrap();
    }

    /// Runs a naive statement in `sessions` sessions. All of them read before any of them writes:
    /// the worst case, every time.
    pub async fn all_read_then_all_write(&self, sessions: usize, statement: &'static str) {
        for outcome in self.all_read_then_all_try(sessions, statement).await {
            outcome.unwrap();
        }
    }

    /// The same, for statements that may be refused.
    pub async fn all_read_then_all_try(
        &self,
        sessions: usize,
        statement: &'static str,
    ) -> Vec<Result<(), tokio_postgres::Error>> {
        let gate = self.block(SHUT_GATE).await;
        let mut clients = Vec::with_capacity(sessions);
        for _ in 0..sessions {
            clients.push(Arc::new(self.session().await));
        }
        let race = at_once(sessions, |n| {
            let client = Arc::clone(&clients[n]);
            async move { client.batch_execute(statement).await }
        });
        self.behind(gate, i64::try_from(sessions).unwrap(), race)
            .await
    }
}
