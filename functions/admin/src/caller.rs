//! The caller of a request, and the shops it may act for. An authorizer stands in front of every
//! route, so no caller is anonymous. This file checks the authorizer's result once more.
//!
//! - JWT authorizer: the actor is the token's `sub`. The claim `shops` (separated by spaces or
//!   commas) names the shops. `scope` must contain `ADMIN_SCOPE`.
//! - IAM authorizer: the actor is the identity's ARN. `ADMIN_SHOPS` names the shops, because the
//!   policy that lets the identity call the API does not name any.

use std::env;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use holdfast_http::caller::{Claims, Shops, claims, iam_arn};
use holdfast_http::contract::{Description, Input};
use holdfast_http::problem::{SCOPE_MISSING, UNAUTHORIZED};
use holdfast_http::{Path, Problem};
use lambda_http::http::request::Parts;
use operations::config::ConfigError;
use operations::ids::{Actor, Shop};
use utoipa::openapi::security::SecurityRequirement;

/// The scope that a token needs for the admin API, unless `ADMIN_SCOPE` names another one.
const SCOPE: &str = "holdfast:admin";

/// The rules of this deployment.
#[derive(Debug, Clone)]
pub struct Callers {
    iam_shops: Shops,
    scope: Arc<str>,
}

/// The caller of one request, before its path is known.
#[derive(Debug, Clone)]
struct Caller {
    actor: Actor,
    shops: Shops,
}

/// A caller who may act for the shop of the path.
#[derive(Debug, Clone)]
pub(crate) struct Clerk {
    /// The shop of the path.
    pub(crate) shop: Shop,
    /// The actor whom the ledger names.
    pub(crate) actor: Actor,
}

impl Callers {
    /// The shops of an IAM identity.
    #[must_use]
    pub fn new(iam_shops: Shops) -> Self {
        Self {
            iam_shops,
            scope: SCOPE.into(),
        }
    }

    /// With another scope for tokens: not every issuer can make one with a colon.
    ///
    /// # Errors
    /// When it is empty, or contains what separates scopes in a claim.
    pub fn with_scope(self, scope: &str) -> Result<Self, ConfigError> {
        let separates = |c: char| c.is_whitespace() || c.is_control() || "[],".contains(c);
        if scope.is_empty() || scope.contains(separates) {
            return Err(ConfigError::Invalid {
                variable: "ADMIN_SCOPE",
                reason: format!("must be one scope without spaces and [],: got {scope:?}"),
            });
        }
        let scope = scope.into();
        Ok(Self { scope, ..self })
    }

    /// Reads `ADMIN_SHOPS` (a comma-separated list, or `*`) and `ADMIN_SCOPE`. Without
    /// `ADMIN_SHOPS`, IAM identities may act for no shop.
    ///
    /// # Errors
    /// When the list contains an invalid shop code, or the scope is not one scope.
    pub fn from_env() -> Result<Self, ConfigError> {
        let none = Shops::of_list("");
        let callers = Self::new(Shops::from_env("ADMIN_SHOPS")?.unwrap_or(none));
        match env::var("ADMIN_SCOPE") {
            Ok(scope) => callers.with_scope(&scope),
            Err(_) => Ok(callers),
        }
    }

    /// Identifies the caller of a request.
    ///
    /// # Errors
    /// 401 when no authorizer accepted the request, 403 when the token lacks the scope.
    fn identify(&self, parts: &Parts) -> Result<Caller, Problem> {
        match (claims(parts), iam_arn(parts)) {
            (Some(claims), _) => of_token(claims, &self.scope),
            (None, Some(arn)) => Ok(Caller {
                actor: arn.parse().map_err(|_| Problem::from(UNAUTHORIZED))?,
                shops: self.iam_shops.clone(),
            }),
            (None, None) => Err(UNAUTHORIZED.into()),
        }
    }
}

fn of_token(claims: Claims<'_>, scope: &str) -> Result<Caller, Problem> {
    if !claims.have_scope(scope) {
        return Err(Problem::scope_missing(scope));
    }
    // A token without a subject would leave the ledger without an actor.
    let actor = claims.text("sub").parse();
    Ok(Caller {
        actor: actor.map_err(|_| Problem::from(UNAUTHORIZED))?,
        shops: claims.shops(),
    })
}

/// Identifies the caller before the request is routed: an anonymous caller must not learn which
/// paths exist.
pub(crate) async fn identify(
    State(callers): State<Callers>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let caller = callers.identify(&parts)?;
    parts.extensions.insert(caller);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

impl<S: Send + Sync> FromRequestParts<S> for Clerk {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller: Option<Caller> = parts.extensions.get().cloned();
        let Caller { actor, shops } = caller.ok_or(UNAUTHORIZED)?;
        // A text that is no shop's code names no shop.
        let shop = Path::<Shop>::from_request_parts(parts, state).await;
        match shop {
            Ok(Path(shop)) if shops.include(&shop) => Ok(Self { shop, actor }),
            _ => Err(Problem::not_found("shop")),
        }
    }
}

impl Input for Clerk {
    fn describe(to: &mut Description) {
        to.path_parameter::<Shop>();
        to.operation.security = Some(vec![SecurityRequirement::new("office", [""; 0])]);
        to.refused_by_api_gateway();
        to.problem(
            UNAUTHORIZED,
            "the caller is unknown, or the token has no subject. If API Gateway's authorizer \
             refused the token, the answer is API Gateway's own.",
        );
        to.problem(
            SCOPE_MISSING,
            "the token is valid but lacks the scope of this API: `holdfast:admin`, unless the \
             deployment names another one.",
        );
    }
}
