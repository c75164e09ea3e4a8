//! The caller, as the authorizer in front of the API reports it.

use std::collections::HashMap;
use std::env;
use std::sync::Arc;

use lambda_http::RequestExt as _;
use lambda_http::aws_lambda_events::apigw::ApiGatewayRequestAuthorizer;
use lambda_http::http::request::Parts;
use lambda_http::request::RequestContext;
use operations::config::ConfigError;
use operations::ids::Shop;

/// The shops that a caller may act for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shops {
    /// All shops.
    Every,
    /// The shops with these codes.
    These(Arc<[String]>),
}

impl Shops {
    /// Reads a variable of the environment: a comma-separated list, or `*`. `None` if it is not
    /// set.
    ///
    /// # Errors
    /// When the list contains an invalid shop code.
    pub fn from_env(variable: &'static str) -> Result<Option<Self>, ConfigError> {
        let Ok(list) = env::var(variable) else {
            return Ok(None);
        };
        if list.trim() == "*" {
            return Ok(Some(Self::Every));
        }
        for shop in words(&list) {
            shop.parse::<Shop>().map_err(|error| ConfigError::Invalid {
                variable,
                reason: error.to_string(),
            })?;
        }
        Ok(Some(Self::of_list(&list)))
    }

    /// The shops that a claim names. No word in a claim stands for all shops.
    #[must_use]
    pub fn of_list(list: &str) -> Self {
        Self::These(words(list).map(str::to_owned).collect())
    }

    /// Whether this shop is among them.
    #[must_use]
    pub fn include(&self, shop: &Shop) -> bool {
        match self {
            Self::Every => true,
            Self::These(codes) => codes.iter().any(|code| code == shop.as_str()),
        }
    }
}

/// The claims of a token that a JWT authorizer has accepted.
#[derive(Debug, Clone, Copy)]
pub struct Claims<'a>(&'a HashMap<String, String>);

impl<'a> Claims<'a> {
    /// A claim as text. Empty if the token lacks it.
    #[must_use]
    pub fn text(self, name: &str) -> &'a str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether the token has this scope.
    #[must_use]
    pub fn have_scope(self, scope: &str) -> bool {
        words(self.text("scope")).any(|word| word == scope)
    }

    /// The shops of the claim `shops`.
    #[must_use]
    pub fn shops(self) -> Shops {
        Shops::of_list(self.text("shops"))
    }
}

/// The claims of the request's token, if a JWT authorizer stands in front.
#[must_use]
pub fn claims(request: &Parts) -> Option<Claims<'_>> {
    let jwt = authorizer(request)?.jwt.as_ref()?;
    Some(Claims(&jwt.claims))
}

/// The ARN of the IAM identity that signed the request, if an IAM authorizer stands in front.
#[must_use]
pub fn iam_arn(request: &Parts) -> Option<&str> {
    authorizer(request)?.iam.as_ref()?.user_arn.as_deref()
}

/// The authorizer's part of an HTTP API's request. Other requests have none.
fn authorizer(request: &Parts) -> Option<&ApiGatewayRequestAuthorizer> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.authorizer.as_ref(),
        _ => None,
    }
}

/// API Gateway writes a claim that is a list as `[a b]`.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.trim_matches(['[', ']'])
        .split([',', ' '])
        .filter(|word| !word.is_empty())
}
