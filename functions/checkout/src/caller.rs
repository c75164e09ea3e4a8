//! The caller of a request, and the shops it may act for.
//!
//! `SHOPS` names the shops of this deployment. With a JWT authorizer, the customer is the token's
//! `sub`, and its claim `shops` (separated by spaces or commas) names the shops of the caller.
//! Without an authorizer the storefront's own server calls and names the customer. The checkout id
//! cannot be guessed, so it serves as the capability.

use std::env;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use holdfast_http::caller::{Shops, claims};
use holdfast_http::contract::{Description, Input};
use holdfast_http::{Path, Problem};
use lambda_http::http::request::Parts;
use operations::config::ConfigError;
use operations::ids::{Customer, Shop};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::origin::{ORIGIN_REFUSED, Origin};

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
    origin: Arc<Origin>,
}

/// A caller who may act for the shop of the path.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The shop of the path.
    pub shop: Shop,
    customer: Option<Customer>,
    offline: bool,
}

impl Callers {
    /// Reads `SHOPS` (a comma-separated list, or `*`), `OFFLINE_PAYMENT` (`allow`, or `deny` by
    /// default) and what [`Origin`] reads.
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
        let origin = Arc::new(Origin::from_env(aws::store)?);
        Ok(Self {
            shops,
            offline,
            origin,
        })
    }

    /// Identifies the caller of a request for this shop.
    fn identify(&self, parts: &Parts, shop: Shop) -> Result<Caller, Problem> {
        let claims = claims(parts);
        let of_token = claims.is_none_or(|claims| claims.shops().include(&shop));
        let customer = match claims {
            Some(claims) => {
                let customer = claims.text("sub").parse();
                let problem = |_| Problem::invalid("token.sub", "must be 1 to 64 characters");
                Some(customer.map_err(problem)?)
            }
            None => named(parts)?,
        };
        if !self.shops.include(&shop) || !of_token {
            return Err(Problem::not_found("shop"));
        }
        let offline = claims.map_or(self.offline, |claims| claims.have_scope(OFFLINE_SCOPE));
        Ok(Caller {
            shop,
            customer,
            offline,
        })
    }
}

/// The customer whom the storefront's server names.
fn named(parts: &Parts) -> Result<Option<Customer>, Problem> {
    let Some(value) = parts.headers.get(CUSTOMER_HEADER) else {
        return Ok(None);
    };
    let customer = value.to_str().ok().and_then(|text| text.parse().ok());
    customer.map(Some).ok_or_else(|| {
        let message = "must be 1 to 64 characters of ASCII without control characters";
        Problem::invalid(CUSTOMER_HEADER, message)
    })
}

impl Caller {
    /// The customer, if the request names one. Checkouts of other customers then answer 404.
    #[must_use]
    pub fn customer(&self) -> Option<&Customer> {
        self.customer.as_ref()
    }

    /// Whether the caller may order with payment method `offline`.
    #[must_use]
    pub fn may_take_offline_payment(&self) -> bool {
        self.offline
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Callers: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let callers = Callers::from_ref(state);
        callers.origin.admit(&parts.headers).await?;
        // A text that is no shop's code names no shop.
        let Path(shop) = Path::<Shop>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found("shop"))?;
        callers.identify(parts, shop)
    }
}

impl Input for Caller {
    fn describe(to: &mut Description) {
        to.path_parameter::<Shop>();
        to.refused_by_api_gateway();
        to.problem(
            ORIGIN_REFUSED,
            "the deployment takes calls only through what stands before it, such as CloudFront, \
             and this call went around it.",
        );
        let about = "Without a token: the customer for whom the call is made. A checkout of \
                     another customer is not found. A header is ASCII: do not send it for a \
                     customer with other characters.";
        // no space at the ends: HTTP removes it
        let customer = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(about))
            .pattern(Some("^[!-~]([ -~]*[!-~])?$"))
            .min_length(Some(1))
            .max_length(Some(Customer::CHARS_MAX))
            .examples(["c-1042"]);
        to.parameter(CUSTOMER_HEADER, ParameterIn::Header, false, customer.into());
    }
}
