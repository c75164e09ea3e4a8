//! Begin, replace, read, extend, release.

use shared::checkout::{BeginError, Begun, Shortage};
use tests::{TestDb, new_id};

/// Scenario 7.
#[tokio::test]
async fn lines_of_one_sku_are_merged_before_anything_is_checked() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let refused = test.begin(new_id(), &[("A", 3), ("A", 3)]).await;
    let Err(BeginError::Shortage(shortages)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        shortages,
        [Shortage {
            sku: "A".into(),
            requested: 6,
            available: 5
        }]
    );
    assert_eq!(test.level("A").await, (5, 0, 1));
    assert!(matches!(
        test.begin(new_id(), &[("A", 3), ("A", 2)]).await,
        Ok(Begun::Placed(_))
    ));
    test.assert_promises_kept().await;
}
