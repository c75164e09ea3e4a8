//! The route of a path and the ids in it, for the log. A caller may type anything into a path, such
//! as an e-mail address in place of an id. So the log never holds the path itself: only the route's
//! pattern, and the ids that have the form of an id.

use std::borrow::Cow;

use operations::ids::{Shop, Sku};
use operations::payment::Gateway;
use uuid::Uuid;

/// The fixed words of all routes.
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

/// The route of a path, and its ids.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The path with names in place of the caller's values: `/v1/shops/{shop}/availability`.
    pub pattern: String,
    pub shop: Option<Shop>,
    pub checkout_id: Option<Uuid>,
    pub order_id: Option<Uuid>,
    pub import_id: Option<Uuid>,
    pub sku: Option<Sku>,
    pub gateway: Option<Gateway>,
}

impl Route {
    /// Parses a path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let mut route = Self::default();
        let (mut noun, mut noun_before) = ("", "");
        for segment in path.trim_start_matches('/').split('/') {
            route.pattern.push('/');
            let name: Cow<'_, str> = match (noun_before, noun) {
                (_, "shops") => {
                    route.shop = segment.parse().ok();
                    "{shop}".into()
                }
                (_, "checkouts") | ("desk", "orders") => {
                    route.checkout_id = segment.parse().ok();
                    "{checkout_id}".into()
                }
                (_, "orders") => {
                    route.order_id = segment.parse().ok();
                    "{order_id}".into()
                }
                (_, "imports") => {
                    route.import_id = segment.parse().ok();
                    "{import_id}".into()
                }
                (_, "skus" | "stock") => {
                    route.sku = segment.parse().ok();
                    "{sku}".into()
                }
                (_, "coupons") => "{code}".into(),
                (_, "parts") => "{part}".into(),
                (_, "webhooks") => {
                    route.gateway = segment.parse().ok();
                    "{gateway}".into()
                }
                _ if WORDS.contains(&segment) => segment.to_owned().into(),
                _ => "?".into(),
            };
            route.pattern.push_str(&name);
            // A caller's value is no noun, even if it reads like one.
            let is_word = !name.starts_with('{');
            (noun_before, noun) = (noun, if is_word { segment } else { "" });
        }
        route
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_typed_is_told_only_where_it_has_the_form_of_an_id() {
        let id = "0198a5b0-0000-7000-8000-000000000001";
        let route = Route::of(&format!("/v1/shops/dress/checkouts/{id}/order"));
        assert_eq!(
            route.pattern,
            "/v1/shops/{shop}/checkouts/{checkout_id}/order"
        );
        assert_eq!(route.shop.unwrap().as_str(), "dress");
        assert_eq!(route.checkout_id, Some(id.parse().unwrap()));

        let route = Route::of("/v1/shops/orders/checkouts/meera@example.com/meera/9908734801");
        assert_eq!(
            route.pattern,
            "/v1/shops/{shop}/checkouts/{checkout_id}/?/?"
        );
        assert_eq!(route.checkout_id, None);

        let desk = Route::of(&format!("/v1/admin/shops/tour/desk/orders/{id}"));
        assert_eq!(
            desk.pattern,
            "/v1/admin/shops/{shop}/desk/orders/{checkout_id}"
        );
        let restock = Route::of(&format!("/v1/admin/shops/tour/orders/{id}/restock"));
        assert_eq!(
            restock.pattern,
            "/v1/admin/shops/{shop}/orders/{order_id}/restock"
        );
        assert_eq!(restock.order_id, Some(id.parse().unwrap()));
    }
}
