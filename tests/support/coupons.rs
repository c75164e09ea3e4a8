//! Coupons of the shop `main`.

use crate::TestDb;

/// Terms of a coupon, as SQL.
pub struct Terms {
    pub kind: &'static str,
    pub value: i64,
    pub minimum_minor: i64,
    pub valid_from: &'static str,
    pub valid_until: &'static str,
    pub uses_max: &'static str,
}

/// Ten percent off, any number of times.
pub const TEN_PERCENT: Terms = Terms {
    kind: "percent",
    value: 1_000,
    minimum_minor: 0,
    valid_from: "null",
    valid_until: "null",
    uses_max: "null",
};

/// Puts a coupon.
pub async fn coupon(test: &TestDb, code: &str, terms: Terms) {
    test.sql(&format!(
        "select holdfast.coupon_put('main', '{code}', '{}', {}, {}, {}, {}, {})",
        terms.kind,
        terms.value,
        terms.minimum_minor,
        terms.valid_from,
        terms.valid_until,
        terms.uses_max
    ))
    .await;
}

/// Uses of a coupon: (held, consumed).
pub async fn uses(test: &TestDb, code: &str) -> (i32, i32) {
    let query = "select uses_held, uses_consumed from holdfast.coupons where code = $1";
    let row = test.owner.query_one(query, &[&code]).await.unwrap();
    (row.get(0), row.get(1))
}
