//! Parameters of a path. A problem names the wrong one.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use lambda_http::http::request::Parts;
use operations::ids::{CheckoutId, CouponCode, ImportId, OrderId, RefundId, Shop, Sku};
use operations::quantity::PartNumber;
use operations::subscriber::Name;
use utoipa::ToSchema;

use crate::problem::Problem;

/// A type that stands in a path under one name. The contract and the log know it by this name.
pub trait PathParameter: FromStr<Err: Display> + ToSchema {
    /// The name, as in `/v1/shops/{shop}`.
    const NAME: &'static str;
    /// What it is, for the contract.
    const DESCRIPTION: &'static str;
}

macro_rules! path_parameters {
    ($($type:ty, $name:literal, $description:literal;)*) => { $(
        impl PathParameter for $type {
            const NAME: &'static str = $name;
            const DESCRIPTION: &'static str = $description;
        }
    )* };
}

path_parameters! {
    Shop, "shop", "The shop's code.";
    CheckoutId, "checkout_id",
        "A UUID that the caller makes, preferably version 7. It is the idempotency key.";
    OrderId, "order_id", "The order's id.";
    RefundId, "refund_id", "The refund's id.";
    Sku, "sku", "The sku's code.";
    CouponCode, "code", "The coupon's code.";
    Name, "name",
        "The subscriber's name. Its signing secret is stored under this name.";
    ImportId, "import_id",
        "A UUID that the caller makes. It continues an interrupted import.";
    PartNumber, "part", "The number of the part, from 1.";
}

/// The parameter of the request's path that has this type. Its percent-encoding is undone once.
pub struct Path<T>(pub T);

impl<T: PathParameter, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = text::<S>(parts, state, T::NAME).await;
        text.parse()
            .map(Self)
            .map_err(|error| Problem::invalid(T::NAME, error))
    }
}

/// A parameter as it was sent, decoded. Empty if the route has no such parameter.
pub async fn text<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> String {
    // A path that is no UTF-8 after decoding is refused here: no parameter can have such a value.
    let Ok(parameters) = RawPathParams::from_request_parts(parts, state).await else {
        return "\u{fffd}".to_owned();
    };
    let found = parameters.iter().find(|(known, _)| *known == name);
    found.map_or_else(String::new, |(_, value)| value.to_owned())
}

/// Adds a parameter of the path to the log span of its request, if it has the form of an id.
pub(crate) fn noted(name: &str, value: &str) {
    fn of<T: PathParameter + Display>(value: &str) -> Option<String> {
        value.parse::<T>().ok().map(|id| id.to_string())
    }
    let (field, id) = match name {
        Shop::NAME => ("shop", of::<Shop>(value)),
        CheckoutId::NAME => ("checkout.id", of::<CheckoutId>(value)),
        OrderId::NAME => ("order.id", of::<OrderId>(value)),
        RefundId::NAME => ("refund.id", of::<RefundId>(value)),
        ImportId::NAME => ("import.id", of::<ImportId>(value)),
        Sku::NAME => ("sku", of::<Sku>(value)),
        _ => return,
    };
    if let Some(id) = id {
        tracing::Span::current().record(field, id);
    }
}
