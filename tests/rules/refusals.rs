//! Refusals that an operation knows by the name of a constraint.

use tests::TestDb;
use tests::clerk::ADMIN;

/// `make test-citus` runs this on a coordinator; tests/citus/refusals.rs asks the shop's own node.
#[tokio::test]
async fn every_refusal_of_the_schema_gets_its_own_answer() {
    let test = TestDb::new().await;
    let refusals = test.refusals().await;
    refusals.assert_known_to(&test.pool_of(ADMIN, 1)).await;
    test.assert_promises_hold().await;
}

/// On a shard of Citus a name has the shard's number at its end, and Citus shortens a name that is
/// too long for both. Then `operations::db::constraint` would not know it.
#[tokio::test]
async fn no_name_of_a_rule_is_too_long_for_a_shard_or_ends_like_one() {
    let test = TestDb::new().await;
    let names = "select n.name::text from (
            select conname from pg_constraint where connamespace = 'holdfast'::regnamespace
            union all select tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
                where c.relnamespace = 'holdfast'::regnamespace and not t.tgisinternal
            union all select relname from pg_class
                where relnamespace = 'holdfast'::regnamespace and relkind in ('r', 'i')
        ) n (name)
        where length(n.name) > 56 or n.name ~ '_[0-9]{6,}$'";
    let rows = test.owner.query(names, &[]).await.unwrap();
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(names.is_empty(), "{names:?}");
}
