//! Every release's database becomes this one, and every release's functions go on working with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use holdfast_migrate::{self as migrate, File, Options, Release};
use local::roles;
use serde_json::Value;
use tests::catalogue::{catalogue, differences};
use tests::released::{Call, Released, releases, superuser};
use tests::stack::root;
use tests::{CLUSTER, TestDb, connect, empty_database};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, SimpleQueryMessage};

/// What nothing can be made to show: `refused_work` is always empty.
const WITHOUT_ROWS: [&str; 1] = ["refused_work"];

async fn strings(client: &Client, query: &str) -> Vec<String> {
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The tables with their columns, but for those of the runner.
async fn tables(client: &Client) -> BTreeMap<String, Vec<String>> {
    let query = "select c.relname::text, array_agg(a.attname::text order by a.attnum)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p')
            and not a.attisdropped and c.relname not like 'schema_%'
        group by 1";
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The rows of these columns, as text; of columns that are gone, nothing.
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

#[tokio::test]
async fn every_released_database_becomes_the_same_as_an_empty_one_and_keeps_its_rows() {
    let mut fresh = superuser(&empty_database().await).await;
    migrate::run(&mut fresh).await.unwrap();
    let expected = catalogue(&fresh).await;
    for released in releases() {
        let mut client = superuser(&released.database().await).await;
        let columns = tables(&client).await;
        let before = rows_of(&client, &columns).await;
        migrate::run(&mut client).await.unwrap();
        let what = differences(&catalogue(&client).await, &expected);
        assert!(what.is_empty(), "{}: {what:#?}", released.release);
        let after = rows_of(&client, &columns).await;
        for (table, rows) in &after {
            let same = before.get(table).is_none_or(|before| before == rows);
            assert!(same, "{}: rows of {table}", released.release);
        }
        let broken = "select promise || ': ' || violation from holdfast.promises_check(null)";
        assert_eq!(
            strings(&client, broken).await,
            [""; 0],
            "{}",
            released.release
        );
    }
}

/// What the upgrade is tested with is worth it: no table is empty, no state is missing.
#[tokio::test]
async fn a_releases_fixture_has_rows_of_every_table_in_every_state() {
    for released in releases() {
        let client = superuser(&released.database().await).await;
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
                "awaiting_payment cancelled expired paid refund_due review",
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
                "completed completed_late dismissed excess no_effect parked recorded refund_due \
                 review",
            ),
        ] {
            let query = format!("select distinct {column}::text from holdfast.{table} order by 1");
            assert_eq!(strings(&client, &query).await.join(" "), states, "{table}");
        }
    }
}

/// Orders, holds and events that were under way when the release came.
#[tokio::test]
async fn what_was_under_way_before_an_upgrade_is_finished_after_it() {
    for released in releases() {
        let name = released.database().await;
        let mut client = superuser(&name).await;
        migrate::run(&mut client).await.unwrap();
        let db = tests::pool(&CLUSTER.url(roles::SWEEPER, &name), 2);
        let paid = "call holdfast.payment_record_event('bridal', 'cashfree', 'after:4',
            'bridal-four', 'paid', 450000, 'INR', 'p4', '{}')";
        let app = connect(&CLUSTER.url(roles::PAYMENTS, &name)).await;
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

/// What this database lacks of what a release's functions use; nothing, if they can go on.
async fn lacks(client: &Client, released: &Released) -> BTreeSet<String> {
    let mut lacks = BTreeSet::new();
    let query = "select p.proname || '(' || coalesce((
                select string_agg(t::regtype::text, ', ' order by place)
                from unnest(p.proargtypes::oid[]) with ordinality a (t, place)), '') || ')',
            p.prokind::text, p.prorettype::regtype::text, p.proretset,
            array(select a.name || ' ' || a.type::regtype
                from unnest(p.proargnames, p.proargmodes, p.proallargtypes) a (name, mode, type)
                where a.mode in ('o', 'b', 't')),
            array(select r.rolname::text from pg_roles r
                where has_function_privilege(r.oid, p.oid, 'execute'))
        from pg_proc p where p.pronamespace = 'holdfast'::regnamespace";
    let mut there = BTreeMap::new();
    for row in client.query(query, &[]).await.unwrap() {
        let kind: (String, String, bool) = (row.get(1), row.get(2), row.get(3));
        let (columns, roles): (Vec<String>, Vec<String>) = (row.get(4), row.get(5));
        there.insert(row.get::<_, String>(0), (kind, columns, roles));
    }
    for routine in &released.routines {
        let name = format!("{}({})", routine.name, routine.arguments);
        let Some((kind, columns, roles)) = there.get(&name) else {
            lacks.insert(format!("routine {name}"));
            continue;
        };
        let was = (routine.kind.clone(), routine.returns.clone(), routine.set);
        if *kind != was {
            lacks.insert(format!("routine {name}: {was:?}"));
        }
        for (column, of_type) in &routine.columns {
            if !columns.contains(&format!("{column} {of_type}")) {
                lacks.insert(format!("routine {name}: column {column} {of_type}"));
            }
        }
        for role in routine.roles.iter().filter(|role| !roles.contains(role)) {
            lacks.insert(format!("routine {name}: {role}'s right"));
        }
    }
    for statement in &released.statements {
        let types: Vec<Type> = statement.types.iter().map(|name| type_of(name)).collect();
        if let Err(error) = client.prepare_typed(&statement.sql, &types).await {
            lacks.insert(format!("statement {}: {error:?}", statement.sql));
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
    let test = TestDb::new().await;
    for released in releases() {
        assert!(
            released.statements.len() >= 40,
            "{}",
            released.statements.len()
        );
        let lacks = lacks(&test.owner, &released).await;
        assert!(
            lacks.is_empty(),
            "functions of {}: {lacks:#?}",
            released.release
        );
    }
}

/// The control of the test above: each way to break an older function is seen.
#[tokio::test]
async fn a_dropped_a_changed_and_a_forbidden_routine_are_seen_as_lacking() {
    let test = TestDb::new().await;
    let released = releases().remove(0);
    for (change, lacking) in [
        (
            "drop function holdfast.order_read(text, uuid, text)",
            "routine order_read(",
        ),
        (
            "alter function holdfast.stock_read(text, text) rename to stock_look",
            "statement select holdfast.stock_read($1, $2)",
        ),
        (
            "drop function holdfast.sweep_expire(text, integer, uuid[]);
             create function holdfast.sweep_expire(p_shop text, p_batch_max integer, p_skip uuid[],
                out o_swept integer, out o_failed uuid[]) language sql as 'select 1, null::uuid[]'",
            "column o_expired integer",
        ),
        (
            "revoke execute on function holdfast.sku_read(text, text) from holdfast_admin",
            "routine sku_read(text, text): holdfast_admin's right",
        ),
    ] {
        test.owner.batch_execute(change).await.unwrap();
        let lacks = lacks(&test.owner, &released).await;
        assert!(
            lacks.iter().any(|what| what.contains(lacking)),
            "{lacking}: {lacks:#?}"
        );
    }
}

/// Times, and ids that are not the scenario's, as tools/release/record writes them.
fn scrubbed(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = time_length(rest) {
            clean.push_str("<time>");
            rest = &rest[length..];
        } else if rest.len() >= 36
            && rest.is_char_boundary(36)
            && uuid::Uuid::try_parse(&rest[..36]).is_ok()
            && !rest.starts_with("00000000-")
        {
            clean.push_str("<uuid>");
            rest = &rest[36..];
        } else {
            clean.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    clean
}

/// How long the time is that the text begins with.
fn time_length(text: &str) -> Option<usize> {
    let shape = "dddd-dd-ddsdd:dd:dd";
    let fits = |(byte, shape): (u8, u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        b's' => byte == b'T' || byte == b' ',
        _ => byte == shape,
    };
    if text.len() < shape.len() || !text.bytes().zip(shape.bytes()).all(fits) {
        return None;
    }
    let more = |byte: &u8| byte.is_ascii_digit() || b".+:Z".contains(byte);
    Some(
        shape.len()
            + text.as_bytes()[shape.len()..]
                .iter()
                .take_while(|b| more(b))
                .count(),
    )
}

type Answer = Vec<BTreeMap<String, Option<String>>>;

async fn answer(session: &Client, sql: &str) -> Answer {
    let messages = session.simple_query(sql).await;
    let messages = messages.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let mut rows = Vec::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            let value = |place: usize| row.get(place).map(scrubbed);
            let columns = row.columns().iter().enumerate();
            rows.push(
                columns
                    .map(|(n, c)| (c.name().to_owned(), value(n)))
                    .collect(),
            );
        }
    }
    rows
}

/// Routines whose JSON the functions of every release pass on as it is: a key more is one that its
/// readers, who are people, see more.
const PASSED_ON: [&str; 1] = ["holdfast.history_search("];

/// The JSON of now with the keys of then.
fn without_new(now: Option<String>, was: Option<&str>) -> Option<String> {
    fn prune(now: &mut Value, was: &Value) {
        match (now, was) {
            (Value::Object(now), Value::Object(was)) => {
                now.retain(|key, _| was.contains_key(key));
                for (key, value) in now {
                    prune(value, &was[key]);
                }
            }
            (Value::Array(now), Value::Array(was)) => {
                for (now, was) in now.iter_mut().zip(was) {
                    prune(now, was);
                }
            }
            _ => {}
        }
    }
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    let (Some(mut json), Some(then)) = (now.as_deref().and_then(parsed), was.and_then(parsed))
    else {
        return now;
    };
    prune(&mut json, &then);
    if json == then {
        was.map(str::to_owned)
    } else {
        Some(json.to_string())
    }
}

/// Plays a release's calls on a database without its shops; what is answered otherwise.
async fn play(database: &str, calls: &[Call]) -> Vec<String> {
    let mut sessions = BTreeMap::new();
    let mut otherwise = Vec::new();
    for call in calls {
        let role = call.role.as_str();
        if !sessions.contains_key(role) {
            let user = if role == "owner" { "postgres" } else { role };
            sessions.insert(role, connect(&CLUSTER.url(user, database)).await);
        }
        let mut now = answer(&sessions[role], &call.sql).await;
        // More columns are nobody's trouble: functions read them by name.
        for (row, was) in now.iter_mut().zip(&call.rows) {
            row.retain(|name, _| was.contains_key(name));
            if PASSED_ON.iter().any(|routine| call.sql.contains(routine)) {
                for (name, value) in row.iter_mut() {
                    *value = without_new(value.take(), was[name].as_deref());
                }
            }
        }
        if now != call.rows {
            otherwise.push(format!("{}\nwas {:?}\nis  {now:?}", call.sql, call.rows));
        }
    }
    otherwise
}

#[tokio::test]
async fn a_releases_calls_are_answered_as_that_release_answered_them() {
    for released in releases() {
        let test = TestDb::new().await;
        let calls = released.calls();
        let called: BTreeSet<&str> = released.statements.iter().map(|s| s.routine()).collect();
        for routine in called {
            let call = format!("holdfast.{routine}(");
            assert!(
                calls.iter().any(|c| c.sql.contains(&call)),
                "{routine} is not played"
            );
        }
        let otherwise = play(test.name(), &calls).await;
        assert!(
            otherwise.is_empty(),
            "{}: {}",
            released.release,
            otherwise.join("\n\n")
        );
    }
}

/// The control of the test above.
#[tokio::test]
async fn an_answer_that_has_changed_is_noticed() {
    let test = TestDb::new().await;
    test.change_routine(
        "checkout_extend",
        &[("else 'extended'", "else 'prolonged'")],
    )
    .await;
    let otherwise = play(test.name(), &releases().remove(0).calls()).await;
    assert!(
        otherwise.iter().any(|what| what.contains("prolonged")),
        "{otherwise:#?}"
    );
}

/// Between the versioned files and the routines, and for good if these fail.
#[tokio::test]
async fn a_releases_own_routines_work_on_the_tables_of_this_one() {
    for released in releases() {
        let name = released.database().await;
        let mut client = superuser(&name).await;
        let emptied: Vec<String> = tables(&client).await.into_keys().collect();
        let tables = emptied.iter().map(|table| format!("holdfast.{table}"));
        let truncate = format!(
            "set session_replication_role = replica; truncate {}; reset session_replication_role",
            tables.collect::<Vec<_>>().join(", ")
        );
        client.batch_execute(&truncate).await.unwrap();
        let only_tables = Release {
            routines: Vec::new(),
            rights: File {
                name: "none".to_owned(),
                text: String::new(),
            },
            ..Release::this()
        };
        let run = migrate::run_release(&mut client, &only_tables, Options::default());
        run.await.unwrap();
        let otherwise = play(&name, &released.calls()).await;
        assert!(
            otherwise.is_empty(),
            "{}: {}",
            released.release,
            otherwise.join("\n\n")
        );
    }
}

/// Everything that a released database has and this one has not is the contract step of some
/// migration, which says so: `-- contract: column checkouts.take`.
#[tokio::test]
async fn nothing_of_a_release_is_taken_away_unless_a_migration_says_so() {
    let test = TestDb::new().await;
    let mut announced = BTreeSet::new();
    for file in Release::this().versions {
        for line in file.text.lines() {
            announced.extend(line.strip_prefix("-- contract: ").map(str::to_owned));
        }
    }
    for released in releases() {
        let client = superuser(&released.database().await).await;
        let gone = |before: &BTreeSet<String>, now: &BTreeSet<String>| {
            let gone: Vec<String> = before.difference(now).cloned().collect();
            gone.into_iter()
                .filter(|what| !announced.contains(what))
                .collect::<Vec<_>>()
        };
        let before = names(&client).await;
        let unannounced = gone(&before, &names(&test.owner).await);
        assert!(
            unannounced.is_empty(),
            "{}: {unannounced:#?}",
            released.release
        );
        // The control: a column and a routine that go without a word.
        let take = "alter table holdfast.skus rename column title to name;
            drop function holdfast.order_read(text, uuid, text)";
        client.batch_execute(take).await.unwrap();
        let seen = gone(&before, &names(&client).await);
        assert_eq!(
            seen,
            ["column skus.title", "routine order_read(text, uuid, text)"]
        );
    }
}

/// What functions and routines of a release can name.
async fn names(client: &Client) -> BTreeSet<String> {
    let query = "select format('column %s.%s', c.relname, a.attname)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p')
            and not a.attisdropped
        union all
        select format('routine %s(%s)', p.proname, (
            select string_agg(t::regtype::text, ', ' order by place)
            from unnest(p.proargtypes::oid[]) with ordinality a (t, place)))
        from pg_proc p where p.pronamespace = 'holdfast'::regnamespace";
    strings(client, query).await.into_iter().collect()
}

/// What `callers_from` promises is tested: that release has its folder.
#[test]
fn the_oldest_release_whose_functions_are_served_is_one_that_is_tested() {
    let release = Release::this();
    assert!(release.callers_from <= release.number);
    let folder = root().join(format!("tests/releases/{}", release.callers_from));
    assert!(fs::metadata(folder).is_ok_and(|folder| folder.is_dir()));
}

/// What `make upgrade-rehearsal` changes in the functions; it is too slow to run with the tests.
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
