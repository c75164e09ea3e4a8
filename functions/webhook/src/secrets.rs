//! The gateways' webhook secrets: several a gateway, because after a rotation the previous one
//! still signs.

use std::collections::HashMap;
use std::env;

use shared::config::ConfigError;
use shared::ids::Shop;
use shared::payment::Gateway;

/// Secrets by shop and gateway.
#[derive(Default)]
pub struct Secrets(HashMap<String, HashMap<Gateway, Vec<String>>>);

impl Secrets {
    /// Reads `WEBHOOK_SECRETS`: `{"<shop>": {"cashfree": ["current", "previous"]}}`.
    ///
    /// # Errors
    /// When it is missing, no such JSON, or a secret is empty. The message never holds a secret.
    pub fn from_env() -> Result<Self, ConfigError> {
        let text = env::var("WEBHOOK_SECRETS").map_err(|_| {
            ConfigError::Missing(
                "WEBHOOK_SECRETS",
                r#"{"<shop>": {"cashfree": ["current", "previous"]}}"#,
            )
        })?;
        Self::parse(&text)
    }

    /// As [`Self::from_env`], from a text.
    ///
    /// # Errors
    /// As [`Self::from_env`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid = |reason: String| ConfigError::Invalid {
            variable: "WEBHOOK_SECRETS",
            reason,
        };
        let shops: HashMap<String, HashMap<Gateway, Vec<String>>> = serde_json::from_str(text)
            .map_err(|error| {
                // the parser quotes what it met, which may be a secret
                invalid(format!(
                    "not of its form (line {}, column {})",
                    error.line(),
                    error.column()
                ))
            })?;
        for (shop, gateways) in &shops {
            shop.parse::<Shop>()
                .map_err(|error| invalid(error.to_string()))?;
            if gateways
                .values()
                .any(|list| list.is_empty() || list.iter().any(String::is_empty))
            {
                return Err(invalid(format!("a secret of shop {shop} is empty")));
            }
        }
        Ok(Self(shops))
    }

    /// The secrets of one shop at one gateway; none when there are none.
    #[must_use]
    pub fn of(&self, shop: &Shop, gateway: Gateway) -> &[String] {
        self.0
            .get(shop.as_str())
            .and_then(|of| of.get(&gateway))
            .map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_without_the_secret() {
        for bad in [
            r#"{"main": {"cashfree": "hunter2"}}"#,
            r#"{"main": {"cashfree": [""]}}"#,
            r#"{"main": {"cashfree": []}}"#,
            r#"{"main": {"hunter2": ["x"]}}"#,
            r#"{"Main": {"cashfree": ["x"]}}"#,
            "hunter2",
        ] {
            let error = Secrets::parse(bad).err().unwrap().to_string();
            assert!(
                error.starts_with("WEBHOOK_SECRETS can't be used"),
                "{error}"
            );
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn every_secret_of_the_list_counts() {
        let secrets = Secrets::parse(r#"{"main": {"cashfree": ["new", "old"]}}"#).unwrap();
        assert_eq!(
            secrets.of(&"main".parse().unwrap(), Gateway::Cashfree),
            ["new", "old"]
        );
        assert!(
            secrets
                .of(&"tour".parse().unwrap(), Gateway::Cashfree)
                .is_empty()
        );
    }
}
