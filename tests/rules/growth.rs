//! What a shop with a million orders needs: the schema lets every comparison use its index.

use tests::TestDb;

/// Every text column of the tables that has another collation than "C".
const OTHER_COLLATIONS: &str = "
    select c.relname || '.' || a.attname
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
    join pg_collation l on l.oid = a.attcollation
    where c.relnamespace = 'holdfast'::regnamespace and a.attnum > 0 and not a.attisdropped
        and l.collname <> 'C'
    order by 1";

/// A comparison of two columns uses an index only if both have one collation. One column with
/// another one made each payment event scan all captures.
#[tokio::test]
async fn every_text_column_has_the_collation_c() {
    let db = TestDb::new().await;
    let owner = &db.owner;
    let found = async || {
        let rows = owner.query(OTHER_COLLATIONS, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    assert_eq!(found().await, Vec::<String>::new());

    // the query sees a column that has another one
    let add = "alter table holdfast.orders add column spoken text";
    owner.batch_execute(add).await.unwrap();
    assert_eq!(found().await, ["orders.spoken"]);
}
