//! Delivers announcements to subscribers as signed HTTP requests, one request each.

mod address;
mod secrets;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use operations::cause::causes;
use operations::config::ConfigError;
use operations::db::{Database, Failure};
use operations::subscriber::signature::sign;
use operations::subscriber::{self, Delivery, DeliveryResult, parse_url};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, redirect};
use serde::Serialize;

use address::{Networks, PublicOnly};
use secrets::{Keyring, Keys};

/// Deliveries to one subscriber in a run. The next run continues.
const LIMIT: i32 = 20;
/// Time for one delivery, connecting included. Standard Webhooks advises 15 to 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(15);
/// A run starts no delivery that could outlive the lease of its claim.
const BUDGET_MAX: Duration = Duration::from_secs(40);

/// The HTTP client, the allowed networks and the signing secrets.
pub struct Subscribers {
    client: Client,
    networks: Networks,
    keyring: Keyring,
}

/// The result of one run.
#[derive(Debug, Default, Serialize)]
pub struct ToldReport {
    /// Deliveries that a subscriber accepted.
    pub delivered: usize,
    /// Deliveries that failed. They are tried again later, or given up.
    pub failed: usize,
    /// The first error, for a person to read. An error of a shop does not stop the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl ToldReport {
    /// Logs each failure, and keeps the first one: later ones are often its consequence.
    fn fail(&mut self, failure: String) {
        tracing::error!(failure, "announcements could not be sent to subscribers");
        self.failure.get_or_insert(failure);
    }
}

impl Subscribers {
    /// Reads `SUBSCRIBER_SECRETS_ARN` or `SUBSCRIBER_SECRETS`, and `SUBSCRIBER_NETWORKS`. `None`
    /// without secrets: then no subscriber is told.
    ///
    /// # Errors
    /// When a variable is invalid. The message never contains a secret.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        let Some(keyring) = Keyring::from_env()? else {
            return Ok(None);
        };
        let networks = Networks::from_env()?;
        let mut client = Client::builder()
            // the target of a redirect was not checked, and must not get the body
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")));
        if networks == Networks::Public {
            client = client.dns_resolver(std::sync::Arc::new(PublicOnly));
        }
        let client = client.build().map_err(|error| ConfigError::Invalid {
            variable: "SUBSCRIBER_NETWORKS",
            reason: causes(&error),
        })?;
        Ok(Some(Self {
            client,
            networks,
            keyring,
        }))
    }

    /// Makes the due deliveries, for at most `budget`. All subscribers of a shop are told at the
    /// same time, so a slow one delays no other. Without due deliveries this costs one call.
    pub(crate) async fn tell(&self, db: &Database, budget: Duration) -> ToldReport {
        let until = Instant::now() + budget.min(BUDGET_MAX).saturating_sub(TIMEOUT);
        let mut report = ToldReport::default();
        if let Err(why) = self.tell_all(db, until, &mut report).await {
            report.fail(why);
        }
        report
    }

    async fn tell_all(
        &self,
        db: &Database,
        until: Instant,
        report: &mut ToldReport,
    ) -> Result<(), String> {
        let failed = |failure: Failure| causes(&failure);
        let db = &db.for_run().await.map_err(failed)?;
        for shop in subscriber::waiting(db).await.map_err(failed)? {
            if Instant::now() >= until {
                break;
            }
            let keys = self.keyring.keys().await?;
            if let Err(failure) = self.tell_shop(db, &shop, &keys, until, report).await {
                report.fail(format!("{shop}: {}", causes(&failure)));
            }
        }
        Ok(())
    }

    async fn tell_shop(
        &self,
        db: &Database,
        shop: &str,
        keys: &Keys,
        until: Instant,
        report: &mut ToldReport,
    ) -> Result<(), Failure> {
        let mut by_name: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        for delivery in subscriber::claim(db, shop, LIMIT).await? {
            let of_name = by_name.entry(delivery.name.clone()).or_default();
            of_name.push(delivery);
        }
        let tell = |(name, deliveries)| self.tell_one(db, shop, name, deliveries, keys, until);
        let mut first = Ok(());
        for told in join_all(by_name.into_iter().map(tell)).await {
            match told {
                Ok((delivered, failures)) => {
                    report.delivered += delivered;
                    report.failed += failures;
                }
                Err(failure) => first = first.and(Err(failure)),
            }
        }
        first
    }

    /// Delivers one after the other until one fails. The rest would fail, too, and is left untried.
    async fn tell_one(
        &self,
        db: &Database,
        shop: &str,
        name: String,
        deliveries: Vec<Delivery>,
        keys: &Keys,
        until: Instant,
    ) -> Result<(usize, usize), Failure> {
        let mut results = Vec::new();
        let mut stopped = false;
        for delivery in deliveries {
            let result = if stopped || Instant::now() >= until {
                DeliveryResult::Untried
            } else {
                self.send(shop, &delivery, keys).await
            };
            if let DeliveryResult::Failed(why) = &result {
                tracing::warn!(
                    shop,
                    subscriber = name,
                    why,
                    "a delivery to a subscriber failed"
                );
            }
            stopped |= result != DeliveryResult::Delivered;
            results.push((delivery, result));
        }
        subscriber::mark(db, shop, &name, &results).await?;
        let count =
            |is: fn(&DeliveryResult) -> bool| results.iter().filter(|(_, of)| is(of)).count();
        Ok((
            count(|result| *result == DeliveryResult::Delivered),
            count(|result| matches!(result, DeliveryResult::Failed(_) | DeliveryResult::Gone)),
        ))
    }

    async fn send(&self, shop: &str, delivery: &Delivery, keys: &Keys) -> DeliveryResult {
        let secrets = keys.of(shop, &delivery.name);
        if secrets.is_empty() {
            return DeliveryResult::Failed("there is no signing secret with its name".to_owned());
        }
        let url = match parse_url(&delivery.url) {
            Ok(url) if self.networks.may_reach(&url) => url,
            Ok(_) => return DeliveryResult::Failed("its address is not a public one".to_owned()),
            Err(error) => return DeliveryResult::Failed(format!("its URL {error}")),
        };
        // by this machine's clock: the receiver compares it with its own
        let timestamp = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        let signature = sign(secrets, &delivery.id, timestamp, &delivery.payload);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(delivery.payload.clone());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => DeliveryResult::Delivered,
            Ok(answer) if answer.status() == StatusCode::GONE => DeliveryResult::Gone,
            // the answer's body may contain anything, so it is not logged
            Ok(answer) => DeliveryResult::Failed(format!("it answered {}", answer.status())),
            Err(error) => DeliveryResult::Failed(causes(&error.without_url())),
        }
    }
}
