//! A function that was taken over: its database role calls whatever it may, with any argument, and
//! changes itself.

use holdfast_migrate as migrate;
use local::roles::{ADMIN, CHECKOUT, MIGRATOR, PAYMENTS, READONLY, SWEEPER};
use operations::backlog;
use operations::db::constraint;
use tests::{TestDb, new_id};
use tokio_postgres::Client;

/// Every role that logs in for a function or a person.
const LOGINS: [&str; 5] = [CHECKOUT, PAYMENTS, SWEEPER, ADMIN, READONLY];

/// One text of a query.
async fn text(session: &Client, query: &str) -> String {
    let row = session.query_one(query, &[]).await;
    row.unwrap_or_else(|error| panic!("{query}: {error:?}"))
        .get(0)
}

/// The SQLSTATE of a refused statement; none after a success.
async fn code(session: &Client, statement: &str) -> Option<String> {
    let error = session.batch_execute(statement).await.err()?;
    error.code().map(|code| code.code().to_owned())
}

/// Scenario 32: `OFFLINE_PAYMENT` is a setting of the function, and binds only the function.
#[tokio::test]
async fn the_storefronts_role_sells_nothing_without_a_gateway_unless_the_shop_allows_it() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sql("update holdfast.shops set offline_allowed = false")
        .await;
    let role = test.checkout_session().await;
    let id = test.held(&[("A", 2)]).await;
    let arguments = |reference: &str, more: &str| {
        format!(
            "('main', '{id}', null, '\\x01', gen_random_uuid(), '{reference}', 'offline', null,
                null, null, false{more})"
        )
    };
    let order = format!("call holdfast.order_create{}", arguments("main-x", ""));
    assert_eq!(text(&role, &order).await, "offline_not_allowed");
    let attempt = format!(
        "select (holdfast.order_create_attempt{}).o_outcome",
        arguments("main-x", ", true")
    );
    assert_eq!(text(&role, &attempt).await, "offline_not_allowed");
    // in the name of a dispatcher, who may always sell
    let core = format!(
        "select holdfast.order_make{}",
        arguments("main-x", ", 'meera', true")
    );
    assert_eq!(code(&role, &core).await.as_deref(), Some("42501"));
    assert_eq!(test.level("A").await, (9, 2, 2));

    test.sql("update holdfast.shops set offline_allowed = true")
        .await;
    assert_eq!(text(&role, &order).await, "created");
    let placed_by = "select coalesce(placed_by, 'the customer') from holdfast.orders";
    assert_eq!(test.text(placed_by).await, "the customer");
    assert_eq!(test.level("A").await, (7, 0, 3));
    // a retry gets its order, whatever the shop says by then
    test.sql("update holdfast.shops set offline_allowed = false")
        .await;
    assert_eq!(text(&role, &order).await, "same");
    // staff sell without a gateway in every shop
    test.desk(1).booked(&[("A", 1)]).await;
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn no_call_of_the_storefronts_role_passes_the_bounds_of_a_cart() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    test.sql("update holdfast.shops set units_per_line_max = 5, units_per_cart_max = 8")
        .await;
    let role = test.checkout_session().await;
    let arguments = format!(
        "'main', '{}', 'c', 1, '\\x01', null, '{{A}}', '{{6}}'",
        new_id()
    );
    let begin = format!("call holdfast.checkout_begin({arguments})");
    assert_eq!(text(&role, &begin).await, "too_many_units");
    let attempt = format!("select (holdfast.checkout_begin_attempt({arguments}, true)).o_outcome");
    assert_eq!(text(&role, &attempt).await, "too_many_units");
    for capped in ["false", "true"] {
        let hold = format!("select holdfast.checkout_hold_cart({arguments}, {capped}, true)");
        assert_eq!(code(&role, &hold).await.as_deref(), Some("42501"));
    }
    assert_eq!(test.level("A").await, (99, 0, 1));
}

/// Not bounded by a check or a foreign key: every routine copies them from a bounded column of
/// another row, or looks the value up in another table first. Of `checkouts`, the two routines that
/// write them check their lengths, because every hold of a flash sale would pay for a check of the
/// table (`no_text_of_a_checkout_passes_its_bound`); `counted_as` comes from customer_key.
const BOUNDED_ELSEWHERE: [&str; 32] = [
    "addresses.shop",
    "checkout_revocations.shop",
    "checkouts.counted_as",
    "checkouts.customer",
    "checkouts.request_hash",
    "checkouts.shop",
    "customer_checkouts.shop",
    "customer_units.shop",
    "customer_units.sku",
    "holds.shop",
    "holds.sku",
    "import_skus.shop",
    "import_skus.sku",
    "must_roll_back.shop",
    "order_lines.sku",
    "orders.currency",
    "outbox_messages.shop",
    "payments.currency",
    "payments.gateway",
    "payments.gateway_payment_id",
    "promise_breaches.a",
    "promise_breaches.b",
    "promise_breaches.kind",
    "promise_laps.position",
    "refunds.currency",
    "refunds.reference",
    "stock_movements.shop",
    "stock_movements.sku",
    "subscriber_deliveries.name",
    "subscriber_deliveries.shop",
    "subscriber_deliveries.subject",
    "subscriber_deliveries.topic",
];

/// By each door: a first cart, another cart, many carts in one call, and the desk.
#[tokio::test]
async fn no_text_of_a_checkout_passes_its_bound() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (long, hash) = ("repeat('x', 65)", "convert_to(repeat('x', 65), 'UTF8')");
    let held = test.held(&[("A", 1)]).await;
    for id in [new_id(), held] {
        for (customer, hash) in [(long, "'\\x01'"), ("'c'", hash)] {
            let begin = format!(
                "call holdfast.checkout_begin('main', '{id}', {customer}, 2, {hash}, null,
                    '{{A}}', '{{1}}')"
            );
            let session = test.checkout_session().await;
            assert_eq!(
                refused_by(&session, &begin).await,
                "checkout_texts_are_short"
            );
        }
    }
    for (customer, hash) in [(long, "'\\x01'"), ("'c'", hash)] {
        let begin = format!(
            "call holdfast.checkout_begin_many('main', array['{}'::uuid], array[{customer}],
                '{{1}}', array[{hash}::bytea], '{{null}}', '{{A}}', '{{1}}', '{{1}}', '{{1}}')",
            new_id()
        );
        let session = test.checkout_session().await;
        assert_eq!(
            refused_by(&session, &begin).await,
            "checkout_texts_are_short"
        );
    }
    for (customer, hash) in [(long, "'\\x01'"), ("'c'", hash)] {
        let book = format!(
            "call holdfast.order_book('main', '{}', {customer}, {hash}, gen_random_uuid(),
                'main-x', null, 'meera', '{{A}}', '{{1}}')",
            new_id()
        );
        let session = test.admin_session().await;
        assert_eq!(
            refused_by(&session, &book).await,
            "checkout_texts_are_short"
        );
    }
    assert_eq!(test.level("A").await, (9, 1, 2));
}

/// The constraint that a refused statement names.
async fn refused_by(session: &Client, statement: &str) -> String {
    let error = session.batch_execute(statement).await.unwrap_err();
    let name = error.as_db_error().and_then(constraint);
    name.unwrap_or_else(|| panic!("{statement}: {error:?}"))
        .to_owned()
}

/// Whether a check of the table `probe` refuses so many characters or elements in this column.
async fn is_refused(test: &TestDb, column: &str, kind: &str, chars: u32) -> bool {
    let long = format!("repeat('x', {chars})");
    let many = |element: &str| format!("array_fill({element}, array[{chars} / 4])");
    let values = match kind {
        "text" => vec![long],
        "text[]" => vec![format!("array[{long}]"), many("'x'::text")],
        "jsonb" => vec![
            format!("jsonb_build_object('x', {long})"),
            format!("jsonb_build_array({long})"),
        ],
        "bytea" => vec![format!("convert_to({long}, 'UTF8')")],
        _ => vec![many("1")],
    };
    for value in values {
        let insert = format!("insert into probe ({column}) values ({value})");
        if code(&test.owner, &insert).await.as_deref() != Some("23514") {
            return false;
        }
    }
    true
}

/// Scenario 32: tries to store a megabyte, then eleven, in each column that can hold them: in a
/// copy of its table with the same checks, and with nothing else in the row.
#[tokio::test]
async fn every_text_of_a_table_has_a_bound() {
    let test = TestDb::new().await;
    let columns = "select c.relname::text, a.attname::text, format_type(a.atttypid, null)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind = 'r'
            and c.relname not in ('schema_history', 'schema_release', 'schema_build',
                'schema_early_release')
            and not a.attisdropped
            and format_type(a.atttypid, null) in ('text', 'text[]', 'jsonb', 'bytea', 'integer[]')
            and not exists (select from pg_constraint f
                where f.conrelid = c.oid and f.contype = 'f' and a.attnum = any (f.conkey))
        order by 1, 2";
    let columns = test.owner.query(columns, &[]).await.unwrap();
    assert!(columns.len() >= 100, "{}", columns.len());
    let mut unbounded = Vec::new();
    let mut looked_at = String::new();
    for row in columns {
        let (table, column, kind): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        if table != looked_at {
            let copy = format!(
                "drop table if exists probe;
                create temporary table probe (like holdfast.{table} including constraints);
                do $$ declare v text; begin
                    for v in select attname from pg_attribute
                        where attrelid = 'probe'::regclass and attnum > 0
                    loop execute format('alter table probe alter %I drop not null', v); end loop;
                end $$"
            );
            test.sql(&copy).await;
            looked_at.clone_from(&table);
        }
        // the second is for the few columns with a large bound
        let mut bounded = false;
        for chars in [1_100_000, 11_000_000] {
            bounded = bounded || is_refused(&test, &column, &kind, chars).await;
        }
        if !bounded {
            unbounded.push(format!("{table}.{column}"));
        }
    }
    let copied: Vec<&String> = unbounded
        .iter()
        .filter(|name| !BOUNDED_ELSEWHERE.contains(&name.as_str()))
        .collect();
    assert!(copied.is_empty(), "{copied:#?} of {unbounded:#?}");
    // a name that is bounded now leaves the list
    for name in BOUNDED_ELSEWHERE {
        assert!(unbounded.iter().any(|own| own == name), "{name}");
    }
}

/// The changes that `role_check` reports of a role.
async fn changed(test: &TestDb, role: &str) -> Vec<String> {
    let query = "select o_what from holdfast.role_check() where o_role = $1 and o_by_itself";
    let rows = test.owner.query(query, &[&role]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What a report says about the roles in this database. A clone of a database lacks what its
/// template took away from everybody, and all roles may connect to the databases of the other
/// tests.
fn of_this_database(report: &[String]) -> Vec<&String> {
    let of_others = ["temporary", "may connect to"];
    let here = |line: &&String| !of_others.iter().any(|other| line.contains(other));
    report.iter().filter(here).collect()
}

/// PostgreSQL lets each role set the defaults of its own sessions. Here for one database: the roles
/// belong to all tests.
#[tokio::test]
async fn what_a_role_changes_for_itself_is_counted_by_a_sweep_and_put_back_by_a_migration() {
    let test = TestDb::new().await;
    let counted = async || backlog::read(&test.sweeper).await.unwrap().roles_changed;
    assert_eq!(counted().await, 0);
    for (role, setting) in [
        (PAYMENTS, "synchronous_commit = off"),
        (ADMIN, "default_transaction_read_only = on"),
    ] {
        let session = test.session_of(role).await;
        let set = format!(
            "alter role {role} in database {} set {setting}",
            test.name()
        );
        session.batch_execute(&set).await.unwrap();
        let setting = setting.replace(" = ", "=");
        assert_eq!(
            changed(&test, role).await,
            [format!("{setting} in this database")]
        );
    }
    assert_eq!(counted().await, 2);
    let shown = "show synchronous_commit";
    let session = test.session_of(PAYMENTS).await;
    assert_eq!(text(&session, shown).await, "off");

    // A user that may not alter roles says what is left.
    let mut migrator = test.session_of(MIGRATOR).await;
    let report = migrate::run(&mut migrator).await.unwrap();
    assert_eq!(
        of_this_database(&report.roles),
        [
            &format!("{ADMIN}: default_transaction_read_only=on in this database"),
            &format!("{PAYMENTS}: synchronous_commit=off in this database"),
        ]
    );
    let mut master = test.session().await;
    let report = migrate::run(&mut master).await.unwrap();
    assert_eq!(of_this_database(&report.roles), [] as [&str; 0]);
    assert_eq!(counted().await, 0);
    let session = test.session_of(PAYMENTS).await;
    assert_eq!(text(&session, shown).await, "on");
}

/// A role keeps its own settings locked: it changes them again, and does not commit.
#[tokio::test]
async fn a_role_that_alters_itself_and_waits_blocks_no_release() {
    let test = TestDb::new().await;
    let role = test.session_of(CHECKOUT).await;
    let set = |setting: &str| {
        format!(
            "alter role {CHECKOUT} in database {} set {setting}",
            test.name()
        )
    };
    for statement in [
        &set("synchronous_commit = off"),
        "begin",
        &set("work_mem = 64"),
    ] {
        role.batch_execute(statement).await.unwrap();
    }
    let mut master = test.session().await;
    let report = migrate::run(&mut master).await.unwrap();
    assert_eq!(report.routines, migrate::Release::this().routines.len());
    let left = format!("{CHECKOUT}: synchronous_commit=off in this database");
    assert_eq!(of_this_database(&report.roles), [&left]);
    role.batch_execute("commit").await.unwrap();
    let report = migrate::run(&mut master).await.unwrap();
    assert_eq!(of_this_database(&report.roles), [] as [&str; 0]);
}

#[tokio::test]
async fn a_report_names_the_other_databases_that_a_role_may_connect_to() {
    let test = TestDb::new().await;
    let report = "select o_what from holdfast.role_check()
        where o_role = 'holdfast_sweeper' and o_what like 'may connect to %'";
    let named = test.text(report).await;
    assert!(named.contains("postgres"), "{named}");
    assert!(!named.contains(test.name()), "{named}");
}

/// Each of the three routines that make a large object.
#[tokio::test]
async fn a_report_names_each_role_that_may_create_large_objects() {
    let test = TestDb::new().await;
    let report = "select count(*) from holdfast.role_check()
        where o_role = 'holdfast_sweeper' and o_what = 'may create large objects'";
    assert_eq!(test.count(report).await, 0);
    for routine in [
        "lo_create(oid)",
        "lo_creat(integer)",
        "lo_from_bytea(oid, bytea)",
    ] {
        test.sql(&format!("grant execute on function {routine} to public"))
            .await;
        assert_eq!(test.count(report).await, 1, "{routine}");
        let mut master = test.session().await;
        migrate::run(&mut master).await.unwrap();
        assert_eq!(test.count(report).await, 0, "{routine}");
    }
}

#[tokio::test]
async fn a_role_that_owns_something_is_counted() {
    let test = TestDb::new().await;
    test.sql("grant execute on function lo_create(oid) to holdfast_sweeper")
        .await;
    let session = test.session_of(SWEEPER).await;
    session.batch_execute("select lo_create(0)").await.unwrap();
    let owned = "owns 1 pg_largeobject here or on the server";
    assert_eq!(changed(&test, SWEEPER).await, [owned]);
    test.sql("select lo_unlink(oid) from pg_largeobject_metadata")
        .await;
    assert_eq!(changed(&test, SWEEPER).await, [] as [&str; 0]);
}

#[tokio::test]
async fn no_role_alone_can_take_every_session_of_the_server() {
    let test = TestDb::new().await;
    let unbounded = "select count(*) from pg_roles
        where rolname like 'holdfast\\_%' and rolname not in ('holdfast_owner', 'holdfast_master')
            and rolconnlimit not between 1 and current_setting('max_connections')::integer * 4 / 5";
    assert_eq!(test.count(unbounded).await, 0);
}

/// A migration waits for the lock of its own table alone.
#[tokio::test]
async fn no_role_can_take_the_lock_of_migrations() {
    let test = TestDb::new().await;
    let mut sessions = Vec::new();
    for role in LOGINS {
        let session = test.session_of(role).await;
        for table in [
            "schema_release",
            "schema_history",
            "schema_build",
            "schema_early_release",
        ] {
            let lock =
                format!("do $$ begin lock table holdfast.{table} in access share mode; end $$");
            assert_eq!(
                code(&session, &lock).await.as_deref(),
                Some("42501"),
                "{role}"
            );
        }
        // every lock that every role may take
        for key in ["1", "1215327332, 2", "5219393440610907252"] {
            let lock = format!("select pg_try_advisory_lock({key})");
            session.batch_execute(&lock).await.unwrap();
        }
        sessions.push(session);
    }
    let mut migrator = test.session_of(MIGRATOR).await;
    let options = migrate::Options {
        migration_wait: std::time::Duration::from_secs(1),
        ..migrate::Options::default()
    };
    let release = migrate::Release::this();
    let run = migrate::run_release(&mut migrator, &release, options).await;
    assert_eq!(run.unwrap().routines, release.routines.len());
}

/// The desk's carts are the dispatcher's own matter.
#[tokio::test]
async fn staff_book_more_than_a_cart_of_the_storefront_may_have() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    test.sql("update holdfast.shops set units_per_line_max = 5, units_per_cart_max = 8")
        .await;
    test.desk(1).booked(&[("A", 60)]).await;
    assert_eq!(test.level("A").await, (39, 0, 3));
}
