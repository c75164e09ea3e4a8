//! Refusals of the seat desk and of restocks.

use serde_json::json;

use super::{Problem, coupon_refused, limit_reached, shortage, skus, too_many_checkouts};
use operations::checkout::Shortage;
use operations::order::{AmendError, BookError, CancelError, RestockError};

fn nothing_changed(shortages: &[Shortage]) -> Problem {
    Problem {
        detail: "Nothing was changed: all lines or none. `shortages` lists every line that is \
                 short. Its `available` includes the units that the party already has."
            .to_owned(),
        ..shortage(shortages)
    }
}

fn not_offline() -> Problem {
    Problem::new(
        409,
        "order_not_offline",
        "The order was not paid at the desk",
        "The desk can change and cancel only orders that it sold. Use a restock for goods of an \
         order that was paid through a gateway.",
    )
}

fn ended() -> Problem {
    Problem::new(
        409,
        "order_ended",
        "The order has ended",
        "It is cancelled, or its money has gone back. Book again with a new id.",
    )
}

fn unknown(codes: &[String]) -> Problem {
    skus(
        "unknown_sku",
        "Not in the catalogue",
        "Nothing was changed: the shop's catalogue does not have the skus in `skus`.",
        codes,
    )
}

fn not_on_sale(codes: &[String]) -> Problem {
    skus(
        "not_on_sale",
        "Not on sale",
        "Nothing was changed: the skus in `skus` are not on sale now.",
        codes,
    )
}

impl From<&BookError> for Problem {
    fn from(error: &BookError) -> Self {
        match error {
            BookError::UnknownShop => Self::not_found("shop"),
            BookError::Conflict => Self::new(
                409,
                "checkout_conflict",
                "The checkout id is in use",
                "This id belongs to another request. To change a booking, amend it. To make \
                 another booking, use a new id.",
            ),
            BookError::UnknownSku(codes) => unknown(codes),
            BookError::NotOnSale(codes) => not_on_sale(codes),
            BookError::Shortage(shortages) => nothing_changed(shortages),
            BookError::TooManyCheckouts => too_many_checkouts(),
            BookError::LimitReached(limits) => limit_reached(limits),
            BookError::Coupon(refusal) => coupon_refused(*refusal),
            BookError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&AmendError> for Problem {
    fn from(error: &AmendError) -> Self {
        match error {
            AmendError::NotFound => Self::not_found("booking"),
            AmendError::NotOffline => not_offline(),
            AmendError::Ended => ended(),
            AmendError::HasCoupon => Self::new(
                409,
                "order_has_coupon",
                "The order has a coupon",
                "Its discount was computed for its present lines. Cancel the booking and book \
                 again.",
            ),
            AmendError::Stale(order) => Self::new(
                409,
                "order_stale",
                "The order has changed",
                "Nothing was changed: the order's version is not the expected one. Look at \
                 `order`. If the change is still right, send it again with this `version`.",
            )
            .with("order", json!(order)),
            AmendError::UnknownSku(codes) => unknown(codes),
            AmendError::NotOnSale(codes) => not_on_sale(codes),
            AmendError::LimitReached(limits) => limit_reached(limits),
            AmendError::Shortage(shortages) => nothing_changed(shortages),
            AmendError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&CancelError> for Problem {
    fn from(error: &CancelError) -> Self {
        match error {
            CancelError::NotFound => Self::not_found("booking"),
            CancelError::NotOffline => not_offline(),
            CancelError::Ended => ended(),
            CancelError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&RestockError> for Problem {
    fn from(error: &RestockError) -> Self {
        match error {
            RestockError::NotFound => Self::not_found("order"),
            RestockError::Conflict => Self::new(
                409,
                "return_conflict",
                "The return id is in use",
                "This id belongs to another return. To put more back, use a new id.",
            ),
            RestockError::NotSold => Self::new(
                409,
                "order_not_sold",
                "The order sold nothing",
                "Its stock was never deducted, so nothing can come back.",
            ),
            RestockError::TooMany(excess) => Self::new(
                409,
                "more_than_sold",
                "More than was sold",
                "Nothing was put back. `excess` lists every line with more units than were sold \
                 and have not come back.",
            )
            .with("excess", json!(excess)),
            RestockError::Failure(failure) => failure.into(),
        }
    }
}
