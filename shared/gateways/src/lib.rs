//! What Holdfast asks of payment gateways: to take an order on, what became of it, to close it, and
//! to give money back. Calls go out with no transaction open, ever.
//!
//! - [`Api`]: the same five questions to each; `cashfree`, `stripe`, `razorpay` ask them
//! - [`Gateways`]: which shop has which account where; [`Accounts`]: the ones of now, with whoever
//!   keeps their credentials
//! - [`GatewayError`]: why there is no answer
//! - [`open()`]: what the checkout function does of it when an order is made
//!
//! What a look-up finds is brought into the shape of the gateway's webhook and read by the very
//! adapter that reads webhooks: one fact has one key, whichever way it came.

mod accounts;
mod cashfree;
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
pub use config::{Gateways, InvalidGateways};
pub use error::GatewayError;
pub use http::CallLimits;
pub use opening::{OpenError, Opening, Phone, open};

/// What comes of a question.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, GatewayError>>;

/// A shop's account at a gateway. Every call may be made again after any error.
pub trait Api: Send + Sync {
    /// Has the gateway take an order on, so that a shopper can pay it. Asked again for the same
    /// order, it is the same one where the gateway can tell; where not, one that nobody was shown.
    fn create_order<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, GatewayOrder>;

    /// What happened to an order: an event for each attempt to pay it. None is an answer too.
    fn look_up<'a>(&'a self, order: &'a KnownOrder) -> Answer<'a, Vec<Event>>;

    /// Has the gateway let no shopper begin to pay an order any more.
    fn close_order<'a>(&'a self, order: &'a KnownOrder) -> Answer<'a, Closed>;

    /// Gives money back, once for each of our ids.
    fn refund<'a>(&'a self, refund: &'a NewRefund) -> Answer<'a, RefundResult>;

    /// What became of a refund; none where the gateway knows of none.
    fn look_up_refund<'a>(&'a self, refund: &'a KnownRefund) -> Answer<'a, Option<RefundResult>>;
}

/// An order for a gateway to take on.
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
    /// The customer's phone, which Cashfree insists on.
    pub phone: Option<String>,
    /// The time, by the database's clock.
    pub now: OffsetDateTime,
    /// Until when it is to be paid, where the gateway can end it by itself. A gateway that can't
    /// end it so soon ends it later: until then it is closed by us.
    pub expires_at: Option<OffsetDateTime>,
}

/// An order that a gateway has taken on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayOrder {
    /// The gateway's id of it.
    pub gateway_order_id: String,
    /// What the storefront needs, to have the shopper pay it.
    pub data: Value,
    /// When the gateway lets it go by itself, where it says so.
    pub expires_at: Option<OffsetDateTime>,
}

/// An order that a gateway may know.
#[derive(Debug, Clone)]
pub struct KnownOrder {
    /// Our reference.
    pub reference: String,
    /// The gateway's id; none where the storefront made it.
    pub gateway_order_id: Option<String>,
}

/// What came of closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Nobody can begin to pay it any more. What was begun before may still come.
    Closed,
    /// It is paid, or being paid: look it up.
    Paid,
    /// It is as it was, or is in a state that we don't know: somebody may pay it still.
    StillOpen,
    /// This gateway can't close orders.
    Unsupported,
}

/// Money to give back.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// Our id: one is made once.
    pub refund_id: Uuid,
    /// Our reference of the order.
    pub reference: String,
    /// The gateway's id of the payment.
    pub gateway_payment_id: String,
    /// Minor units of `currency`.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Why, in a word.
    pub reason: String,
    /// It was sent before, and what came of it is not known: gateways forget idempotency keys after
    /// a day, so it is looked for first.
    pub sent_before: bool,
    /// How often it was sent before. Where a gateway keeps refusals under an idempotency key, each
    /// attempt has a key of its own.
    pub earlier_attempts: u32,
}

/// A refund that a gateway may know.
#[derive(Debug, Clone)]
pub struct KnownRefund {
    /// Our id.
    pub refund_id: Uuid,
    /// Our reference of the order.
    pub reference: String,
    /// The gateway's id of the payment.
    pub gateway_payment_id: String,
    /// The gateway's id, where it is known.
    pub gateway_refund_id: Option<String>,
}

/// How a refund is at its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundResult {
    /// The gateway's id.
    pub gateway_refund_id: String,
    /// How it is.
    pub state: RefundState,
}

/// How a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// Taken on.
    Pending,
    /// Through.
    Settled,
    /// Failed: the shop has the money.
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
