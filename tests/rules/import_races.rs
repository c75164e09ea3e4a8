//! Bulk import beside a sale, beside another import, and interrupted.

use std::sync::Arc;
use std::time::Duration;

use operations::import::{self, Mode, Status};
use tests::import::{Importer, Line, good, new_import, refused};
use tests::{MAIN, Routine, at_once};

/// A unit is sold after the import reads the row and before it locks it: the row is judged again
/// under the lock.
#[tokio::test]
async fn a_sale_between_read_and_lock_is_not_overwritten() {
    let (lines, level) = moved_meanwhile(true).await;
    let stale = "expected_version: is stale: the stock level has version 2, on_hand 4, held 0";
    assert_eq!(lines, [refused(2, stale)]);
    assert_eq!(level, (4, 0, 2));
    // The control: the import writes its first finding, and overwrites the sale.
    let (lines, level) = moved_meanwhile(false).await;
    assert_eq!(lines, [good(2, "changed")]);
    assert_eq!(level, (6, 0, 3));
}

/// An import of A that waits for the lock while a unit of A is sold.
async fn moved_meanwhile(guarded: bool) -> (Vec<Line>, (i32, i32, i64)) {
    let clerk = Importer::new().await;
    if !guarded {
        for routine in ["import_judge_chunks", "import_write"] {
            let routine = Routine::named(routine).without_guard("an_import_overwrites_no_sale");
            clerk.test.put_routine(routine).await;
        }
    }
    clerk.test.sku("A", 5).await;
    let id = new_import();
    clerk
        .stage(id, "sku,on_hand,expected_version\nA,6,1\n")
        .await;
    let sale = clerk
        .test
        .block(
            "update holdfast.stock_levels set on_hand = 4, version = 2 where sku = 'A';
             insert into holdfast.stock_movements
                 (shop, sku, version, delta, on_hand_after, reason, actor)
             values ('main', 'A', 2, -1, 4, 'adjusted', 'till')",
        )
        .await;
    let apply = clerk.apply(id, Mode::GoodRowsOnly);
    let sold = async {
        clerk.test.until_waiting(1).await;
        sale.commit().await;
    };
    tokio::join!(apply, sold).0.unwrap();
    clerk.test.assert_promises_hold().await;
    (clerk.lines(id).await, clerk.test.level("A").await)
}

#[tokio::test]
async fn an_unchanged_row_is_not_locked() {
    let clerk = Importer::new().await;
    clerk.test.sku("A", 5).await;
    clerk.test.sku("B", 5).await;
    let sale = clerk.test.block_level("A").await;
    let lines = clerk
        .import("sku,price_minor,on_hand\nA,1,5\nB,10000,6\n")
        .await;
    assert_eq!(
        lines,
        [good(2, "changed"), good(3, "changed")],
        "of A, the price"
    );
    sale.let_go().await;
    assert_eq!(clerk.test.level("A").await.2, 1);
}

/// Shoppers hold while files raise and lower the same stock: no unit is oversold or lost.
#[tokio::test]
async fn holds_and_imports_at_once_break_no_promise() {
    let clerk = Arc::new(Importer::new().await);
    for n in 0..20 {
        clerk.test.sku(&format!("S{n:02}"), 10).await;
    }
    at_once(24, |task| {
        let clerk = Arc::clone(&clerk);
        async move {
            for turn in 0..6_usize {
                if task < 4 {
                    let on_hand = 6 + (turn + task) % 8;
                    let rows = (0..20).map(|n| format!("S{n:02},{on_hand}\n"));
                    let file = format!("sku,on_hand\n{}", rows.collect::<String>());
                    clerk.import(&file).await;
                } else {
                    let sku = format!("S{:02}", (task + turn) % 20);
                    let id = tests::new_id();
                    if clerk.test.begin(id, &[(&sku, 1)]).await.is_ok() && turn % 2 == 0 {
                        clerk.test.order(id).await.unwrap();
                    }
                }
            }
        }
    })
    .await;
    clerk.test.assert_promises_hold().await;
    assert_eq!(deadlocks(&clerk).await, 0);
}

async fn deadlocks(clerk: &Importer) -> i64 {
    let query = "select deadlocks from pg_stat_database where datname = current_database()";
    clerk.test.count(query).await
}

#[tokio::test]
async fn two_imports_of_the_same_skus_in_opposite_order_do_not_deadlock() {
    let clerk = Arc::new(Importer::new().await);
    for n in 0..200 {
        clerk.test.sku(&format!("S{n:03}"), 1).await;
    }
    // Half of the skus exist; both imports create the other half.
    let file = |skus: Vec<i32>, on_hand: usize| {
        let row = |n| format!("S{n:03},t,1,{on_hand}\n");
        let rows: String = skus.into_iter().map(row).collect();
        format!("sku,title,price_minor,on_hand\n{rows}")
    };
    let ended = at_once(4, |task| {
        let clerk = Arc::clone(&clerk);
        let upwards: Vec<i32> = (0..400).collect();
        let skus = if task % 2 == 0 {
            upwards
        } else {
            upwards.into_iter().rev().collect()
        };
        let file = file(skus, 10 + task);
        async move { clerk.import(&file).await }
    })
    .await;
    assert!(
        ended.iter().flatten().all(|line| line.2.is_empty()),
        "{ended:?}"
    );
    let created = ended
        .iter()
        .flatten()
        .filter(|line| line.1 == "created")
        .count();
    assert_eq!(created, 200);
    let values = "select count(distinct on_hand) from holdfast.stock_levels";
    assert_eq!(
        clerk.test.count(values).await,
        1,
        "one of them was the last, as a whole"
    );
    clerk.test.assert_promises_hold().await;
    assert_eq!(deadlocks(&clerk).await, 0);
}

#[tokio::test]
async fn an_interrupted_import_continues_where_it_stopped() {
    let clerk = Importer::new().await;
    let rows = 2 * import::stage::CHUNK_ROWS + 1;
    let file: String = (0..rows).map(|n| format!("N{n},n,1,1\n")).collect();
    let id = new_import();
    clerk
        .stage(id, &format!("sku,title,price_minor,on_hand\n{file}"))
        .await;
    let request = Importer::request(1, Mode::GoodRowsOnly, false);
    let mut counts = Vec::new();
    // One call for each batch, as from another process each time.
    loop {
        let progress = clerk
            .send(MAIN, id, &request, Duration::ZERO)
            .await
            .unwrap();
        counts.push((progress.created, progress.status));
        if progress.done {
            break;
        }
    }
    let applying = Status::Applying;
    assert_eq!(
        counts,
        [(500, applying), (1_000, applying), (1_001, Status::Done)]
    );
    assert_eq!(
        clerk
            .test
            .count("select count(*) from holdfast.stock_movements")
            .await,
        1_001
    );
    clerk.test.assert_promises_hold().await;
}
