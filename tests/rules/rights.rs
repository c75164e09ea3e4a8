//! Rights in the database: docs/rights.md and migrations/rights/rights.sql, compared with what
//! PostgreSQL grants.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_migrate::{self as migrate, File, Options, Release};
use local::roles;
use operations::order::{self, Create, ShipTo};
use operations::payment::EventKind;
use tests::orders::address;
use tests::rights::{Rights, documented, granted, table};
use tests::{TestDb, event, order_request};

/// Routines with the caller's search_path: a routine that commits can't fix it, and the others name
/// nothing without its schema and are faster. All of them run with the caller's rights.
const UNFIXED: [&str; 13] = [
    "checkout_begin",
    "checkout_begin_many",
    "early_release_chosen",
    "early_release_persist",
    "early_release_way",
    "import_refusal",
    "order_amend",
    "order_book",
    "order_create",
    "payment_accept",
    "payment_record_event",
    "payment_record_events",
    "stock_shrink",
];

fn right(routine: &str, role: &str) -> (String, String) {
    (routine.to_owned(), role.to_owned())
}

#[tokio::test]
async fn the_documented_table_of_rights_is_what_the_database_grants() {
    let test = TestDb::new().await;
    let documented = documented();
    assert!(documented.len() >= 70, "{}", documented.len());
    assert_eq!(granted(&test.owner).await, documented);

    // The control: one right too many, one for everybody, one missing.
    test.sql(
        "grant execute on function holdfast.stock_move to holdfast_checkout;
        create function holdfast.fresh() returns integer language sql as 'select 1';
        revoke execute on function holdfast.sku_read from holdfast_admin",
    )
    .await;
    let differences: Rights = granted(&test.owner)
        .await
        .symmetric_difference(&documented)
        .cloned()
        .collect();
    let expected = [
        right("fresh", "everybody"),
        right("sku_read", roles::ADMIN),
        right("stock_move", roles::CHECKOUT),
    ];
    assert_eq!(differences, expected.into());
}

#[tokio::test]
async fn only_the_owner_may_call_a_new_routine() {
    let test = TestDb::new().await;
    test.sql(
        "set role holdfast_owner;
        create function holdfast.fresh() returns integer language sql as 'select 1';
        create procedure holdfast.freshly() language sql as 'select 1';
        reset role",
    )
    .await;
    assert_eq!(granted(&test.owner).await, documented());
}

#[tokio::test]
async fn a_migration_takes_back_what_was_granted_by_hand() {
    let test = TestDb::new().await;
    test.sql(
        "grant execute on function holdfast.stock_move to holdfast_checkout, public;
        grant execute on all routines in schema holdfast to holdfast_readonly;
        revoke execute on function holdfast.sku_read from holdfast_admin",
    )
    .await;
    let mut migrator = test.session_of(roles::MIGRATOR).await;
    migrate::run(&mut migrator).await.unwrap();
    assert_eq!(granted(&test.owner).await, documented());
}

/// The newer release's functions may still run when its routines are replaced by older ones.
#[tokio::test]
async fn older_routines_leave_the_newer_releases_rights() {
    let test = TestDb::new().await;
    let mut migrator = test.session_of(roles::MIGRATOR).await;
    let mut next = Release::this();
    next.number.minor += 1;
    next.routines.push(File {
        name: "fresh".to_owned(),
        text: "create or replace function holdfast.fresh() returns integer
            language sql security definer set search_path = holdfast, pg_temp as 'select 1'"
            .to_owned(),
    });
    let first = "            ('coupon_list', ";
    assert!(next.rights.text.contains(first));
    let with_fresh = format!("            ('fresh', 'admin'),\n{first}");
    next.rights.text = next.rights.text.replace(first, &with_fresh);
    let run = migrate::run_release(&mut migrator, &next, Options::default());
    run.await.unwrap();
    let mut expected = documented();
    expected.insert(right("fresh", roles::ADMIN));
    assert_eq!(granted(&test.owner).await, expected);
    let put_back = Options {
        put_back_routines: true,
        ..Options::default()
    };
    let this = Release::this();
    let report = migrate::run_release(&mut migrator, &this, put_back).await;
    assert_eq!(report.unwrap().routines, this.routines.len());
    assert_eq!(granted(&test.owner).await, expected);
}

/// During a release, a routine may have its old signature beside the new one.
#[tokio::test]
async fn every_signature_of_a_routine_has_its_rights() {
    let test = TestDb::new().await;
    test.sql(
        "set role holdfast_owner;
        create function holdfast.sku_read(p_shop text) returns jsonb
            language sql set search_path = holdfast, pg_temp as 'select null::jsonb';
        reset role",
    )
    .await;
    let mut migrator = test.session_of(roles::MIGRATOR).await;
    migrate::run(&mut migrator).await.unwrap();
    let admin = test.admin_session().await;
    for call in ["sku_read('main')", "sku_read('main', 'A')"] {
        let call = format!("select holdfast.{call}");
        admin.batch_execute(&call).await.unwrap();
    }
}

#[tokio::test]
async fn a_routine_with_the_owners_rights_has_a_fixed_search_path() {
    let test = TestDb::new().await;
    let query = "select p.proname, p.prosecdef, coalesce(array_to_string(p.proconfig, ';'), '')
        from pg_proc p where p.pronamespace = 'holdfast'::regnamespace";
    let (mut fixed, mut unfixed) = (0, BTreeSet::new());
    for row in test.owner.query(query, &[]).await.unwrap() {
        let (name, definer, config): (String, bool, String) = (row.get(0), row.get(1), row.get(2));
        if config.is_empty() {
            assert!(!definer, "{name}");
            unfixed.insert(name);
            continue;
        }
        fixed += 1;
        // a planner's setting opens nothing
        let plain = [";plan_cache_mode=auto", ";enable_sort=off"]
            .iter()
            .find_map(|setting| config.strip_suffix(setting));
        let search_path = plain.unwrap_or(&config);
        assert_eq!(search_path, "search_path=holdfast, pg_temp", "{name}");
    }
    assert!(fixed >= 70, "{fixed}");
    assert_eq!(unfixed, UNFIXED.map(str::to_owned).into());
}

/// The table of roles: which roles can log in, their session settings, and the attributes that no
/// role has.
#[tokio::test]
async fn each_role_has_its_timeouts() {
    let test = TestDb::new().await;
    let rows = table("role");
    let settings = &rows[0][2..];
    assert_eq!(settings.len(), 3, "{settings:?}");
    let mut named = BTreeMap::new();
    for row in &rows[1..] {
        named.insert(row[0].clone(), row[2] != "no login");
        if row[2] == "no login" {
            continue;
        }
        let session = test.session_of(&row[0]).await;
        for (setting, expected) in settings.iter().zip(&row[2..]) {
            let query = "select current_setting($1)";
            let value: String = session.query_one(query, &[setting]).await.unwrap().get(0);
            assert_eq!(&value, expected, "{setting} of {}", row[0]);
            assert_ne!(value, "0", "{setting} of {}", row[0]);
        }
    }
    let query = "select rolname::text, rolcanlogin, rolsuper or rolcreaterole or rolcreatedb
            or rolreplication or rolbypassrls
        from pg_roles where rolname like 'holdfast\\_%'";
    let mut there = BTreeMap::new();
    for row in test.owner.query(query, &[]).await.unwrap() {
        let (role, login, more): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
        assert!(!more, "{role} is more than a plain role");
        there.insert(role, login);
    }
    assert_eq!(named, there);
}

/// A function's session looks rows up by an index, whatever the tables held when the session began.
/// It compiles no statement: that took longer than the check of the promises itself.
#[tokio::test]
async fn no_function_plans_to_read_a_whole_table_or_compiles_a_statement() {
    let test = TestDb::new().await;
    for role in [
        roles::CHECKOUT,
        roles::PAYMENTS,
        roles::SWEEPER,
        roles::ADMIN,
        roles::CONSOLE,
    ] {
        let session = test.session_of(role).await;
        for setting in ["enable_seqscan", "jit"] {
            let shown = session.query_one(&format!("show {setting}"), &[]).await;
            assert_eq!(
                shown.unwrap().get::<_, String>(0),
                "off",
                "{role}: {setting}"
            );
        }
    }
}

/// All columns of all views, as text.
async fn shown(test: &TestDb, schema: &str) -> String {
    let query = "select format('%I.%I', n.nspname, c.relname) from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relkind in ('r', 'p', 'v')";
    let mut text = String::new();
    let relations = test.owner.query(query, &[&schema]).await.unwrap();
    assert!(relations.len() >= 15, "{}", relations.len());
    let reader = if schema == "holdfast_read" {
        test.session_of(roles::READONLY).await
    } else {
        test.session().await
    };
    for relation in relations {
        let relation: String = relation.get(0);
        let all = format!("select coalesce(string_agg(r::text, E'\\n'), '') from {relation} r");
        let rows: String = reader.query_one(&all, &[]).await.unwrap().get(0);
        text.push_str(&rows);
    }
    text
}

/// A checkout's id is a capability: its holder may read the order's address by the API.
#[tokio::test]
async fn the_views_show_no_personal_data_and_no_capability() {
    let test = TestDb::new().await;
    for sku in ["A", "B"] {
        test.sku(sku, 9).await;
    }
    let id = test.held(&[("A", 1)]).await;
    let request = Create {
        ship_to: ShipTo::Given {
            address: address("Asha-Secret"),
            save: true,
        },
        ..order_request(id)
    };
    let (order::Created::New(order) | order::Created::Same(order)) =
        order::create(&test.db, &request).await.unwrap();
    let paid = operations::payment::Event {
        payload: "Payload-Secret".to_owned(),
        ..event(&order, EventKind::Paid, "pay-1")
    };
    test.record(&paid).await.unwrap();
    let broken = test.held(&[("B", 9)]).await;
    test.sql(
        "call holdfast.stock_shrink('main', 'B', 3, null, 'Clerk-Secret', null, 'Note-Secret',
            gen_random_uuid(), false)",
    )
    .await;
    test.corrupt("update holdfast.checkouts set customer = 'Customer-Secret'")
        .await;
    test.corrupt("update holdfast.orders set customer = 'Customer-Secret'")
        .await;
    let secrets = [
        "Asha-Secret",
        "Payload-Secret",
        "Clerk-Secret",
        "Note-Secret",
        "Customer-Secret",
        &id.to_string(),
        &broken.to_string(),
    ];
    let (views, tables) = (
        shown(&test, "holdfast_read").await,
        shown(&test, "holdfast").await,
    );
    for secret in secrets {
        // the control: the tables contain it
        assert!(tables.contains(secret), "{secret}");
        assert!(!views.contains(secret), "{secret}");
    }
    // The fingerprint finds rows that belong together.
    let reader = test.session_of(roles::READONLY).await;
    let query = "select o.status, p.status::text, h.sku, b.topic from checkouts c
        join orders o using (shop, checkout)
        join payments p using (shop, order_id)
        join holds h on h.shop = c.shop and h.checkout = c.checkout
        join outbox_messages b on b.shop = c.shop and b.subject = o.order_id::text
        where c.checkout = left(md5($1), 16)";
    let row = reader.query_one(query, &[&id.to_string()]).await.unwrap();
    let columns: Vec<String> = (0..4).map(|column| row.get(column)).collect();
    assert_eq!(columns, ["paid", "paid", "A", "order.paid"]);
    let query = "select count(*) from checkouts c join outbox_messages b
        on b.shop = c.shop and b.subject = c.checkout || ':1' and b.topic = 'checkout.broken'
        where c.checkout = left(md5($1), 16)";
    let found = reader
        .query_one(query, &[&broken.to_string()])
        .await
        .unwrap();
    assert_eq!(found.get::<_, i64>(0), 1);
}
