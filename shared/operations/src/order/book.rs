//! A dispatcher books a party in one call: hold and order at once, without an online payment.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::create::COUPON_REFUSED;
use super::{BOOKING_NOT_ON_SALE, BOOKING_SHORT, BOOKING_UNKNOWN_SKU, CouponRefusal, DeskOrder};
use crate::checkout::{
    CHECKOUT_CONFLICT, Cart, LIMIT_REACHED, LimitReached, Shortage, TOO_MANY_CHECKOUTS, limits,
};
use crate::db::{Database, Failure};
use crate::ids::{Actor, CheckoutId, CouponCode, Customer, PaymentReference, Shop, Sku};
use crate::object::not_null;
use crate::refusal::Kind;
use crate::refusals;
use crate::telemetry::{self, Metric};

/// A booking to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderBook)]
pub struct Book {
    /// The party, by the desk's own name for it.
    pub customer: Customer,
    /// Lines of the same sku are merged.
    pub lines: Cart,
    #[serde(default, deserialize_with = "not_null")]
    pub coupon: Option<CouponCode>,
}

impl Book {
    /// The request hash: SHA-256 over everything that was asked for. It includes that the desk
    /// asked, so a storefront's checkout of the same cart is another request.
    fn hash(&self, actor: &Actor) -> Result<[u8; 32], serde_json::Error> {
        let lines: Vec<_> = self
            .lines
            .lines()
            .map(|(sku, quantity)| (sku.as_str(), quantity.get()))
            .collect();
        let asked = serde_json::json!([
            "book",
            self.customer.as_str(),
            actor.as_str(),
            self.coupon.as_ref().map(CouponCode::as_str),
            lines
        ]);
        Ok(Sha256::digest(serde_json::to_vec(&asked)?).into())
    }
}

/// A booking that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booked {
    /// Made by this call.
    New(DeskOrder),
    /// A retry: nothing changed. The current order.
    Same(DeskOrder),
}

const BOOKING_CONFLICT: Kind = Kind {
    detail: "This id belongs to another request. To change a booking, amend it. To make another \
             booking, use a new id.",
    ..CHECKOUT_CONFLICT
};

refusals! {
    /// Why nothing is booked, in order of precedence. A refusal holds and sells nothing.
    pub enum BookError {
        UnknownShop => Said::not_found("shop");
        /// the id belongs to another request.
        Conflict => BOOKING_CONFLICT;
        /// the shop does not have the skus listed in `skus`.
        UnknownSku(
            /// The complete list, not only the first one.
            #[schema(value_type = Vec<Sku>, min_items = 1, max_items = 50)]
            skus: Vec<String>
        ) => BOOKING_UNKNOWN_SKU;
        /// the sale of the skus listed in `skus` has not opened, has closed, or they are retired.
        NotOnSale(
            /// The complete list, not only the first one.
            #[schema(value_type = Vec<Sku>, min_items = 1, max_items = 50)]
            skus: Vec<String>
        ) => BOOKING_NOT_ON_SALE;
        /// at least one sku has too few units available. Nothing was held or sold.
        Shortage(
            /// Every sku that is short, with its available units.
            #[schema(min_items = 1, max_items = 50)]
            shortages: Vec<Shortage>
        ) => BOOKING_SHORT;
        /// the party already has as many checkouts as the shop allows one customer.
        TooManyCheckouts => TOO_MANY_CHECKOUTS;
        /// the party would have more units than the shop allows. `limits` says how many more it
        /// may have.
        LimitReached(
            /// Every sku with more units than the customer may have.
            #[schema(min_items = 1, max_items = 50)]
            limits: Vec<LimitReached>
        ) => LIMIT_REACHED;
        /// `reason` says why.
        Coupon(reason: CouponRefusal) => COUPON_REFUSED, reason.sentence();
    }
}

/// Books the whole party or refuses it. The seats are sold at once, at the catalogue's prices. A
/// retry gets the same order.
///
/// Locks: the checkout, the coupon, the customer's counts, then stock levels by sku. The hot row is
/// free before the flush. The answer comes after the flush.
///
/// # Errors
/// [`BookError`]; a refusal changes nothing.
pub async fn book(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    actor: &Actor,
    book: &Book,
) -> Result<Booked, BookError> {
    let booked = ask(db, shop, checkout_id, actor, book).await;
    if let Ok(Booked::New(_)) = &booked {
        // A booking is paid at the desk.
        telemetry::count(Metric::OrdersCreated, 1);
        telemetry::count(Metric::OrdersPaid, 1);
    }
    booked
}

async fn ask(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    actor: &Actor,
    book: &Book,
) -> Result<Booked, BookError> {
    // Made here, so a retry by this process means the same order.
    let order_id = Uuid::now_v7();
    let reference = PaymentReference::of_order(shop, &order_id);
    let hash = book
        .hash(actor)
        .map_err(|error| Failure::Internal(error.into()))?;
    let (skus, quantities) = book.lines.columns();
    let row = db
        .call_one(
            "call holdfast.order_book($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &shop,
                &checkout_id,
                &book.customer,
                &hash.as_slice(),
                &order_id,
                &reference,
                &book.coupon,
                &actor,
                &skus,
                &quantities,
            ],
        )
        .await?;
    let refused = || {
        row.get::<_, Option<Vec<String>>>("o_refused_skus")
            .unwrap_or_default()
    };
    let coupon = |refusal| Err(BookError::Coupon(refusal));
    match row.get("o_outcome") {
        "booked" => Ok(Booked::New(DeskOrder::from_json(row.get("o_order"))?)),
        "same" => Ok(Booked::Same(DeskOrder::from_json(row.get("o_order"))?)),
        "unknown_shop" => Err(BookError::UnknownShop),
        // A storefront's checkout has this id, so it is no booking.
        "checkout_conflict" | "stale_revision" | "checkout_ended" => Err(BookError::Conflict),
        "unknown_sku" => Err(BookError::UnknownSku(refused())),
        "not_on_sale" => Err(BookError::NotOnSale(refused())),
        "shortage" => Err(BookError::Shortage(
            book.lines
                .shortages(refused(), row.get("o_refused_available")),
        )),
        "too_many_checkouts" => Err(BookError::TooManyCheckouts),
        "limit_reached" => Err(BookError::LimitReached(limits(&row))),
        "coupon_unknown" => coupon(CouponRefusal::Unknown),
        "coupon_not_yet_valid" => coupon(CouponRefusal::NotYetValid),
        "coupon_expired" => coupon(CouponRefusal::Expired),
        "coupon_below_minimum" => coupon(CouponRefusal::BelowMinimum),
        "coupon_not_for_cart" => coupon(CouponRefusal::NotForCart),
        "coupon_used_up" => coupon(CouponRefusal::UsedUp),
        "coupon_used_up_by_customer" => coupon(CouponRefusal::UsedUpByCustomer),
        other => Err(Failure::unknown_outcome("order_book", other).into()),
    }
}
