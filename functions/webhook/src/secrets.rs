//! The gateways' webhook secrets. A gateway may have several, because after a rotation the previous
//! one still signs.

use std::collections::HashMap;
use std::env;
use std::sync::Arc;
use std::time::Duration;

use aws::SecretsManager;
use operations::cause::{Cause, causes};
use operations::config::ConfigError;
use operations::ids::Shop;
use operations::payment::{Account, Gateway};
use operations::secret::{self, Rules, Secret, Store};
use serde_json::Value;

/// If no secret fits, the webhook may be signed with a new one. So the secrets are fetched again,
/// but not more often than this: anybody can send a forgery.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// The source of the secrets: the environment, or Secrets Manager, which has the new ones after a
/// rotation.
pub struct Keyring(Secret<Secrets>);

impl Keyring {
    /// Reads `WEBHOOK_SECRETS_ARN`, whose secret is fetched at the first webhook, or
    /// `WEBHOOK_SECRETS`: `{"<shop>": {"cashfree": ["current", "previous"]}}`.
    ///
    /// # Errors
    /// When both or neither are set, or the JSON is invalid, or a secret is empty. The message
    /// never contains a secret.
    pub fn from_env() -> Result<Self, ConfigError> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        match (variable("WEBHOOK_SECRETS"), variable("WEBHOOK_SECRETS_ARN")) {
            (Some(text), None) => Ok(Self(Secret::fixed(Secrets::parse(&text)?))),
            (None, Some(arn)) => {
                let rules = Rules {
                    ttl: secret::ttl(variable)?,
                    pause: REFUSED_PAUSE,
                    try_pending: false,
                };
                let store = Box::new(SecretsManager::new(&arn));
                Ok(Self::kept(store, rules))
            }
            (None, None) => Err(ConfigError::Missing(
                "WEBHOOK_SECRETS",
                r#"{"<shop>": {"cashfree": ["current", "previous"]}}; or WEBHOOK_SECRETS_ARN"#,
            )),
            (Some(_), Some(_)) => Err(ConfigError::Invalid {
                variable: "WEBHOOK_SECRETS",
                reason: "WEBHOOK_SECRETS_ARN is set, too: set only one of them".to_owned(),
            }),
        }
    }

    /// A keyring over any store.
    #[must_use]
    pub fn kept(store: Box<dyn Store>, rules: Rules) -> Self {
        Self(Secret::kept(store, rules, |text| Ok(Secrets::parse(text)?)))
    }

    /// The current secrets.
    ///
    /// # Errors
    /// When they were never fetched and cannot be fetched now.
    pub async fn secrets(&self) -> Result<Arc<Secrets>, Cause> {
        self.0.value().await
    }

    /// Newer secrets than those that did not fit, if there are any.
    pub async fn newer_than(&self, refused: &Arc<Secrets>) -> Option<Arc<Secrets>> {
        self.0.other_than(refused).await.unwrap_or_else(|cause| {
            let causes = causes(&*cause);
            tracing::warn!(causes, "the gateways' secrets could not be fetched again");
            None
        })
    }
}

/// Secrets by shop and gateway.
#[derive(Default)]
pub struct Secrets(HashMap<String, HashMap<Gateway, Account>>);

impl Secrets {
    /// Reads the JSON. An object may stand in place of a list of secrets and say more: see
    /// [`Account::parse`].
    ///
    /// # Errors
    /// When the JSON is invalid, or a secret is empty. The message never contains a secret.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid = |reason: String| ConfigError::Invalid {
            variable: "WEBHOOK_SECRETS",
            reason,
        };
        let shops: HashMap<String, HashMap<Gateway, Value>> =
            serde_json::from_str(text).map_err(|error| {
                // the parser quotes its input, which may be a secret
                invalid(format!(
                    "malformed (line {}, column {})",
                    error.line(),
                    error.column()
                ))
            })?;
        let mut accounts: HashMap<String, HashMap<Gateway, Account>> = HashMap::new();
        for (shop, gateways) in shops {
            shop.parse::<Shop>()
                .map_err(|error| invalid(error.to_string()))?;
            for (gateway, value) in gateways {
                let account = Account::parse(gateway, &value)
                    .map_err(|why| invalid(format!("{gateway} of shop {shop} {why}")))?;
                accounts
                    .entry(shop.clone())
                    .or_default()
                    .insert(gateway, account);
            }
        }
        Ok(Self(accounts))
    }

    /// The account of a shop at a gateway, if there is one.
    #[must_use]
    pub fn of(&self, shop: &Shop, gateway: Gateway) -> Option<&Account> {
        self.0.get(shop.as_str())?.get(&gateway)
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
            r#"{"main": {"cashfree": ["hunter2", 7]}}"#,
            r#"{"main": {"stripe": {}}}"#,
            r#"{"main": {"stripe": {"secrets": "hunter2"}}}"#,
            r#"{"main": {"stripe": {"secrets": ["hunter2"], "hunter2": true}}}"#,
            r#"{"main": {"stripe": {"secrets": ["hunter2"], "live": "hunter2"}}}"#,
            r#"{"main": {"stripe": {"secrets": ["hunter2"], "tolerance_s": "hunter2"}}}"#,
            r#"{"main": {"stripe": {"secrets": ["hunter2"], "tolerance_s": 0}}}"#,
            r#"{"main": {"stripe": {"secrets": ["hunter2"], "tolerance_s": 604801}}}"#,
            r#"{"main": {"cashfree": {"secrets": ["hunter2"], "live": true}}}"#,
            r#"{"main": {"razorpay": {"secrets": ["hunter2"], "tolerance_s": 300}}}"#,
            r#"{"main": {"razorpay": ["1","2","3","4","5","6","7","8","9","10","11"]}}"#,
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
    fn a_list_and_an_object_say_the_same() {
        for form in [
            r#"{"main": {"stripe": ["new", "old"]}}"#,
            r#"{"main": {"stripe": {"secrets": ["new", "old"]}}}"#,
            r#"{"main": {"stripe": {"secrets": ["x"], "live": false, "tolerance_s": 600}}}"#,
            r#"{"main": {"stripe": ["x"], "cashfree": {"secrets": ["x"], "tolerance_s": 60}}}"#,
        ] {
            let secrets = Secrets::parse(form).unwrap();
            let of = |shop: &str, gateway| secrets.of(&shop.parse().unwrap(), gateway).is_some();
            assert!(of("main", Gateway::Stripe), "{form}");
            assert!(!of("tour", Gateway::Stripe), "{form}");
            assert!(!of("main", Gateway::Razorpay), "{form}");
        }
    }
}
