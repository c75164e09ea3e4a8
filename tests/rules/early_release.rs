//! How an operation flushes after it has freed its row locks: who chooses, and what is chosen where
//! (docs/decisions/0011). tests/stack/faults.rs shows that each way loses nothing.

use holdfast_migrate::{
    self as migrate, EarlyRelease, EarlyReleaseChoice, MigrateError, Options, Release,
};
use local::roles::{ADMIN, MIGRATOR};
use operations::cause::causes;
use operations::checkout::Begun;
use operations::payment::{self, Accept, EventKind, Outcome};
use tests::desk::{actor, book_request};
use tests::refund::part;
use tests::{MAIN, PRICE_MINOR, Routine, TestDb, event, new_id, shop};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// How a session of the checkout function flushes.
async fn way_of(session: &Client) -> String {
    let way = "select holdfast.early_release_way()";
    session.query_one(way, &[]).await.unwrap().get(0)
}

/// The documented statement, as its page says: by the owner, who is no superuser.
async fn choose(owner: &Client, way: &str) -> (String, String) {
    let choose = format!("select * from holdfast.early_release_choose('{way}')");
    let row = owner.query_one(&choose, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

/// A session of the owner, who is no superuser.
async fn owner_of(test: &TestDb) -> Client {
    let owner = test.session_of(MIGRATOR).await;
    owner
        .batch_execute("set role holdfast_owner")
        .await
        .unwrap();
    owner
}

async fn try_migrate(
    test: &TestDb,
    wish: Option<EarlyRelease>,
) -> Result<EarlyReleaseChoice, MigrateError> {
    let mut migrator = test.session_of(MIGRATOR).await;
    let options = Options {
        early_release: wish,
        ..Options::default()
    };
    let report = migrate::run_release(&mut migrator, &Release::this(), options).await?;
    Ok(report.early_release.unwrap())
}

async fn migrated(test: &TestDb, wish: impl Into<Option<EarlyRelease>>) -> EarlyReleaseChoice {
    try_migrate(test, wish.into()).await.unwrap()
}

#[tokio::test]
async fn a_person_chooses_without_a_superuser_and_migrations_keep_it() {
    let test = TestDb::new().await;
    let owner = owner_of(&test).await;
    let session = test.checkout_session().await;
    assert_eq!(way_of(&session).await, "message");
    for way in ["row-lock", "off", "message"] {
        let (chosen, why) = choose(&owner, way).await;
        assert_eq!(chosen, way);
        assert!(why.contains("a person"), "{why}");
        // in a session that had planned with the choice before
        assert_eq!(way_of(&session).await, way);
        for wish in [None, Some(EarlyRelease::Auto)] {
            let kept = migrated(&test, wish).await;
            assert_eq!((kept.way, kept.why), (chosen.clone(), why.clone()));
        }
        assert_eq!(way_of(&session).await, way);
    }
    choose(&owner, "off").await;
    let (way, why) = choose(&owner, "auto").await;
    assert_eq!(way, "message");
    assert!(why.starts_with("the server is PostgreSQL "), "{why}");
    assert_eq!(way_of(&session).await, "message");
}

/// `holdfast rebalance` may die between the two calls: then it is off until it runs again.
#[tokio::test]
async fn a_pause_goes_before_every_choice_and_keeps_it() {
    let test = TestDb::new().await;
    let owner = owner_of(&test).await;
    let session = test.checkout_session().await;
    let pause = async |paused: bool| -> String {
        let pause = format!("select o_way from holdfast.early_release_pause({paused})");
        owner.query_one(&pause, &[]).await.unwrap().get(0)
    };
    for (way, wish) in [("auto", None), ("row-lock", Some(EarlyRelease::Auto))] {
        let (before, _) = choose(&owner, way).await;
        assert_eq!(pause(true).await, "off");
        assert_eq!(way_of(&session).await, "off");
        let kept = migrated(&test, wish).await;
        assert_eq!(kept.way, "off");
        assert!(kept.why.starts_with("shards move"), "{kept}");
        assert_eq!(choose(&owner, way).await.0, "off");
        assert_eq!(way_of(&session).await, "off");
        assert_eq!(pause(false).await, before);
        assert_eq!(way_of(&session).await, before);
    }
}

#[tokio::test]
async fn a_deployment_that_wishes_a_way_gets_it_until_it_wishes_none() {
    let test = TestDb::new().await;
    let session = test.checkout_session().await;
    let owner = owner_of(&test).await;
    choose(&owner, "off").await;
    for (wish, way) in [
        (EarlyRelease::RowLock, "row-lock"),
        (EarlyRelease::Off, "off"),
        (EarlyRelease::Message, "message"),
        (EarlyRelease::RowLock, "row-lock"),
    ] {
        let choice = migrated(&test, wish).await;
        assert_eq!(choice.way, way);
        let mut expected = "this deployment chose it".to_owned();
        if way != "message" {
            expected += "; the probe says message: the server is PostgreSQL ";
        }
        assert!(choice.why.starts_with(&expected), "{choice}");
        assert_eq!(way_of(&session).await, way);
        // a migration by hand
        assert_eq!(migrated(&test, None).await, choice);
    }
    let choice = migrated(&test, EarlyRelease::Auto).await;
    assert_eq!(choice.way, "message");
    assert!(choice.why.starts_with("the server is"), "{choice}");
}

/// Above all: nobody gets a choice that refuses every sale.
#[tokio::test]
async fn a_choice_that_does_not_exist_or_does_not_work_is_refused() {
    let test = TestDb::new().await;
    let owner = owner_of(&test).await;
    let session = test.checkout_session().await;
    for (way, told) in [("'rowlock'", "'rowlock'"), ("null", "null")] {
        let choose = format!("select holdfast.early_release_choose({way})");
        let error = owner.batch_execute(&choose).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(*error.code(), SqlState::INVALID_PARAMETER_VALUE);
        let sentence = "p_way must be auto, message, row-lock or off, not ";
        assert_eq!(error.message(), format!("{sentence}{told}"));
    }
    forbid_message(&test).await;
    let choice = migrated(&test, EarlyRelease::Auto).await;
    assert_eq!(choice.way, "row-lock");
    assert!(choice.why.contains("refuses the message"), "{choice}");
    // The owner's right is not enough: the functions' roles write the message.
    grant_message(&test).await;
    let refused = "because the server refuses it: holdfast_admin has no right to write it";
    let choice = migrated(&test, None).await;
    assert_eq!(choice.way, "row-lock");
    let told = "the server refuses the message: holdfast_admin has no right to write it";
    assert_eq!(choice.why, told);
    let message = "select holdfast.early_release_choose('message')";
    let error = owner.batch_execute(message).await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(*error.code(), SqlState::INVALID_PARAMETER_VALUE);
    assert_eq!(
        error.message(),
        format!("p_way can't be message, {refused}")
    );
    let error = try_migrate(&test, Some(EarlyRelease::Message)).await;
    let told = causes(&error.unwrap_err());
    let sentence = format!("EARLY_RELEASE (--early-release) can't be message, {refused}");
    assert!(told.contains(&sentence), "{told}");
    assert_eq!(way_of(&session).await, "row-lock");
    test.sku("A", 1).await;
    test.held(&[("A", 1)]).await;
}

/// After a move, a kept choice may not work any more. It is back with the server that takes it.
#[tokio::test]
async fn a_kept_message_that_the_server_refuses_gives_way_to_the_row_lock() {
    let test = TestDb::new().await;
    let owner = owner_of(&test).await;
    let session = test.checkout_session().await;
    test.sku("A", 9).await;
    for by in ["a person", "this deployment"] {
        if by == "a person" {
            choose(&owner, "message").await;
        } else {
            migrated(&test, EarlyRelease::Message).await;
        }
        change_rights(&test, "revoke execute on function %s from public").await;
        let wishes: &[_] = match by {
            "a person" => &[None, Some(EarlyRelease::Auto)],
            _ => &[None],
        };
        for wish in wishes {
            let choice = migrated(&test, *wish).await;
            assert_eq!(choice.way, "row-lock");
            let told = format!("{by} chose message, but the server refuses it: ");
            assert!(choice.why.starts_with(&told), "{choice}");
            assert_eq!(way_of(&session).await, "row-lock");
            test.held(&[("A", 1)]).await;
        }
        change_rights(&test, "grant execute on function %s to public").await;
        let choice = migrated(&test, None).await;
        assert_eq!(choice.way, "message");
        assert!(
            choice.why.starts_with(&format!("{by} chose it")),
            "{choice}"
        );
    }
}

/// Some server may keep the message for its own superuser.
async fn forbid_message(test: &TestDb) {
    change_rights(test, "revoke execute on function %s from public").await;
}

/// … or for the owner.
async fn grant_message(test: &TestDb) {
    change_rights(test, "grant execute on function %s to holdfast_owner").await;
}

/// For each function that writes a message: its arguments differ between versions.
async fn change_rights(test: &TestDb, change: &str) {
    test.sql(&format!(
        "do $$
        declare
            v_routine regprocedure;
        begin
            for v_routine in select oid from pg_proc where proname = 'pg_logical_emit_message' loop
                execute format('{change}', v_routine);
            end loop;
        end $$",
    ))
    .await;
}

/// What the probe finds, and what this session would choose.
async fn probed(session: &Client, arguments: &str) -> (String, String) {
    let probe = format!("select * from holdfast.early_release_probe({arguments})");
    let row = session.query_one(&probe, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn only_postgresql_itself_gets_the_message() {
    let test = TestDb::new().await;
    let (way, why) = probed(&test.owner, "").await;
    assert_eq!(way, "message");
    assert!(why.starts_with("the server is PostgreSQL "), "{why}");
    for version in [
        "PostgreSQL 15.8 (Debian 15.8-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc, 64-bit",
        "PostgreSQL 16.4 (Ubuntu 16.4-0ubuntu0.24.04.1) on aarch64-unknown-linux-gnu",
        // RDS, and the rpm packages
        "PostgreSQL 15.8 on x86_64-pc-linux-gnu, compiled by gcc (GCC) 7.3.1 20180712 \
         (Red Hat 7.3.1-12), 64-bit",
        "PostgreSQL 18.1 on aarch64-unknown-linux-gnu, compiled by gcc, 64-bit",
        "PostgreSQL 18.1",
        "PostgreSQL 18beta1 on aarch64-unknown-linux-gnu, compiled by gcc, 64-bit",
    ] {
        let (way, why) = probed(&test.owner, &format!("'{version}'")).await;
        assert_eq!(way, "message", "{why}");
    }
    for version in [
        "PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64-pc-linux-gnu, compiled by clang, 64-bit",
        "CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)",
        "PostgreSQL 15.10 (PolarDB 15.10.2.0 build 35199b32) on x86_64-linux-gnu",
        "PostgreSQL 15.10 (Debian 15.10-1.pgdg120+1) (PolarDB 15.10.2.0) on x86_64-linux-gnu",
        "PostgreSQL 15.10 PolarDB on x86_64-linux-gnu",
        "",
    ] {
        let (way, why) = probed(&test.owner, &format!("'{version}'")).await;
        assert_eq!(way, "row-lock", "{why}");
        assert!(why.starts_with("the server is not known: "), "{why}");
    }
    for (sign, told) in [
        (
            "create function public.aurora_version() returns text language sql as 'select null'",
            "the server is Aurora",
        ),
        ("create role alloydbsuperuser", "the server is AlloyDB"),
        ("create role neon_superuser", "the server is Neon"),
    ] {
        // never committed: a role belongs to the whole server
        test.sql(&format!("begin; {sign}")).await;
        let expected = ("row-lock".to_owned(), told.to_owned());
        assert_eq!(probed(&test.owner, "").await, expected);
        test.sql("rollback").await;
    }
    // a database that was moved there
    test.sql("create function public.aurora_version() returns text language sql as 'select null'")
        .await;
    let choice = migrated(&test, EarlyRelease::Auto).await;
    assert_eq!(choice.to_string(), "row-lock, because the server is Aurora");
    let session = test.checkout_session().await;
    assert_eq!(way_of(&session).await, "row-lock");
}

/// A function's role may set the setting, so it must not make a server lose anything.
#[tokio::test]
async fn a_session_can_only_be_more_careful_than_the_choice() {
    let test = TestDb::new().await;
    let owner = owner_of(&test).await;
    let session = test.checkout_session().await;
    for (chosen, set, way) in [
        ("message", "message", "message"),
        ("message", "on", "message"),
        ("message", "row-lock", "row-lock"),
        ("message", "off", "off"),
        ("row-lock", "message", "row-lock"),
        ("row-lock", "off", "off"),
        ("off", "message", "off"),
        ("off", "row-lock", "off"),
    ] {
        choose(&owner, chosen).await;
        let set = format!("set holdfast.early_release = '{set}'");
        session.batch_execute(&set).await.unwrap();
        assert_eq!(way_of(&session).await, way, "{chosen} {set}");
    }
    choose(&owner, "message").await;
    let citus = "reset holdfast.early_release; set citus.propagate_set_commands = 'local'";
    session.batch_execute(citus).await.unwrap();
    assert_eq!(way_of(&session).await, "off");
}

/// A session plans its calls once. A choice of an owner reaches the next call all the same.
#[tokio::test]
async fn a_session_that_has_sold_follows_a_new_choice() {
    let test = TestDb::new().await;
    test.sku("A", 100).await;
    test.sql(
        "create table public.flushed (n serial);
        grant all on public.flushed, public.flushed_n_seq to holdfast_owner",
    )
    .await;
    let noted = Routine::named("early_release_lock").changed(
        "return true;",
        "insert into public.flushed default values; return true;",
    );
    test.put_routine(noted).await;
    let owner = owner_of(&test).await;
    let session = test.checkout_session().await;
    for (way, locked) in [
        ("message", 0),
        ("row-lock", 6),
        ("message", 0),
        ("off", 0),
        ("row-lock", 6),
    ] {
        choose(&owner, way).await;
        let before = test.count("select count(*) from public.flushed").await;
        // six: PostgreSQL may choose a generic plan after five
        for _ in 0..6 {
            let begin = format!(
                "call holdfast.checkout_begin('main', '{}', 'c', 1, 'a', null, '{{A}}', '{{1}}')",
                uuid::Uuid::new_v4()
            );
            session.batch_execute(&begin).await.unwrap();
        }
        let after = test.count("select count(*) from public.flushed").await;
        assert_eq!(after - before, locked, "{way}");
    }
    assert_eq!(test.level("A").await.1, 30);
    test.assert_promises_hold().await;
}

/// Each operation flushes by a row of its own. `early_release_lock` writes down what it locks.
#[tokio::test]
async fn every_operation_locks_what_it_has_written() {
    let test = TestDb::new().await;
    test.sku("A", 100).await;
    test.sql(
        "create table public.flushed (n serial, row text not null);
        grant all on public.flushed, public.flushed_n_seq to holdfast_owner",
    )
    .await;
    let noted = Routine::named("early_release_lock").changed(
        "return true;",
        "insert into public.flushed (row) values (coalesce(p_checkout_id::text, p_event_key));
        return true;",
    );
    test.put_routine(noted).await;
    choose(&owner_of(&test).await, "row-lock").await;

    let (id, order) = test.ordered(&[("A", 1)]).await;
    assert_eq!(
        test.stripe(&part(&order, "p-1", PRICE_MINOR + 1)).await,
        Outcome::Review
    );
    let accept = Accept {
        captured_minor: (PRICE_MINOR + 1).try_into().unwrap(),
        note: "rounded up".parse().unwrap(),
        despite_dispute: None,
    };
    let (admin, clerk) = (test.pool_of(ADMIN, 1), actor("meera"));
    let main = shop(MAIN);
    let accepted = payment::accept(&admin, &main, order.order_id.into(), &clerk, &accept);
    accepted.await.unwrap();
    let desk = test.desk(1);
    let booking = new_id();
    let booked = desk
        .book(booking, &book_request(&[("A", 2)]))
        .await
        .unwrap();
    let booked = tests::desk::booked_order(booked);
    desk.amend(&booked, &[("A", 3)]).await.unwrap();
    let unknown = payment::Event {
        reference: Some("main-unknown".to_owned()),
        ..event(&order, EventKind::Paid, "p-2")
    };
    assert_eq!(test.record(&unknown).await.unwrap(), Outcome::Parked);
    // a batch: one of the checkouts that it has placed
    let fresh = new_id();
    let batch = format!(
        "call holdfast.checkout_begin_many('main', '{{{id},{fresh}}}', '{{c,c2}}', '{{1,1}}',
            '{{a,b}}', '{{null,null}}', '{{A}}', '{{1,2}}', '{{1,1}}', '{{1,1}}')"
    );
    let session = test.checkout_session().await;
    session.batch_execute(&batch).await.unwrap();
    // a retry acknowledges again
    let retried = test.held(&[("A", 1)]).await;
    let again = test.begin(retried, &[("A", 1)]).await.unwrap();
    assert!(matches!(again, Begun::Same(_)), "{again:?}");

    let rows = test.owner.query("select row from flushed order by n", &[]);
    let rows: Vec<String> = rows.await.unwrap().iter().map(|row| row.get(0)).collect();
    let (id, booking) = (id.to_string(), booking.to_string());
    let expected = [
        id.clone(), // begin
        id.clone(), // create
        "Paid:p-1".to_owned(),
        id, // accept
        booking.clone(),
        booking,
        "Paid:p-2".to_owned(),
        fresh.to_string(),
        retried.to_string(),
        retried.to_string(),
    ];
    assert_eq!(rows, expected);
    test.assert_promises_hold().await;
}

#[test]
fn only_one_routine_writes_the_message_or_asks_for_the_lock() {
    let mut found = Vec::new();
    for routine in Release::this().routines {
        let code = routine.text.lines().filter(|line| !line.starts_with("--"));
        for line in code {
            if line.contains("pg_logical_emit_message") || line.contains("early_release_lock(") {
                found.push(routine.name.clone());
            }
        }
    }
    let expected = [
        "early_release_lock",
        "early_release_persist",
        "early_release_persist",
        "early_release_refused",
        "early_release_refused",
    ];
    assert_eq!(found, expected);
}
