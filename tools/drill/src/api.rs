//! The deployment, by its URLs. Every request is repeated under a deadline, with the same ids, as
//! long as the deployment does not answer or answers that it can't: that is what a careful client
//! does, and why killing a function or a database connection must not show.

mod office;

use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::answers::{Availability, Checkout, Line, Order, Problem, Said, Shortage};
use crate::answers::{lines_json, read};
use crate::history::When;
use crate::meters::{Call, Meters};
use crate::random::Random;

pub(crate) use office::{Changed, Level, Sent};

/// Longer than an API gateway waits for a function (29 s) would only hide that it gave up.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// How long the first request does: a wrong URL should be told soon.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);
/// What a gateway is told; nobody is called.
const PHONE: &str = "+919999999999";
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// A deployment that asks for more than this gets asked earlier: the rehearsal has an end.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

pub(crate) struct Api {
    client: Client,
    base: String,
    webhooks: String,
    shop: String,
    admin_token: Option<String>,
    started: Instant,
    deadline: Instant,
    patience: Duration,
    jitter: Random,
    pub(crate) meters: Meters,
}

pub(crate) struct Urls {
    pub(crate) api: String,
    pub(crate) webhook: String,
    pub(crate) shop: String,
    /// Of the stock office, where the run needs it.
    pub(crate) admin_token: Option<String>,
}

pub(crate) struct Reply {
    pub(crate) when: When,
    /// Status and body, or why there is none.
    pub(crate) answer: Result<(u16, Vec<u8>), String>,
}

impl Reply {
    pub(crate) fn status(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|(status, _)| *status)
    }

    /// Of a refusal for a shortage.
    pub(crate) fn shortages(&self) -> Vec<Shortage> {
        let problem: Option<Problem> = self.json(409);
        problem.unwrap_or_default().shortages
    }

    fn said<T: for<'de> serde::Deserialize<'de>>(self) -> (When, Said<T>) {
        let said = match self.answer {
            Ok((status, body)) => read(status, &body),
            Err(reason) => Said::Nothing(reason),
        };
        (self.when, said)
    }
}

/// A signed event, ready to be sent.
pub(crate) struct Posted<'a> {
    /// None: the shop of the run.
    pub(crate) shop: Option<&'a str>,
    pub(crate) body: &'a str,
    pub(crate) timestamp: &'a str,
    pub(crate) signature: Option<&'a str>,
    pub(crate) version: &'a str,
    pub(crate) idempotency_key: Option<&'a str>,
}

impl Api {
    /// `patience`: how long one shopper, or the gateway with one event, keeps trying.
    pub(crate) fn new(
        urls: Urls,
        timeout: Duration,
        patience: Duration,
    ) -> Result<Self, reqwest::Error> {
        let mut client = Client::builder()
            // HTTP/1.1: every shopper a connection of their own, as in life. One HTTP/2 connection
            // for all would queue them in this client once its streams are used up.
            .http1_only()
            .pool_max_idle_per_host(usize::MAX)
            .timeout(ATTEMPT_MAX);
        if on_this_machine(&urls.api) && on_this_machine(&urls.webhook) {
            client = client.no_proxy();
        }
        let client = client.build()?;
        let started = Instant::now();
        let trim = |url: &str| url.trim_end_matches('/').to_owned();
        Ok(Self {
            client,
            base: trim(&urls.api),
            webhooks: trim(&urls.webhook),
            shop: urls.shop,
            admin_token: urls.admin_token,
            started,
            deadline: started + timeout,
            patience,
            jitter: Random::new(0, 0),
            meters: Meters::new(),
        })
    }

    /// Since the start of the run.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    pub(crate) fn out_of_time(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Sleeps, but not beyond the end of the run.
    pub(crate) async fn pause(&self, wait: Duration) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        tokio::time::sleep(wait.min(left)).await;
    }

    fn url(&self, shop: Option<&str>, path: &str) -> String {
        format!(
            "{}/v1/shops/{}/{path}",
            self.base,
            shop.unwrap_or(&self.shop)
        )
    }

    /// Sends a request until it is answered, its deadline included in the run's.
    async fn ask(&self, call: Call, make: impl Fn(&Client) -> RequestBuilder) -> Reply {
        self.ask_for(self.patience, call, make).await
    }

    async fn ask_for(
        &self,
        patience: Duration,
        call: Call,
        make: impl Fn(&Client) -> RequestBuilder,
    ) -> Reply {
        let give_up = self.deadline.min(Instant::now() + patience);
        let mut when = When {
            first_sent: self.now(),
            ..When::default()
        };
        loop {
            when.sent = self.now();
            when.attempts += 1;
            let (reason, retry_after) = match self.attempt(&make).await {
                Ok((status, retry_after, body)) => {
                    when.got = self.now();
                    if !worth_repeating(status) {
                        self.meters.answered(call, when.got - when.sent);
                        return Reply {
                            when,
                            answer: Ok((status.as_u16(), body)),
                        };
                    }
                    self.meters.unavailable(call);
                    (format!("answered {}", status.as_u16()), retry_after)
                }
                Err(error) => {
                    self.meters.unanswered(call);
                    (reason_of(&error), None)
                }
            };
            let wait = self.backoff(when.attempts, retry_after);
            if Instant::now() + wait >= give_up {
                when.got = self.now();
                let answer = Err(format!("{} attempts, the last: {reason}", when.attempts));
                return Reply { when, answer };
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(
        &self,
        make: &impl Fn(&Client) -> RequestBuilder,
    ) -> Result<(StatusCode, Option<Duration>, Vec<u8>), reqwest::Error> {
        let response = make(&self.client).send().await?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        Ok((status, retry_after, response.bytes().await?.to_vec()))
    }

    /// Doubling and jittered; never earlier than the deployment asked for.
    fn backoff(&self, attempts: u32, retry_after: Option<Duration>) -> Duration {
        let most = Duration::from_millis(50)
            .saturating_mul(1 << attempts.min(6))
            .min(BACKOFF_MAX);
        let spread = u64::try_from(most.as_millis()).unwrap_or(0);
        let jitter = Duration::from_millis(self.jitter.between(spread / 2, spread));
        retry_after.unwrap_or_default().min(RETRY_AFTER_MAX) + jitter
    }

    pub(crate) async fn availability(&self, skus: &[String]) -> (When, Said<Availability>) {
        self.availability_for(self.patience, skus).await
    }

    /// The first look at the shop.
    pub(crate) async fn opening(&self, skus: &[String]) -> Said<Availability> {
        self.availability_for(FIRST_PATIENCE, skus).await.1
    }

    async fn availability_for(
        &self,
        patience: Duration,
        skus: &[String],
    ) -> (When, Said<Availability>) {
        let url = self.url(None, &format!("availability?skus={}", skus.join(",")));
        let reply = self
            .ask_for(patience, Call::Availability, |client| client.get(&url))
            .await;
        reply.said()
    }

    pub(crate) async fn begin(
        &self,
        checkout: Uuid,
        customer: &str,
        revision: u32,
        hold_s: Option<u32>,
        cart: &[Line],
    ) -> (When, Said<Checkout>) {
        let mut body = json!({
            "customer": customer, "revision": revision, "lines": lines_json(cart),
        });
        if let Some(hold_s) = hold_s {
            body["hold_s"] = hold_s.into();
        }
        self.put_checkout(checkout, &body).await.said()
    }

    pub(crate) async fn put_checkout(&self, checkout: Uuid, body: &serde_json::Value) -> Reply {
        let url = self.url(None, &format!("checkouts/{checkout}"));
        self.ask(Call::Begin, |client| client.put(&url).json(body))
            .await
    }

    pub(crate) async fn read(&self, checkout: Uuid) -> (When, Said<Checkout>) {
        self.read_as(checkout, None, None).await.said()
    }

    /// Reads a checkout in somebody's name, or on another shop's path.
    pub(crate) async fn read_as(
        &self,
        checkout: Uuid,
        shop: Option<&str>,
        customer: Option<&str>,
    ) -> Reply {
        let url = self.url(shop, &format!("checkouts/{checkout}"));
        let make = |client: &Client| match customer {
            Some(customer) => client.get(&url).header("x-holdfast-customer", customer),
            None => client.get(&url),
        };
        self.ask(Call::Read, make).await
    }

    pub(crate) async fn extend(&self, checkout: Uuid) -> (When, Said<Checkout>) {
        let url = self.url(None, &format!("checkouts/{checkout}/extend"));
        self.ask(Call::Extend, |client| client.post(&url).json(&json!({})))
            .await
            .said()
    }

    pub(crate) async fn release(&self, checkout: Uuid) -> (When, Said<Checkout>) {
        let url = self.url(None, &format!("checkouts/{checkout}"));
        self.ask(Call::Release, |client| client.delete(&url))
            .await
            .said()
    }

    /// `pay_at`: the gateway that is to take the order on.
    pub(crate) async fn order(
        &self,
        checkout: Uuid,
        saves_address: bool,
        pay_at: Option<&str>,
    ) -> (When, Said<Order>) {
        let url = self.url(None, &format!("checkouts/{checkout}/order"));
        let mut body = json!({
            "payment_method": "online", "save_address": saves_address,
            "address": {
                "recipient": "A Shopper", "line1": "12 Marine Drive", "city": "Mumbai",
                "region": "MH", "postal_code": "400020", "country": "IN",
            },
        });
        if let Some(gateway) = pay_at {
            body["payment_gateway"] = gateway.into();
            body["phone"] = PHONE.into();
        }
        self.ask(Call::Order, |client| client.post(&url).json(&body))
            .await
            .said()
    }

    pub(crate) async fn read_order(&self, checkout: Uuid) -> (When, Said<Order>) {
        let url = self.url(None, &format!("checkouts/{checkout}/order"));
        self.ask(Call::Read, |client| client.get(&url)).await.said()
    }

    pub(crate) async fn webhook(&self, event: &Posted<'_>) -> Reply {
        let shop = event.shop.unwrap_or(&self.shop);
        let url = format!("{}/v1/shops/{shop}/webhooks/cashfree", self.webhooks);
        let make = |client: &Client| {
            let mut request = client
                .post(&url)
                .header("content-type", "application/json")
                .header("x-webhook-timestamp", event.timestamp)
                .header("x-webhook-version", event.version)
                .header("x-webhook-attempt", "1")
                .body(event.body.to_owned());
            if let Some(signature) = event.signature {
                request = request.header("x-webhook-signature", signature);
            }
            if let Some(key) = event.idempotency_key {
                request = request.header("x-idempotency-key", key);
            }
            request
        };
        self.ask(Call::Webhook, make).await
    }
}

/// A proxy that the environment names can't reach what listens here.
fn on_this_machine(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"]
        .iter()
        .any(|local| host.starts_with(local))
}

fn worth_repeating(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// The innermost cause: the outer ones only repeat the URL.
fn reason_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
