//! The subscribers' signing secrets. They are in a secret store and never in the database, so
//! reading the database is not enough to sign.

use std::collections::HashMap;
use std::env;
use std::sync::Arc;
use std::time::Duration;

use aws::SecretsManager;
use operations::cause::causes;
use operations::config::ConfigError;
use operations::secret::{self, Rules, Secret};
use operations::subscriber::SigningSecret;

/// The shortest time between two fetches.
const PAUSE: Duration = Duration::from_secs(10);

/// The source of the secrets: the environment, or Secrets Manager.
pub(super) struct Keyring(Secret<Keys>);

impl Keyring {
    /// Reads `SUBSCRIBER_SECRETS_ARN` or `SUBSCRIBER_SECRETS`:
    /// `{"<shop>": {"<name>": ["whsec_current", "whsec_previous"]}}`.
    pub(super) fn from_env() -> Result<Option<Self>, ConfigError> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        match (
            variable("SUBSCRIBER_SECRETS"),
            variable("SUBSCRIBER_SECRETS_ARN"),
        ) {
            (None, None) => Ok(None),
            (Some(text), None) => Ok(Some(Self(Secret::fixed(Keys::parse(&text)?)))),
            (None, Some(arn)) => {
                let rules = Rules {
                    ttl: secret::ttl(variable)?,
                    pause: PAUSE,
                    try_pending: false,
                };
                let store = Box::new(SecretsManager::new(&arn));
                let parse = |text: &str| Ok(Keys::parse(text)?);
                Ok(Some(Self(Secret::kept(store, rules, parse))))
            }
            (Some(_), Some(_)) => Err(ConfigError::Invalid {
                variable: "SUBSCRIBER_SECRETS",
                reason: "SUBSCRIBER_SECRETS_ARN is set, too: set only one of them".to_owned(),
            }),
        }
    }

    /// The current secrets.
    pub(super) async fn keys(&self) -> Result<Arc<Keys>, String> {
        self.0.value().await.map_err(|cause| causes(&*cause))
    }
}

/// Secrets by shop and subscriber.
pub(super) struct Keys(HashMap<String, HashMap<String, Vec<SigningSecret>>>);

impl Keys {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid = |reason: String| ConfigError::Invalid {
            variable: "SUBSCRIBER_SECRETS",
            reason,
        };
        let texts: HashMap<String, HashMap<String, Vec<String>>> = serde_json::from_str(text)
            .map_err(|error| {
                // the parser quotes its input, which may be a secret
                let (line, column) = (error.line(), error.column());
                invalid(format!("malformed (line {line}, column {column})"))
            })?;
        let mut keys = HashMap::new();
        for (shop, names) in texts {
            let mut of_shop = HashMap::new();
            for (name, list) in names {
                let parsed: Result<Vec<SigningSecret>, _> =
                    list.iter().map(|text| text.parse()).collect();
                let parsed =
                    parsed.map_err(|error| invalid(format!("of {name} of {shop}: {error}")))?;
                of_shop.insert(name, parsed);
            }
            keys.insert(shop, of_shop);
        }
        Ok(Self(keys))
    }

    /// The secrets of one subscriber, the current one first. Empty if it has none.
    pub(super) fn of(&self, shop: &str, name: &str) -> &[SigningSecret] {
        let names = self.0.get(shop);
        names
            .and_then(|names| names.get(name))
            .map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_without_the_secret() {
        for bad in [
            "hunter2",
            r#"{"main": {"crm": "hunter2"}}"#,
            r#"{"main": {"crm": ["hunter2"]}}"#,
            r#"{"main": {"crm": ["whsec_aHVudGVyMg=="]}}"#,
        ] {
            let error = Keys::parse(bad).err().unwrap().to_string();
            assert!(
                error.starts_with("SUBSCRIBER_SECRETS can't be used"),
                "{error}"
            );
            assert!(
                !error.contains("hunter2") && !error.contains("aHVu"),
                "{error}"
            );
        }
    }
}
