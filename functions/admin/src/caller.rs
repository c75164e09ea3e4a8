//! The caller of a request, and the shops it may act for. An authorizer stands in front of every
//! route, so no caller is anonymous. This file checks the authorizer's result once more.
//!
//! - JWT authorizer: the actor is the token's `sub`. The claim `shops` (separated by spaces or
//!   commas) names the shops. `scope` must contain `holdfast:admin`.
//! - IAM authorizer: the actor is the identity's ARN. `ADMIN_SHOPS` names the shops, because the
//!   policy that lets the identity call the API does not name any.

use holdfast_http::caller::{Claims, Shops, claims, iam_arn};
use holdfast_http::problem::Problem;
use lambda_http::Request;
use operations::config::ConfigError;
use operations::ids::{Actor, Shop};

/// The scope that a token needs for the admin API.
pub const SCOPE: &str = "holdfast:admin";

/// The rules of this deployment.
#[derive(Debug, Clone)]
pub struct Callers {
    iam_shops: Shops,
}

/// The caller of one request.
#[derive(Debug, Clone)]
pub struct Caller {
    actor: Actor,
    shops: Shops,
}

impl Callers {
    /// The shops of an IAM identity.
    #[must_use]
    pub fn new(iam_shops: Shops) -> Self {
        Self { iam_shops }
    }

    /// Reads `ADMIN_SHOPS` (a comma-separated list, or `*`). If it is not set, IAM identities may
    /// act for no shop.
    ///
    /// # Errors
    /// When the list contains an invalid shop code.
    pub fn from_env() -> Result<Self, ConfigError> {
        let none = Shops::These(Vec::new());
        Ok(Self::new(Shops::from_env("ADMIN_SHOPS")?.unwrap_or(none)))
    }

    /// Identifies the caller of a request.
    ///
    /// # Errors
    /// 401 when no authorizer accepted the request, 403 when the token lacks the scope.
    pub fn identify(&self, request: &Request) -> Result<Caller, Problem> {
        match (claims(request), iam_arn(request)) {
            (Some(claims), _) => of_token(claims),
            (None, Some(arn)) => Ok(Caller {
                actor: arn.parse().map_err(|_| Problem::unauthorized())?,
                shops: self.iam_shops.clone(),
            }),
            (None, None) => Err(Problem::unauthorized()),
        }
    }
}

fn of_token(claims: Claims<'_>) -> Result<Caller, Problem> {
    if !claims.have_scope(SCOPE) {
        return Err(Problem::scope_missing(SCOPE));
    }
    // A token without a subject would leave the ledger without an actor.
    let actor = claims.text("sub").parse();
    Ok(Caller {
        actor: actor.map_err(|_| Problem::unauthorized())?,
        shops: claims.shops(),
    })
}

impl Caller {
    /// The actor whom the ledger names.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Whether the caller may act for this shop.
    #[must_use]
    pub fn may_act_for(&self, shop: &Shop) -> bool {
        self.shops.include(shop)
    }
}
