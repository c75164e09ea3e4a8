//! Races that go the same way every time: everybody starts behind one barrier, and who waits for
//! whom is read from the server instead of slept for.

use std::sync::Arc;

use holdfast_migrate::Release;
use tokio::sync::Barrier;
use tokio_postgres::Client;

use crate::{TestDb, until};

/// Routines as one writes them without thinking of others: what the negative controls call.
const NAIVE: &str = include_str!("../fixtures/naive.sql");

/// Where a routine is to wait until everybody has read what they decide on.
pub const GATE: &str = "perform pg_advisory_xact_lock_shared(1);";

/// The text of a routine, as its file has it.
pub fn routine_text(routine: &str) -> String {
    let mut routines = Release::this().routines.into_iter();
    let file = routines.find(|file| file.name == routine);
    file.unwrap_or_else(|| panic!("no routine {routine}")).text
}

/// Runs `task(0)` to `task(n - 1)` at once, from behind one barrier; answers in that order.
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

/// A session that holds locks until it lets go.
pub struct Blocker(Client);

impl Blocker {
    /// Lets go, and keeps nothing of what it did.
    pub async fn let_go(self) {
        self.0.batch_execute("rollback").await.unwrap();
    }

    /// Does this as well, in the same transaction.
    pub async fn also(self, sql: &str) -> Self {
        self.0.batch_execute(sql).await.unwrap();
        self
    }

    /// Lets go, and keeps what it did.
    pub async fn commit(self) {
        self.0.batch_execute("commit").await.unwrap();
    }
}

impl TestDb {
    /// A session that has run `sql` in a transaction, and keeps its locks.
    pub async fn block(&self, sql: &str) -> Blocker {
        let session = self.session().await;
        session
            .batch_execute(&format!("begin; {sql}"))
            .await
            .unwrap();
        Blocker(session)
    }

    /// A session that keeps the row lock of a stock level of `main`.
    pub async fn block_level(&self, sku: &str) -> Blocker {
        self.block(&format!(
            "select from holdfast.stock_levels where shop = 'main' and sku = '{sku}' for update"
        ))
        .await
    }

    /// Waits until so many sessions of this database wait for a lock.
    pub async fn until_waiting(&self, sessions: i64) {
        let waiting = "select count(*) from pg_stat_activity \
                       where datname = current_database() and wait_event_type = 'Lock'";
        until(&format!("{sessions} sessions wait for a lock"), || async {
            self.count(waiting).await == sessions
        })
        .await;
    }

    /// Waits until the owner's session is the only one: only a session that has ended is sure to
    /// have reported what the server counts.
    pub async fn until_alone(&self) {
        let sessions = "select count(*) from pg_stat_activity \
                        where datname = current_database() and backend_type = 'client backend'";
        until("all other sessions have ended", || async {
            self.count(sessions).await == 1
        })
        .await;
    }

    /// Replaces a routine of this database by its own text with some of it changed: a guard taken
    /// out, a [`GATE`] put in. What is to go must be there.
    pub async fn change_routine(&self, routine: &str, changes: &[(&str, &str)]) {
        let mut text = routine_text(routine);
        for (from, to) in changes {
            assert!(text.contains(from), "{routine} has no {from:?}");
            text = text.replace(from, to);
        }
        self.sql(&text).await;
    }

    /// Runs a race with the [`GATE`] shut until so many sessions stand before it.
    pub async fn behind_the_gate<T>(&self, sessions: i64, race: impl Future<Output = T>) -> T {
        let gate = self.block("select pg_advisory_xact_lock(1)").await;
        let opened = async {
            self.until_waiting(sessions).await;
            gate.let_go().await;
        };
        tokio::join!(race, opened).0
    }

    /// The routines of the negative controls, in the schema `naive` of this database.
    pub async fn naive(&self) {
        self.owner.batch_execute(NAIVE).await.unwrap();
    }

    /// Runs one of the naive statements in `sessions` sessions, which all read before any of them
    /// writes: the worst case, every time.
    pub async fn all_read_then_all_write(&self, sessions: usize, statement: &'static str) {
        for outcome in self.all_read_then_all_try(sessions, statement).await {
            outcome.unwrap();
        }
    }

    /// The same, where some of them may be refused.
    pub async fn all_read_then_all_try(
        &self,
        sessions: usize,
        statement: &'static str,
    ) -> Vec<Result<(), tokio_postgres::Error>> {
        let gate = self.block("select pg_advisory_xact_lock(1)").await;
        let mut clients = Vec::with_capacity(sessions);
        for _ in 0..sessions {
            clients.push(Arc::new(self.session().await));
        }
        let race = at_once(sessions, |n| {
            let client = Arc::clone(&clients[n]);
            async move { client.batch_execute(statement).await }
        });
        let opened = async {
            self.until_waiting(i64::try_from(sessions).unwrap()).await;
            gate.let_go().await;
        };
        tokio::join!(race, opened).0
    }
}
