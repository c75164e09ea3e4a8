//! Turns a checkout into its order, in one transaction.

use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Address, Order, from_json};
use crate::checkout::{
    CHECKOUT_ENDED, LIMIT_REACHED, LimitReached, SHORTAGE, Shortage, TOO_MANY_CHECKOUTS, limits,
};
use crate::db::{Database, Failure, sent_as};
use crate::ids::{
    CheckoutId, CouponCode, Customer, InvalidId, PaymentReference, Shop, invalid, read_text,
};
use crate::refusal::Kind;
use crate::refusals;
use crate::telemetry::{self, Metric};

/// The payment method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case", example = "online")]
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

/// Why a coupon is refused. Checked in this order: `unknown`, `not_yet_valid`, `expired`,
/// `not_for_cart` (it is for no sku in the cart), `below_minimum` (of the lines that it is for),
/// `used_up`, `used_up_by_customer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
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

impl CouponRefusal {
    /// The sentence for people.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Unknown => "This shop has no such coupon.",
            Self::NotYetValid => "The coupon is not valid yet.",
            Self::Expired => "The coupon is no longer valid.",
            Self::NotForCart => "The coupon is for none of the skus in the cart.",
            Self::BelowMinimum => "The lines that the coupon is for cost less than its minimum.",
            Self::UsedUp => "All uses of the coupon are taken.",
            Self::UsedUpByCustomer => "This customer has used the coupon as often as allowed.",
        }
    }
}

const ORDER_CONFLICT: Kind = Kind {
    status: 409,
    code: "order_conflict",
    title: "The checkout has another order",
    detail: "Another request has ordered this checkout. Read its order, or release the checkout \
             and begin a new one.",
};
const CHECKOUT_TOO_OLD: Kind = Kind {
    status: 409,
    code: "checkout_too_old",
    title: "The checkout is too old",
    detail: "It began too long ago to be ordered. Begin a new one with a new id.",
};
const ADDRESS_UNKNOWN: Kind = Kind {
    status: 422,
    code: "address_unknown",
    title: "No such address",
    detail: "This customer has no saved address with this `address_id`.",
};
/// The coupon can't be used for this cart.
pub(super) const COUPON_REFUSED: Kind = Kind {
    status: 422,
    code: "coupon_refused",
    title: "The coupon can't be used",
    detail: "`reason` says why the coupon can't be used for this cart.",
};

refusals! {
    /// Why there is no order, in order of precedence. A refusal leaves nothing behind.
    pub enum CreateError {
        NotFound => Said::not_found("checkout");
        /// the checkout already has an order, made with another body.
        Conflict => ORDER_CONFLICT;
        /// it was released. Begin a new one.
        CheckoutEnded => CHECKOUT_ENDED;
        /// it began more than 30 minutes ago. Begin a new one.
        CheckoutTooOld => CHECKOUT_TOO_OLD;
        /// the customer has no saved address with this `address_id`.
        AddressUnknown => ADDRESS_UNKNOWN;
        /// `reason` says why. Order without it, or with another coupon.
        Coupon(reason: CouponRefusal) => COUPON_REFUSED, reason.sentence();
        /// the hold had expired, and somebody else has the stock.
        Shortage(
            /// Every sku that is short, with its available units.
            #[schema(min_items = 1, max_items = 50)]
            shortages: Vec<Shortage>
        ) => SHORTAGE;
        /// the customer already holds stock with as many checkouts as the shop allows.
        TooManyCheckouts => TOO_MANY_CHECKOUTS;
        /// the customer would have more units than the shop allows. `limits` says how many more
        /// they may have.
        LimitReached(
            /// Every sku with more units than the customer may have.
            #[schema(min_items = 1, max_items = 50)]
            limits: Vec<LimitReached>
        ) => LIMIT_REACHED;
    }
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
