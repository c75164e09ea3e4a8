//! A dispatcher books a party in one call: hold and order at once, without an online payment.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{CouponRefusal, DeskOrder};
use crate::checkout::{Cart, LimitReached, Shortage, limits};
use crate::db::{Database, Failure};
use crate::ids::{Actor, CheckoutId, CouponCode, Customer, PaymentReference, Shop};
use crate::telemetry::{self, Metric};

/// A booking to make.
#[derive(Debug, Clone)]
pub struct Book {
    pub shop: Shop,
    /// The booking's id, made by the client: the idempotency key.
    pub checkout_id: CheckoutId,
    /// The party.
    pub customer: Customer,
    pub actor: Actor,
    /// The seats.
    pub cart: Cart,
    pub coupon: Option<CouponCode>,
}

impl Book {
    /// The request hash: SHA-256 over everything that was asked for. It includes that the desk
    /// asked, so a storefront's checkout of the same cart is another request.
    fn hash(&self) -> Result<[u8; 32], serde_json::Error> {
        let lines: Vec<_> = self
            .cart
            .lines()
            .map(|(sku, quantity)| (sku.as_str(), quantity.get()))
            .collect();
        let asked = serde_json::json!([
            "book",
            self.customer.as_str(),
            self.actor.as_str(),
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

/// Why nothing is booked, in order of precedence. A refusal holds and sells nothing.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    #[error("there is no such shop")]
    UnknownShop,
    #[error("this booking id is in use for another request")]
    Conflict,
    #[error("not in the catalogue")]
    UnknownSku(Vec<String>),
    #[error("not on sale")]
    NotOnSale(Vec<String>),
    #[error("not enough stock")]
    Shortage(Vec<Shortage>),
    #[error("too many checkouts of this customer")]
    TooManyCheckouts,
    #[error("the customer's limit is reached")]
    LimitReached(Vec<LimitReached>),
    #[error("the coupon can't be used")]
    Coupon(CouponRefusal),
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Books the whole party or refuses it. The seats are sold at once, at the catalogue's prices. A
/// retry gets the same order.
///
/// Locks: the checkout, the coupon, the customer's counts, then stock levels by sku. The hot row is
/// free before the flush. The answer comes after the flush.
///
/// # Errors
/// [`BookError`]; a refusal changes nothing.
pub async fn book(db: &Database, request: &Book) -> Result<Booked, BookError> {
    let booked = ask(db, request).await;
    if let Ok(Booked::New(_)) = &booked {
        // A booking is paid at the desk.
        telemetry::count(Metric::OrdersCreated, 1);
        telemetry::count(Metric::OrdersPaid, 1);
    }
    booked
}

async fn ask(db: &Database, request: &Book) -> Result<Booked, BookError> {
    // Made here, so a retry by this process means the same order.
    let order_id = Uuid::now_v7();
    let reference = PaymentReference::of_order(&request.shop, &order_id);
    let hash = request
        .hash()
        .map_err(|error| Failure::Internal(error.into()))?;
    let (skus, quantities) = request.cart.columns();
    let row = db
        .call_one(
            "call holdfast.order_book($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &request.shop,
                &request.checkout_id,
                &request.customer,
                &hash.as_slice(),
                &order_id,
                &reference,
                &request.coupon,
                &request.actor,
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
            request
                .cart
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
