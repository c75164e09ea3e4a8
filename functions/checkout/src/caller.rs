//! The caller of a request, and the shops it may act for.
//!
//! `SHOPS` names the shops of this deployment. With a JWT authorizer, the customer is the token's
//! `sub`, and its claim `shops` (separated by spaces or commas) names the shops of the caller.
//! Without an authorizer the storefront's own server calls and names the customer. The checkout id
//! cannot be guessed, so it serves as the capability.

use std::env;

use holdfast_http::caller::{Shops, claims};
use holdfast_http::problem::Problem;
use lambda_http::Request;
use operations::config::ConfigError;
use operations::ids::{Customer, Shop};

/// The scope that a token needs to order with payment method `offline`.
const OFFLINE_SCOPE: &str = "holdfast:offline";
/// In this header a storefront's server may name the customer. Checkouts of other customers then
/// answer 404.
const CUSTOMER_HEADER: &str = "x-holdfast-customer";

/// The rules of this deployment.
#[derive(Debug, Clone)]
pub struct Callers {
    shops: Shops,
    offline: bool,
}

/// The caller of one request.
#[derive(Debug, Clone)]
pub struct Caller {
    customer: Option<Customer>,
    authenticated: bool,
    shops: Shops,
    token_shops: Shops,
    offline: bool,
}

impl Callers {
    /// Reads `SHOPS` (a comma-separated list, or `*`) and `OFFLINE_PAYMENT` (`allow`, or `deny` by
    /// default).
    ///
    /// # Errors
    /// When one of them is missing or invalid.
    pub fn from_env() -> Result<Self, ConfigError> {
        let shops = Shops::from_env("SHOPS")?.ok_or(ConfigError::Missing(
            "SHOPS",
            "the shops that callers may act for, separated by commas, or *",
        ))?;
        let offline = match env::var("OFFLINE_PAYMENT").as_deref() {
            Err(_) | Ok("deny") => false,
            Ok("allow") => true,
            Ok(other) => {
                return Err(ConfigError::Invalid {
                    variable: "OFFLINE_PAYMENT",
                    reason: format!("must be `allow` or `deny`, got {other:?}"),
                });
            }
        };
        Ok(Self { shops, offline })
    }

    /// Identifies the caller of a request.
    ///
    /// # Errors
    /// A problem when the named customer is invalid.
    pub fn identify(&self, request: &Request) -> Result<Caller, Problem> {
        if let Some(claims) = claims(request) {
            let sub = claims.text("sub");
            let customer = sub
                .parse()
                .map_err(|_| Problem::invalid_request("token.sub", "must be 1 to 64 characters"))?;
            return Ok(Caller {
                customer: Some(customer),
                authenticated: true,
                shops: self.shops.clone(),
                token_shops: claims.shops(),
                offline: claims.have_scope(OFFLINE_SCOPE),
            });
        }
        let customer = match request.headers().get(CUSTOMER_HEADER) {
            None => None,
            Some(value) => Some(
                value
                    .to_str()
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| {
                        Problem::invalid_request(
                            CUSTOMER_HEADER,
                            "must be 1 to 64 characters without control characters",
                        )
                    })?,
            ),
        };
        Ok(Caller {
            customer,
            authenticated: false,
            shops: self.shops.clone(),
            token_shops: Shops::Every,
            offline: self.offline,
        })
    }
}

impl Caller {
    /// The customer, if the request names one. Checkouts of other customers then answer 404.
    #[must_use]
    pub fn customer(&self) -> Option<&Customer> {
        self.customer.as_ref()
    }

    /// Whether a token proves the customer.
    #[must_use]
    pub fn authenticated(&self) -> bool {
        self.authenticated
    }

    /// Whether the caller may act for this shop.
    #[must_use]
    pub fn may_act_for(&self, shop: &Shop) -> bool {
        self.shops.include(shop) && self.token_shops.include(shop)
    }

    /// Whether the caller may order with payment method `offline`.
    #[must_use]
    pub fn may_take_offline_payment(&self) -> bool {
        self.offline
    }
}
