//! Everything at once, on few units: shoppers, payments that come late and twice, clerks, imports,
//! dispatchers, returns, missing units, sweeps, and time that passes. All the while a sampler has
//! the database check every promise, each time in one snapshot.
//!
//! One seed is one plan: who decides what, and in which order. Who wins a race is decided by the
//! race.

mod imports;
mod shoppers;
mod staff;
mod sweeps;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::{LocalBoxFuture, join_all};
use local::roles::{ADMIN, PAYMENTS, SWEEPER};
use operations::db::Database;
use operations::ids::{OrderId, Shop};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tests::{MAIN, TestDb, shop};
use tokio_postgres::{Client, IsolationLevel};
use uuid::Uuid;

/// Set it to the seed that a failure printed, to see the same plan again.
const SEED: &str = "HOLDFAST_MIXED_SEED";
/// How long the traffic goes on; 20 s when nothing is said.
const SECONDS: &str = "HOLDFAST_MIXED_SECONDS";
/// Nobody does more than this, however fast the machine is: what the check reads is bounded too.
const TURNS_A_SECOND_MAX: u64 = 40;
/// Skus, and how many units there are at the start: few, so that they run out.
const SKUS: [(&str, i32); 4] = [("A", 6), ("B", 8), ("C", 8), ("LIMITED", 12)];
/// An edit that was stale this often has been starved. Up to 59 tries were seen in a minute of this
/// traffic, where two of three edits are stale.
const EDIT_TRIES_MAX: u32 = 200;

/// What everybody shares.
struct Traffic {
    main: Shop,
    /// As the storefront's functions, payments and sweeps reach it.
    app: Database,
    payments: Database,
    sweeper: Database,
    /// As the stock office does.
    office: Database,
    owner: Client,
    until: Instant,
    turns_max: u64,
    over: Cell<bool>,
    /// Orders that were paid, for those who put back what is returned.
    paid: RefCell<Vec<(OrderId, String, i64)>>,
    /// How often what was done, by name and outcome.
    done: RefCell<BTreeMap<String, u64>>,
    /// What nobody may be answered.
    wrong: RefCell<Vec<String>>,
    edits_begun: Cell<usize>,
    /// Of each edit that ended, how often the level was read.
    tries: RefCell<Vec<u32>>,
}

impl Traffic {
    fn over(&self) -> bool {
        self.over.get() || Instant::now() >= self.until
    }

    fn count(&self, what: &str) {
        *self.done.borrow_mut().entry(what.to_owned()).or_default() += 1;
    }

    /// Counts what happened: well, or refused as it may be; what could not be decided is wrong.
    fn outcome<T, E: std::fmt::Debug>(&self, what: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.count(what);
                Some(value)
            }
            Err(error) => {
                let error = format!("{error:?}");
                let kind = error.split(|c: char| !c.is_alphanumeric()).next();
                let kind = kind.unwrap_or_default();
                if kind == "Failure" || error.starts_with("Unavailable") {
                    self.wrong.borrow_mut().push(format!("{what}: {error}"));
                }
                self.count(&format!("{what}: {kind}"));
                None
            }
        }
    }
}

fn any_sku(random: &mut StdRng) -> &'static str {
    SKUS[random.random_range(0..SKUS.len())].0
}

fn id_of<T: From<Uuid>>(random: &mut StdRng) -> T {
    uuid::Builder::from_random_bytes(random.random())
        .into_uuid()
        .into()
}

/// What came of it.
struct Ended {
    samples: usize,
    /// The first sample that showed a broken promise.
    broken: Vec<(String, serde_json::Value)>,
    done: BTreeMap<String, u64>,
    wrong: Vec<String>,
    edits_begun: usize,
    tries: Vec<u32>,
}

/// One who takes turns until the traffic is over, with random numbers of their own.
type Actor<'a> = LocalBoxFuture<'a, ()>;

fn actors(traffic: &Traffic, seed: u64) -> Vec<Actor<'_>> {
    let mut actors: Vec<Actor<'_>> = vec![];
    let stream = Cell::new(0);
    let random = || {
        stream.set(stream.get() + 1);
        StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(stream.get()))
    };
    for _ in 0..8 {
        actors.push(Box::pin(shoppers::shop(traffic, random())));
    }
    for _ in 0..2 {
        actors.push(Box::pin(staff::clerk(traffic, random())));
        actors.push(Box::pin(staff::dispatcher(traffic, random())));
        actors.push(Box::pin(sweeps::sweep(traffic)));
    }
    actors.push(Box::pin(imports::import(traffic, random())));
    actors.push(Box::pin(staff::put_back(traffic, random())));
    actors.push(Box::pin(staff::find_missing(traffic, random())));
    actors.push(Box::pin(sweeps::let_time_pass(traffic, random())));
    actors
}

/// The check of all promises, again and again, each time in one snapshot, until the traffic is over
/// or one is broken.
async fn sample(
    traffic: &Traffic,
    mut session: Client,
) -> (usize, Vec<(String, serde_json::Value)>) {
    let mut samples = 0;
    loop {
        let last = traffic.over.get();
        let snapshot = session
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .unwrap();
        let query = "select promise, violation from holdfast.promises_check(null)";
        let rows = snapshot.query(query, &[]).await.unwrap();
        snapshot.commit().await.unwrap();
        samples += 1;
        if last || !rows.is_empty() {
            traffic.over.set(true);
            let broken = rows.iter().map(|row| (row.get(0), row.get(1)));
            return (samples, broken.collect());
        }
    }
}

async fn stocked() -> TestDb {
    let test = TestDb::new().await;
    for (sku, units) in SKUS {
        test.sku(sku, units).await;
    }
    test.sql(
        "update holdfast.skus set limit_per_customer = 3 where sku = 'LIMITED';
         select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, 40)",
    )
    .await;
    test
}

/// All of it on one database, for so long; every session but the test's own has ended then.
async fn traffic(test: &TestDb, seed: u64, seconds: u64) -> Ended {
    let traffic = Traffic {
        main: shop(MAIN),
        app: test.pool(12),
        payments: test.pool_of(PAYMENTS, 6),
        sweeper: test.pool_of(SWEEPER, 2),
        office: test.pool_of(ADMIN, 6),
        owner: test.session().await,
        until: Instant::now() + Duration::from_secs(seconds),
        turns_max: seconds * TURNS_A_SECOND_MAX,
        over: Cell::new(false),
        paid: RefCell::default(),
        done: RefCell::default(),
        wrong: RefCell::default(),
        edits_begun: Cell::default(),
        tries: RefCell::default(),
    };
    let working = async {
        join_all(actors(&traffic, seed)).await;
        traffic.over.set(true);
    };
    let ((), (samples, broken)) = tokio::join!(working, sample(&traffic, test.session().await));
    Ended {
        samples,
        broken,
        done: traffic.done.take(),
        wrong: traffic.wrong.take(),
        edits_begun: traffic.edits_begun.get(),
        tries: traffic.tries.take(),
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What is done at all, whatever the seed is.
const EVERYTHING: [&str; 22] = [
    "begin",
    "begin: Shortage",
    "replace",
    "extend",
    "release",
    "order",
    "payment Completed",
    "payment Duplicate",
    "payment CompletedLate",
    "payment RefundDue",
    "lapse",
    "edit",
    "edit: BelowHeld",
    "book",
    "amend",
    "cancel",
    "restock",
    "shrink",
    "try: Tried",
    "import: Done",
    "import: Rejected",
    "sweep",
];

/// Promises 1 to 9, under everything at once.
#[tokio::test]
async fn whatever_goes_on_at_once_every_promise_is_kept_at_every_moment() {
    let seed = number(SEED).unwrap_or_else(|| rand::rng().random());
    println!("{SEED}={seed}");
    let test = stocked().await;
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    let before = test.count(deadlocks).await;
    let seconds = number(SECONDS).unwrap_or(20);
    let mut ended = traffic(&test, seed, seconds).await;
    ended.tries.sort_unstable();
    let most = ended.tries.last().copied().unwrap_or(0);
    println!(
        "{} samples, {most} tries at most, {:#?}",
        ended.samples, ended.done
    );
    assert_eq!(ended.broken, [], "{SEED}={seed}");
    assert_eq!(ended.wrong, Vec::<String>::new(), "{SEED}={seed}");
    assert!(ended.samples > 10, "{} samples", ended.samples);
    let given_up = ended.edits_begun - ended.tries.len();
    assert_eq!(given_up, 0, "edits were starved: {SEED}={seed}");
    for what in EVERYTHING {
        assert!(ended.done.contains_key(what), "nobody did: {what}");
    }
    test.assert_promises_kept().await;
    // what a session counted is sure to be seen when it has ended
    test.until_alone().await;
    assert_eq!(test.count(deadlocks).await, before, "{SEED}={seed}");
}

/// Negative control: what the sampler says is worth something. A hold that is placed without
/// looking again, on counters without their constraint, is oversold, and a sample shows it.
#[tokio::test]
async fn the_same_traffic_without_the_guard_is_caught_by_a_sample() {
    let test = stocked().await;
    let routine = "select pg_get_functiondef(p.oid) from pg_proc p \
                   where p.proname = 'checkout_begin_core'";
    let guarded = test.text(routine).await;
    let guard = "and l.on_hand - l.held >= p_quantities[i];";
    assert_eq!(guarded.matches(guard).count(), 1);
    test.sql(&guarded.replace(guard, ";")).await;
    test.sql("alter table holdfast.stock_levels drop constraint stock_never_oversold")
        .await;
    let seed = number(SEED).unwrap_or_else(|| rand::rng().random());
    println!("{SEED}={seed}");
    let ended = traffic(&test, seed, 60).await;
    let promises: Vec<&str> = ended.broken.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        promises.contains(&"never_oversold"),
        "{:#?} {SEED}={seed}",
        ended.broken
    );
}
