//! Three layers protect the last units from a hundred writers: row locks around read, check and
//! write; the version in every update; the CHECK on the stock level. Each test leaves one layer and
//! removes the other two, from the schema and from the writers.
//!
//! Other guards are removed too, so that they don't help the layer under test. The ledger alone
//! would refuse two edits of one version: a movement has the version of the stock level as its key,
//! and is compared with the change at the end of the transaction. So its key and its trigger go.
//! The journals stay as the witness: each writer adds a row in the transaction of its write. When
//! rows and counter disagree, a writer was overwritten (promise 2).

use std::collections::BTreeMap;
use std::sync::Arc;

use operations::db::constraint;
use tests::{Blocker, TestDb, at_once, new_id, refused_by};
use tokio::sync::Barrier;
use tokio_postgres::{Client, Error};

const UNITS: usize = 30;
const WRITERS: usize = 100;

/// The counter that a writer changes: `held` by a shopper, or `on_hand` by a clerk.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Counter {
    Held,
    OnHand,
}

/// A kind of writer. Each reads, checks in its own code that a unit is left, and writes.
#[derive(Debug, Clone, Copy)]
struct Writer {
    counter: Counter,
    /// Reads `for update`, and holds the lock until it has written.
    locks: bool,
    /// How the writer sets the version.
    version: Version,
    /// Writes the number that it computed from what it read, instead of a difference.
    computed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Version {
    /// Not written: possible only without the trigger.
    Absent,
    /// One more than the version that the writer read.
    Carried,
    /// `version + 1`: satisfies the trigger, and compares nothing.
    Counted,
}

/// A careless writer: no lock, no version, a computed number.
const CARELESS: Writer = Writer {
    counter: Counter::Held,
    locks: false,
    version: Version::Absent,
    computed: true,
};

/// The numbers on which a writer decides.
struct Seen {
    on_hand: i32,
    held: i32,
    version: i64,
}

/// The result of a writer: `done`, `none left`, or the name of the constraint that refused it.
type Answer = String;

impl Writer {
    async fn read(self, client: &Client) -> Seen {
        let (begin, lock) = match self.locks {
            true => ("begin", "for update"),
            false => ("", ""),
        };
        client.batch_execute(begin).await.unwrap();
        let query = format!(
            "select on_hand, held, version from holdfast.stock_levels
             where shop = 'main' and sku = 'A' {lock}"
        );
        let row = client.query_one(&query, &[]).await.unwrap();
        Seen {
            on_hand: row.get(0),
            held: row.get(1),
            version: row.get(2),
        }
    }

    /// Writes the journal's row and the counter in one transaction.
    async fn write(self, client: &Client, seen: &Seen) -> Result<(), Error> {
        let (journal, counter) = match self.counter {
            Counter::Held => (
                hold(),
                format!("held = {}", self.value("held", seen.held, 1)),
            ),
            Counter::OnHand => (
                movement(seen),
                format!("on_hand = {}", self.value("on_hand", seen.on_hand, -1)),
            ),
        };
        let version = match self.version {
            Version::Absent => String::new(),
            Version::Carried => format!(", version = {}", seen.version + 1),
            Version::Counted => ", version = version + 1".to_owned(),
        };
        let end = if self.locks { "commit" } else { "" };
        client
            .batch_execute(&format!(
                "{journal};
                 update holdfast.stock_levels set {counter} {version}
                 where shop = 'main' and sku = 'A'; {end}"
            ))
            .await
    }

    fn value(self, column: &str, seen: i32, difference: i32) -> String {
        match self.computed {
            true => (seen + difference).to_string(),
            false => format!("{column} + {difference}"),
        }
    }

    /// Reads, waits until all others have read, and writes. A writer with a stale version reads
    /// again. Another writer has succeeded meanwhile, so this happens at most once for each unit.
    async fn go(self, client: &Client, all_have_read: Option<&Barrier>) -> Answer {
        for round in 0..=UNITS {
            let seen = self.read(client).await;
            if let (0, Some(barrier)) = (round, all_have_read) {
                barrier.wait().await;
            }
            if seen.on_hand - seen.held < 1 {
                if self.locks {
                    client.batch_execute("rollback").await.unwrap();
                }
                return "none left".to_owned();
            }
            let Err(error) = self.write(client, &seen).await else {
                return "done".to_owned();
            };
            let refusal = error.as_db_error().and_then(constraint);
            match refusal.unwrap_or_else(|| panic!("{error:?}")) {
                "stock_version_rises" if self.version == Version::Carried => {}
                name => return name.to_owned(),
            }
        }
        panic!("stale more often than there are units");
    }
}

/// One unit for a checkout, in the journal of holds.
fn hold() -> String {
    let id = new_id();
    format!(
        "insert into holdfast.checkouts
            (shop, checkout_id, customer, revision, request_hash, expires_at, created_at)
         values ('main', '{id}', 'c', 1, '', now() + interval '20 minutes', now());
         insert into holdfast.holds
            (shop, checkout_id, generation, sku, quantity, price_minor, expires_at, created_at)
         values ('main', '{id}', 1, 'A', 1, 0, now() + interval '20 minutes', now())"
    )
}

/// One unit less, in the ledger.
fn movement(seen: &Seen) -> String {
    format!(
        "insert into holdfast.stock_movements
            (shop, sku, version, delta, on_hand_after, reason, actor)
         values ('main', 'A', {}, -1, {}, 'adjusted', 'clerk')",
        seen.version + 1,
        seen.on_hand - 1
    )
}

const NO_VERSIONS: &str = "drop trigger stock_version_rises on holdfast.stock_levels";
const NO_CHECK: &str = "alter table holdfast.stock_levels drop constraint stock_never_oversold";
/// Includes the references to its key, whose tables are empty here.
const NO_LEDGER: &str = "
    drop trigger stock_change_is_in_the_ledger_on_update on holdfast.stock_levels;
    alter table holdfast.stock_movements drop constraint stock_movements_pkey cascade";

/// A database with 30 units and without these layers. The schema no longer refuses a wrong
/// statement.
async fn without(layers: &[&str]) -> TestDb {
    let test = TestDb::new().await;
    test.sku("A", i32::try_from(UNITS).unwrap()).await;
    test.sql(NO_LEDGER).await;
    for layer in layers {
        test.sql(layer).await;
    }
    let session = test.session().await;
    for (layer, wrong) in [
        (NO_VERSIONS, "update holdfast.stock_levels set held = 1"),
        (
            NO_CHECK,
            "update holdfast.stock_levels set held = 31, version = version + 1",
        ),
    ] {
        if layers.contains(&layer) {
            let undone = format!("begin; {wrong}; rollback");
            session.batch_execute(&undone).await.unwrap();
        } else {
            refused_by(&session, wrong).await;
        }
    }
    test
}

/// A hundred writers, each on its own connection. Writers without locks have all read before the
/// first one writes. Writers with locks all wait for the row before the first one gets it.
async fn rush(test: &TestDb, writer: Writer) -> BTreeMap<Answer, usize> {
    let mut clients = Vec::with_capacity(WRITERS);
    for _ in 0..WRITERS {
        clients.push(Arc::new(test.session().await));
    }
    let blocker = match writer.locks {
        true => Some(test.block_level("A").await),
        false => None,
    };
    let barrier = (!writer.locks).then(|| Arc::new(Barrier::new(WRITERS)));
    let race = at_once(WRITERS, |n| {
        let (client, barrier) = (Arc::clone(&clients[n]), barrier.clone());
        async move { writer.go(&client, barrier.as_deref()).await }
    });
    let (answers, ()) = tokio::join!(race, all_wait(test, blocker));
    counted(answers)
}

fn counted(answers: Vec<Answer>) -> BTreeMap<Answer, usize> {
    let mut counted = BTreeMap::new();
    for answer in answers {
        *counted.entry(answer).or_default() += 1;
    }
    counted
}

/// Releases the row when everybody waits for it.
async fn all_wait(test: &TestDb, blocker: Option<Blocker>) {
    if let Some(blocker) = blocker {
        test.until_waiting(i64::try_from(WRITERS).unwrap()).await;
        blocker.let_go().await;
    }
}

fn answers(expected: &[(&str, usize)]) -> BTreeMap<Answer, usize> {
    expected
        .iter()
        .map(|(answer, times)| ((*answer).to_owned(), *times))
        .collect()
}

/// on_hand and held.
async fn counters(test: &TestDb) -> (i32, i32) {
    let (on_hand, held, _) = test.level("A").await;
    (on_hand, held)
}

/// The promises of the sku that are broken. The check itself goes along the ledger's key, which is
/// taken away here; so the ledger is added up.
async fn broken_promises(test: &TestDb) -> Vec<String> {
    let query = "
        select 'never_oversold' from holdfast.stock_levels where not (0 <= held and held <= on_hand)
        union all
        select 'held_equals_active_holds' from holdfast.stock_levels
        where held <> (select coalesce(sum(quantity), 0) from holdfast.holds
            where status = 'active')
        union all
        select 'on_hand_equals_movements' from holdfast.stock_levels
        where on_hand <> (select sum(delta) from holdfast.stock_movements)";
    let rows = test.owner.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Every unit went once, to as many writers as there were units.
async fn assert_each_unit_went_once(test: &TestDb, counter: Counter) {
    let gone = match counter {
        Counter::Held => (30, 30),
        Counter::OnHand => (0, 0),
    };
    assert_eq!(counters(test).await, gone);
    assert_eq!(broken_promises(test).await, [""; 0]);
}

#[tokio::test]
async fn row_locks_alone_never_oversell_and_never_overwrite() {
    for counter in [Counter::Held, Counter::OnHand] {
        let test = without(&[NO_VERSIONS, NO_CHECK]).await;
        let locking = Writer {
            counter,
            locks: true,
            ..CARELESS
        };
        let rushed = rush(&test, locking).await;
        assert_eq!(rushed, answers(&[("done", 30), ("none left", 70)]));
        assert_each_unit_went_once(&test, counter).await;
    }
}

#[tokio::test]
async fn versions_alone_never_oversell_and_never_overwrite() {
    for counter in [Counter::Held, Counter::OnHand] {
        let test = without(&[NO_CHECK]).await;
        let carrying = Writer {
            counter,
            version: Version::Carried,
            ..CARELESS
        };
        let rushed = rush(&test, carrying).await;
        assert_eq!(rushed, answers(&[("done", 30), ("none left", 70)]));
        assert_each_unit_went_once(&test, counter).await;
    }
}

#[tokio::test]
async fn the_constraint_alone_never_oversells() {
    for counter in [Counter::Held, Counter::OnHand] {
        let test = without(&[NO_VERSIONS]).await;
        let subtracting = Writer {
            counter,
            computed: false,
            ..CARELESS
        };
        let rushed = rush(&test, subtracting).await;
        let refused = ("stock_never_oversold", 70);
        assert_eq!(rushed, answers(&[("done", 30), refused]));
        assert_each_unit_went_once(&test, counter).await;
    }
}

/// The limit of the constraint: it sees the new row only, and 29 of 30 is a valid row, however many
/// writers have written it. The other two layers protect against overwriting.
#[tokio::test]
async fn the_constraint_alone_does_not_see_an_overwritten_number() {
    let test = without(&[NO_VERSIONS]).await;
    let clerk = Writer {
        counter: Counter::OnHand,
        ..CARELESS
    };
    assert_eq!(rush(&test, clerk).await, answers(&[("done", 100)]));
    assert_eq!(counters(&test).await, (29, 0));
    assert_eq!(broken_promises(&test).await, ["on_hand_equals_movements"]);
}

/// The limit of versions: one that is only incremented compares nothing. That is enough for a
/// difference behind a guard or the constraint. A computed number must carry the version that was
/// read.
#[tokio::test]
async fn an_incremented_version_lets_a_number_be_overwritten() {
    let test = without(&[NO_CHECK]).await;
    let clerk = Writer {
        counter: Counter::OnHand,
        version: Version::Counted,
        ..CARELESS
    };
    assert_eq!(rush(&test, clerk).await, answers(&[("done", 100)]));
    assert_eq!(counters(&test).await, (29, 0));
    assert_eq!(broken_promises(&test).await, ["on_hand_equals_movements"]);
}

/// Negative control of all three: nothing refuses the 31st writer.
#[tokio::test]
async fn without_all_three_the_same_rush_oversells() {
    for (counter, oversold) in [(Counter::Held, (30, 100)), (Counter::OnHand, (-70, 0))] {
        let test = without(&[NO_VERSIONS, NO_CHECK]).await;
        let subtracting = Writer {
            counter,
            computed: false,
            ..CARELESS
        };
        assert_eq!(rush(&test, subtracting).await, answers(&[("done", 100)]));
        assert_eq!(counters(&test).await, oversold);
        assert_eq!(broken_promises(&test).await, ["never_oversold"]);
    }
}

/// Negative control of all three: a hundred writers hear "done", and the number contains one of
/// them.
#[tokio::test]
async fn without_all_three_numbers_are_silently_overwritten() {
    for (counter, overwritten, broken) in [
        (Counter::Held, (30, 1), "held_equals_active_holds"),
        (Counter::OnHand, (29, 0), "on_hand_equals_movements"),
    ] {
        let test = without(&[NO_VERSIONS, NO_CHECK]).await;
        let careless = Writer {
            counter,
            ..CARELESS
        };
        assert_eq!(rush(&test, careless).await, answers(&[("done", 100)]));
        assert_eq!(counters(&test).await, overwritten);
        assert_eq!(broken_promises(&test).await, [broken]);
    }
}

/// Runs these statements in a hundred sessions. Each session has read, and waits for the row,
/// before the first one gets it. `{id}` becomes an id for each session.
async fn routine(test: &TestDb, writers: &[&str]) -> BTreeMap<Answer, usize> {
    let mut sessions = Vec::with_capacity(WRITERS);
    for _ in 0..WRITERS {
        sessions.push(Arc::new(test.session().await));
    }
    let blocker = test.block_level("A").await;
    let race = at_once(WRITERS, |n| {
        let session = Arc::clone(&sessions[n]);
        let statement = writers[n % writers.len()].replace("{id}", &new_id().to_string());
        async move {
            let row = session.query_one(&statement, &[]).await.unwrap();
            row.get::<_, String>("o_outcome")
        }
    });
    let (answers, ()) = tokio::join!(race, all_wait(test, Some(blocker)));
    counted(answers)
}

const BEGIN: &str = "call holdfast.checkout_begin('main', '{id}', 'c', 1, '', null, '{A}', '{1}')";
const ADJUST: &str = "select o_outcome from holdfast.stock_adjust(
    'main', 'A', -1, null, 'adjusted', 'clerk', null)";

/// The project's routines decide under the row's lock, so they need neither of the other two
/// layers.
#[tokio::test]
async fn the_routines_never_oversell_without_versions_and_constraint() {
    let test = without(&[NO_VERSIONS, NO_CHECK]).await;
    let begun = routine(&test, &[BEGIN]).await;
    assert_eq!(begun, answers(&[("placed", 30), ("shortage", 70)]));
    assert_each_unit_went_once(&test, Counter::Held).await;

    let test = without(&[NO_VERSIONS, NO_CHECK]).await;
    let adjusted = routine(&test, &[ADJUST]).await;
    assert_eq!(adjusted, answers(&[("adjusted", 30), ("below_held", 70)]));
    assert_each_unit_went_once(&test, Counter::OnHand).await;

    let test = without(&[NO_VERSIONS, NO_CHECK]).await;
    let both = routine(&test, &[BEGIN, ADJUST]).await;
    let done = both.get("placed").unwrap_or(&0) + both.get("adjusted").unwrap_or(&0);
    assert_eq!(done, 30, "{both:?}");
    let (on_hand, held) = counters(&test).await;
    assert_eq!(on_hand, held);
    test.assert_promises_hold().await;
}

/// The same for edits with one version: the routine compares under the lock, so one edit counts
/// even without the trigger.
#[tokio::test]
async fn one_of_a_hundred_edits_of_one_version_counts_without_the_trigger() {
    let test = without(&[NO_VERSIONS, NO_CHECK]).await;
    let edit = ADJUST.replace("null, 'adjusted'", "1, 'adjusted'");
    let edited = routine(&test, &[&edit]).await;
    assert_eq!(edited, answers(&[("adjusted", 1), ("stale", 99)]));
    assert_eq!(counters(&test).await, (29, 0));
    test.assert_promises_hold().await;
}
