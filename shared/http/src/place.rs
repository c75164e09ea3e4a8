//! What a path is about, for the log. A path is what a caller typed: it may hold anything, an
//! e-mail address where an id should be. So no line holds the path itself, but its route, and the
//! ids in it that are ids.

use std::borrow::Cow;

use operations::ids::{Shop, Sku};
use uuid::Uuid;

/// The fixed words of all routes. A test holds openapi.yaml against them.
const WORDS: [&str; 28] = [
    "v1",
    "admin",
    "shops",
    "checkouts",
    "extend",
    "order",
    "availability",
    "skus",
    "stock",
    "receive",
    "adjust",
    "set",
    "shrink",
    "ledger",
    "holds",
    "coupons",
    "search",
    "promises",
    "desk",
    "orders",
    "restock",
    "manifest",
    "imports",
    "parts",
    "apply",
    "report",
    "export",
    "webhooks",
];

/// What a path is about, as far as its form says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The path with names in place of what a caller chooses: `/v1/shops/{shop}/availability`.
    pub route: String,
    /// The shop.
    pub shop: Option<Shop>,
    /// The checkout.
    pub checkout_id: Option<Uuid>,
    /// The order.
    pub order_id: Option<Uuid>,
    /// The import.
    pub import_id: Option<Uuid>,
    /// The sku.
    pub sku: Option<Sku>,
}

impl Place {
    /// Reads a path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let mut place = Self::default();
        let (mut noun, mut noun_before) = ("", "");
        for segment in path.trim_start_matches('/').split('/') {
            place.route.push('/');
            let name: Cow<'_, str> = match (noun_before, noun) {
                (_, "shops") => {
                    place.shop = segment.parse().ok();
                    "{shop}".into()
                }
                (_, "checkouts") | ("desk", "orders") => {
                    place.checkout_id = segment.parse().ok();
                    "{checkout_id}".into()
                }
                (_, "orders") => {
                    place.order_id = segment.parse().ok();
                    "{order_id}".into()
                }
                (_, "imports") => {
                    place.import_id = segment.parse().ok();
                    "{import_id}".into()
                }
                (_, "skus" | "stock") => {
                    place.sku = segment.parse().ok();
                    "{sku}".into()
                }
                (_, "coupons") => "{code}".into(),
                (_, "parts") => "{part}".into(),
                (_, "webhooks") => "{gateway}".into(),
                _ if WORDS.contains(&segment) => segment.to_owned().into(),
                _ => "?".into(),
            };
            place.route.push_str(&name);
            // What a caller chose is no noun, even where it reads like one.
            let is_word = !name.starts_with('{');
            (noun_before, noun) = (noun, if is_word { segment } else { "" });
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_typed_is_told_only_where_it_has_the_form_of_an_id() {
        let id = "0198a5b0-0000-7000-8000-000000000001";
        let place = Place::of(&format!("/v1/shops/dress/checkouts/{id}/order"));
        assert_eq!(
            place.route,
            "/v1/shops/{shop}/checkouts/{checkout_id}/order"
        );
        assert_eq!(place.shop.unwrap().as_str(), "dress");
        assert_eq!(place.checkout_id, Some(id.parse().unwrap()));

        let place = Place::of("/v1/shops/orders/checkouts/meera@example.com/meera/9908734801");
        assert_eq!(place.route, "/v1/shops/{shop}/checkouts/{checkout_id}/?/?");
        assert_eq!(place.checkout_id, None);

        let desk = Place::of(&format!("/v1/admin/shops/tour/desk/orders/{id}"));
        assert_eq!(
            desk.route,
            "/v1/admin/shops/{shop}/desk/orders/{checkout_id}"
        );
        let restock = Place::of(&format!("/v1/admin/shops/tour/orders/{id}/restock"));
        assert_eq!(
            restock.route,
            "/v1/admin/shops/{shop}/orders/{order_id}/restock"
        );
        assert_eq!(restock.order_id, Some(id.parse().unwrap()));
    }
}
