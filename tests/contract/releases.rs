//! A migration turns every release's database into this one, and every release's functions still
//! work with it. The tests also record this tree and hold it against that recording, so the first
//! release is protected from its first day.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use holdfast_migrate::{self as migrate, File, Options, Release};
use local::roles;
use serde_json::Value;
use tests::CLUSTER;
use tests::catalogue::{catalogue, differences};
use tests::next_release::{Put as _, next_release, release_after_next};
use tests::released::{
    Released, Routine, Row, database_of, play, releases, routine_of, routines, superuser,
};
use tests::stack::root;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// Empty after every commit.
const WITHOUT_ROWS: [&str; 2] = ["must_roll_back", "promise_breaches"];

async fn strings(client: &Client, query: &str) -> Vec<String> {
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Fails with every fault that was found for a release.
#[track_caller]
fn assert_nothing(released: &Released, wrong: &[String]) {
    let release = &released.release;
    assert!(wrong.is_empty(), "{release}:\n{}", wrong.join("\n"));
}

/// The control: the fault of a broken tree is found.
#[track_caller]
fn assert_found(wrong: &[String], expected: &str) {
    let found = wrong.iter().any(|what| what.contains(expected));
    assert!(found, "{expected:?} is not in {wrong:#?}");
}

/// This tree with one more versioned file.
fn with_version(text: &str) -> Release {
    let mut tree = Release::this();
    tree.version("V9003__change", text);
    tree
}

/// This tree with another text in one routine.
fn with_routine(routine: &str, from: &str, to: &str) -> Release {
    let mut tree = Release::this();
    tree.put(routine, |file| {
        assert!(file.text.contains(from), "{routine} has no {from:?}");
        file.text = file.text.replace(from, to);
    });
    tree
}

/// The recording of this tree.
async fn this() -> &'static Released {
    &releases().await[0]
}

/// The tables with their columns, without those of the migration runner.
async fn tables(client: &Client) -> BTreeMap<String, Vec<String>> {
    let query = "select c.relname::text, array_agg(a.attname::text order by a.attnum)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p')
            and not a.attisdropped and c.relname not like 'schema_%'
        group by 1";
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The recording calls every routine that a function calls; no table is empty, no state is missing.
/// `tools/release/record` has this test write the recording.
#[tokio::test]
async fn a_recording_has_every_call_and_rows_of_every_table_in_every_state() {
    let this = this().await;
    assert!(this.statements.len() >= 60, "{}", this.statements.len());
    let played: BTreeSet<_> = this.calls.iter().map(|it| routine_of(&it.sql)).collect();
    for statement in &this.statements {
        let played = played.contains(&routine_of(&statement.sql));
        let why = "tests/releases/scenario.sql must call it: it is no plain read";
        assert!(played, "{why}: {}", statement.sql);
    }
    let client = superuser(&this.database().await).await;
    for table in tables(&client).await.into_keys() {
        let count = format!("select count(*)::text from holdfast.{table}");
        let empty = strings(&client, &count).await == ["0"];
        assert_eq!(empty, WITHOUT_ROWS.contains(&table.as_str()), "{table}");
    }
    for (table, column, states) in [
        ("checkouts", "status", "expired open ordered paid released"),
        ("holds", "status", "active consumed expired released"),
        (
            "orders",
            "status",
            "awaiting_payment cancelled expired paid refund_due refunded review",
        ),
        ("payments", "status", "dropped failed paid unpaid"),
        (
            "stock_movements",
            "reason",
            "adjusted missing received returned sold",
        ),
        ("imports", "status", "done open rejected tried"),
        (
            "payment_events",
            "outcome",
            "completed completed_late dismissed excess no_effect parked recorded refund_due review",
        ),
        ("refunds", "status", "failed owed pending sending settled"),
        ("refunds", "reason", "excess gateway late requested"),
    ] {
        let query = format!("select distinct {column}::text from holdfast.{table} order by 1");
        assert_eq!(strings(&client, &query).await.join(" "), states, "{table}");
    }
    if std::env::var_os("HOLDFAST_RECORD_RELEASE").is_some() {
        this.write();
    }
}

/// The rows of these columns as text, without columns that are gone.
async fn rows_of(
    client: &Client,
    wanted: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, Vec<String>> {
    let there = tables(client).await;
    let mut found = BTreeMap::new();
    for (table, columns) in wanted {
        let Some(left) = there.get(table) else {
            continue;
        };
        let columns: Vec<_> = columns.iter().filter(|name| left.contains(name)).collect();
        let list: Vec<String> = columns.iter().map(|name| format!("t.{name}")).collect();
        let list = list.join(", ");
        let query = format!("select row({list})::text from holdfast.{table} t order by 1");
        found.insert(format!("{table}: {list}"), strings(client, &query).await);
    }
    found
}

/// The faults of a release's database after `tree` has migrated it.
async fn wrong_after_upgrade(released: &Released, tree: &Release) -> Vec<String> {
    let fresh = superuser(&database_of(tree).await).await;
    let mut client = superuser(&released.database().await).await;
    let columns = tables(&client).await;
    let before = rows_of(&client, &columns).await;
    migrate::run_release(&mut client, tree, Options::default())
        .await
        .unwrap();
    let mut wrong = differences(&catalogue(&client).await, &catalogue(&fresh).await);
    for (table, rows) in rows_of(&client, &columns).await {
        if before.get(&table).is_some_and(|before| *before != rows) {
            wrong.push(format!("rows of {table}"));
        }
    }
    let broken = "select promise || ': ' || violation from holdfast.promises_check(null)";
    wrong.extend(strings(&client, broken).await);
    wrong
}

#[tokio::test]
async fn every_released_database_becomes_the_same_as_an_empty_one_and_keeps_its_rows() {
    for released in releases().await {
        assert_nothing(
            released,
            &wrong_after_upgrade(released, &Release::this()).await,
        );
    }
    let loses = with_version("update holdfast.skus set title = 'a title' where sku = 'VEIL'");
    assert_found(
        &wrong_after_upgrade(this().await, &loses).await,
        "rows of skus",
    );
    let differs = with_version(
        "do $$ begin
            if exists (select from holdfast.skus) then
                alter table holdfast.skus add column colour text;
            end if;
        end $$",
    );
    assert_found(
        &wrong_after_upgrade(this().await, &differs).await,
        "column skus.colour",
    );
}

/// Orders, holds and events that were under way when the release came.
#[tokio::test]
async fn what_was_under_way_before_an_upgrade_is_finished_after_it() {
    for released in releases().await {
        let name = released.database().await;
        let mut client = superuser(&name).await;
        migrate::run(&mut client).await.unwrap();
        let db = tests::pool(&CLUSTER.url(roles::SWEEPER, &name), 2);
        let paid = "call holdfast.payment_record_event('bridal', 'cashfree', 'after:4',
            'bridal-four', 'paid', 450000, 'INR', 'p4', '{}', null, null, null, null)";
        let app = tests::connect(&CLUSTER.url(roles::PAYMENTS, &name)).await;
        assert_eq!(
            app.query_one(paid, &[]).await.unwrap().get::<_, &str>(0),
            "completed"
        );
        let due = "with due as (
                update holdfast.checkouts set expires_at = clock_timestamp() - interval '1 s'
                where ended_at is null returning shop, checkout_id, expires_at)
            update holdfast.holds h set expires_at = d.expires_at from due d
            where h.shop = d.shop and h.checkout_id = d.checkout_id and h.status = 'active'";
        client.batch_execute(due).await.unwrap();
        let time = std::time::Duration::from_secs(20);
        let report = holdfast_sweeper::sweep::run_once(&db, time).await.unwrap();
        assert!(report.violations.is_empty(), "{report:?}");
        let held = "select sum(held)::text from holdfast.stock_levels";
        assert_eq!(strings(&client, held).await, ["0"], "{}", released.release);
    }
}

/// Everything that a release's functions use and that a database of `tree` does not have.
async fn lacks(released: &Released, tree: &Release) -> Vec<String> {
    let client = superuser(&database_of(tree).await).await;
    let there = routines(&client).await;
    let mut lacks = Vec::new();
    for was in &released.routines {
        let same = |now: &&Routine| now.name == was.name && now.arguments == was.arguments;
        let name = format!("routine {}({})", was.name, was.arguments);
        let Some(now) = there.iter().find(same) else {
            lacks.push(name);
            continue;
        };
        if (&now.kind, &now.returns) != (&was.kind, &was.returns) {
            lacks.push(format!("{name}: {} {}", was.kind, was.returns));
        }
        lacks.extend(
            was.columns
                .difference(&now.columns)
                .map(|it| format!("{name}: column {it}")),
        );
        lacks.extend(
            was.roles
                .difference(&now.roles)
                .map(|it| format!("{name}: {it}'s right")),
        );
    }
    for statement in &released.statements {
        let types: Vec<Type> = statement.types.iter().map(|name| type_of(name)).collect();
        if let Err(error) = client.prepare_typed(&statement.sql, &types).await {
            lacks.push(format!("statement {}: {error:?}", statement.sql));
        }
    }
    lacks
}

fn type_of(constant: &str) -> Type {
    let (name, is_array) = match constant.strip_suffix("_ARRAY") {
        Some(name) => (name, true),
        None => (constant, false),
    };
    let (one, many) = match name {
        "BOOL" => (Type::BOOL, Type::BOOL_ARRAY),
        "BYTEA" => (Type::BYTEA, Type::BYTEA_ARRAY),
        "DATE" => (Type::DATE, Type::DATE_ARRAY),
        "INT4" => (Type::INT4, Type::INT4_ARRAY),
        "INT8" => (Type::INT8, Type::INT8_ARRAY),
        "JSONB" => (Type::JSONB, Type::JSONB_ARRAY),
        "TEXT" => (Type::TEXT, Type::TEXT_ARRAY),
        "TIMESTAMPTZ" => (Type::TIMESTAMPTZ, Type::TIMESTAMPTZ_ARRAY),
        "UUID" => (Type::UUID, Type::UUID_ARRAY),
        other => panic!("the type {other} is new here"),
    };
    if is_array { many } else { one }
}

#[tokio::test]
async fn what_a_releases_functions_send_is_still_understood_and_allowed() {
    for released in releases().await {
        assert_nothing(released, &lacks(released, &Release::this()).await);
    }
    let next = lacks(this().await, &next_release()).await;
    assert_nothing(this().await, &next);
}

/// The control of the test above: each way to break a release's functions is seen.
#[tokio::test]
async fn a_dropped_a_changed_and_a_forbidden_routine_are_seen_as_lacking() {
    let mut forbidden = Release::this();
    forbidden
        .rights
        .text
        .push_str("revoke execute on function holdfast.sku_read(text, text) from holdfast_admin;");
    for (tree, lacking) in [
        (
            release_after_next(),
            "routine checkout_release(text, uuid, text)",
        ),
        (
            with_routine("sku_read", "p_sku text", "p_sku text, p_more text"),
            "statement select holdfast.sku_read($1, $2)",
        ),
        (
            with_routine("sweep_expire", "o_expired", "o_swept"),
            "column o_expired integer",
        ),
        (
            with_version("alter type holdfast.checkout_view rename attribute o_status to o_state"),
            "column o_status text",
        ),
        (
            forbidden,
            "routine sku_read(text, text): holdfast_admin's right",
        ),
    ] {
        assert_found(&lacks(this().await, &tree).await, lacking);
    }
}

/// Functions pass on the JSON of these routines unread: a new key does no harm.
const PASSED_ON: [&str; 1] = ["history_search"];

/// Whether `now` has everything of `was`.
fn extends(now: &Value, was: &Value) -> bool {
    match (now, was) {
        (Value::Object(now), Value::Object(was)) => {
            let has =
                |(key, was): (&String, &Value)| now.get(key).is_some_and(|now| extends(now, was));
            was.iter().all(has)
        }
        (Value::Array(now), Value::Array(was)) => {
            now.len() == was.len() && now.iter().zip(was).all(|(now, was)| extends(now, was))
        }
        _ => now == was,
    }
}

/// The calls of a release that this database answers in another way.
async fn answered_otherwise(released: &Released, database: &str) -> Vec<String> {
    let mut otherwise = Vec::new();
    let answers = play(database, &released.calls).await;
    for (call, now) in released.calls.iter().zip(answers) {
        // It names the server's other databases, here those of other tests.
        if routine_of(&call.sql) == Some("role_check") {
            continue;
        }
        let passed_on = routine_of(&call.sql).is_some_and(|name| PASSED_ON.contains(&name));
        let json = |text: &Option<String>| serde_json::from_str(text.as_deref()?).ok();
        let same = |now: &Option<String>, was: &Option<String>| {
            let both = json(now).zip(json(was)).filter(|_| passed_on);
            now == was || both.is_some_and(|(now, was)| extends(&now, &was))
        };
        // Functions read columns by name: a new column does no harm.
        let row = |(now, was): (&Row, &Row)| {
            was.iter()
                .all(|(name, was)| now.get(name).is_some_and(|now| same(now, was)))
        };
        if now.len() != call.rows.len() || !now.iter().zip(&call.rows).all(row) {
            otherwise.push(format!("{}\nwas {:?}\nis  {now:?}", call.sql, call.rows));
        }
    }
    otherwise
}

#[tokio::test]
async fn a_releases_calls_are_answered_as_that_release_answered_them() {
    for released in releases().await {
        let database = database_of(&Release::this()).await;
        assert_nothing(released, &answered_otherwise(released, &database).await);
    }
    let next = database_of(&next_release()).await;
    assert_nothing(this().await, &answered_otherwise(this().await, &next).await);
    // The control: another outcome word.
    let tree = with_routine("checkout_extend", "else 'extended'", "else 'prolonged'");
    let otherwise = answered_otherwise(this().await, &database_of(&tree).await).await;
    assert_found(&otherwise, "prolonged");
}

/// Calls that a release's own routines answer in another way on the tables of `tree`.
async fn answered_otherwise_on_tables_of(released: &Released, tree: Release) -> Vec<String> {
    let name = released.database().await;
    let mut client = superuser(&name).await;
    let all = tables(&client).await.into_keys();
    let all: Vec<_> = all.map(|table| format!("holdfast.{table}")).collect();
    let truncate = format!(
        "set session_replication_role = replica; truncate {}; reset session_replication_role",
        all.join(", ")
    );
    client.batch_execute(&truncate).await.unwrap();
    let only_tables = Release {
        routines: Vec::new(),
        rights: File {
            name: "none".to_owned(),
            text: String::new(),
        },
        ..tree
    };
    let run = migrate::run_release(&mut client, &only_tables, Options::default());
    run.await.unwrap();
    answered_otherwise(released, &name).await
}

/// Old routines meet the new tables until the new routines are written.
#[tokio::test]
async fn a_releases_own_routines_work_on_the_tables_of_this_one() {
    for released in releases().await {
        let wrong = answered_otherwise_on_tables_of(released, Release::this()).await;
        assert_nothing(released, &wrong);
    }
    let wrong = answered_otherwise_on_tables_of(this().await, next_release()).await;
    assert_nothing(this().await, &wrong);
    // The control: a column that old routines don't write, and that must be written.
    let tree = with_version("alter table holdfast.skus add column colour text not null");
    let wrong = answered_otherwise_on_tables_of(this().await, tree).await;
    assert_found(&wrong, "colour");
}

/// Columns and routines of a release that `tree` drops, and that no migration announces by
/// `-- contract: column checkouts.generation`.
async fn gone_without_a_word(released: &Released, tree: &Release) -> Vec<String> {
    let before = names(&superuser(&released.database().await).await).await;
    let now = names(&superuser(&database_of(tree).await).await).await;
    let lines = tree.versions.iter().flat_map(|file| file.text.lines());
    let announced: BTreeSet<&str> = lines
        .filter_map(|line| line.strip_prefix("-- contract: "))
        .collect();
    let gone = before
        .difference(&now)
        .filter(|what| !announced.contains(what.as_str()));
    gone.cloned().collect()
}

#[tokio::test]
async fn nothing_of_a_release_is_taken_away_unless_a_migration_says_so() {
    for released in releases().await {
        assert_nothing(
            released,
            &gone_without_a_word(released, &Release::this()).await,
        );
    }
    // It drops a signature, and says so.
    let announced = gone_without_a_word(this().await, &release_after_next()).await;
    assert_nothing(this().await, &announced);
    let tree = with_version(
        "alter table holdfast.addresses drop column created_at;
        drop function holdfast.refuse() cascade",
    );
    let seen = gone_without_a_word(this().await, &tree).await;
    assert_eq!(seen, ["column addresses.created_at", "routine refuse()"]);
}

/// Every column and routine of a database.
async fn names(client: &Client) -> BTreeSet<String> {
    let query = "select format('column %s.%s', c.relname, a.attname)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p', 'c')
            and not a.attisdropped
        union all
        select format('routine %s(%s)', p.proname, (
            select string_agg(t::regtype::text, ', ' order by place)
            from unnest(p.proargtypes::oid[]) with ordinality a (t, place)))
        from pg_proc p where p.pronamespace = 'holdfast'::regnamespace";
    strings(client, query).await.into_iter().collect()
}

/// The tests have a recording of the release that `callers_from` names.
#[tokio::test]
async fn the_oldest_release_whose_functions_are_served_is_one_that_is_tested() {
    let callers_from = Release::this().callers_from.to_string();
    let recorded: Vec<&String> = releases().await.iter().map(|it| &it.release).collect();
    assert!(
        recorded.contains(&&callers_from),
        "{callers_from}: {recorded:?}"
    );
}

/// `make upgrade-rehearsal` applies this patch; it is too slow for the test suite.
#[test]
fn the_patch_of_the_next_release_fits_the_code() {
    let patch = fs::read_to_string(root().join("tests/fixtures/next_release/caller.patch"));
    let patch = patch.unwrap();
    let (file, hunk) = patch.split_once("\n@@").unwrap();
    let file = file.rsplit_once("+++ b/").unwrap().1;
    let lines: Vec<&str> = hunk.lines().skip(1).collect();
    let old: Vec<&str> = lines
        .iter()
        .filter(|line| !line.starts_with('+'))
        .map(|line| &line[1..])
        .collect();
    let code = fs::read_to_string(root().join(file)).unwrap();
    assert!(
        code.contains(&old.join("\n")),
        "{file} has no such lines:\n{}",
        old.join("\n")
    );
}
