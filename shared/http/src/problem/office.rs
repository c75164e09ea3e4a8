//! Refusals of the stock office.

use serde_json::json;

use super::Problem;
use operations::stock::{ChangeError, Level, Movement, ShrinkError};
use operations::{coupon, shop, sku, subscriber};

impl Problem {
    /// The token is good, but not for this.
    #[must_use]
    pub fn scope_missing(scope: &'static str) -> Self {
        let detail = format!("The token lacks the scope `{scope}`.");
        Self::new(403, "scope_missing", "The scope is missing", detail)
    }

    /// The same refusal to a caller who sent the version as `If-Match`.
    #[must_use]
    pub fn of_precondition(mut self) -> Self {
        if self.code == "stock_stale" {
            self.status = 412;
            self.code = "precondition_failed";
        }
        self
    }

    fn with_level(self, level: &Level) -> Self {
        self.with("sku", json!(level.sku))
            .with("on_hand", json!(level.on_hand))
            .with("held", json!(level.held))
            .with("available", json!(level.available))
            .with("version", json!(level.version))
    }
}

fn stale(level: &Level, last_movement: Option<&Movement>) -> Problem {
    let problem = Problem::new(
        409,
        "stock_stale",
        "The stock level has changed",
        "Nothing was changed: the stock level's version is not the expected one. Look at these \
         numbers. If the change is still right, send it again with this `version`.",
    )
    .with_level(level);
    match last_movement {
        Some(movement) => problem.with("last_movement", json!(movement)),
        None => problem,
    }
}

fn movement_conflict() -> Problem {
    Problem::new(
        409,
        "movement_conflict",
        "The movement id is in use",
        "This id belongs to another change of stock. To make another change, use a new id.",
    )
}

impl From<&ChangeError> for Problem {
    fn from(error: &ChangeError) -> Self {
        match error {
            ChangeError::UnknownSku => Self::not_found("sku"),
            ChangeError::MovementConflict => movement_conflict(),
            ChangeError::Stale(level, movement) => stale(level, movement.as_deref()),
            ChangeError::BelowHeld(level) => Self::new(
                409,
                "below_held",
                "Shoppers hold more",
                "Nothing was changed: fewer units would be left than shoppers hold now.",
            )
            .with_level(level),
            ChangeError::TooMany => {
                Self::invalid_request("on_hand", "would be more than 1000000000")
            }
            ChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&ShrinkError> for Problem {
    fn from(error: &ShrinkError) -> Self {
        match error {
            ShrinkError::UnknownSku => Self::not_found("sku"),
            ShrinkError::MovementConflict => movement_conflict(),
            ShrinkError::Stale(level, movement) => stale(level, movement.as_deref()),
            ShrinkError::MoreThanOnHand(level) => Self::new(
                409,
                "more_than_on_hand",
                "More is missing than is on hand",
                "Nothing was changed: fewer units are on hand than are missing.",
            )
            .with_level(level),
            ShrinkError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&sku::PutError> for Problem {
    fn from(error: &sku::PutError) -> Self {
        match error {
            sku::PutError::UnknownShop => Self::not_found("shop"),
            sku::PutError::OtherCurrency => {
                Self::invalid_request("currency", "is not the currency of the shop's prices")
            }
            sku::PutError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&subscriber::PutError> for Problem {
    fn from(error: &subscriber::PutError) -> Self {
        match error {
            subscriber::PutError::UnknownShop => Self::not_found("shop"),
            subscriber::PutError::TooMany => Self::invalid_request(
                "name",
                "is a new one, and the shop already has 20 \
                                               subscribers",
            ),
            subscriber::PutError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&shop::PutError> for Problem {
    fn from(error: &shop::PutError) -> Self {
        match error {
            shop::PutError::CurrencyIsFinal => Self::invalid_request(
                "currency",
                "can't change once the shop exists: use another shop for another currency",
            ),
            shop::PutError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&coupon::PutError> for Problem {
    fn from(error: &coupon::PutError) -> Self {
        match error {
            coupon::PutError::UnknownShop => Self::not_found("shop"),
            coupon::PutError::BelowUsed(coupon) => Self::new(
                409,
                "below_used",
                "More uses are already taken",
                "Nothing was changed: orders already hold or have consumed more uses than \
                 `uses_max`.",
            )
            .with("uses_held", json!(coupon.uses_held))
            .with("uses_consumed", json!(coupon.uses_consumed)),
            coupon::PutError::Failure(failure) => failure.into(),
        }
    }
}
