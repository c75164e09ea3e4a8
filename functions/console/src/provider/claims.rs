//! Roles and shops in a token's claims.

use openidconnect::AdditionalClaims;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::access::Role;

/// The claims that OpenID Connect does not define.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

impl OtherClaims {
    /// The words of a claim: a list, or one text with spaces or commas. A name with dots may also
    /// lead into objects: `realm_access.roles`.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let plain = self.0.get(name);
        let inner = || {
            let mut parts = name.split('.');
            let first = self.0.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part))
        };
        match plain.or_else(inner) {
            Some(Value::String(text)) => text
                .split([' ', ','])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
            Some(Value::Array(values)) => values
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The roles of a claim. Other words in it, such as another system's groups, mean nothing here.
    pub(super) fn roles(&self, name: &str) -> Vec<Role> {
        let words = self.words(name);
        words.iter().filter_map(|word| Role::named(word)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_shops_come_in_the_forms_of_several_providers() {
        let claims: OtherClaims = serde_json::from_value(serde_json::json!({
            "roles": ["desk", "admin", "owner"],
            "cognito:groups": ["stock"],
            "https://holdfast.example/roles": "support viewer",
            "realm_access": {"roles": ["offline_access", "viewer"]},
            "custom:shops": "dress,tour",
        }))
        .unwrap();
        assert_eq!(claims.roles("roles"), [Role::Desk, Role::Owner]);
        assert_eq!(claims.roles("cognito:groups"), [Role::Stock]);
        let namespaced = claims.roles("https://holdfast.example/roles");
        assert_eq!(namespaced, [Role::Support, Role::Viewer]);
        assert_eq!(claims.roles("realm_access.roles"), [Role::Viewer]);
        assert_eq!(claims.words("custom:shops"), ["dress", "tour"]);
        assert_eq!(claims.words("missing"), Vec::<String>::new());
    }
}
