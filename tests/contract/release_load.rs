//! A release goes out while callers of the old and of the new release go on: no call fails. These
//! callers never retry, so every failure counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use holdfast_migrate::{self as migrate, Options, Release};
use tests::next_release::{Put as _, next_release, release_after_next};
use tests::{GATE, TestDb, new_id};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// Sessions that call without a pause.
const CALLERS: usize = 8;
/// How often the routines are written again under them.
const ROUNDS: usize = 6;
/// How long a control waits for its first failed call.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// As this release's functions give a cart back.
const LET_GO: &str = "select * from holdfast.checkout_release('main', $1, null)";
/// As the next release's functions do.
const LET_GO_WHY: &str = "select * from holdfast.checkout_release('main', $1, null, 'too red')";

/// Callers that run until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    running: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(sessions: Vec<Client>, let_go: &'static str) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            calls: Arc::default(),
            failed: Arc::default(),
            running: Vec::new(),
        };
        for session in sessions {
            let stop = Arc::clone(&load.stop);
            let (calls, failed) = (Arc::clone(&load.calls), Arc::clone(&load.failed));
            load.running.push(tokio::spawn(async move {
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let outcome = shop_once(&session, let_go).await;
                    calls.fetch_add(1, Ordering::Relaxed);
                    if let Err(error) = outcome {
                        failed.fetch_add(1, Ordering::Relaxed);
                        failures.push(operations::cause::causes(&error));
                    }
                }
                failures
            }));
        }
        load
    }

    /// Waits for so many more calls.
    async fn until_called(&self, more: u64) {
        let wanted = self.calls.load(Ordering::Relaxed) + more;
        tests::until("the callers have called", async || {
            self.calls.load(Ordering::Relaxed) >= wanted
        })
        .await;
    }

    /// The number of calls, and the failures.
    async fn stop(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        for caller in self.running {
            failures.extend(caller.await.unwrap());
        }
        (self.calls.load(Ordering::Relaxed), failures)
    }
}

/// One shopper reads the stock, begins a checkout, reads it and releases it.
async fn shop_once(session: &Client, let_go: &str) -> Result<(), tokio_postgres::Error> {
    let id = *new_id().as_uuid();
    let look = "select * from holdfast.stock_availability('main', '{A}')";
    session.query_typed(look, &[]).await?;
    let take = "call holdfast.checkout_begin('main', $1, 'c', 1, '', null, '{A}', '{1}')";
    let rows = session.query_typed(take, &[(&id, Type::UUID)]).await?;
    assert_eq!(rows[0].get::<_, &str>("o_outcome"), "placed");
    let read = "select * from holdfast.checkout_read('main', $1, null)";
    session.query_typed(read, &[(&id, Type::UUID)]).await?;
    let rows = session.query_typed(let_go, &[(&id, Type::UUID)]).await?;
    assert_eq!(rows[0].get::<_, &str>("o_outcome"), "released");
    Ok(())
}

async fn checkout_sessions(test: &TestDb) -> Vec<Client> {
    let mut sessions = Vec::new();
    for _ in 0..CALLERS {
        sessions.push(test.checkout_session().await);
    }
    sessions
}

async fn migrate_to(test: &TestDb, release: &Release) {
    let mut client = test.session().await;
    let run = migrate::run_release(&mut client, release, Options::default());
    run.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn routines_are_replaced_under_load_without_a_failed_call() {
    let test = TestDb::new().await;
    test.sku("A", 1_000_000).await;
    let load = Load::start(checkout_sessions(&test).await, LET_GO);
    for round in 0..ROUNDS {
        load.until_called(CALLERS as u64).await;
        let mut release = Release::this();
        for file in &mut release.routines {
            // A new text each time, so that every routine is replaced.
            file.text = file
                .text
                .replace("\nbegin\n", &format!("\nbegin -- {round}\n"));
        }
        migrate_to(&test, &release).await;
    }
    load.until_called(CALLERS as u64).await;
    let (calls, failures) = load.stop().await;
    assert!(
        failures.is_empty(),
        "{} of {calls}: {failures:#?}",
        failures.len()
    );
    test.assert_promises_hold().await;
}

/// The control: a routine is dropped and created again.
#[tokio::test(flavor = "multi_thread")]
async fn routines_that_are_dropped_and_made_again_fail_calls() {
    let test = TestDb::new().await;
    test.sku("A", 1_000_000).await;
    let load = Load::start(checkout_sessions(&test).await, LET_GO);
    load.until_called(CALLERS as u64).await;
    let this = Release::this();
    let file = this
        .routines
        .iter()
        .find(|file| file.name == "checkout_release");
    let drop = "drop function holdfast.checkout_release(text, uuid, text)";
    let started = Instant::now();
    while load.failed.load(Ordering::Relaxed) == 0 && started.elapsed() < CALL_TIMEOUT {
        test.owner.batch_execute(drop).await.unwrap();
        test.owner.batch_execute(&file.unwrap().text).await.unwrap();
    }
    let (_, failures) = load.stop().await;
    let missing = "function holdfast.checkout_release(unknown, uuid, unknown) does not exist";
    assert!(
        failures.iter().any(|failure| failure.contains(missing)),
        "{failures:#?}"
    );
}

/// A whole release: a new column and a new signature. Callers of this release go on, callers of the
/// next one join them, and the old signature is dropped when nobody uses it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_and_a_new_signature_go_out_under_load_without_a_failed_call() {
    let test = TestDb::new().await;
    test.sku("A", 1_000_000).await;
    let old = Load::start(checkout_sessions(&test).await, LET_GO);
    old.until_called(CALLERS as u64).await;
    migrate_to(&test, &next_release()).await;
    let new = Load::start(checkout_sessions(&test).await, LET_GO_WHY);
    new.until_called(CALLERS as u64).await;
    old.until_called(CALLERS as u64).await;
    // A rollback of the functions runs the older migrate. It changes nothing.
    migrate_to(&test, &Release::this()).await;
    new.until_called(CALLERS as u64).await;
    old.until_called(CALLERS as u64).await;
    let (_, of_old) = old.stop().await;
    migrate_to(&test, &release_after_next()).await;
    new.until_called(CALLERS as u64).await;
    let (calls, of_new) = new.stop().await;
    assert!(
        of_old.is_empty() && of_new.is_empty(),
        "{of_old:#?} {of_new:#?}"
    );
    let why = "select count(*) from holdfast.checkouts where let_go_because = 'too red'";
    let remembered = u64::try_from(test.count(why).await).unwrap();
    assert_eq!(remembered, calls);
    test.assert_promises_hold().await;
}

/// The control: the contract step comes while functions of the old release still run.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_is_dropped_too_early_fails_calls() {
    let test = TestDb::new().await;
    test.sku("A", 1_000_000).await;
    let old = Load::start(checkout_sessions(&test).await, LET_GO);
    old.until_called(CALLERS as u64).await;
    migrate_to(&test, &next_release()).await;
    migrate_to(&test, &release_after_next()).await;
    old.until_called(CALLERS as u64).await;
    let (_, failures) = old.stop().await;
    assert!(
        failures
            .iter()
            .any(|failure| failure.contains("does not exist")),
        "{failures:#?}"
    );
}

/// Each statement of a call sees the newest routines. A call that began in the old checkout_extend
/// goes on with the new routines that it calls: it succeeds if they were replaced, and fails if
/// they were dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_under_way_goes_on_with_the_routines_that_replaced_those_under_it() {
    for dropped in [false, true] {
        let test = TestDb::new().await;
        test.sku("A", 1).await;
        let id = *test.held(&[("A", 1)]).await.as_uuid();
        let changes = [(
            "    select * into v_view",
            format!("    {GATE}\n    select * into v_view"),
        )];
        let changes = changes.each_ref().map(|(from, to)| (*from, to.as_str()));
        test.change_routine("checkout_extend", &changes).await;
        let session = test.checkout_session().await;
        let extend = "select o_outcome from holdfast.checkout_extend('main', $1, null, 60)";
        let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 1] = [(&id, Type::UUID)];
        let call = session.query_typed(extend, &params);
        let gate = test.block("select pg_advisory_xact_lock(1)").await;
        let replaced = async {
            test.until_waiting(1).await;
            if dropped {
                let drop = "drop function holdfast.checkout_describe(text, uuid, text)";
                test.owner.batch_execute(drop).await.unwrap();
            } else {
                let mut release = Release::this();
                release.put("checkout_describe", |file| {
                    file.text.push_str("\n-- again\n")
                });
                migrate_to(&test, &release).await;
            }
            gate.let_go().await;
        };
        let (answer, ()) = tokio::join!(call, replaced);
        match answer {
            Ok(rows) => {
                assert!(!dropped);
                assert_eq!(rows[0].get::<_, &str>(0), "extended");
            }
            Err(error) => {
                assert!(dropped, "{error:?}");
                let code = error.code().map(tokio_postgres::error::SqlState::code);
                assert_eq!(code, Some("42883"), "{error:?}");
            }
        }
    }
}
