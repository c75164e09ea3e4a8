//! Errors as RFC 9457 problems: the only place where an error becomes an HTTP status. Clients rely
//! on the codes, and openapi.yaml lists each of them. For a failure the client gets a general text;
//! the log has the cause, under the same request id.

mod desk;
mod import;
mod office;
mod refund;

use serde_json::{Map, Value, json};

use operations::checkout::{BeginError, ExtendError, LimitReached, ReleaseError, Shortage};
use operations::db::Failure;
use operations::order::{CouponRefusal, CreateError};
use operations::payment::Gateway;

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";
/// How long a client should wait before it repeats a request that met a failure, in seconds.
const RETRY_AFTER_S: u32 = 1;

/// One problem, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// The stable code; `type` is `urn:holdfast:problem:<code>`.
    pub code: &'static str,
    /// The kind of problem, in a few words. Always the same for a code.
    pub title: &'static str,
    /// What is wrong this time, and what to do about it.
    pub detail: String,
    /// Additional members, such as `shortages`.
    pub extensions: Map<String, Value>,
    /// The `Retry-After` header in seconds.
    pub retry_after_s: Option<u32>,
    /// The `Allow` header.
    pub allow: Option<&'static str>,
}

impl Problem {
    fn new(
        status: u16,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            extensions: Map::new(),
            retry_after_s: None,
            allow: None,
        }
    }

    fn with(mut self, member: &str, value: Value) -> Self {
        self.extensions.insert(member.to_owned(), value);
        self
    }

    /// The body. `request_id` finds the call in the log.
    #[must_use]
    pub fn body(&self, request_id: &str) -> Value {
        let mut body = self.extensions.clone();
        body.insert(
            "type".to_owned(),
            json!(format!("urn:holdfast:problem:{}", self.code)),
        );
        body.insert("title".to_owned(), json!(self.title));
        body.insert("status".to_owned(), json!(self.status));
        body.insert("detail".to_owned(), json!(self.detail));
        body.insert("code".to_owned(), json!(self.code));
        body.insert("request_id".to_owned(), json!(request_id));
        Value::Object(body)
    }

    /// One field of the request is wrong.
    #[must_use]
    pub fn invalid_request(field: &str, message: &str) -> Self {
        Self::new(
            400,
            "invalid_request",
            "The request is not valid",
            format!("{field}: {message}"),
        )
        .with("errors", json!([{ "field": field, "message": message }]))
    }

    /// It does not exist, or it belongs to somebody else.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            404,
            "not_found",
            "Not found",
            format!("There is no such {what}."),
        )
    }

    /// The path exists, the method does not.
    #[must_use]
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        let detail = format!("Use one of: {allowed}.");
        let mut problem = Self::new(405, "method_not_allowed", "Method not allowed", detail);
        problem.allow = Some(allowed);
        problem
    }

    /// The body is longer than `bytes_max`.
    #[must_use]
    pub fn body_too_large(bytes_max: usize) -> Self {
        let detail = format!("A body may have at most {bytes_max} bytes.");
        Self::new(413, "body_too_large", "The body is too large", detail)
    }

    /// The caller is not authenticated, and gets no detail.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            401,
            "unauthorized",
            "Unauthorized",
            "The request could not be authenticated.",
        )
    }

    /// The caller may not order without an online payment.
    #[must_use]
    pub fn offline_not_allowed() -> Self {
        Self::new(
            403,
            "offline_not_allowed",
            "Offline payment is not allowed",
            "This caller may not place orders with payment_method `offline`.",
        )
    }

    /// Holdfast could not decide. The same request may succeed in a moment.
    #[must_use]
    pub fn unavailable() -> Self {
        let mut problem = Self::new(
            503,
            "unavailable",
            "Temporarily unavailable",
            "Holdfast could not decide the request. Send the same request again: it takes effect \
             once.",
        );
        problem.retry_after_s = Some(RETRY_AFTER_S);
        problem
    }

    /// The order is made, but its gateway does not answer.
    #[must_use]
    pub fn gateway_unavailable(gateway: Gateway) -> Self {
        let detail = format!(
            "The order is made and its stock is held, but {gateway} does not answer. Send the \
             same request again, or one with another payment_gateway."
        );
        let mut problem = Self::new(
            503,
            "gateway_unavailable",
            "The gateway does not answer",
            detail,
        );
        problem.retry_after_s = Some(RETRY_AFTER_S);
        problem.with("gateway", json!(gateway.as_str()))
    }

    /// The order is made, but its gateway refuses it. `reason` is the gateway's code, or empty if
    /// only the shop can do something about it.
    #[must_use]
    pub fn gateway_refused(gateway: Gateway, reason: &str) -> Self {
        let detail = format!(
            "The order is made and its stock is held, but {gateway} refuses it. Send the request \
             again with another payment_gateway, or with another phone if `reason` is about the \
             phone."
        );
        Self::new(
            502,
            "gateway_refused",
            "The gateway refuses the order",
            detail,
        )
        .with("gateway", json!(gateway.as_str()))
        .with("reason", json!(reason))
    }

    /// A defect on this side.
    #[must_use]
    pub fn internal() -> Self {
        let detail = "Something failed on this side. The log has the cause under this request id.";
        Self::new(500, "internal", "Internal error", detail)
    }
}

fn shortage(shortages: &[Shortage]) -> Problem {
    Problem::new(
        409,
        "shortage",
        "Not enough stock",
        "Nothing is held: a cart is held as a whole or not at all. `shortages` lists every line \
         that is short.",
    )
    .with("shortages", json!(shortages))
}

fn too_many_checkouts() -> Problem {
    Problem::new(
        409,
        "too_many_checkouts",
        "Too many checkouts",
        "This customer already has as many checkouts as the shop allows at once. Order or release \
         one.",
    )
}

fn limit_reached(limits: &[LimitReached]) -> Problem {
    Problem::new(
        409,
        "limit_reached",
        "The customer's limit is reached",
        "With the units that this customer holds and has bought, they would have more than the \
         shop allows. `limits` lists these skus, and how many more units the customer may have.",
    )
    .with("limits", json!(limits))
}

fn skus(code: &'static str, title: &'static str, detail: &str, skus: &[String]) -> Problem {
    Problem::new(422, code, title, detail).with("skus", json!(skus))
}

fn hold_too_long() -> Problem {
    Problem::invalid_request("hold_s", "is longer than this shop's maximum")
}

fn checkout_ended() -> Problem {
    Problem::new(
        409,
        "checkout_ended",
        "The checkout has ended",
        "It was released, has expired, or is paid. Begin a new one with a new id.",
    )
}

fn checkout_ordered() -> Problem {
    Problem::new(
        409,
        "checkout_ordered",
        "The checkout has an order",
        "Its order has frozen the cart. Release the checkout to cancel the order.",
    )
}

impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Unavailable(_) | Failure::Refused(_) => Self::unavailable(),
            Failure::Internal(_) => Self::internal(),
        }
    }
}

impl From<&BeginError> for Problem {
    fn from(error: &BeginError) -> Self {
        match error {
            BeginError::UnknownShop => Self::not_found("shop"),
            BeginError::Conflict => Self::new(
                409,
                "checkout_conflict",
                "The checkout id is in use",
                "This id and revision belong to another request. To replace the cart, send a \
                 higher `revision`. To begin another checkout, use a new id.",
            ),
            BeginError::StaleRevision => Self::new(
                409,
                "stale_revision",
                "A newer cart is in place",
                "This checkout already has a cart with a higher `revision`. Nothing was changed.",
            ),
            BeginError::Ended => checkout_ended(),
            BeginError::Ordered => checkout_ordered(),
            BeginError::HoldTooLong => hold_too_long(),
            BeginError::UnknownSku(codes) => skus(
                "unknown_sku",
                "Not in the catalogue",
                "Nothing is held: the shop's catalogue does not have the skus in `skus`.",
                codes,
            ),
            BeginError::NotOnSale(codes) => skus(
                "not_on_sale",
                "Not on sale",
                "Nothing is held: the skus in `skus` are not on sale now.",
                codes,
            ),
            BeginError::Shortage(shortages) => shortage(shortages),
            BeginError::TooManyCheckouts => too_many_checkouts(),
            BeginError::LimitReached(limits) => limit_reached(limits),
            BeginError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&ExtendError> for Problem {
    fn from(error: &ExtendError) -> Self {
        match error {
            ExtendError::NotFound => Self::not_found("checkout"),
            ExtendError::Ordered => checkout_ordered(),
            ExtendError::Ended => checkout_ended(),
            ExtendError::HoldTooLong => hold_too_long(),
            ExtendError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&ReleaseError> for Problem {
    fn from(error: &ReleaseError) -> Self {
        match error {
            ReleaseError::NotFound => Self::not_found("checkout"),
            ReleaseError::Paid => Self::new(
                409,
                "checkout_paid",
                "The checkout is paid",
                "Its stock is sold. Use a refund for goods that come back.",
            ),
            ReleaseError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&CreateError> for Problem {
    fn from(error: &CreateError) -> Self {
        match error {
            CreateError::NotFound => Self::not_found("checkout"),
            CreateError::Conflict => Self::new(
                409,
                "order_conflict",
                "The checkout has another order",
                "Another request has ordered this checkout. Read its order, or release the \
                 checkout and begin a new one.",
            ),
            CreateError::CheckoutEnded => checkout_ended(),
            CreateError::CheckoutTooOld => Self::new(
                409,
                "checkout_too_old",
                "The checkout is too old",
                "It began too long ago to be ordered. Begin a new one with a new id.",
            ),
            CreateError::AddressUnknown => Self::new(
                422,
                "address_unknown",
                "No such address",
                "This customer has no saved address with this `address_id`.",
            ),
            CreateError::Coupon(refusal) => coupon_refused(*refusal),
            CreateError::Shortage(shortages) => shortage(shortages),
            CreateError::TooManyCheckouts => too_many_checkouts(),
            CreateError::LimitReached(limits) => limit_reached(limits),
            CreateError::Failure(failure) => failure.into(),
        }
    }
}

fn coupon_refused(refusal: CouponRefusal) -> Problem {
    let (reason, detail) = match refusal {
        CouponRefusal::Unknown => ("unknown", "This shop has no such coupon."),
        CouponRefusal::NotYetValid => ("not_yet_valid", "The coupon is not valid yet."),
        CouponRefusal::Expired => ("expired", "The coupon is no longer valid."),
        CouponRefusal::NotForCart => (
            "not_for_cart",
            "The coupon is for none of the skus in the cart.",
        ),
        CouponRefusal::BelowMinimum => (
            "below_minimum",
            "The lines that the coupon is for cost less than its minimum.",
        ),
        CouponRefusal::UsedUp => ("used_up", "All uses of the coupon are taken."),
        CouponRefusal::UsedUpByCustomer => (
            "used_up_by_customer",
            "This customer has used the coupon as often as allowed.",
        ),
    };
    Problem::new(422, "coupon_refused", "The coupon can't be used", detail)
        .with("reason", json!(reason))
}
