//! Mixed traffic on few units: shoppers, late and doubled payments, clerks, imports, dispatchers,
//! returns, missing units, sweeps, and holds that end. Meanwhile a sampler checks every promise,
//! each time in one snapshot.
//!
//! A seed decides what each actor does, and in which order. It does not decide who wins a race.

mod imports;
mod shoppers;
mod staff;
mod sweeps;
mod traffic;

use std::cell::Cell;
use std::collections::BTreeMap;

use futures_util::future::{LocalBoxFuture, join_all};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tests::{Routine, TestDb};
use tokio_postgres::{Client, IsolationLevel};

use traffic::{EVERYTHING, SKUS, Traffic};

/// Repeats the plan of a failure, which printed its seed.
const SEED: &str = "HOLDFAST_MIXED_SEED";
/// The length of the traffic; 20 s by default.
const SECONDS: &str = "HOLDFAST_MIXED_SECONDS";
/// The result of a run.
struct Ended {
    samples: usize,
    /// The first sample that showed a broken promise.
    broken: Vec<(String, serde_json::Value)>,
    done: BTreeMap<String, u64>,
    wrong: Vec<String>,
    edits_begun: usize,
    tries: Vec<u32>,
}

/// An actor takes turns until the traffic is over, with random numbers of its own.
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

/// Checks all promises, each time in one snapshot, until the traffic is over or one is broken.
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

/// Runs the traffic. At the end, only the test's own session is left.
async fn traffic(test: &TestDb, seed: u64, seconds: u64) -> Ended {
    let traffic = Traffic::new(test, seconds).await;
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

/// Promises 1 to 9, under everything at once.
#[tokio::test]
async fn mixed_traffic_breaks_no_promise_at_any_instant() {
    let seed = number(SEED).unwrap_or_else(|| rand::rng().random());
    println!("{SEED}={seed}");
    let test = stocked().await;
    let deadlocks_before = test.deadlocks().await;
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
    assert_eq!(given_up, 0, "starved edits: {SEED}={seed}");
    for what in EVERYTHING {
        assert!(ended.done.contains_key(what), "no actor did: {what}");
    }
    test.assert_promises_hold().await;
    assert_eq!(test.deadlocks().await, deadlocks_before, "{SEED}={seed}");
}

/// Negative control of the sampler: without the guard of the hold and the constraint of the
/// counters, stock is oversold, and a sample shows it.
#[tokio::test]
async fn a_sample_catches_the_same_traffic_without_the_guard() {
    let test = stocked().await;
    for routine in ["checkout_hold_cart", "checkout_begin_many_attempt"] {
        let routine = Routine::named(routine).without_guard("stock_never_oversold");
        test.put_routine(routine).await;
    }
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
