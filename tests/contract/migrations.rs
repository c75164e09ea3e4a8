//! Migrations from an empty database, and the optional file for Citus.

use std::collections::BTreeSet;

use holdfast_migrate as migrate;
use local::postgres::SUPERUSER;
use tests::stack::root;
use tests::{CLUSTER, connect};

fn versions() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// As a cloud's master user: the role owns the database and may create roles, but is no superuser.
#[tokio::test]
async fn an_owner_without_superuser_rights_can_migrate() {
    let maintenance = connect(&CLUSTER.url(SUPERUSER, "postgres")).await;
    maintenance
        .batch_execute("create role mere_owner login createrole")
        .await
        .unwrap();
    maintenance
        .batch_execute("create database of_mere_owner owner mere_owner")
        .await
        .unwrap();
    // Another user has created the roles on this server. PostgreSQL 16 then needs the right to act
    // as the owner.
    maintenance
        .batch_execute("grant holdfast_owner to mere_owner")
        .await
        .unwrap();
    let mut client = connect(&CLUSTER.url("mere_owner", "of_mere_owner")).await;
    assert_eq!(migrate::run(&mut client).await.unwrap().applied, versions());
}

#[test]
fn the_optional_file_distributes_every_table() {
    let mut tables = BTreeSet::new();
    for version in versions() {
        let text =
            std::fs::read_to_string(root().join(format!("migrations/{version}.sql"))).unwrap();
        let text = text.replace("create unlogged table", "create table");
        for rest in text.split("create table holdfast.").skip(1) {
            tables.insert(rest.split([' ', '(']).next().unwrap().to_owned());
        }
    }
    assert!(tables.len() >= 11, "{tables:?}");
    let file = root().join("migrations/optional/distribute.sql");
    let distribute = std::fs::read_to_string(file).unwrap();
    for table in tables {
        assert!(
            distribute.contains(&format!("holdfast.{table}")),
            "{table} is not distributed"
        );
    }
}
