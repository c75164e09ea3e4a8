//! The JWT authorizer in front of the admin API: one token, made at the start, instead of an
//! issuer. It passes the token's claims on in API Gateway's form.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};

/// Accepts one bearer token.
#[derive(Debug)]
pub(crate) struct Authorizer {
    token: String,
    claims: Value,
}

impl Authorizer {
    /// For the clerk of all these shops.
    pub(crate) fn new(shops: &[&str]) -> Self {
        Self {
            token: format!("local-{}", uuid::Uuid::new_v4().simple()),
            claims: json!({
                "sub": "clerk",
                "shops": format!("[{}]", shops.join(" ")),
                "scope": "holdfast:admin",
            }),
        }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The event's `authorizer`, where the request carries the token.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Option<Value> {
        let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = header.split_once(' ')?;
        let known = scheme.eq_ignore_ascii_case("bearer") && token.trim() == self.token;
        known.then(|| json!({ "jwt": { "claims": self.claims, "scopes": ["holdfast:admin"] } }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_token_is_admitted() {
        let authorizer = Authorizer::new(&["dress", "tour"]);
        let admitted = |header: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().unwrap());
            authorizer.admit(&headers)
        };
        let own = admitted(&format!("Bearer {}", authorizer.token())).unwrap();
        assert_eq!(own["jwt"]["claims"]["shops"], "[dress tour]");
        for header in ["", "Bearer", "Bearer x", authorizer.token()] {
            assert!(admitted(header).is_none(), "{header:?}");
        }
        assert!(authorizer.admit(&HeaderMap::new()).is_none());
    }
}
