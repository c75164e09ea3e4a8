//! A migration applies each step of a release once, whole or not at all, and blocks no caller.

use holdfast_migrate::{self as migrate, File, MigrateError, MigrateReport, Options, Release};
use tests::catalogue::{catalogue, differences};
use tests::next_release::{Put as _, next_release, release_after_next};
use tests::released::superuser;
use tests::{TestDb, count, empty_database, until};
use tokio_postgres::Client;

/// No differences.
const EMPTY: Vec<String> = Vec::new();

async fn run(client: &mut Client, release: &Release) -> Result<MigrateReport, MigrateError> {
    migrate::run_release(client, release, Options::default()).await
}

fn versions() -> Vec<String> {
    let files = Release::this().versions;
    files.into_iter().map(|file| file.name).collect()
}

#[tokio::test]
async fn from_empty_every_file_is_applied_once_and_a_second_run_changes_nothing() {
    let mut client = superuser(&empty_database().await).await;
    let first = migrate::run(&mut client).await.unwrap();
    assert_eq!(first.applied, versions());
    let routines = Release::this().routines.len();
    assert_eq!(first.routines, routines);
    let before = catalogue(&client).await;
    let second = migrate::run(&mut client).await.unwrap();
    assert_eq!(second.applied, Vec::<String>::new());
    assert_eq!(second.routines, routines);
    assert_eq!(differences(&catalogue(&client).await, &before), EMPTY);
}

#[tokio::test]
async fn two_runs_at_once_do_each_step_once_and_both_succeed() {
    let name = empty_database().await;
    let blocker = superuser(&name).await;
    let (mut a, mut b) = (superuser(&name).await, superuser(&name).await);
    // Both want to make the schema, and nobody knows yet whether it exists.
    let schema = "begin; create schema holdfast";
    blocker.batch_execute(schema).await.unwrap();
    let release = async {
        let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'
            and datname = current_database()";
        until("both wait", async || count(&blocker, waiting).await == 2).await;
        blocker.batch_execute("rollback").await.unwrap();
    };
    let (a, b, ()) = tokio::join!(migrate::run(&mut a), migrate::run(&mut b), release);
    let mut applied = [a.unwrap().applied, b.unwrap().applied].concat();
    applied.sort();
    assert_eq!(applied, versions());
}

#[tokio::test]
async fn an_applied_file_that_has_changed_since_is_refused() {
    let mut client = superuser(&empty_database().await).await;
    migrate::run(&mut client).await.unwrap();
    let before = catalogue(&client).await;
    let change = "update holdfast.schema_history set sha256 = '' where file like 'V0002%'";
    assert_eq!(client.execute(change, &[]).await.unwrap(), 1);
    let error = migrate::run(&mut client).await.unwrap_err();
    let text = operations::cause::causes(&error);
    assert!(text.contains("create_shops_and_skus"), "{text}");
    assert_eq!(differences(&catalogue(&client).await, &before), EMPTY);
}

/// A rollback of the functions runs the older migrate. It must not undo the newer routines, and
/// must not fail either.
#[tokio::test]
async fn an_older_release_leaves_a_newer_schema_and_its_routines_as_they_are() {
    let mut client = superuser(&empty_database().await).await;
    run(&mut client, &Release::this()).await.unwrap();
    run(&mut client, &next_release()).await.unwrap();
    let newer = catalogue(&client).await;
    let report = run(&mut client, &Release::this()).await.unwrap();
    let next = next_release().number.to_string();
    assert_eq!(report.left_to, Some(next.clone()));
    assert_eq!((report.applied.len(), report.routines), (0, 0));
    assert_eq!(differences(&catalogue(&client).await, &newer), EMPTY);
    let report = run(&mut client, &next_release()).await.unwrap();
    assert_eq!(report.left_to, None);
    // An operator asks for the older routines: tables and new routines stay.
    let put_back = Options {
        put_back_routines: true,
        ..Options::default()
    };
    let this = Release::this();
    let report = migrate::run_release(&mut client, &this, put_back).await;
    let report = report.unwrap();
    assert_eq!(report.left_to, Some(next));
    assert_eq!(report.routines, Release::this().routines.len());
    let changed = differences(&catalogue(&client).await, &newer);
    let release = "routine holdfast.checkout_release(text,uuid,text):";
    assert_eq!(changed.len(), 2, "{changed:#?}");
    assert!(
        changed.iter().all(|line| line.starts_with(release)),
        "{changed:#?}"
    );
}

/// The contract step is done: the functions of this release would fail.
#[tokio::test]
async fn a_schema_that_is_two_releases_ahead_is_refused() {
    let mut client = superuser(&empty_database().await).await;
    run(&mut client, &next_release()).await.unwrap();
    run(&mut client, &release_after_next()).await.unwrap();
    let before = catalogue(&client).await;
    let error = run(&mut client, &Release::this()).await.unwrap_err();
    assert!(matches!(error, MigrateError::TooNew { .. }), "{error:?}");
    let text = error.to_string();
    for number in [
        release_after_next().number,
        next_release().number,
        Release::this().number,
    ] {
        assert!(text.contains(&number.to_string()), "{text}");
    }
    assert_eq!(differences(&catalogue(&client).await, &before), EMPTY);
    run(&mut client, &next_release()).await.unwrap();
}

/// The same number and more files: work in progress.
#[tokio::test]
async fn a_file_that_this_release_does_not_have_yet_is_left_as_it_is() {
    let mut client = superuser(&empty_database().await).await;
    let mut more = Release::this();
    more.version("V9003__more", "create table holdfast.more ()");
    run(&mut client, &more).await.unwrap();
    let report = run(&mut client, &Release::this()).await.unwrap();
    assert_eq!(report.left_to.as_deref(), Some("V9003__more"));
    assert_eq!(report.routines, 0);
}

#[tokio::test]
async fn a_file_that_is_missing_before_or_after_others_is_refused_by_its_name() {
    let mut client = superuser(&empty_database().await).await;
    let mut both = Release::this();
    both.version("V9003__early", "create table holdfast.early ()");
    both.version("V9005__late", "create table holdfast.late ()");
    run(&mut client, &both).await.unwrap();
    let before = catalogue(&client).await;
    let mut one = Release::this();
    one.version("V9005__late", "create table holdfast.late ()");
    let error = run(&mut client, &one).await.unwrap_err();
    assert!(error.to_string().contains("V9003__early"), "{error}");
    let mut three = Release::this();
    three.version("V9003__early", "create table holdfast.early ()");
    three.version("V9004__middle", "create table holdfast.middle ()");
    three.version("V9005__late", "create table holdfast.late ()");
    let error = run(&mut client, &three).await.unwrap_err();
    assert!(error.to_string().contains("V9004__middle"), "{error}");
    assert_eq!(differences(&catalogue(&client).await, &before), EMPTY);
}

#[tokio::test]
async fn a_file_that_fails_leaves_nothing_of_itself_and_frees_the_lock() {
    let name = empty_database().await;
    let mut client = superuser(&name).await;
    migrate::run(&mut client).await.unwrap();
    let before = catalogue(&client).await;
    let mut broken = next_release();
    broken.version(
        "V9003__half",
        "create table holdfast.half (); create index on holdfast.half (nothing)",
    );
    let error = run(&mut client, &broken).await.unwrap_err();
    assert!(error.to_string().contains("V9003__half"), "{error}");
    // The file before it is applied, and the routines are the old ones. Both work together.
    let left = differences(&catalogue(&client).await, &before);
    assert_eq!(left.len(), 1, "{left:#?}");
    assert!(
        left[0].starts_with("column checkouts.let_go_because"),
        "{left:#?}"
    );
    let mut another = superuser(&name).await;
    let report = run(&mut another, &next_release()).await.unwrap();
    assert_eq!(report.applied, EMPTY);
    assert_eq!(report.routines, next_release().routines.len());
}

#[tokio::test]
async fn one_failing_routine_leaves_all_routines_as_they_were() {
    let mut client = superuser(&empty_database().await).await;
    migrate::run(&mut client).await.unwrap();
    let before = catalogue(&client).await;
    let mut broken = Release::this();
    broken.put("cart_check", |file| {
        file.text.push_str("\n-- another text of it")
    });
    broken.put("stock_availability", |file| {
        file.text = file
            .text
            .replace("o_price_minor bigint", "o_price_minor integer");
    });
    let error = run(&mut client, &broken).await.unwrap_err();
    assert!(error.to_string().contains("stock_availability"), "{error}");
    assert_eq!(differences(&catalogue(&client).await, &before), EMPTY);
}

/// A pooler in transaction mode needs this: each transaction may have another session.
#[tokio::test]
async fn a_run_leaves_nothing_in_its_session() {
    let mut client = superuser(&empty_database().await).await;
    run(&mut client, &next_release()).await.unwrap();
    let settings = "select name from pg_settings where source = 'session'";
    let set: Vec<String> = client
        .query(settings, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(set, EMPTY);
    let locks = "select count(*) from pg_locks where pid = pg_backend_pid()
        and locktype = 'advisory'";
    let kept: i64 = client.query_one(locks, &[]).await.unwrap().get(0);
    assert_eq!(kept, 0);
    let prepared = "select count(*) from pg_prepared_statements where statement not like $1";
    let row = client.query_one(prepared, &[&"%pg_%"]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
}

/// `alter table` waits for a reader of the table, and every later caller waits behind it: for a
/// second at most.
#[tokio::test]
async fn a_migration_that_waits_for_a_lock_lets_callers_pass_and_tries_again() {
    let test = TestDb::new().await;
    let reader = test.block("select from holdfast.checkouts").await;
    let mut client = test.session().await;
    let next = next_release();
    let migration = run(&mut client, &next);
    let callers = async {
        test.until_waiting(1).await;
        test.sku("A", 1).await;
        test.held(&[("A", 1)]).await;
        let query = "select count(*) from holdfast.schema_history where file like 'V9001%'";
        assert_eq!(test.count(query).await, 0);
        // The migration tries again.
        test.until_waiting(1).await;
        reader.let_go().await;
    };
    let (report, ()) = tokio::join!(migration, callers);
    assert_eq!(report.unwrap().applied, ["V9001__remember_why_let_go"]);
}

/// A person who must end a session has to know which one.
#[tokio::test]
async fn a_migration_that_waits_in_vain_names_the_sessions_in_its_way() {
    let test = TestDb::new().await;
    let holder = test.session().await;
    let named = "set application_name = 'nightly report'";
    holder.batch_execute(named).await.unwrap();
    let pid: i32 = holder
        .query_one("select pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    let mut client = test.session().await;
    let options = Options {
        migration_wait: std::time::Duration::from_millis(50),
        ..Options::default()
    };
    let lock = "begin; lock table holdfast.schema_release in row exclusive mode";
    holder.batch_execute(lock).await.unwrap();
    let error = migrate::run_release(&mut client, &Release::this(), options).await;
    let error = error.unwrap_err();
    assert!(matches!(error, MigrateError::Busy { .. }), "{error:?}");
    let text = error.to_string();
    for part in [
        "waiting for the lock on migrations",
        &format!("pid {pid} of postgres"),
        "'nightly report'",
        "idle in transaction",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    holder.batch_execute("rollback").await.unwrap();
    let report = migrate::run_release(&mut client, &Release::this(), options).await;
    assert_eq!(report.unwrap().applied, EMPTY);
}

/// A release with an index that is built outside a transaction, over a table with some rows.
fn with_an_index() -> Release {
    let mut release = Release::this();
    release.version(
        "V9003__items",
        "create table holdfast.items as select n from generate_series(1, 1000) n",
    );
    release.version(
        "V9004__index_items",
        "-- migrate: outside a transaction\n\
         create index concurrently if not exists items_idx on holdfast.items (n)",
    );
    release
}

#[tokio::test]
async fn an_index_is_built_beside_writers_and_what_an_interrupted_build_left_is_built_again() {
    let name = empty_database().await;
    let mut client = superuser(&name).await;
    let release = with_an_index();
    let mut before = release.clone();
    before.versions.pop();
    run(&mut client, &before).await.unwrap();
    // The build waits for an open transaction of a writer, and is killed there.
    let writer = superuser(&name).await;
    let write = "begin; insert into holdfast.items values (0)";
    writer.batch_execute(write).await.unwrap();
    let mut killed = superuser(&name).await;
    let pid: i32 = killed
        .query_one("select pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    let build = run(&mut killed, &release);
    let kill = async {
        let invalid = "select count(*) from pg_index where not indisvalid";
        until("the index is begun", async || {
            count(&writer, invalid).await == 1
        })
        .await;
        let kill = "select pg_terminate_backend($1)";
        writer.query_one(kill, &[&pid]).await.unwrap();
    };
    let (failed, ()) = tokio::join!(build, kill);
    assert!(failed.is_err());
    writer.batch_execute("commit").await.unwrap();
    let report = run(&mut client, &release).await.unwrap();
    assert_eq!(report.applied, ["V9004__index_items"]);
    let lines = catalogue(&client).await;
    let index = lines.iter().find(|line| line.contains("items_idx"));
    assert!(
        index.is_some_and(|line| line.ends_with("valid t")),
        "{index:?}"
    );
}

#[tokio::test]
async fn two_runs_that_build_the_same_index_at_once_both_succeed() {
    let name = empty_database().await;
    let (mut a, mut b) = (superuser(&name).await, superuser(&name).await);
    let release = with_an_index();
    let mut before = release.clone();
    before.versions.pop();
    run(&mut a, &before).await.unwrap();
    let writer = superuser(&name).await;
    let write = "begin; insert into holdfast.items values (0)";
    writer.batch_execute(write).await.unwrap();
    let commit = async {
        let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'
            and datname = current_database()";
        until("a build waits", async || count(&writer, waiting).await >= 1).await;
        writer.batch_execute("commit").await.unwrap();
    };
    let (a, b, ()) = tokio::join!(run(&mut a, &release), run(&mut b, &release), commit);
    let mut applied = [a.unwrap().applied, b.unwrap().applied].concat();
    applied.dedup();
    assert_eq!(applied, ["V9004__index_items"]);
    let invalid = "select count(*) from pg_index where not indisvalid";
    assert_eq!(count(&writer, invalid).await, 0);
}

/// The file name of an old signature says which release drops it.
#[test]
fn no_routine_is_kept_for_longer_than_it_says() {
    let is_late = |file: &File| {
        let until = file
            .name
            .split_once(".until_")
            .map(|(_, until)| until.to_owned());
        until.is_some_and(|until| {
            let number = format!("{}.0", until.replace('_', "."));
            number
                .parse()
                .is_ok_and(|number| Release::this().number >= number)
        })
    };
    let late: Vec<_> = Release::this()
        .routines
        .into_iter()
        .filter(is_late)
        .collect();
    assert!(late.is_empty(), "{late:#?}");
    let kept = next_release().routines.pop().unwrap();
    assert!(!is_late(&kept));
    let name = "checkout_release.until_0_1".to_owned();
    assert!(is_late(&File { name, ..kept }));
}
