//! Turns a checkout into its order, in one transaction.

use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Address, Order, from_json};
use crate::checkout::{LimitReached, Shortage, limits};
use crate::db::{Database, Failure, sent_as};
use crate::ids::{
    CheckoutId, CouponCode, Customer, InvalidId, PaymentReference, Shop, invalid, read_text,
};
use crate::telemetry::{self, Metric};

/// The payment method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentMethod {
    /// Through a gateway, whose webhook completes the order.
    Online,
    /// Without a gateway, as in a dispatcher's booking. The stock is sold at once.
    Offline,
}

sent_as!(PaymentMethod, &str, |method| method.as_str());

impl PaymentMethod {
    fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}

/// Parses a payment method. Rejected: serde's own enum parser. It answers null with "expected
/// value", and accepts `{"online": null}`.
const METHOD: &str = "\"online\" or \"offline\"";

impl TryFrom<String> for PaymentMethod {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        [Self::Online, Self::Offline]
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| invalid(METHOD, &text))
    }
}

impl<'de> Deserialize<'de> for PaymentMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, METHOD)
    }
}

/// The address of an order.
#[derive(Debug, Clone)]
pub enum ShipTo {
    /// No address: a seat, a voucher.
    Nowhere,
    /// A saved address of the customer.
    Saved(Uuid),
    /// A new address.
    Given {
        /// The address.
        address: Address,
        /// Whether to save it for the customer.
        save: bool,
    },
}

/// An order to make.
#[derive(Debug, Clone)]
pub struct Create {
    pub shop: Shop,
    /// The checkout that becomes the order.
    pub checkout_id: CheckoutId,
    /// With a customer, a checkout of another customer does not exist. Without, the id is the
    /// capability.
    pub customer: Option<Customer>,
    /// The payment method.
    pub method: PaymentMethod,
    pub coupon: Option<CouponCode>,
    /// Its address.
    pub ship_to: ShipTo,
}

impl Create {
    /// The request hash: SHA-256 over everything that was asked for. Requests with one hash are the
    /// same request.
    fn hash(&self) -> Result<[u8; 32], serde_json::Error> {
        let ship_to = match &self.ship_to {
            ShipTo::Nowhere => serde_json::Value::Null,
            ShipTo::Saved(address_id) => serde_json::json!({ "saved": address_id }),
            ShipTo::Given { address, save } => {
                serde_json::json!({ "given": address, "save": save })
            }
        };
        let asked = serde_json::json!([
            self.method.as_str(),
            self.coupon.as_ref().map(CouponCode::as_str),
            ship_to
        ]);
        Ok(Sha256::digest(serde_json::to_vec(&asked)?).into())
    }
}

/// A made order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// Made by this call.
    New(Order),
    /// A retry: nothing changed.
    Same(Order),
}

/// Why a coupon is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CouponRefusal {
    /// The shop has no such coupon.
    Unknown,
    /// It is not valid yet.
    NotYetValid,
    /// It has expired.
    Expired,
    /// It does not apply to any sku of the cart.
    NotForCart,
    /// The price of its lines is below its minimum.
    BelowMinimum,
    /// It is used up.
    UsedUp,
    /// This customer has used it up.
    UsedUpByCustomer,
}

/// Why there is no order, in order of precedence. A refusal leaves nothing behind.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("there is no such checkout")]
    NotFound,
    #[error("this checkout has another order")]
    Conflict,
    #[error("this checkout has ended")]
    CheckoutEnded,
    #[error("this checkout is too old")]
    CheckoutTooOld,
    #[error("there is no such address")]
    AddressUnknown,
    #[error("the coupon can't be used")]
    Coupon(CouponRefusal),
    #[error("not enough stock")]
    Shortage(Vec<Shortage>),
    #[error("too many checkouts of this customer")]
    TooManyCheckouts,
    #[error("the customer's limit is reached")]
    LimitReached(Vec<LimitReached>),
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Makes the order: computes the totals from the checkout's prices, holds a use of the coupon,
/// saves the address on request, makes the payment reference, and prolongs the hold (or holds
/// again, if it had ended). `Offline`, or a total of zero, completes the order at once. A retry
/// gets the same order.
///
/// Locks: the checkout, the coupon, the customer's counts, then stock levels by sku if stock
/// changes.
///
/// # Errors
/// [`CreateError`].
pub async fn create(db: &Database, request: &Create) -> Result<Created, CreateError> {
    let created = ask(db, request).await;
    match &created {
        Ok(Created::New(order)) => {
            telemetry::count(Metric::OrdersCreated, 1);
            telemetry::count(Metric::OrdersPaid, usize::from(order.status == "paid"));
        }
        Err(CreateError::Shortage(shortages)) => {
            telemetry::count(Metric::Shortages, shortages.len());
        }
        Ok(Created::Same(_)) | Err(_) => {}
    }
    created
}

async fn ask(db: &Database, request: &Create) -> Result<Created, CreateError> {
    // Made here, so a retry by this process means the same order.
    let order_id = Uuid::now_v7();
    let reference = PaymentReference::of_order(&request.shop, &order_id);
    let hash = request
        .hash()
        .map_err(|error| Failure::Internal(error.into()))?;
    let (address, address_id, save) = match &request.ship_to {
        ShipTo::Nowhere => (None, None, false),
        ShipTo::Saved(address_id) => (None, Some(*address_id), false),
        ShipTo::Given { address, save } => (
            Some(serde_json::to_value(address).map_err(|error| Failure::Internal(error.into()))?),
            save.then(Uuid::now_v7),
            *save,
        ),
    };
    let row = db
        .call_one(
            "call holdfast.order_create($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                &request.shop,
                &request.checkout_id,
                &request.customer,
                &hash.as_slice(),
                &order_id,
                &reference,
                &request.method,
                &request.coupon,
                &address,
                &address_id,
                &save,
            ],
        )
        .await?;
    let coupon = |refusal| Err(CreateError::Coupon(refusal));
    match row.get("o_outcome") {
        "created" => Ok(Created::New(from_json(row.get("o_order"))?)),
        "same" => Ok(Created::Same(from_json(row.get("o_order"))?)),
        "not_found" => Err(CreateError::NotFound),
        "order_conflict" => Err(CreateError::Conflict),
        "checkout_ended" => Err(CreateError::CheckoutEnded),
        "checkout_too_old" => Err(CreateError::CheckoutTooOld),
        "address_unknown" => Err(CreateError::AddressUnknown),
        "coupon_unknown" => coupon(CouponRefusal::Unknown),
        "coupon_not_yet_valid" => coupon(CouponRefusal::NotYetValid),
        "coupon_expired" => coupon(CouponRefusal::Expired),
        "coupon_not_for_cart" => coupon(CouponRefusal::NotForCart),
        "coupon_below_minimum" => coupon(CouponRefusal::BelowMinimum),
        "coupon_used_up" => coupon(CouponRefusal::UsedUp),
        "coupon_used_up_by_customer" => coupon(CouponRefusal::UsedUpByCustomer),
        "too_many_checkouts" => Err(CreateError::TooManyCheckouts),
        "limit_reached" => Err(CreateError::LimitReached(limits(&row))),
        "shortage" => Err(CreateError::Shortage(shortages(&row))),
        other => Err(Failure::unknown_outcome("order_create", other).into()),
    }
}

fn shortages(row: &tokio_postgres::Row) -> Vec<Shortage> {
    let skus: Vec<String> = row.get("o_refused_skus");
    let requested: Vec<i32> = row.get("o_refused_requested");
    let available: Vec<i32> = row.get("o_refused_available");
    skus.into_iter()
        .zip(requested)
        .zip(available)
        .map(|((sku, requested), available)| Shortage {
            sku,
            requested,
            available,
        })
        .collect()
}
