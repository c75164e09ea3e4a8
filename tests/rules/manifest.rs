//! The manifest of a departure: who has which seats.

use operations::db::Database;
use operations::ids::{Shop, Sku};
use operations::page::Cursor;
use operations::payment::EventKind;
use operations::quantity::PageLimit;
use operations::sku::{Manifest, Seat, manifest};
use tests::desk::restock_request;
use tests::{MAIN, TestDb, event, shop};

async fn page(db: &Database, sku: &str, after: Option<Cursor>, rows: usize) -> Manifest {
    let (main, sku): (Shop, Sku) = (shop(MAIN), sku.parse().unwrap());
    let after = after.map(|cursor| cursor.as_str().parse().unwrap());
    let limit = rows.to_string().parse().unwrap();
    manifest(db, &main, &sku, after.as_ref(), limit)
        .await
        .unwrap()
        .unwrap()
}

/// (status, quantity, dispatcher) of each row.
fn seats(manifest: &Manifest) -> Vec<(&str, i32, Option<&str>)> {
    let seat = |row: &'_ Seat| row.quantity;
    manifest
        .rows
        .iter()
        .map(|row| (row.status.as_str(), seat(row), row.placed_by.as_deref()))
        .collect()
}

#[tokio::test]
async fn the_manifest_shows_who_has_which_seats_and_its_totals_agree() {
    let test = TestDb::new().await;
    test.sku("SEAT", 40).await;
    test.sku("OTHER", 40).await;
    let desk = test.desk(1);
    desk.booked(&[("SEAT", 4), ("OTHER", 1)]).await;
    let cancelled = desk.booked(&[("SEAT", 9)]).await;
    desk.cancel(&cancelled).await.unwrap();
    let moved = desk.booked(&[("SEAT", 9)]).await;
    desk.amend(&moved, &[("OTHER", 9)]).await.unwrap();
    let (_, paid) = test.ordered(&[("SEAT", 3)]).await;
    test.record(&event(&paid, EventKind::Paid, "pay-1"))
        .await
        .unwrap();
    desk.restock(paid.order_id, &restock_request(&[("SEAT", 1)]))
        .await
        .unwrap();
    test.ordered(&[("SEAT", 5)]).await;
    test.held(&[("SEAT", 6)]).await;
    let expired = test.held(&[("SEAT", 7)]).await;
    test.expire(expired).await;

    let manifest = page(&desk.0, "SEAT", None, 500).await;
    assert_eq!(
        seats(&manifest),
        [
            ("paid", 4, Some("d-1")),
            ("paid", 2, None),
            ("awaiting_payment", 5, None),
            ("held", 6, None),
        ]
    );
    let ends: Vec<bool> = manifest
        .rows
        .iter()
        .map(|r| r.expires_at.is_some())
        .collect();
    assert_eq!(ends, [false, false, true, true]);
    assert_eq!(manifest.rows[1].order_id, Some(paid.order_id));
    assert_eq!(manifest.rows[1].customer, "c");
    assert_eq!(manifest.next, None);
    let totals = (manifest.on_hand, manifest.held, manifest.available);
    assert_eq!((totals, manifest.sold), ((34, 11, 23), 6));
    let (on_hand, held, _) = test.level("SEAT").await;
    assert_eq!((manifest.on_hand, manifest.held), (on_hand, held));
    test.assert_promises_hold().await;
}

/// Pages of every size show each row once, in one order, also when a hold becomes an order in
/// between.
#[tokio::test]
async fn the_pages_of_a_manifest_show_each_row_once() {
    let test = TestDb::new().await;
    test.sku("SEAT", 40).await;
    let desk = test.desk(1);
    for n in 0..7 {
        if n % 2 == 0 {
            desk.booked(&[("SEAT", 1)]).await;
        } else {
            test.held(&[("SEAT", 1)]).await;
        }
    }
    let whole = page(&desk.0, "SEAT", None, 500).await;
    assert_eq!(whole.rows.len(), 7);
    for size in 1..=8 {
        let mut rows: Vec<Seat> = Vec::new();
        let mut after = None;
        loop {
            let one = page(&desk.0, "SEAT", after, size).await;
            assert!((1..=size).contains(&one.rows.len()));
            rows.extend(one.rows);
            after = one.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(rows, whole.rows, "in pages of {size}");
    }
    let first = page(&desk.0, "SEAT", None, 1).await;
    test.order(whole.rows[1].checkout_id.into()).await.unwrap();
    let rest = page(&desk.0, "SEAT", first.next, 500).await;
    let ids = |rows: &[Seat]| rows.iter().map(|row| row.checkout_id).collect::<Vec<_>>();
    assert_eq!(ids(&rest.rows), ids(&whole.rows[1..]));
}

#[tokio::test]
async fn an_unknown_departure_has_no_manifest_and_an_empty_one_has_no_rows() {
    let test = TestDb::new().await;
    test.sku("SEAT", 4).await;
    let desk = test.desk(1);
    let empty = page(&desk.0, "SEAT", None, 500).await;
    assert_eq!((empty.rows, empty.sold, empty.on_hand), (vec![], 0, 4));
    let none = manifest(
        &desk.0,
        &shop(MAIN),
        &"NONE".parse().unwrap(),
        None,
        PageLimit::USUAL,
    )
    .await;
    assert!(matches!(none, Ok(None)), "{none:?}");
}
