//! Clients of payment gateways: create an order, look it up, close it, and refund. No database
//! transaction is open during a call.
//!
//! - [`Api`]: the same five calls for each gateway; `cashfree`, `stripe` and `razorpay` implement
//!   them
//! - [`Gateways`]: the accounts of all shops; [`Accounts`] keeps them current
//! - [`GatewayError`]: why there is no answer
//! - [`open()`]: what the checkout function calls when an order is made; [`close_ended`]: when its
//!   checkout is released
//!
//! The result of a look-up is written in the form of the gateway's webhook and read by the same
//! adapter. So one fact has one key, whichever way it comes.

mod accounts;
mod cashfree;
pub mod closing;
mod config;
mod credential;
mod error;
mod http;
pub mod opening;
mod razorpay;
mod stripe;

use futures_util::future::BoxFuture;
use operations::payment::Event;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

pub use accounts::Accounts;
pub use closing::close_ended;
pub use config::{Gateways, InvalidGateways};
pub use error::GatewayError;
pub use http::CallLimits;
pub use opening::{OpenError, Opening, Phone, open};

/// The result of a call.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, GatewayError>>;

/// A shop's account at a gateway. Every call may be repeated after any error.
pub trait Api: Send + Sync {
    /// Creates an order at the gateway, so that a shopper can pay it. A second call for the same
    /// order returns the same one if the gateway can find it. Otherwise it returns a new one, and
    /// nobody saw the first.
    fn create_order<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, GatewayOrder>;

    /// The events of an order, one for each attempt to pay it. The list may be empty.
    fn look_up<'a>(&'a self, order: &'a KnownOrder) -> Answer<'a, Vec<Event>>;

    /// Closes an order, so that no shopper can begin to pay it.
    fn close_order<'a>(&'a self, order: &'a KnownOrder) -> Answer<'a, Closed>;

    /// Refunds money, once for each of our ids.
    fn refund<'a>(&'a self, refund: &'a NewRefund) -> Answer<'a, RefundResult>;

    /// Looks a refund up. `None` if the gateway does not know it.
    fn look_up_refund<'a>(&'a self, refund: &'a KnownRefund) -> Answer<'a, Option<RefundResult>>;
}

/// An order to create at a gateway.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// Our reference: at most 39 characters of `a-z`, `0-9` and `-`.
    pub reference: String,
    /// Minor units of `currency`.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Our id of the customer.
    pub customer: String,
    /// The customer's phone. Cashfree requires it.
    pub phone: Option<String>,
    /// The time, by the database's clock.
    pub now: OffsetDateTime,
    /// The end of the time to pay, if the gateway can end an order by itself. If it cannot end it
    /// so soon, it ends it later, and the sweeper closes it before.
    pub expires_at: Option<OffsetDateTime>,
}

/// An order that exists at a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayOrder {
    /// The gateway's id of the order.
    pub gateway_order_id: String,
    /// A second id that the gateway shows for it.
    pub other_order_id: Option<String>,
    /// What the storefront needs to let the shopper pay.
    pub data: Value,
    /// When the gateway ends the order by itself, if it says so.
    pub expires_at: Option<OffsetDateTime>,
}

/// An order that may exist at a gateway.
#[derive(Debug, Clone)]
pub struct KnownOrder {
    /// Our reference.
    pub reference: String,
    /// The gateway's id. `None` if the storefront created the order.
    pub gateway_order_id: Option<String>,
}

/// The result of closing an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// No shopper can begin to pay it. A payment that began before may still arrive.
    Closed,
    /// It is paid, or being paid: look it up.
    Paid,
    /// It is still open, or in an unknown state: a shopper may still pay it.
    StillOpen,
    /// This gateway can't close orders.
    Unsupported,
}

/// A refund to make.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// Our id. The gateway makes one refund for it.
    pub refund_id: Uuid,
    /// Our reference of the order.
    pub reference: String,
    /// The gateway's id of the payment.
    pub gateway_payment_id: String,
    /// Minor units of `currency`.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The reason, in a word.
    pub reason: String,
    /// Whether it was sent before with unknown result. Gateways forget idempotency keys after a
    /// day, so the client looks for the refund first.
    pub sent_before: bool,
    /// How often it was sent before. If a gateway keeps a refusal under an idempotency key, each
    /// attempt uses its own key.
    pub earlier_attempts: u32,
}

/// A refund that may exist at a gateway.
#[derive(Debug, Clone)]
pub struct KnownRefund {
    /// Our id.
    pub refund_id: Uuid,
    /// Our reference of the order.
    pub reference: String,
    /// The gateway's id of the payment.
    pub gateway_payment_id: String,
    /// The gateway's id, if it is known.
    pub gateway_refund_id: Option<String>,
}

/// A refund as the gateway reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundResult {
    pub gateway_refund_id: String,
    /// Its state.
    pub state: RefundState,
}

/// The state of a refund at a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// Accepted, not finished.
    Pending,
    /// Finished: the shopper gets the money.
    Settled,
    /// Failed: the shop keeps the money.
    Failed,
}

impl NewRefund {
    fn known(&self) -> KnownRefund {
        KnownRefund {
            refund_id: self.refund_id,
            reference: self.reference.clone(),
            gateway_payment_id: self.gateway_payment_id.clone(),
            gateway_refund_id: None,
        }
    }
}
