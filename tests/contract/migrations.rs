//! Migrations from an empty database, and what they make.

use holdfast_migrate as migrate;
use local::postgres::SUPERUSER;
use tests::stack::root;
use tests::{CLUSTER, TestDb, connect};

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

/// `holdfast distribute` finds a table by its first column, which every key begins with.
#[tokio::test]
async fn every_table_begins_with_its_shop() {
    let test = TestDb::new().await;
    let query = "select c.relname::text from pg_class c
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind = 'r'
            and c.relname not like 'schema\\_%'
            and not exists (select from pg_attribute a
                where a.attrelid = c.oid and a.attnum = 1 and a.attname = 'shop')";
    let rows = test.owner.query(query, &[]).await.unwrap();
    let others: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(others.is_empty(), "{others:?}");
}
