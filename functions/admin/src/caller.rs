//! Who calls, and for which shops. Nobody calls anonymously: an authorizer stands in front of every
//! route, and what it found out is looked at here once more.
//!
//! With a JWT authorizer the actor is the token's `sub`, its claim `shops` (separated by spaces or
//! commas) names the shops, and its `scope` must contain `holdfast:admin`. With an IAM authorizer
//! the actor is the identity's ARN, and `ADMIN_SHOPS` names the shops: the policy that lets the
//! identity call the API knows none.

use holdfast_http::caller::{Claims, Shops, claims, iam_arn};
use holdfast_http::problem::Problem;
use lambda_http::Request;
use operations::config::ConfigError;
use operations::ids::{Actor, Shop};

/// The scope of a token that may do what this function does.
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
    /// For these shops, where the caller is an IAM identity.
    #[must_use]
    pub fn new(iam_shops: Shops) -> Self {
        Self { iam_shops }
    }

    /// Reads `ADMIN_SHOPS` (a comma-separated list, or `*`); not set, IAM identities may act for no
    /// shop.
    ///
    /// # Errors
    /// When something in it is no shop's code.
    pub fn from_env() -> Result<Self, ConfigError> {
        let none = Shops::These(Vec::new());
        Ok(Self::new(Shops::from_env("ADMIN_SHOPS")?.unwrap_or(none)))
    }

    /// Who sends this request.
    ///
    /// # Errors
    /// 401 where no authorizer has let it through, 403 where the token lacks the scope.
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
    // A token without a subject names nobody: the ledger could not say who it was.
    let actor = claims.text("sub").parse();
    Ok(Caller {
        actor: actor.map_err(|_| Problem::unauthorized())?,
        shops: claims.shops(),
    })
}

impl Caller {
    /// Who changes what this request changes.
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
