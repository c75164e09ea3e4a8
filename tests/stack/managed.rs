//! Functions whose processes handle several requests at the same time, as Lambda Managed Instances
//! run them.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use local::{FunctionOptions, InvokeError, functions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tests::http::{Answer, Call};
use tests::stack::{
    STACK, add_with, assert_promises_hold, calls_that_held, function, level, log_of, owner, sku,
    waiting_in,
};
use tests::until;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

/// Requests of one process.
const REQUESTS: usize = 8;

/// Adds one process of the checkout function with this many connections.
async fn add_process(name: &'static str, connections: usize) {
    let connections = connections.to_string();
    let mut environment = tests::stack::checkout_environment(&STACK);
    environment.push(("SHOPS", "*".to_owned()));
    environment.push(("METRICS_STACK", "test".to_owned()));
    environment.push(("DATABASE_POOL_SIZE", connections));
    // It then logs that a request waits for a connection.
    environment.push(("LOG_LEVEL", "info,operations::checkout=debug".to_owned()));
    let environment: Vec<_> = environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let options = FunctionOptions {
        concurrency: 1,
        requests_per_process: REQUESTS,
        ..function(name, functions::CHECKOUT, &environment)
    };
    add_with(&STACK, options).await;
}

fn pid_of(name: &str) -> u32 {
    let all = STACK.host.processes().into_iter();
    let own: Vec<u32> = all
        .filter(|process| process.function == name)
        .map(|process| process.pid)
        .collect();
    assert_eq!(own.len(), 1, "{own:?}");
    own[0]
}

/// A shopper's own first cart: one unit.
fn begin(sku: &str) -> Call {
    let id = Uuid::new_v4();
    let body = json!({ "customer": "c", "lines": [{ "sku": sku, "quantity": 1 }] });
    Call::new("PUT", &format!("/v1/shops/dress/checkouts/{id}")).json(&body)
}

fn asked(name: &'static str, call: &Call) -> JoinHandle<Result<Answer, InvokeError>> {
    let call = call.clone();
    tokio::spawn(async move { call.try_invoke(&STACK.host, name).await })
}

/// Asks again, as a shopper does. The process that takes the dead one's place has no free place
/// before its start, and the dead one may still seem to have one.
async fn ask_until_there_is_a_place(name: &str, call: &Call) -> Answer {
    let answer = OnceCell::new();
    until("there is a place", async || {
        match call.try_invoke(&STACK.host, name).await {
            Err(InvokeError::Throttled | InvokeError::Crashed) => false,
            other => answer.set(other).is_ok(),
        }
    })
    .await;
    answer.into_inner().unwrap().unwrap()
}

async fn lock<'a>(owner: &'a mut Client, sku: &str) -> Transaction<'a> {
    let transaction = owner.transaction().await.unwrap();
    let lock = "select from holdfast.stock_levels where shop = 'dress' and sku = $1 for update";
    transaction.execute(lock, &[&sku]).await.unwrap();
    transaction
}

/// Returns when this many sessions wait for the transaction, directly or one after the other.
async fn waiting_for(lock: &Transaction<'_>, count: i64) {
    let pid = "select pg_backend_pid()";
    let pid: i32 = lock.query_one(pid, &[]).await.unwrap().get(0);
    let waiting = "with recursive waiting as (
            select $1::int as pid
            union
            select a.pid from pg_stat_activity a
            join waiting w on w.pid = any(pg_blocking_pids(a.pid)))
        select count(*) - 1 from waiting";
    let observer = owner(&STACK).await;
    until("they wait for the row", async || {
        let row = observer.query_one(waiting, &[&pid]).await.unwrap();
        row.get::<_, i64>(0) == count
    })
    .await;
}

#[tokio::test]
async fn one_process_answers_a_request_while_another_waits_for_the_database() {
    let name = "checkout-two-at-once";
    add_process(name, 2).await;
    let mut blocker = owner(&STACK).await;
    let (locked, free) = (
        sku(&blocker, "dress", 5).await,
        sku(&blocker, "dress", 5).await,
    );
    let transaction = lock(&mut blocker, &locked).await;
    let first = asked(name, &begin(&locked));
    waiting_for(&transaction, 1).await;
    let pid = pid_of(name);
    let second = asked(name, &begin(&free)).await.unwrap().unwrap();
    second.ok(201);
    assert!(!first.is_finished());
    transaction.rollback().await.unwrap();
    let first = first.await.unwrap().unwrap();
    first.ok(201);
    assert_eq!(pid, pid_of(name));
    for (answer, sku) in [(first, locked), (second, free)] {
        let lines = log_of(&STACK, name, answer.request_id());
        assert!(!lines.is_empty());
        let lines = Value::from(lines);
        // Each line is about the checkout of its own request.
        let path = answer.body["checkout_id"].as_str().unwrap();
        let of = |line: &Value| line["span"]["checkout.id"] == path;
        assert!(lines.as_array().unwrap().iter().all(of), "{sku}: {lines:#}");
    }
}

/// More requests than connections, for a sku that does not suffice: the others wait, and go
/// together.
#[tokio::test]
async fn requests_that_go_together_lose_and_double_no_metric_and_no_log_line() {
    let name = "checkout-together";
    add_process(name, 2).await;
    let mut blocker = owner(&STACK).await;
    let sku = sku(&blocker, "dress", 5).await;
    let transaction = lock(&mut blocker, &sku).await;
    let calls: Vec<Call> = (0..REQUESTS).map(|_| begin(&sku)).collect();
    let answers: Vec<_> = calls.iter().map(|call| asked(name, call)).collect();
    // Both connections are in use, and the others wait for one.
    waiting_for(&transaction, 2).await;
    until("the others wait for a connection", async || {
        waiting_in(&STACK, name) == REQUESTS - 2
    })
    .await;
    transaction.rollback().await.unwrap();
    let mut ids = BTreeSet::new();
    let mut statuses = Vec::new();
    for answer in answers {
        let answer = answer.await.unwrap().unwrap();
        statuses.push(answer.status);
        let lines = log_of(&STACK, name, answer.request_id());
        let answered: Vec<&Value> = lines
            .iter()
            .filter(|line| line["message"] == "answered")
            .collect();
        assert_eq!(answered.len(), 1, "{lines:#?}");
        assert_eq!(answered[0]["status"], answer.status);
        assert!(ids.insert(answer.request_id().to_owned()), "{ids:?}");
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 201, 201, 201, 409, 409, 409]);
    assert_eq!(level(&blocker, "dress", &sku).await, (5, 5));
    // Two went alone, and three of those who waited were held in one call.
    assert_eq!(calls_that_held(&blocker, &sku).await, 3);
    assert_eq!(counted(name, "HoldsGranted"), 5.0);
    assert_eq!(counted(name, "HoldsRefused"), 3.0);
    assert_eq!(counted(name, "Shortages"), 3.0);
    assert_eq!(counted(name, "ColdStarts"), 1.0);
    assert_promises_hold(&blocker).await;
}

/// The sum of a counter in a function's log.
fn counted(name: &str, metric: &str) -> f64 {
    let log = fs::read_to_string(STACK.logs.folder.join(format!("{name}.log"))).unwrap();
    let lines = log.lines().map(serde_json::from_str::<Value>);
    lines
        .filter_map(|line| line.unwrap()[metric].as_f64())
        .sum()
}

/// Each caller hears of it, and a retry of each finds one effect.
#[tokio::test]
async fn a_process_that_is_killed_with_several_requests_fails_each_of_them_and_loses_none() {
    let name = "checkout-that-dies";
    let count = 4;
    add_process(name, count).await;
    let mut blocker = owner(&STACK).await;
    let sku = sku(&blocker, "dress", 5).await;
    let transaction = lock(&mut blocker, &sku).await;
    let calls: Arc<Vec<Call>> = Arc::new((0..count).map(|_| begin(&sku)).collect());
    let answers: Vec<_> = calls.iter().map(|call| asked(name, call)).collect();
    waiting_for(&transaction, 4).await;
    let pid = pid_of(name);
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    for answer in answers {
        let answer = answer.await.unwrap();
        assert!(matches!(answer, Err(InvokeError::Crashed)), "{answer:?}");
    }
    transaction.rollback().await.unwrap();
    for call in calls.iter() {
        let again = ask_until_there_is_a_place(name, call).await;
        // The server may have finished the first call without its client.
        assert!([200, 201].contains(&again.status), "{again:#?}");
    }
    assert_ne!(pid, pid_of(name));
    assert_eq!(level(&blocker, "dress", &sku).await, (5, 4));
    assert_promises_hold(&blocker).await;
}
