//! What a shop with a million orders needs: the schema lets every comparison use its index.

use bench::growth::{self, Measured};
use operations::checkout::{self, BeginError, REPLACEMENTS_MAX};
use operations::quantity::Revision;
use tests::{Routine, TestDb, begin_request, new_id, until};

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

/// So many orders that a statement which reads all of them is far beyond its bound, and few enough
/// to be made in seconds. `make growth` does the same with a million.
const ORDERS: u32 = 6_000;

/// Every routine that a function may call, with every statement inside it, whether the planner
/// knows the tables or not.
#[tokio::test]
async fn no_statement_of_a_routine_reads_a_shops_history() {
    let all = growth::measure(ORDERS, None).await.unwrap();
    let over: Vec<&Measured> = all.iter().filter(|one| one.is_over()).collect();
    assert!(over.is_empty(), "{over:#?}");
}

/// Old holds of 2,100 checkouts of a shop, none of which has an order.
async fn old_journal(test: &TestDb, shop: &str) {
    test.corrupt(&format!(
        "insert into holdfast.checkouts (shop, checkout_id, customer, status, revision,
            request_hash, expires_at, created_at, ended_at)
        select '{shop}', gen_random_uuid(), 'c', 'expired', 1, '', now() - interval '40 days',
            now() - interval '40 days', now() - interval '40 days' - n * interval '1 s'
        from generate_series(1, {OLD}) n;
        insert into holdfast.holds (shop, checkout_id, generation, sku, quantity, price_minor,
            status, expires_at, created_at, resolved_at)
        select c.shop, c.checkout_id, 1, 'A', 1, 1, 'expired', c.expires_at, c.created_at,
            c.ended_at
        from holdfast.checkouts c where c.shop = '{shop}'"
    ))
    .await;
}

/// More than a purge deletes in one call.
const OLD: i32 = operations::hold::PURGE_MAX + 100;

#[tokio::test]
async fn a_sweep_purges_every_shop_until_nothing_is_left() {
    let test = TestDb::new().await;
    test.shop("other").await;
    for shop in ["main", "other"] {
        test.sku_of(shop, "A", 1).await;
        old_journal(&test, shop).await;
    }
    let report = test.sweep().await;
    assert_eq!(report.violations, []);
    let purged: Vec<i32> = report.shops.iter().map(|shop| shop.purged).collect();
    assert_eq!(purged, [OLD, OLD]);
    assert!(!report.out_of_time);
    for table in ["holds", "checkouts"] {
        let count = format!("select count(*) from holdfast.{table}");
        assert_eq!(test.count(&count).await, 0, "{table}");
    }
}

/// Whether a purge ends while another one, which deletes the same holds, has not committed.
async fn purge_beside_a_purge(guarded: bool) -> bool {
    let test = TestDb::new().await;
    if !guarded {
        let routine = Routine::named("hold_purge").with_guard_replaced("purges_never_wait", "),");
        test.put_routine(routine).await;
    }
    test.sku("A", 1).await;
    old_journal(&test, "main").await;
    let purge = "select holdfast.hold_purge('main', interval '30 days', 10)";
    let (first, second) = (test.session().await, test.session().await);
    first.batch_execute("begin").await.unwrap();
    first.batch_execute(purge).await.unwrap();
    let purging = tokio::spawn(async move { second.batch_execute(purge).await });
    until("the second purge is over, or waits", async || {
        purging.is_finished() || test.waiting().await == 1
    })
    .await;
    let ended = purging.is_finished();
    first.batch_execute("commit").await.unwrap();
    purging.await.unwrap().unwrap();
    ended
}

/// Two sweepers purge one shop. Without the lock on the checkouts (the control), one waits for the
/// other.
#[tokio::test]
async fn a_purge_never_waits_for_another() {
    assert!(purge_beside_a_purge(true).await);
    assert!(!purge_beside_a_purge(false).await);
}

/// One id in a loop would fill the journal.
#[tokio::test]
async fn a_cart_that_is_replaced_again_and_again_is_refused_at_last() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let id = new_id();
    let replace = async |revision: i32| {
        let mut request = begin_request(id, &[("A", i64::from(revision % 2 + 1))]);
        request.revision = Revision::try_from(i64::from(revision)).unwrap();
        checkout::begin(&test.db, &request).await
    };
    for revision in 1..=REPLACEMENTS_MAX + 1 {
        replace(revision).await.unwrap();
    }
    let refused = replace(REPLACEMENTS_MAX + 2).await;
    assert!(
        matches!(refused, Err(BeginError::TooManyReplacements)),
        "{refused:?}"
    );
    // a retry of the last cart is no replacement
    replace(REPLACEMENTS_MAX + 1).await.unwrap();
    let holds = test.count("select count(*) from holdfast.holds").await;
    assert_eq!(holds, i64::from(REPLACEMENTS_MAX) + 1);
    test.order(id).await.unwrap();
    test.assert_promises_hold().await;
}

/// The rows of one outcome may be anywhere in a file of a million.
#[tokio::test]
async fn a_page_of_a_report_reads_few_rows_and_says_where_the_next_begins() {
    let test = TestDb::new().await;
    // three chunks of one row; the last is refused
    test.sql(
        "select holdfast.import_stage('main', '00000000-0000-4000-8000-000000000001', 1, 'clerk', 1,
            '{2,3,4}', '{A,B,C}', '{a,b,c}', '{null,null,null}', '{null,null,null}',
            '{1,1,1}', '{null,null,null}', '{null,null,null}', '{f,f,f}', '{null,null,null}',
            '{f,f,f}', '{null,null,null}',
            '{null,null,null}', '{f,f,f}', '{null,null,null}', '{1,1,1}', '{null,null,null}',
            array[null, null, '[]'])",
    )
    .await;
    let page = async |part: i32, line: i32| {
        test.text(&format!(
            "select (select coalesce(string_agg(r ->> 'sku', ','), '')
                    from jsonb_array_elements(o_rows) r)
                || ' ' || coalesce(concat(o_after ->> 'part', '/', o_after ->> 'line'), '')
            from holdfast.import_report('main', '00000000-0000-4000-8000-000000000001', 'refused',
                {part}, {line}, 10, 2)"
        ))
        .await
    };
    assert_eq!(page(0, 0).await, " 1/3");
    assert_eq!(page(1, 3).await, "C /");
}

/// Events of payments that nobody here knows stay parked for ever. A sweep does not look for their
/// payments each minute.
#[tokio::test]
async fn an_event_that_stays_parked_is_considered_less_and_less_often() {
    let test = TestDb::new().await;
    test.sql(
        "call holdfast.payment_record_event('main', 'stripe', 'evt', 'main-elsewhere', 'paid', 100,
            'INR', 'pi', '{}', null, null, null, null)",
    )
    .await;
    for days in [30, 60] {
        test.corrupt(&format!(
            "update holdfast.payment_events set received_at = now() - interval '{days} days',
                consider_at = now()"
        ))
        .await;
        for _ in 0..2 {
            test.sql("select holdfast.payment_parked_events('main', 100)")
                .await;
            let hours = "select round(extract(epoch from consider_at - now()) / 3600)::bigint
                from holdfast.payment_events";
            assert_eq!(test.count(hours).await, days * 24 / 30);
        }
    }
}
