//! Requests that wait for a connection and go together. Each caller keeps its own deadline and its
//! own answer.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use local::roles::CHECKOUT;
use operations::checkout::{self, Begin, BeginError, Begun};
use operations::db::{Database, Failure};
use tests::queueing::Queueing;
use tests::{Blocker, CLUSTER, MAIN, TestDb, begin_request, direct_pool, new_id, until};
use tokio_postgres::error::SqlState;
use tracing::Instrument as _;

type Begins<'a> = Vec<Pin<Box<dyn Future<Output = Result<Begun, BeginError>> + 'a>>>;

/// A pool whose only connection waits for a lock, so that everybody else waits for the connection.
struct Busy {
    db: Database,
    blocker: Blocker,
    first: tokio::task::JoinHandle<Result<Begun, BeginError>>,
}

async fn busy(test: &TestDb) -> Busy {
    busy_of(test, test.pool(1)).await
}

async fn busy_of(test: &TestDb, db: Database) -> Busy {
    // A busy machine must not end a call that waits for a lock.
    test.change_routine("checkout_begin_many", &[("'500ms'", "'20s'")])
        .await;
    test.sku("BUSY", 9).await;
    let blocker = test.block_level("BUSY").await;
    let first = {
        let db = db.clone();
        let request = begin_request(new_id(), &[("BUSY", 1)]);
        tokio::spawn(async move { checkout::begin(&db, &request).await })
    };
    test.until_waiting(1).await;
    Busy { db, blocker, first }
}

/// Has every request wait, in this order.
async fn wait<'a>(db: &'a Database, requests: &'a [Begin]) -> Begins<'a> {
    let mut begins: Begins = Vec::new();
    for request in requests {
        let mut begin: Pin<Box<dyn Future<Output = _> + 'a>> =
            Box::pin(checkout::begin(db, request));
        assert!(poll!(&mut begin).is_pending());
        begins.push(begin);
    }
    begins
}

fn requests(number: usize, lines: &[(&str, i64)]) -> Vec<Begin> {
    (0..number)
        .map(|nth| Begin {
            customer: format!("c-{nth}").parse().unwrap(),
            ..begin_request(new_id(), lines)
        })
        .collect()
}

impl Busy {
    /// Frees the connection, and returns the answers.
    async fn then(self, begins: Begins<'_>) -> Vec<Result<Begun, BeginError>> {
        self.blocker.let_go().await;
        self.first.await.unwrap().unwrap();
        join_all(begins).await
    }
}

/// Calls that held something: all holds of one call have its time.
async fn calls(test: &TestDb) -> i64 {
    test.count("select count(distinct created_at) from holdfast.holds where sku = 'A'")
        .await
}

fn is_placed(answer: &Result<Begun, BeginError>) -> bool {
    matches!(answer, Ok(Begun::Placed(_)))
}

#[tokio::test]
async fn those_who_wait_for_a_connection_are_held_in_one_call() {
    let test = TestDb::new().await;
    test.sku("A", 150).await;
    let busy = busy(&test).await;
    let db = busy.db.clone();
    let requests = requests(160, &[("A", 1)]);
    let begins = wait(&db, &requests).await;
    let answers = busy.then(begins).await;
    // in the order in which they came
    for answer in &answers[..150] {
        assert!(is_placed(answer), "{answer:?}");
    }
    for answer in &answers[150..] {
        assert!(matches!(answer, Err(BeginError::Shortage(_))), "{answer:?}");
    }
    // a hundred at most in one call
    assert_eq!(calls(&test).await, 2);
    assert_eq!(test.level("A").await, (150, 150, 3));
    test.assert_promises_hold().await;
}

/// The same request again, in the same batch and in the next one; another cart with its id, too.
#[tokio::test]
async fn retries_of_one_id_that_wait_together_are_held_once() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let busy = busy(&test).await;
    let db = busy.db.clone();
    let asked = begin_request(new_id(), &[("A", 2)]);
    let other = Begin {
        cart: tests::cart(&[("A", 3)]),
        ..asked.clone()
    };
    let mut requests = vec![asked; 5];
    requests.push(other);
    let begins = wait(&db, &requests).await;
    let answers = busy.then(begins).await;
    assert!(is_placed(&answers[0]), "{:?}", answers[0]);
    for answer in &answers[1..5] {
        assert!(matches!(answer, Ok(Begun::Same(_))), "{answer:?}");
    }
    assert!(matches!(answers[5], Err(BeginError::Conflict)));
    assert_eq!(test.level("A").await.1, 2);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn shops_that_wait_together_are_called_one_by_one() {
    let test = TestDb::new().await;
    test.shop("other").await;
    test.sku("A", 2).await;
    test.sku_of("other", "A", 50).await;
    let busy = busy(&test).await;
    let db = busy.db.clone();
    let mut requests = requests(8, &[("A", 1)]);
    for request in requests.iter_mut().skip(1).step_by(2) {
        request.shop = tests::shop("other");
    }
    let begins = wait(&db, &requests).await;
    let answers = busy.then(begins).await;
    for (request, answer) in requests.iter().zip(&answers).skip(4) {
        let expected = request.shop.as_str() != MAIN;
        assert_eq!(is_placed(answer), expected, "{answer:?}");
    }
    assert_eq!(calls(&test).await, 2);
    test.assert_promises_hold().await;
}

/// Everything that a batch does not decide: the caller hears what it would have heard alone.
#[tokio::test]
async fn what_a_batch_does_not_decide_is_answered_all_the_same() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let busy = busy(&test).await;
    let db = busy.db.clone();
    let mut requests = requests(4, &[("A", 1)]);
    for request in &mut requests[..2] {
        request.shop = tests::shop("nowhere");
    }
    requests[2].cart = tests::cart(&[("A", 1), ("NONE", 1)]);
    let begins = wait(&db, &requests).await;
    let answers = busy.then(begins).await;
    for answer in &answers[..2] {
        assert!(matches!(answer, Err(BeginError::UnknownShop)), "{answer:?}");
    }
    let unknown = &answers[2];
    assert!(
        matches!(unknown, Err(BeginError::UnknownSku(skus)) if *skus == ["NONE"]),
        "{unknown:?}"
    );
    assert!(is_placed(&answers[3]));
    test.assert_promises_hold().await;
}

/// One has gone before its batch began: it is left out. One goes while its batch is under way: it
/// may be held, as if it had been alone. The others get their answers.
#[tokio::test]
async fn a_caller_that_goes_away_neither_loses_nor_stops_its_neighbours() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let busy = busy(&test).await;
    let db = busy.db.clone();
    let requests = requests(5, &[("A", 1)]);
    let mut begins = wait(&db, &requests).await;
    drop(begins.remove(1));
    let hot = test.block_level("A").await;
    busy.blocker.let_go().await;
    busy.first.await.unwrap().unwrap();
    test.until_waiting(1).await;
    // the first one, which would have led the others
    drop(begins.remove(0));
    hot.let_go().await;
    assert!(join_all(begins).await.iter().all(is_placed));
    let held = "select count(*) from holdfast.holds where sku = 'A'";
    assert_eq!(test.count(held).await, 4);
    assert_eq!(calls(&test).await, 1);
    test.assert_promises_hold().await;
}

/// The caller that goes alone goes away, while its statement waits for a lock: those who wait
/// behind it get another connection.
#[tokio::test]
async fn those_who_wait_are_served_when_the_one_before_them_goes_away() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let busy = busy(&test).await;
    let db = busy.db.clone();
    let requests = requests(3, &[("A", 1)]);
    let begins = wait(&db, &requests).await;
    busy.first.abort();
    assert!(busy.first.await.unwrap_err().is_cancelled());
    assert!(join_all(begins).await.iter().all(is_placed));
    busy.blocker.let_go().await;
    assert_eq!(calls(&test).await, 1);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn each_request_that_waits_keeps_its_own_deadline() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let busy = busy(&test).await;
    let (db, hasty) = (
        busy.db.clone(),
        busy.db.clone().with_call_timeout(Duration::from_millis(1)),
    );
    let requests = requests(3, &[("A", 1)]);
    let begins = wait(&db, &requests[..2]).await;
    let late = checkout::begin(&hasty, &requests[2]).await;
    assert!(
        matches!(late, Err(BeginError::Failure(Failure::Unavailable(_)))),
        "{late:?}"
    );
    assert!(busy.then(begins).await.iter().all(is_placed));
    assert_eq!(test.level("A").await.1, 2);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_request_that_the_database_refuses_fails_alone() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sql(
        "create function public.refuse_poison() returns trigger language plpgsql as $$
        begin
            raise exception 'poison';
        end $$;
        create trigger poison before insert on holdfast.checkouts for each row
            when (new.customer = 'poison') execute function public.refuse_poison()",
    )
    .await;
    let busy = busy(&test).await;
    let db = busy.db.clone();
    let mut requests = requests(5, &[("A", 1)]);
    requests[2].customer = "poison".parse().unwrap();
    let begins = wait(&db, &requests).await;
    for (nth, answer) in busy.then(begins).await.iter().enumerate() {
        if nth == 2 {
            assert!(
                matches!(answer, Err(BeginError::Failure(Failure::Internal(_)))),
                "{answer:?}"
            );
        } else {
            assert!(is_placed(answer), "{answer:?}");
        }
    }
    assert_eq!(test.level("A").await.1, 4);
    test.assert_promises_hold().await;
}

/// A release that was rolled back may leave a database without the routine.
#[tokio::test]
async fn without_the_routine_everybody_goes_alone() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let busy = busy(&test).await;
    test.sql("drop procedure holdfast.checkout_begin_many")
        .await;
    let db = busy.db.clone();
    let requests = requests(5, &[("A", 1)]);
    let begins = wait(&db, &requests).await;
    assert!(busy.then(begins).await.iter().all(is_placed));
    assert_eq!(calls(&test).await, 5);
    test.assert_promises_hold().await;
}

/// The server ends all connections and takes no new ones for a while.
#[tokio::test]
async fn those_who_wait_go_together_again_after_an_outage() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    let row = test.owner.query_one("select current_database()::text", &[]);
    let database: String = row.await.unwrap().get(0);
    let direct = direct_pool(&CLUSTER.url(CHECKOUT, &database), 1);
    let busy = busy_of(&test, direct.with_call_timeout(Duration::from_secs(60))).await;
    let db = busy.db.clone();
    let requests = requests(30, &[("A", 1)]);
    let queueing = Queueing::watched();
    let begins = requests.iter().enumerate().map(|(nth, request)| {
        checkout::begin(&db, request).instrument(tracing::info_span!("request", nth))
    });
    let outage = async {
        until("all wait", async || queueing.count() == 30).await;
        let hot = test.block_level("A").await;
        let limit = |limit| format!("alter database {database} connection limit {limit}");
        test.sql(&limit(0)).await;
        test.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and usename = 'holdfast_checkout'",
        )
        .await;
        until("they have noticed", async || queueing.count() < 30).await;
        test.sql(&limit(-1)).await;
        busy.blocker.let_go().await;
        // one goes alone, or some go together; the others wait for their connection
        test.until_waiting(1).await;
        until("they wait again", async || queueing.count() >= 29).await;
        hot.let_go().await;
    };
    let (answers, ()) = tokio::join!(join_all(begins), outage);
    busy.first.await.unwrap().unwrap();
    assert!(answers.iter().all(is_placed), "{answers:?}");
    let calls = calls(&test).await;
    assert!(calls <= 3, "{calls}");
    test.assert_promises_hold().await;
}

/// A sold-out sku whose holds have just ended: one call takes their units back for all who wait.
#[tokio::test]
async fn due_holds_are_taken_back_once_for_all_who_wait() {
    let test = TestDb::new().await;
    test.sku("A", 3).await;
    let due = [test.held(&[("A", 2)]).await, test.held(&[("A", 1)]).await];
    let busy = busy(&test).await;
    for id in due {
        test.make_due(id).await;
    }
    let db = busy.db.clone();
    let requests = requests(4, &[("A", 1)]);
    let begins = wait(&db, &requests).await;
    let answers = busy.then(begins).await;
    assert_eq!(answers.iter().filter(|answer| is_placed(answer)).count(), 3);
    let shortage = answers
        .iter()
        .filter(|it| matches!(it, Err(BeginError::Shortage(_))));
    assert_eq!(shortage.count(), 1, "{answers:?}");
    let query = "select count(distinct created_at) from holdfast.holds
        where sku = 'A' and status = 'active'";
    assert_eq!(test.count(query).await, 1);
    test.assert_promises_hold().await;
}

/// A cart that is refused, whatever is short, expires nothing, as when it is alone.
#[tokio::test]
async fn carts_that_are_not_on_sale_take_no_due_hold_back() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    test.sku("CLOSED", 9).await;
    test.sql("update holdfast.skus set retired_at = now() where sku = 'CLOSED'")
        .await;
    let due = begin_request(new_id(), &[("A", 1)]);
    checkout::begin(&test.db, &due).await.unwrap();
    test.make_due(due.checkout_id).await;
    let closed = begin_request(new_id(), &[("A", 1), ("CLOSED", 1)]);
    let answers = checkout::begin_many(&test.db, &[&closed]).await.unwrap();
    assert!(matches!(answers[..], [None]), "{answers:?}");
    let alone = checkout::begin(&test.db, &closed).await;
    assert!(matches!(alone, Err(BeginError::NotOnSale(_))), "{alone:?}");
    assert_eq!(test.level("A").await.1, 1);
    // the control: a cart that could be held takes it back
    let open = begin_request(new_id(), &[("A", 1)]);
    let answers = checkout::begin_many(&test.db, &[&open]).await.unwrap();
    assert!(
        matches!(answers[..], [Some(Ok(Begun::Placed(_)))]),
        "{answers:?}"
    );
    test.assert_promises_hold().await;
}

/// One cart of a sku whose row somebody keeps locked does not keep the others: the call fails soon,
/// whatever the session allows, and each goes alone.
#[tokio::test]
async fn many_carts_wait_half_a_second_for_a_lock() {
    let test = TestDb::new().await;
    test.sku("A", 3).await;
    test.sku("LOCKED", 3).await;
    let blocker = test.block_level("LOCKED").await;
    let session = test.checkout_session().await;
    let patient = "set lock_timeout = 0; set statement_timeout = 0";
    session.batch_execute(patient).await.unwrap();
    let call = format!(
        "call holdfast.checkout_begin_many('main', array['{}'::uuid, '{}'::uuid], '{{a,b}}',
            '{{1,1}}', array['\\x01'::bytea, '\\x02'::bytea], '{{null,null}}', '{{A,LOCKED}}',
            '{{1,2}}', '{{1,2}}', '{{1,1}}')",
        new_id(),
        new_id()
    );
    let error = session.batch_execute(&call).await.unwrap_err();
    assert_eq!(
        error.code(),
        Some(&SqlState::LOCK_NOT_AVAILABLE),
        "{error:?}"
    );
    blocker.let_go().await;
    assert_eq!(test.level("A").await.1, 0);
}
