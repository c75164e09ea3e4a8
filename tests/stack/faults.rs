//! Faults: when something dies, nothing acknowledged is lost (promise 11; scenarios 3, 5, 14 and
//! 27).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use holdfast_sweeper::sweep;
use local::postgres::SUPERUSER;
use local::roles::{CHECKOUT, PAYMENTS, SWEEPER};
use local::{Cluster, ClusterOptions};
use nix::sys::signal::Signal;
use operations::checkout::{self, BeginError, Begun};
use operations::db::Database;
use operations::order::{self, Created};
use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use tests::kill::{pid_of, signal, stop_walwriter};
use tests::orders::{self, paid_numbered};
use tests::proxy::{Cut, Proxy};
use tests::{
    CALL_MAX, CLUSTER, MAIN, Routine, TestDb, begin_request, connect, direct_pool, event, new_id,
    order_request, own_cluster, pool, shop, until,
};
use tokio_postgres::Client;

fn settings(settings: &[(&str, &str)]) -> ClusterOptions {
    ClusterOptions {
        settings: settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..ClusterOptions::default()
    }
}

/// What is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calls {
    Holds,
    /// All of them wait for two connections.
    HoldsTogether,
    /// Events of payments that nobody knows: the smallest call that flushes.
    Payments,
}

const CALLS: [Calls; 3] = [Calls::Holds, Calls::HoldsTogether, Calls::Payments];
/// How they flush, the routine with the guard of that way, and what is left without it.
const WAYS: [(&str, &str, &str); 2] = [
    ("message", "early_release_persist", "true"),
    ("row-lock", "early_release_lock", ";"),
];

impl Calls {
    /// One call of a new id. A failure is no answer: its effect is not promised.
    async fn call(self, db: &Database) -> Option<String> {
        if self == Self::Payments {
            let key = new_id().to_string();
            let paid = Event {
                reference: Some("main-unknown".to_owned()),
                ..Event::new(key.clone(), EventKind::Paid, "{}".to_owned())
            };
            let (main, gateway) = (shop(MAIN), Gateway::Cashfree);
            let recorded = payment::record_event(db, &main, gateway, &paid).await;
            return recorded.is_ok().then_some(key);
        }
        let id = new_id();
        let begun = checkout::begin(db, &begin_request(id, &[("HOT", 1)])).await;
        begun.is_ok().then(|| id.to_string())
    }

    fn rows(self) -> &'static str {
        match self {
            Self::Payments => "select event_key from holdfast.payment_events",
            _ => "select checkout_id::text from holdfast.holds",
        }
    }
}

/// Kills the server twice under load. Returns the number of acknowledged calls, and those whose
/// effect is missing afterwards.
async fn acknowledged_and_missing(
    calls: Calls,
    (way, guarded, unguarded): (&str, &str, &str),
    with_flush: bool,
) -> (usize, usize) {
    // Only the calls themselves write the log to disk: all processes that would also do so are off,
    // or stopped below.
    let quiet = [
        ("autovacuum", "off"),
        ("bgwriter_lru_maxpages", "0"),
        ("wal_buffers", "64MB"),
    ];
    let cluster = own_cluster(settings(&quiet));
    let test = TestDb::on(&cluster).await;
    test.sku("HOT", 1_000_000).await;
    test.sql(&format!("select holdfast.early_release_choose('{way}')"))
        .await;
    if !with_flush {
        let flush = Routine::named(guarded).with_guard_replaced("acknowledged_survives", unguarded);
        test.put_routine(flush).await;
    }
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let (callers, processes, connections) = match calls {
        Calls::HoldsTogether => (24, 1, 2),
        Calls::Holds | Calls::Payments => (8, 8, 1),
    };
    let role = match calls {
        Calls::Payments => PAYMENTS,
        Calls::Holds | Calls::HoldsTogether => CHECKOUT,
    };
    let pools: Vec<_> = (0..processes)
        .map(|_| pool(&cluster.url(role, test.name()), connections))
        .collect();
    let shoppers = (0..callers).map(|nth| {
        let db = pools[nth % processes].clone();
        let (acknowledged, stop) = (Arc::clone(&acknowledged), Arc::clone(&stop));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                if let Some(key) = calls.call(&db).await {
                    acknowledged.lock().unwrap().insert(key);
                }
            }
        })
    });
    let shoppers: Vec<_> = shoppers.collect();
    for _ in 0..2 {
        let owner = connect(&cluster.url(SUPERUSER, test.name())).await;
        let walwriter = stop_walwriter(&owner).await;
        let wanted = acknowledged.lock().unwrap().len() + 300;
        until("enough was acknowledged", async || {
            acknowledged.lock().unwrap().len() >= wanted
        })
        .await;
        let backend = pid_of(&owner, &format!("usename = '{role}'")).await;
        signal(backend, Signal::SIGKILL);
        signal(walwriter, Signal::SIGKILL);
        until("the server has noticed", async || owner.is_closed()).await;
        tokio::task::block_in_place(|| cluster.wait_until_ready()).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for shopper in shoppers {
        shopper.await.unwrap();
    }
    let owner = connect(&cluster.url(SUPERUSER, test.name())).await;
    let rows = owner.query(calls.rows(), &[]).await.unwrap();
    let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let broken = "select count(*) from holdfast.promises_check(null)";
    let broken: i64 = owner.query_one(broken, &[]).await.unwrap().get(0);
    assert_eq!(broken, 0);
    // without the flush, the holds of whole batches are missing
    if calls == Calls::HoldsTogether && with_flush {
        assert!(went_together(&owner).await, "most went alone");
    }
    let acknowledged = acknowledged.lock().unwrap();
    (acknowledged.len(), acknowledged.difference(&there).count())
}

/// Whether a call held for more than two carts on average: those of one call have its time.
async fn went_together(owner: &Client) -> bool {
    let together = "select count(*) > 2 * count(distinct created_at) from holdfast.holds";
    owner.query_one(together, &[]).await.unwrap().get(0)
}

/// Scenario 27, in each way to flush.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_a_backend_is_killed() {
    for way in WAYS {
        for calls in [Calls::Holds, Calls::Payments] {
            let (acknowledged, missing) = acknowledged_and_missing(calls, way, true).await;
            assert_eq!(missing, 0, "of {acknowledged}: {calls:?} {way:?}");
        }
    }
}

/// Scenario 27, for holds that were placed in one call.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_in_a_batch_is_lost_when_a_backend_is_killed() {
    for way in WAYS {
        let (acknowledged, missing) =
            acknowledged_and_missing(Calls::HoldsTogether, way, true).await;
        assert_eq!(missing, 0, "of {acknowledged}: {way:?}");
    }
}

/// The control of the two tests above: only the flush saves them.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_flush_what_was_acknowledged_is_lost() {
    for way in WAYS {
        for calls in CALLS {
            let (acknowledged, missing) = acknowledged_and_missing(calls, way, false).await;
            assert!(missing > 0, "none of {acknowledged}: {calls:?} {way:?}");
        }
    }
}

/// Kills the server while batches of payments are recorded. Returns the number of acknowledged
/// payments, and how many of them are missing afterwards.
async fn paid_and_missing(
    (way, guarded, unguarded): (&str, &str, &str),
    with_flush: bool,
) -> (usize, usize) {
    const ORDERS: usize = 800;
    const LANES: usize = 4;
    let quiet = [
        ("autovacuum", "off"),
        ("bgwriter_lru_maxpages", "0"),
        ("wal_buffers", "64MB"),
    ];
    let cluster = own_cluster(settings(&quiet));
    let test = TestDb::on(&cluster).await;
    test.sku("HOT", 1_000_000).await;
    orders::numbered(&test, 0..ORDERS, "HOT").await;
    test.sql(&format!("select holdfast.early_release_choose('{way}')"))
        .await;
    if !with_flush {
        let flush = Routine::named(guarded).with_guard_replaced("acknowledged_survives", unguarded);
        test.put_routine(flush).await;
    }
    let walwriter = stop_walwriter(&test.owner).await;
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let lanes = (0..LANES).map(|lane| {
        let db = pool(&cluster.url(PAYMENTS, test.name()), 1);
        let acknowledged = Arc::clone(&acknowledged);
        tokio::spawn(async move {
            let mine: Vec<usize> = (0..ORDERS).filter(|nth| nth % LANES == lane).collect();
            for batch in mine.chunks(10) {
                let paid: Vec<_> = batch.iter().map(|nth| paid_numbered(*nth, 1)).collect();
                let all: Vec<_> = paid.iter().map(|one| (Gateway::Cashfree, one)).collect();
                // A failure is no answer: the effect of that call is not promised.
                let Ok(recorded) = payment::record_events(&db, &shop(MAIN), &all, CALL_MAX).await
                else {
                    return;
                };
                for (event, recorded) in paid.iter().zip(recorded) {
                    assert_eq!(recorded.unwrap().outcome, Outcome::Completed);
                    acknowledged.lock().unwrap().insert(event.key.clone());
                }
            }
        })
    });
    let lanes: Vec<_> = lanes.collect();
    // if all orders are paid before the kill, this one is killed
    let idle = connect(&cluster.url(PAYMENTS, test.name())).await;
    until("enough was acknowledged", async || {
        acknowledged.lock().unwrap().len() >= ORDERS / 4
    })
    .await;
    let backend = pid_of(&test.owner, "usename = 'holdfast_payments'").await;
    signal(backend, Signal::SIGKILL);
    signal(walwriter, Signal::SIGKILL);
    until("the server has noticed", async || test.owner.is_closed()).await;
    drop(idle);
    tokio::task::block_in_place(|| cluster.wait_until_ready()).unwrap();
    for lane in lanes {
        lane.await.unwrap();
    }
    let owner = connect(&cluster.url(SUPERUSER, test.name())).await;
    let completed = "select event_key from holdfast.payment_events where outcome = 'completed'";
    let rows = owner.query(completed, &[]).await.unwrap();
    let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let broken = "select count(*) from holdfast.promises_check(null)";
    let broken: i64 = owner.query_one(broken, &[]).await.unwrap().get(0);
    assert_eq!(broken, 0);
    let acknowledged = acknowledged.lock().unwrap();
    (acknowledged.len(), acknowledged.difference(&there).count())
}

/// Scenario 27, for payments that were recorded in one call.
#[tokio::test(flavor = "multi_thread")]
async fn no_payment_acknowledged_in_a_batch_is_lost_when_a_backend_is_killed() {
    for way in WAYS {
        let (acknowledged, missing) = paid_and_missing(way, true).await;
        assert_eq!(missing, 0, "of {acknowledged}: {way:?}");
    }
}

/// The control: only the flush saves them.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_flush_payments_of_a_batch_are_lost() {
    for way in WAYS {
        let (acknowledged, missing) = paid_and_missing(way, false).await;
        assert!(missing > 0, "none of {acknowledged}: {way:?}");
    }
}

/// Scenario 3: the connection dies with the call on its way to the server, or with the answer on
/// its way back. The retry makes the effect, or finds it.
#[tokio::test]
async fn a_connection_lost_around_the_commit_has_one_effect() {
    for cut in [Cut::BeforeTheCall, Cut::BeforeTheAnswer] {
        let test = TestDb::new().await;
        test.sku("A", 5).await;
        let proxy = Proxy::new(&CLUSTER);
        let db = pool(&proxy.url(CHECKOUT, test.name()), 1);
        let done_before = cut == Cut::BeforeTheAnswer;
        let id = new_id();

        proxy.arm(cut, "checkout_begin");
        let begun = checkout::begin(&db, &begin_request(id, &[("A", 2)]))
            .await
            .unwrap();
        assert!(proxy.has_cut());
        assert_eq!(matches!(begun, Begun::Same(_)), done_before, "{begun:?}");
        assert_eq!(test.level("A").await.1, 2);

        proxy.arm(cut, "order_create");
        let created = order::create(&db, &order_request(id)).await.unwrap();
        assert!(proxy.has_cut());
        assert_eq!(
            matches!(created, Created::Same(_)),
            done_before,
            "{created:?}"
        );
        let (Created::New(order) | Created::Same(order)) = created;
        assert_eq!(test.count("select count(*) from holdfast.orders").await, 1);

        proxy.arm(cut, "payment_record_event");
        let paid = event(&order, EventKind::Paid, "p-1");
        let (main, gateway) = (shop(MAIN), Gateway::Cashfree);
        let db = pool(&proxy.url(PAYMENTS, test.name()), 1);
        let recorded = payment::record_event(&db, &main, gateway, &paid).await;
        let outcome = recorded.unwrap().outcome;
        assert!(proxy.has_cut());
        let expected = if done_before {
            Outcome::Duplicate
        } else {
            Outcome::Completed
        };
        assert_eq!(outcome, expected);
        assert_eq!((test.level("A").await.0, test.level("A").await.1), (3, 0));
        test.assert_promises_hold().await;
    }
}

/// The same for requests that went together: each of them retries by itself.
#[tokio::test]
async fn a_connection_lost_under_a_batch_has_one_effect_for_each_request() {
    for cut in [Cut::BeforeTheCall, Cut::BeforeTheAnswer] {
        let test = TestDb::new().await;
        for sku in ["A", "BUSY"] {
            test.sku(sku, 9).await;
        }
        let proxy = Proxy::new(&CLUSTER);
        let db = pool(&proxy.url(CHECKOUT, test.name()), 1);
        let blocker = test.block_level("BUSY").await;
        let begin = |sku| {
            let db = db.clone();
            let request = begin_request(new_id(), &[(sku, 1)]);
            tokio::spawn(async move { checkout::begin(&db, &request).await })
        };
        let first = begin("BUSY");
        test.until_waiting(1).await;
        let waiting: Vec<_> = (0..5).map(|_| begin("A")).collect();
        // all of them wait for the connection before it is free
        tokio::task::yield_now().await;
        proxy.arm(cut, "checkout_begin_many");
        blocker.let_go().await;
        first.await.unwrap().unwrap();
        let done_before = cut == Cut::BeforeTheAnswer;
        for begun in waiting {
            let begun = begun.await.unwrap().unwrap();
            assert_eq!(matches!(begun, Begun::Same(_)), done_before, "{begun:?}");
        }
        assert!(proxy.has_cut());
        assert_eq!(test.level("A").await.1, 5);
        test.assert_promises_hold().await;
    }
}

/// The control of the two tests above: the cut is after the commit, so a retry with a new id holds
/// a second time.
#[tokio::test]
async fn a_retry_with_another_id_holds_twice() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let proxy = Proxy::new(&CLUSTER);
    let call = "call holdfast.checkout_begin('main', gen_random_uuid(), 'c', 1, '\\x00', null, \
                array['A'], array[2])";
    proxy.arm(Cut::BeforeTheAnswer, "checkout_begin");
    connect(&proxy.url(CHECKOUT, test.name()))
        .await
        .batch_execute(call)
        .await
        .unwrap_err();
    assert_eq!(test.level("A").await.1, 2);
    connect(&proxy.url(CHECKOUT, test.name()))
        .await
        .batch_execute(call)
        .await
        .unwrap();
    assert_eq!(test.level("A").await.1, 4);
}

/// Scenario 5: ten sweepers, and the server dies in the middle of a batch.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_dies_half_way_leaves_nothing_half_done() {
    let cluster = own_cluster(ClusterOptions::default());
    let test = TestDb::on(&cluster).await;
    for sku in ["A", "B"] {
        test.sku(sku, 500).await;
    }
    for _ in 0..120 {
        let id = test.held(&[("A", 2), ("B", 1)]).await;
        test.make_due(id).await;
    }
    // B is locked: a sweeper that has released A waits here in the middle of its batch.
    let mut blocker = connect(&cluster.url(SUPERUSER, test.name())).await;
    let transaction = blocker.transaction().await.unwrap();
    let lock = "select from holdfast.stock_levels where sku = 'B' for update";
    transaction.execute(lock, &[]).await.unwrap();
    let sweepers: Vec<_> = (0..10)
        .map(|_| {
            let db = pool(&cluster.url(SWEEPER, test.name()), 1);
            tokio::spawn(async move { sweep::run_once(&db, Duration::from_secs(20)).await })
        })
        .collect();
    let waiting = "usename = 'holdfast_sweeper' and wait_event_type = 'Lock'";
    let count = format!("select count(*) from pg_stat_activity where {waiting}");
    until("a sweeper waits", async || test.count(&count).await > 0).await;
    signal(pid_of(&test.owner, waiting).await, Signal::SIGKILL);
    until("the server has noticed", async || test.owner.is_closed()).await;
    tokio::task::block_in_place(|| cluster.wait_until_ready()).unwrap();
    for sweeper in sweepers {
        // A sweeper whose every try failed reports it; the schedule comes again.
        drop(sweeper.await.unwrap());
    }
    let db = pool(&cluster.url(SWEEPER, test.name()), 1);
    sweep::run_once(&db, Duration::from_secs(20)).await.unwrap();
    let owner = connect(&cluster.url(SUPERUSER, test.name())).await;
    let counts = "select count(*) filter (where status = 'expired'), count(*),
        (select sum(held) from holdfast.stock_levels),
        (select count(*) from holdfast.promises_check(null)) from holdfast.holds";
    let row = owner.query_one(counts, &[]).await.unwrap();
    let counts: (i64, i64, i64, i64) = (row.get(0), row.get(1), row.get(2), row.get(3));
    assert_eq!(counts, (240, 240, 0, 0));
}

/// Scenario 14: 200 clients, and a server with 20 connections. They wait, or hear that they must
/// come again. Nothing is oversold, and afterwards everything works as before.
#[tokio::test(flavor = "multi_thread")]
async fn more_clients_than_connections_wait_or_come_again() {
    let limited = [
        ("max_connections", "20"),
        ("superuser_reserved_connections", "3"),
    ];
    let cluster = own_cluster(settings(&limited));
    let test = TestDb::on(&cluster).await;
    test.sku("HOT", 50).await;
    // Whoever has a connection waits here, until another client has found none.
    let mut blocker = connect(&cluster.url(SUPERUSER, test.name())).await;
    let transaction = blocker.transaction().await.unwrap();
    let lock = "select from holdfast.stock_levels where sku = 'HOT' for update";
    transaction.execute(lock, &[]).await.unwrap();
    let clients: Vec<_> = (0..200)
        .map(|_| {
            let url = cluster.url(CHECKOUT, test.name());
            tokio::spawn(async move { come_until_answered(&url).await })
        })
        .collect();
    // the server's own bound, or the role's part of it
    let turned_away = [
        "too many clients",
        "remaining connection slots",
        "too many connections",
    ];
    until("a client is turned away", async || {
        let log = cluster.log();
        turned_away.iter().any(|words| log.contains(words))
    })
    .await;
    transaction.rollback().await.unwrap();
    let mut held = 0;
    for client in clients {
        held += usize::from(client.await.unwrap());
    }
    assert_eq!(held, 50);
    let level = test.level("HOT").await;
    assert_eq!((level.0, level.1), (50, 50));
    test.assert_promises_hold().await;
    let calm = pool(&cluster.url(CHECKOUT, test.name()), 1);
    let last = checkout::begin(&calm, &begin_request(new_id(), &[("HOT", 1)])).await;
    assert!(matches!(last, Err(BeginError::Shortage(_))), "{last:?}");
}

/// A client like a process of its own: one connection, which ends with the client. It bypasses the
/// pooler, because the server's limit is under test.
async fn come_until_answered(url: &str) -> bool {
    let db = direct_pool(url, 1);
    let request = begin_request(new_id(), &[("HOT", 1)]);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match checkout::begin(&db, &request).await {
            Ok(_) => return true,
            Err(BeginError::Shortage(_)) => return false,
            Err(BeginError::Failure(operations::db::Failure::Unavailable(_))) => {
                assert!(Instant::now() < deadline, "never answered");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// A server that is killed, as by a power cut, comes back with everything acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_comes_back_with_everything_acknowledged() {
    let cluster: Cluster = own_cluster(ClusterOptions::default());
    let test = TestDb::on(&cluster).await;
    test.sku("A", 10).await;
    let (_, order) = test.ordered(&[("A", 3)]).await;
    let held = test.held(&[("A", 2)]).await;
    let paid = event(&order, EventKind::Paid, "p-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Completed);
    tokio::task::block_in_place(|| cluster.crash_and_restart()).unwrap();
    // The same requests again: nothing happens twice, and the pool reconnects.
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Duplicate);
    let again = test.begin(held, &[("A", 2)]).await.unwrap();
    assert!(matches!(again, Begun::Same(_)), "{again:?}");
    let owner = connect(&cluster.url(SUPERUSER, test.name())).await;
    let level = "select on_hand, held from holdfast.stock_levels where sku = 'A'";
    let row = owner.query_one(level, &[]).await.unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, i32>(1)), (7, 2));
}
