//! Connections that die silently, and callers that freeze in the middle of their work (scenarios 15
//! and 20).

use std::process::Stdio;
use std::time::{Duration, Instant};

use local::functions;
use local::roles::CHECKOUT;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use operations::checkout::{self, BeginError, Begun};
use operations::db::{Database, Failure};
use operations::db::{DatabaseConfig, Idle};
use serde_json::json;
use tests::http::Call;
use tests::stack::{STACK, add, level, owner, sku};
use tests::wire::Wire;
use tests::{CLUSTER, TestDb, begin_request, new_id, until};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

const NEVER: Duration = Duration::from_secs(3600);

fn by(wire: &Wire, test: &TestDb, idle: Idle) -> Database {
    let config = DatabaseConfig::parse("test", |name| match name {
        "DATABASE_URL" => Some(wire.url(CHECKOUT, test.name())),
        "DATABASE_TLS" => Some("off".to_owned()),
        _ => None,
    });
    let config = DatabaseConfig {
        idle,
        ..config.unwrap()
    };
    Database::new(&config).unwrap()
}

/// Scenario 20. Whatever detects the dead connection, the call is answered soon and has one effect.
#[tokio::test]
async fn a_silently_dead_connection_is_replaced_and_the_call_has_one_effect() {
    let asked = Idle {
        ask_after: Duration::ZERO,
        ..Idle::default()
    };
    let too_old = Idle {
        ask_after: Duration::ZERO,
        replace_after: Duration::ZERO,
        ..Idle::default()
    };
    for (idle, is_asked) in [(asked, true), (too_old, false)] {
        let test = TestDb::new().await;
        test.sku("A", 5).await;
        let wire = Wire::new(&CLUSTER).await;
        let db = by(&wire, &test, idle);
        let (first, second) = (new_id(), new_id());
        let request = begin_request(first, &[("A", 2)]);
        checkout::begin(&db, &request).await.unwrap();
        let opened = wire.opened();
        wire.go_silent();
        // A call that waits for the dead connection fails: see the control.
        let again = checkout::begin(&db, &request).await.unwrap();
        assert!(matches!(again, Begun::Same(_)), "{again:?}");
        let begun = checkout::begin(&db, &begin_request(second, &[("A", 1)])).await;
        assert!(matches!(begun, Ok(Begun::Placed(_))), "{begun:?}");
        assert!(wire.opened() > opened);
        // The client asked the connection, or replaced it by age: the call itself was never sent on
        // it.
        let swallowed = wire.swallowed();
        assert_eq!(swallowed > 0, is_asked, "{swallowed}");
        assert!(swallowed < 100, "{swallowed}");
        assert_eq!(test.level("A").await.1, 3);
        test.assert_promises_hold().await;
    }
}

/// The control of the test above: a client that trusts the connection waits in vain. Then it throws
/// the connection away.
#[tokio::test]
async fn a_trusted_dead_connection_uses_up_the_callers_timeout() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let wire = Wire::new(&CLUSTER).await;
    let trusting = Idle {
        ask_after: NEVER,
        ..Idle::default()
    };
    let limits = Duration::from_secs(3);
    let db = by(&wire, &test, trusting).with_call_timeout(limits);
    let request = begin_request(new_id(), &[("A", 2)]);
    checkout::begin(&db, &request).await.unwrap();
    wire.go_silent();
    let started = Instant::now();
    let lost = checkout::begin(&db, &begin_request(new_id(), &[("A", 1)])).await;
    let unavailable = matches!(lost, Err(BeginError::Failure(Failure::Unavailable(_))));
    assert!(unavailable && started.elapsed() >= limits, "{lost:?}");
    assert!(wire.swallowed() > 100);
    let again = checkout::begin(&db, &request).await.unwrap();
    assert!(matches!(again, Begun::Same(_)), "{again:?}");
    assert_eq!(test.level("A").await.1, 2);
}

/// The processes of a function of the stack.
fn processes(function: &str) -> Vec<Pid> {
    let all = STACK.host.processes().into_iter();
    let own = all.filter(|process| process.function == function);
    own.map(|process| Pid::from_raw(i32::try_from(process.pid).unwrap()))
        .collect()
}

/// Stops children of this process, and returns once they are stopped.
fn freeze(processes: &[Pid]) {
    for process in processes {
        kill(*process, Signal::SIGSTOP).unwrap();
        let stopped = waitpid(*process, Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert_eq!(stopped, WaitStatus::Stopped(*process, Signal::SIGSTOP));
    }
}

fn thaw(processes: &[Pid]) {
    for process in processes {
        kill(*process, Signal::SIGCONT).unwrap();
    }
}

fn begin(id: &uuid::Uuid, sku: &str) -> Call {
    let body = json!({ "customer": "c", "lines": [{ "sku": sku, "quantity": 1 }] });
    Call::new("PUT", &format!("/v1/shops/dress/checkouts/{id}")).json(&body)
}

/// Scenario 20, with frozen processes: for as long as a connection is trusted without a check, and
/// a little longer.
#[tokio::test]
async fn a_frozen_function_answers_after_its_connection_has_died() {
    let owner = owner(&STACK).await;
    let sku = sku(&owner, "dress", 5).await;
    let wire = Wire::new(&STACK.cluster).await;
    let function = "checkout-behind-a-silent-wire";
    let url = wire.url(&STACK.login(CHECKOUT), local::stack::DATABASE);
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("DATABASE_TLS", "off"),
        ("SHOPS", "*"),
    ];
    add(&STACK, function, functions::CHECKOUT, &environment).await;
    let calls = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(|id| begin(&id, &sku));
    // Two calls at once, so that both processes have a connection.
    let [a, b] = &calls;
    tokio::join!(
        a.invoke(&STACK.host, function),
        b.invoke(&STACK.host, function)
    );
    let frozen = processes(function);
    freeze(&frozen);
    wire.go_silent();
    let since = Instant::now();
    until("they were frozen for long", async || {
        since.elapsed() > Idle::default().ask_after
    })
    .await;
    thaw(&frozen);
    let answers = tokio::join!(
        a.invoke(&STACK.host, function),
        b.invoke(&STACK.host, function)
    );
    answers.0.ok(200);
    answers.1.ok(200);
    assert_eq!(level(&owner, "dress", &sku).await, (5, 2));
}

/// Scenario 15 in this system: a call is one statement, so the server finishes it, and a frozen
/// function blocks nobody.
#[tokio::test]
async fn a_function_that_freezes_in_its_call_holds_no_lock() {
    let owner = owner(&STACK).await;
    let sku = sku(&owner, "dress", 5).await;
    let function = "checkout-that-freezes";
    let mut environment = tests::stack::checkout_environment(&STACK);
    environment.push(("SHOPS", "*".to_owned()));
    let environment: Vec<_> = environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
    add(&STACK, function, functions::CHECKOUT, &environment).await;

    let mut blocker = tests::stack::owner(&STACK).await;
    let transaction = blocker.transaction().await.unwrap();
    let lock = "select from holdfast.stock_levels where shop = 'dress' and sku = $1 for update";
    transaction.execute(lock, &[&sku]).await.unwrap();
    let call = begin(&uuid::Uuid::new_v4(), &sku);
    let frozen_call = tokio::spawn(async move { call.invoke(&STACK.host, function).await });
    let waiting = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
        and pg_blocking_pids(pid) @> array[$1::int]";
    let pid = "select pg_backend_pid()";
    let pid: i32 = transaction.query_one(pid, &[]).await.unwrap().get(0);
    until("the function waits for the row", async || {
        owner
            .query_one(waiting, &[&pid])
            .await
            .unwrap()
            .get::<_, i64>(0)
            > 0
    })
    .await;
    let frozen = processes(function);
    freeze(&frozen);
    transaction.rollback().await.unwrap();

    let other = begin(&uuid::Uuid::new_v4(), &sku).to(&STACK.api_url).await;
    other.ok(201);
    assert!(!frozen_call.is_finished());
    // The other call may have been faster.
    until("the frozen call has had its effect", async || {
        level(&owner, "dress", &sku).await == (5, 2)
    })
    .await;
    thaw(&frozen);
    frozen_call.await.unwrap().ok(201);
}

/// A sku of five units, and a frozen caller in its own process: it has given two units back and not
/// committed.
async fn frozen_with_an_open_transaction(test: &TestDb, settings: &str) -> Child {
    test.sku("A", 5).await;
    let id = test.held(&[("A", 2)]).await;
    let mut child = Command::new(CLUSTER.bin().join("psql"))
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1"])
        .arg(CLUSTER.url(CHECKOUT, test.name()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let id = id.as_uuid();
    let release = format!(
        "{settings}; begin; select * from holdfast.checkout_release('main', '{id}', 'c');\n"
    );
    let stdin = child.stdin.as_mut().unwrap();
    stdin.write_all(release.as_bytes()).await.unwrap();
    // psql sends the statements one by one: after `begin` alone nothing is locked
    let open = "select count(*) from pg_stat_activity
        where datname = current_database() and state = 'idle in transaction'
        and query like '%checkout_release%'";
    until("its transaction is open", async || {
        test.count(open).await == 1
    })
    .await;
    freeze(&[pid_of(&child)]);
    let stdin = child.stdin.as_mut().unwrap();
    stdin
        .write_all(b"commit;\n\\echo committed\n")
        .await
        .unwrap();
    child
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap())
}

async fn last_words(child: Child) -> String {
    thaw(&[pid_of(&child)]);
    let output = child.wait_with_output().await.unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// Scenario 15: a caller that holds a transaction open, as a script may, is frozen after its
/// update. The role's timeout ends it, others go on, and the caller hears of it.
#[tokio::test]
async fn a_caller_frozen_with_a_row_lock_is_ended_and_the_others_go_on() {
    let test = TestDb::new().await;
    let frozen = frozen_with_an_open_transaction(&test, "select 1").await;
    let begun = test.begin(new_id(), &[("A", 3)]).await;
    assert!(matches!(begun, Ok(Begun::Placed(_))), "{begun:?}");
    let words = last_words(frozen).await;
    // The server's message, or that the connection is gone if the message could not be read.
    assert!(words.contains("connection"), "{words}");
    let why = "terminating connection due to idle-in-transaction timeout";
    assert!(CLUSTER.log().contains(why), "it ended otherwise: {words}");
    assert!(!words.contains("committed"), "{words}");
    assert_eq!(test.level("A").await.1, 5);
    test.assert_promises_hold().await;
}

/// The control of the test above: without the timeout nobody gets the row.
#[tokio::test]
async fn without_the_timeout_a_frozen_caller_would_keep_the_row() {
    let test = TestDb::new().await;
    let off = "set idle_in_transaction_session_timeout = 0";
    let frozen = frozen_with_an_open_transaction(&test, off).await;
    let id = new_id();
    let begun = test.begin(id, &[("A", 3)]).await;
    let unavailable = matches!(begun, Err(BeginError::Failure(Failure::Unavailable(_))));
    assert!(unavailable, "{begun:?}");
    let words = last_words(frozen).await;
    assert!(words.contains("committed"), "{words}");
    // Placed, or the same: the server may have done it meanwhile.
    test.begin(id, &[("A", 3)]).await.unwrap();
    assert_eq!(test.level("A").await.1, 3);
}
