//! Turns a checkout into its order, in one transaction.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Address, Order, order_from_json};
use crate::checkout::{
    CHECKOUT_ENDED, LIMIT_REACHED, LimitReached, NOT_ON_SALE, SHORTAGE, Shortage,
    TOO_MANY_CHECKOUTS, limits,
};
use crate::db::{Database, Failure, from_json, sent_as};
use crate::ids::{
    CheckoutId, CouponCode, Customer, InvalidId, PaymentReference, Shop, Sku, invalid, read_text,
};
use crate::money::major_from_minor;
use crate::payment::Gateway;
use crate::quantity::Amount;
use crate::refusal::Kind;
use crate::refusals;
use crate::telemetry::{self, Metric};
use crate::text::Currency;

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
    /// The gateway that is to take the payment, if the caller names one.
    pub pay_by: Option<PayBy>,
}

/// The gateway that is to take an order's payment. It is no part of the request's hash: a retry may
/// name another one.
#[derive(Debug, Clone, Copy)]
pub struct PayBy {
    pub gateway: Gateway,
    /// Whether the request has everything about the payer that this gateway needs. A free order
    /// needs nothing.
    pub ready: bool,
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
const ORDER_NOT_ON_SALE: Kind = Kind {
    detail: "The checkout's hold had ended, and the skus in `skus` are not on sale now.",
    ..NOT_ON_SALE
};
const PRICE_CHANGED: Kind = Kind {
    status: 409,
    code: "price_changed",
    title: "A price has changed",
    detail: "The checkout's hold had ended, and the prices in `prices` have changed since. Begin \
             a new checkout, and show the shopper its prices.",
};
const AMOUNT_NOT_PAYABLE: Kind = Kind {
    status: 422,
    code: "amount_not_payable",
    title: "The gateway does not take this amount",
    detail: "There is no order: the gateway does not take its total.",
};
const OFFLINE_NOT_ALLOWED: Kind = Kind {
    status: 403,
    code: "offline_not_allowed",
    title: "Offline payment is not allowed",
    detail: "This caller may not place orders with payment_method `offline`.",
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

/// A price that is not the held one any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceChange {
    #[schema(value_type = Sku)]
    pub sku: String,
    /// The price of one unit that the checkout held.
    #[schema(value_type = Amount)]
    pub held_minor: i64,
    /// The price of one unit now.
    #[schema(value_type = Amount)]
    pub price_minor: i64,
}

/// A total that a gateway does not take, and the amounts that it takes, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unpayable {
    pub gateway: Gateway,
    #[schema(value_type = Amount)]
    pub total_minor: i64,
    #[schema(value_type = Currency)]
    pub currency: String,
    #[schema(value_type = Amount)]
    pub minimum_minor: i64,
    /// Missing if the gateway publishes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Amount>)]
    pub maximum_minor: Option<i64>,
    /// Every amount is a multiple of it.
    #[schema(value_type = Amount)]
    pub step_minor: i64,
}

impl Unpayable {
    fn sentence(&self) -> String {
        let major = |minor| {
            format!(
                "{} {}",
                major_from_minor(minor, &self.currency),
                self.currency
            )
        };
        let takes = match self.maximum_minor {
            _ if self.total_minor < self.minimum_minor => {
                format!("at least {}", major(self.minimum_minor))
            }
            Some(most) if self.total_minor > most => format!("at most {}", major(most)),
            _ => format!("multiples of {}", major(self.step_minor)),
        };
        format!(
            "There is no order: its total is {}, and {} takes {takes}.",
            major(self.total_minor),
            self.gateway
        )
    }
}

refusals! {
    /// Why there is no order, in order of precedence. A refusal leaves nothing behind.
    pub enum CreateError {
        NotFound => Said::not_found("checkout");
        /// the checkout already has an order, made with another body.
        Conflict => ORDER_CONFLICT;
        /// the shop (`offline_allowed`), this deployment or the caller's token does not let the
        /// storefront use `payment_method` `offline`.
        OfflineNotAllowed => OFFLINE_NOT_ALLOWED;
        /// it was released. Begin a new one.
        CheckoutEnded => CHECKOUT_ENDED;
        /// it began more than 30 minutes ago. Begin a new one.
        CheckoutTooOld => CHECKOUT_TOO_OLD;
        /// the customer has no saved address with this `address_id`.
        AddressUnknown => ADDRESS_UNKNOWN;
        /// the hold had ended, and the skus listed in `skus` are not on sale now.
        NotOnSale(
            /// The complete list, not only the first one.
            #[schema(value_type = Vec<Sku>, min_items = 1, max_items = 50)]
            skus: Vec<String>
        ) => ORDER_NOT_ON_SALE;
        /// the hold had ended, and prices have changed since. Begin a new checkout.
        PriceChanged(
            /// Every sku with another price than the held one.
            #[schema(min_items = 1, max_items = 50)]
            prices: Vec<PriceChange>
        ) => PRICE_CHANGED;
        /// `reason` says why. Order without it, or with another coupon.
        Coupon(reason: CouponRefusal) => COUPON_REFUSED, reason.sentence();
        /// `payment_gateway` does not take the total: it is too small, too large or too fine.
        /// Choose another gateway, or change the cart.
        AmountNotPayable(all: Unpayable) => AMOUNT_NOT_PAYABLE, all.sentence();
        PhoneMissing => Said::invalid(
            "phone",
            "is missing: Cashfree needs one, and the phone of a saved address is not used",
        );
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
            "call holdfast.order_create(
                $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
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
                &request.pay_by.map(|pay_by| pay_by.gateway),
                &request.pay_by.is_none_or(|pay_by| pay_by.ready),
            ],
        )
        .await?;
    let coupon = |refusal| Err(CreateError::Coupon(refusal));
    let details = || row.get::<_, Option<Value>>("o_details").unwrap_or_default();
    match row.get("o_outcome") {
        "created" => Ok(Created::New(order_from_json(row.get("o_order"))?)),
        "same" => Ok(Created::Same(order_from_json(row.get("o_order"))?)),
        "not_found" => Err(CreateError::NotFound),
        "order_conflict" => Err(CreateError::Conflict),
        "offline_not_allowed" => Err(CreateError::OfflineNotAllowed),
        "checkout_ended" => Err(CreateError::CheckoutEnded),
        "checkout_too_old" => Err(CreateError::CheckoutTooOld),
        "address_unknown" => Err(CreateError::AddressUnknown),
        "not_on_sale" => Err(CreateError::NotOnSale(row.get("o_refused_skus"))),
        "price_changed" => Err(CreateError::PriceChanged(from_json(details())?)),
        "amount_not_payable" => Err(CreateError::AmountNotPayable(from_json(details())?)),
        "payer_incomplete" => Err(CreateError::PhoneMissing),
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
