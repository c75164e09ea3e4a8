//! Who calls, and for which shops.
//!
//! `SHOPS` says for which shops this deployment is. With a JWT authorizer in front, the customer is
//! the token's `sub`, and its claim `shops` (separated by spaces or commas) says for which of them.
//! Without one the storefront's own server calls: it names the customer, and the unguessable
//! checkout id is the capability.

use std::env;

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt as _};
use shared::config::ConfigError;
use shared::ids::{Customer, Shop};
use shared::problem::Problem;

/// The scope of a token that may order with payment method `offline`.
const OFFLINE_SCOPE: &str = "holdfast:offline";
/// The header by which a storefront's server may name the customer; when it does, foreign things
/// look missing.
const CUSTOMER_HEADER: &str = "x-holdfast-customer";

/// The shops that someone may act for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shops {
    Every,
    These(Vec<String>),
}

impl Shops {
    fn include(&self, shop: &Shop) -> bool {
        match self {
            Self::Every => true,
            Self::These(codes) => codes.iter().any(|code| code == shop.as_str()),
        }
    }
}

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
    /// Reads `SHOPS` (a comma-separated list, or `*`) and `OFFLINE_PAYMENT` (`allow` or `deny`, the
    /// default).
    ///
    /// # Errors
    /// When one of them is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        let shops = env::var("SHOPS").map_err(|_| {
            ConfigError::Missing(
                "SHOPS",
                "the shops that callers may act for, separated by commas, or *",
            )
        })?;
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
        let shops = if shops.trim() == "*" {
            Shops::Every
        } else {
            for shop in words(&shops) {
                shop.parse::<Shop>().map_err(|error| ConfigError::Invalid {
                    variable: "SHOPS",
                    reason: error.to_string(),
                })?;
            }
            Shops::These(words(&shops).map(str::to_owned).collect())
        };
        Ok(Self { shops, offline })
    }

    /// Who sends this request.
    ///
    /// # Errors
    /// A problem when the customer that it names is none.
    pub fn identify(&self, request: &Request) -> Result<Caller, Problem> {
        if let Some(context) = request.request_context_ref().and_then(http_api)
            && let Some(jwt) = context.authorizer.as_ref().and_then(|by| by.jwt.as_ref())
        {
            let sub = jwt.claims.get("sub").map_or("", String::as_str);
            let customer = sub
                .parse()
                .map_err(|_| Problem::invalid_request("token.sub", "must be 1 to 64 characters"))?;
            let granted = jwt.claims.get("shops").map_or("", String::as_str);
            let scope = jwt.claims.get("scope").map_or("", String::as_str);
            return Ok(Caller {
                customer: Some(customer),
                authenticated: true,
                shops: self.shops.clone(),
                token_shops: Shops::These(words(granted).map(str::to_owned).collect()),
                offline: words(scope).any(|word| word == OFFLINE_SCOPE),
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
    /// The customer, where the request says who it is: others' checkouts then look like missing
    /// ones.
    #[must_use]
    pub fn customer(&self) -> Option<&Customer> {
        self.customer.as_ref()
    }

    /// Whether the customer was proven by a token.
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

/// The context of an HTTP API call; of nothing else.
fn http_api(context: &RequestContext) -> Option<&ApiGatewayV2httpRequestContext> {
    match context {
        RequestContext::ApiGatewayV2(context) => Some(context),
        _ => None,
    }
}

/// API Gateway writes a claim that is a list as `[a b]`.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.trim_matches(['[', ']'])
        .split([',', ' '])
        .filter(|word| !word.is_empty())
}
