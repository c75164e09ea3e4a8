//! The shops' accounts at gateways, and the source of their credentials: the environment, or
//! Secrets Manager, which has the new ones after a rotation.

use std::env;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use operations::cause::{Cause, causes};
use operations::config::ConfigError;
use operations::secret::{self, Rules, Secret, Store};
use operations::telemetry::{self, Metric};

use crate::{CallLimits, Gateways};

/// Refused credentials may have been replaced, so they are fetched again. This pause limits the
/// fetches while a gateway refuses every call.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// The current accounts.
pub struct Accounts {
    secret: Secret<Gateways>,
    /// The accounts that a gateway refused when no newer ones were found.
    refused: Mutex<Option<Arc<Gateways>>>,
}

impl Accounts {
    /// Reads `GATEWAYS_SECRET_ARN`, whose secret is fetched from `store` at the first use, or
    /// `GATEWAYS`. Without either, no shop has an account.
    ///
    /// # Errors
    /// When both are set, or `GATEWAYS` is invalid. The message never contains a credential.
    pub fn from_env(
        limits: CallLimits,
        store: impl Fn(&str) -> Box<dyn Store>,
    ) -> Result<Self, ConfigError> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let invalid = |reason: String| ConfigError::Invalid {
            variable: "GATEWAYS",
            reason,
        };
        match (variable("GATEWAYS"), variable("GATEWAYS_SECRET_ARN")) {
            (None, None) => Ok(Self::fixed(Gateways::default())),
            (Some(text), None) => Gateways::parse(&text, limits)
                .map(Self::fixed)
                .map_err(|error| invalid(error.reason())),
            (None, Some(arn)) => {
                let rules = Rules {
                    ttl: secret::ttl(variable)?,
                    pause: REFUSED_PAUSE,
                    try_pending: false,
                };
                Ok(Self::kept(store(&arn), rules, limits))
            }
            (Some(_), Some(_)) => Err(invalid(
                "GATEWAYS_SECRET_ARN is set, too: set only one of them".to_owned(),
            )),
        }
    }

    /// Accounts that never change.
    #[must_use]
    pub fn fixed(gateways: Gateways) -> Self {
        Self::of(Secret::fixed(gateways))
    }

    /// Accounts over any store.
    #[must_use]
    pub fn kept(store: Box<dyn Store>, rules: Rules, limits: CallLimits) -> Self {
        let parse = move |text: &str| Ok(Gateways::parse(text, limits)?);
        Self::of(Secret::kept(store, rules, parse))
    }

    fn of(secret: Secret<Gateways>) -> Self {
        Self {
            secret,
            refused: Mutex::default(),
        }
    }

    /// The current accounts. If a gateway refused the cached credentials, this fetches newer ones.
    ///
    /// # Errors
    /// When they were never fetched and cannot be fetched now.
    pub async fn now(&self) -> Result<Arc<Gateways>, Cause> {
        let now = self.secret.value().await;
        let now = now.inspect_err(|_| telemetry::count(Metric::GatewayFailures, 1))?;
        let refused = self.refused();
        match refused.filter(|refused| Arc::ptr_eq(refused, &now)) {
            Some(refused) => Ok(self.newer_than(&refused).await.unwrap_or(now)),
            None => Ok(now),
        }
    }

    /// Newer accounts than those that a gateway refused, if there are any.
    pub async fn newer_than(&self, refused: &Arc<Gateways>) -> Option<Arc<Gateways>> {
        let newer = self.secret.other_than(refused).await;
        let newer = newer.unwrap_or_else(|cause| {
            let causes = causes(&*cause);
            tracing::warn!(causes, "the gateways' accounts could not be fetched again");
            None
        });
        if newer.is_some() {
            tracing::info!("the gateways' accounts were replaced by newer ones");
        }
        let refused = newer.is_none().then(|| Arc::clone(refused));
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
        newer
    }

    fn refused(&self) -> Option<Arc<Gateways>> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.clone()
    }
}
