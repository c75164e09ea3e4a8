//! The refusals that an operation knows by the name of a constraint.

use operations::coupon;
use operations::db::Database;
use operations::ids::Shop;
use operations::order::{self, DeskOrder, Order};
use operations::refund::{self, Request};
use operations::shop as shops;
use operations::sku;
use operations::stock;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::desk::{actor, amend_request, restock_request};
use crate::refund::ask_for;
use crate::{MAIN, TestDb, cart, shop};

/// The most units that a stock level may have.
const ON_HAND_MAX: i32 = 2_000_000_000;

/// An order that staff booked and one that is paid. Their units fit no more into their level.
pub struct Refusals {
    booked: DeskOrder,
    paid: Order,
}

impl TestDb {
    /// Prepares `main` for every refusal.
    pub async fn refusals(&self) -> Refusals {
        self.sku("FULL", 9).await;
        let booked = self.desk(1).booked(&[("FULL", 4)]).await;
        let paid = self.paid_order("FULL", "pay-1").await;
        self.fill_level("FULL", ON_HAND_MAX).await;
        Refusals { booked, paid }
    }

    /// Sets the units on hand of a sku of `main`, beyond what staff may.
    pub async fn fill_level(&self, sku: &str, on_hand: i32) {
        let (before, _, version) = self.level(sku).await;
        let (delta, version) = (on_hand - before, version + 1);
        self.sql(&format!(
            "begin;
            update holdfast.stock_levels set on_hand = {on_hand}, version = {version}
            where shop = 'main' and sku = '{sku}';
            insert into holdfast.stock_movements
                (shop, sku, version, delta, on_hand_after, reason, actor)
            values ('main', '{sku}', {version}, {delta}, {on_hand}, 'returned', 'me');
            commit"
        ))
        .await;
    }
}

impl Refusals {
    /// Has this pool of the admin function's role break each rule once.
    pub async fn assert_known_to(&self, admin: &Database) {
        let mut answers = of_catalogue(admin).await;
        answers.extend(self.of_full_level(admin).await);
        for (call, answer, refusal) in answers {
            assert_eq!(answer, refusal, "{call}");
        }
    }

    async fn of_full_level(&self, admin: &Database) -> Vec<(&'static str, String, &'static str)> {
        let (main, who) = (shop(MAIN), actor("meera"));
        let booked = self.booked.checkout_id.into();
        let amend = amend_request(self.booked.version, &[("FULL", 1)]);
        let amended = order::amend(admin, &main, booked, &who, &amend).await;
        let cancelled = order::cancel(admin, &main, booked, &who, None).await;
        let restock = restock_request(&[("FULL", 1)]);
        let (order, full) = (self.booked.order_id.into(), "FULL".parse().unwrap());
        let restocked = order::restock(admin, &main, order, &who, &restock).await;
        let request = Request {
            restock: Some(cart(&[("FULL", 1)])),
            ..ask_for(None)
        };
        let order = self.paid.order_id.into();
        let refunded = refund::request(admin, &main, order, &who, &request).await;
        let receive: stock::Receive = of(json!({ "quantity": 1 }));
        let received = stock::receive(admin, &main, &full, &who, &receive).await;
        vec![
            ("order amend", name(amended), "StockFull"),
            ("order cancel", name(cancelled), "StockFull"),
            ("order restock", name(restocked), "StockFull"),
            ("refund request", name(refunded), "StockFull"),
            ("stock receive", name(received), "Full"),
        ]
    }
}

async fn of_catalogue(admin: &Database) -> Vec<(&'static str, String, &'static str)> {
    let (main, nowhere) = (shop(MAIN), shop("nowhere"));
    let put_sku = async |shop: &Shop, change: Value| {
        let put = of(with(
            json!({ "title": "A dress", "price_minor": 1 }),
            change,
        ));
        name(sku::put(admin, shop, &"A".parse().unwrap(), &put).await)
    };
    let put_coupon = async |shop: &Shop, change: Value| {
        let put = of(with(json!({ "kind": "fixed", "value": 1 }), change));
        name(coupon::put(admin, shop, &"TEN".parse().unwrap(), &put).await)
    };
    let put_shop = async |change: Value| {
        let put = of(with(json!({ "name": "Main", "currency": "INR" }), change));
        name(shops::put(admin, &main, &put).await)
    };
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let sale = json!({ "sale_opens_at": late, "sale_closes_at": early });
    let valid = json!({ "valid_from": late, "valid_until": early });
    vec![
        ("sale", put_sku(&main, sale).await, "ClosesTooEarly"),
        ("sku", put_sku(&nowhere, json!({})).await, "UnknownShop"),
        (
            "prices",
            put_sku(&main, json!({ "currency": "EUR" })).await,
            "OtherCurrency",
        ),
        ("term", put_coupon(&main, valid).await, "EndsTooEarly"),
        (
            "coupon",
            put_coupon(&nowhere, json!({})).await,
            "UnknownShop",
        ),
        (
            "currency",
            put_shop(json!({ "currency": "EUR" })).await,
            "CurrencyIsFinal",
        ),
        (
            "zone",
            put_shop(json!({ "time_zone": "Mars/Olympus" })).await,
            "TimeZoneUnknown",
        ),
    ]
}

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn with(mut object: Value, change: Value) -> Value {
    for (field, value) in change.as_object().unwrap() {
        object[field] = value.clone();
    }
    object
}

/// The name of the refusal.
fn name<T: std::fmt::Debug, E: std::fmt::Debug>(answer: Result<T, E>) -> String {
    format!("{:?}", answer.unwrap_err())
}
