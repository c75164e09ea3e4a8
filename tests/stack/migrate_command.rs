//! `holdfast migrate`: a plain PostgreSQL, without a Lambda host.

use std::process::Output;

use local::postgres::SUPERUSER;
use local::{Cluster, ClusterOptions};
use tests::stack::holdfast;

/// The exit code, the standard output and the standard error.
fn migrate(variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    migrate_with(&[], variables)
}

fn migrate_with(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = holdfast("migrate");
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_plain_postgresql_is_migrated_by_its_url_alone() {
    let cluster = Cluster::start(ClusterOptions::default()).unwrap();
    let url = cluster.url(SUPERUSER, "postgres");
    let (code, told, error) = migrate(&[("DATABASE_URL", &url)]);
    assert_eq!(code, Some(0), "{error}");
    assert!(told.starts_with("applied V0001__"), "{told}");
    let (code, told, error) = migrate(&[("DATABASE_URL", &url)]);
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("\n0 migrations applied, "), "{told}");
    // what a person must take away, once a server
    let revoke = "revoke connect on database template1 from public";
    cluster.execute("postgres", revoke).unwrap();
    let (code, told, error) = migrate(&[("DATABASE_URL", &url)]);
    assert_eq!(code, Some(0), "{error}");
    assert!(told.starts_with("early lock release: "), "{told}");
    for (wish, told_way) in [
        ("row-lock", "row-lock, because this deployment chose it"),
        ("auto", "message, because the server is PostgreSQL "),
    ] {
        let told = &migrate_with(&["--early-release", wish], &[("DATABASE_URL", &url)]).1;
        let line = format!("early lock release: {told_way}");
        assert!(told.starts_with(&line), "{told}");
    }
    let check = "do $$ begin perform holdfast.promises_check(null); end $$";
    cluster.execute("postgres", check).unwrap();
}

#[test]
fn a_wish_for_early_lock_release_is_one_of_four_words() {
    let (code, told, error) = migrate_with(&["--early-release", "rowlock"], &[]);
    assert_eq!((code, told.as_str()), (Some(2), ""));
    let sentence = "invalid value 'rowlock' for '--early-release <EARLY_RELEASE>': must be `auto`, \
                    `message`, `row-lock` or `off`";
    assert!(error.contains(sentence), "{error}");
}

#[test]
fn a_server_on_another_machine_needs_authorities_for_tls() {
    let url = "postgresql://owner:swordfish@db.example.com/shop";
    let (code, told, error) = migrate(&[("DATABASE_URL", url)]);
    assert_eq!((code, told.as_str()), (Some(2), ""));
    let sentence = "holdfast: DATABASE_CA_FILE is not set: ";
    assert!(error.starts_with(sentence), "{error}");
    assert!(!error.contains("swordfish"), "{error}");
}

#[test]
fn without_a_database_the_error_names_the_variable() {
    let (code, _, error) = migrate(&[]);
    assert_eq!(code, Some(2));
    assert!(
        error.starts_with("holdfast: DATABASE_URL is not set: "),
        "{error}"
    );
}
