//! Routines without a guard, for negative controls.
//!
//! Two comments in migrations/routines mark the lines that a control changes:
//! - `-- guard(<name>)` at the end of a line: without these lines, the promise or constraint of
//!   this name no longer holds, and the SQL is still valid.
//! - `-- race(<name>): …` on a line of its own: a race goes wrong when all sessions stop here.

use holdfast_migrate::Release;
use tokio_postgres::Client;

use crate::TestDb;

/// Stops a session until the test opens the gate ([`TestDb::behind_the_gate`]).
pub const GATE: &str = "perform pg_advisory_xact_lock_shared(1);";
/// Shuts the gate while the transaction of this statement is open.
pub const SHUT_GATE: &str = "select pg_advisory_xact_lock(1)";

/// The text of a routine that a control changes.
pub struct Routine {
    name: String,
    sql: String,
}

impl Routine {
    /// The routine of this name, as it is in migrations/routines.
    pub fn named(name: &str) -> Self {
        let mut routines = Release::this().routines.into_iter();
        let file = routines.find(|file| file.name == name);
        let file = file.unwrap_or_else(|| panic!("there is no routine {name}"));
        Self {
            name: file.name,
            sql: file.text,
        }
    }

    /// Removes the lines of a guard. The end of a statement stays.
    pub fn without_guard(self, guard: &str) -> Self {
        self.mapped(&format!("-- guard({guard})"), |line| {
            if line.ends_with(';') { ";" } else { "" }.to_owned()
        })
    }

    /// Puts another line in the place of a guard, such as `null;` where the guard is a whole
    /// statement.
    pub fn with_guard_replaced(self, guard: &str, line: &str) -> Self {
        self.mapped(&format!("-- guard({guard})"), |_| line.to_owned())
    }

    /// Removes some lines of a guard that has several: the first one is 0. Each is a statement.
    pub fn without_some_of_guard(self, guard: &str, which: &[usize]) -> Self {
        let mut next = 0..;
        self.mapped(&format!("-- guard({guard})"), |line| {
            let is_removed = next.next().is_some_and(|nth| which.contains(&nth));
            if is_removed { "null;" } else { line }.to_owned()
        })
    }

    /// Has every session stop at the [`GATE`] where the race goes wrong.
    pub fn gated(self, race: &str) -> Self {
        self.mapped(&format!("-- race({race}):"), |_| GATE.to_owned())
    }

    /// Replaces text that is no guard.
    pub fn changed(self, from: &str, to: &str) -> Self {
        assert!(self.sql.contains(from), "{} has no {from:?}", self.name);
        let sql = self.sql.replace(from, to);
        Self { sql, ..self }
    }

    /// Maps the lines with a mark; a line is given to `map` without its mark.
    fn mapped(self, mark: &str, mut map: impl FnMut(&str) -> String) -> Self {
        assert!(self.sql.contains(mark), "{} has no `{mark}`", self.name);
        let mut line = |line: &str| match line.split_once(mark) {
            Some((code, _)) => map(code.trim_end()),
            None => line.to_owned(),
        };
        let lines: Vec<String> = self.sql.lines().map(&mut line).collect();
        let sql = lines.join("\n");
        Self { sql, ..self }
    }

    /// Puts the routine into the database of its owner.
    pub async fn put(&self, owner: &Client) {
        owner.batch_execute(&self.sql).await.unwrap();
    }
}

impl TestDb {
    /// Puts a changed routine into this database.
    pub async fn put_routine(&self, routine: Routine) {
        self.sql(&routine.sql).await;
    }
}
