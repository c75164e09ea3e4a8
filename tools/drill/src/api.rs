//! The deployment, by its URLs. As a careful client does, the drill repeats a request with the same
//! ids while the deployment does not answer or answers 429 or 5xx, up to a deadline. So killing a
//! function or a database connection must not show.

use std::time::{Duration, Instant};

use caller::Caller;
use reqwest::{Client, Request, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answers::{Answer, Availability, Checkout, Line, Order, Problem};
use crate::args::Args;
use crate::history::When;
use crate::meters::{Call, Meters};
use crate::random::Random;

/// API Gateway waits 29 s for a function. A longer wait would hide that it gave up.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// Sent to a gateway with each order; nobody is called.
const PHONE: &str = "+919999999999";
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// The drill has an end, so it waits at most this long when the deployment asks for more.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

pub(crate) struct Api {
    client: Client,
    api: String,
    webhooks: String,
    shop: String,
    shopper: Caller,
    clerk: Caller,
    started: Instant,
    deadline: Instant,
    /// How long one request is repeated.
    repeat_max: Duration,
    jitter: Random,
    pub(crate) meters: Meters,
}

pub(crate) struct Reply {
    pub(crate) when: When,
    /// Status and body, or why there is none.
    answer: Result<(u16, Vec<u8>), String>,
}

impl Reply {
    pub(crate) fn status(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|(status, _)| *status)
    }

    /// The body of an answer with this status.
    pub(crate) fn json<T: for<'de> Deserialize<'de>>(&self, wanted: u16) -> Option<T> {
        match &self.answer {
            Ok((status, body)) if *status == wanted => serde_json::from_slice(body).ok(),
            _ => None,
        }
    }

    /// Status and problem; status 0 and the reason when there is no answer.
    pub(crate) fn problem(&self) -> (u16, Problem) {
        match &self.answer {
            Ok((status, body)) => (*status, serde_json::from_slice(body).unwrap_or_default()),
            Err(reason) => {
                let code = reason.clone();
                (
                    0,
                    Problem {
                        code,
                        ..Problem::default()
                    },
                )
            }
        }
    }

    pub(crate) fn is_refused_as(&self, code: &str) -> bool {
        self.problem().1.code == code
    }

    pub(crate) fn read<T: for<'de> Deserialize<'de>>(self) -> (When, Answer<T>) {
        let answer = match self.answer {
            Ok((status, body)) => Answer::read(status, &body),
            Err(reason) => Answer::Missing(reason),
        };
        (self.when, answer)
    }
}

/// A signed webhook of Cashfree.
pub(crate) struct Webhook<'a> {
    /// None: the shop of the run.
    pub(crate) shop: Option<&'a str>,
    pub(crate) body: String,
    pub(crate) timestamp: String,
    pub(crate) signature: Option<String>,
    pub(crate) version: &'a str,
    pub(crate) idempotency_key: Option<String>,
}

/// The counters of a sku with their version, in an answer or in a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Level {
    pub(crate) on_hand: i64,
    pub(crate) held: i64,
    pub(crate) version: i64,
}

/// Where the deployment is, and how long to try.
pub(crate) struct Target<'a> {
    pub(crate) api: &'a str,
    pub(crate) webhooks: &'a str,
    pub(crate) shop: &'a str,
    pub(crate) admin_token: Option<&'a str>,
    pub(crate) aws_region: Option<&'a str>,
    /// The longest that the run may take.
    pub(crate) timeout: Duration,
    /// How long one request is repeated.
    pub(crate) repeat_max: Duration,
}

impl Api {
    pub(crate) fn new(args: &Args) -> Result<Self, reqwest::Error> {
        Self::to(&Target {
            api: &args.api,
            webhooks: &args.webhook,
            shop: &args.shop,
            admin_token: args.admin_token.as_deref(),
            aws_region: args.aws_region.as_deref(),
            timeout: args.timeout,
            repeat_max: args.repeat_max(),
        })
    }

    pub(crate) fn to(target: &Target<'_>) -> Result<Self, reqwest::Error> {
        let mut client = Client::builder()
            // HTTP/1.1: each shopper has a connection, as in life. HTTP/2 would put all of them on
            // one connection, where they wait for each other once its streams are used up.
            .http1_only()
            .pool_max_idle_per_host(usize::MAX)
            .timeout(ATTEMPT_MAX);
        if on_this_machine(target.api) && on_this_machine(target.webhooks) {
            client = client.no_proxy();
        }
        let started = Instant::now();
        let trim = |url: &str| url.trim_end_matches('/').to_owned();
        Ok(Self {
            client: client.build()?,
            api: trim(target.api),
            webhooks: trim(target.webhooks),
            shop: target.shop.to_owned(),
            // Shoppers call through the storefront's server, which is an AWS identity or nobody.
            shopper: Caller::new(target.api, None, target.aws_region),
            clerk: Caller::new(target.api, target.admin_token, target.aws_region),
            started,
            deadline: started + target.timeout,
            repeat_max: target.repeat_max,
            jitter: Random::new(0, 0),
            meters: Meters::default(),
        })
    }

    /// Since the start of the run.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn out_of_time(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Sleeps, but not beyond the end of the run.
    pub(crate) async fn pause(&self, wait: Duration) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        tokio::time::sleep(wait.min(left)).await;
    }

    /// Sends a request until it is answered or `repeat_max` is over.
    async fn send(
        &self,
        call: Call,
        caller: &Caller,
        url: &str,
        complete: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Reply {
        let give_up = self.deadline.min(Instant::now() + self.repeat_max);
        let mut when = When {
            first_sent: self.now(),
            ..When::default()
        };
        loop {
            when.sent = self.now();
            when.attempts += 1;
            let request = complete(self.client.request(call.method(), url));
            let proved = match caller.prove(request).await {
                Ok(request) => request,
                Err(reason) => {
                    when.got = self.now();
                    let answer = Err(reason);
                    return Reply { when, answer };
                }
            };
            let (reason, retry_after) = match attempt(&self.client, proved).await {
                Ok((status, retry_after, body)) => {
                    when.got = self.now();
                    let busy = status == StatusCode::TOO_MANY_REQUESTS;
                    if !status.is_server_error() && !busy {
                        self.meters.answered(call, when.got - when.sent);
                        let answer = Ok((status.as_u16(), body));
                        return Reply { when, answer };
                    }
                    self.meters.unavailable(call, status);
                    (format!("answered {}", status.as_u16()), retry_after)
                }
                Err(error) => {
                    self.meters.unanswered(call);
                    (innermost_cause(&error), Duration::ZERO)
                }
            };
            let wait = self.backoff(when.attempts) + retry_after.min(RETRY_AFTER_MAX);
            if Instant::now() + wait >= give_up {
                when.got = self.now();
                let answer = Err(format!("{} attempts, the last: {reason}", when.attempts));
                return Reply { when, answer };
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Doubles with each attempt, with jitter.
    fn backoff(&self, attempts: u32) -> Duration {
        let most = Duration::from_millis(50)
            .saturating_mul(1 << attempts.min(6))
            .min(BACKOFF_MAX);
        let spread = u64::try_from(most.as_millis()).unwrap_or(0);
        Duration::from_millis(self.jitter.between(spread / 2, spread))
    }

    fn url(&self, shop: Option<&str>, path: &str) -> String {
        let shop = shop.unwrap_or(&self.shop);
        format!("{}/v1/shops/{shop}/{path}", self.api)
    }

    pub(crate) async fn availability(&self, skus: &[String]) -> (When, Answer<Availability>) {
        let url = self.url(None, &format!("availability?skus={}", skus.join(",")));
        let reply = self.send(Call::Availability, &self.shopper, &url, |request| request);
        reply.await.read()
    }

    /// A request about one checkout.
    pub(crate) async fn checkout(&self, call: Call, id: Uuid, body: Option<&Value>) -> Reply {
        let rest = match call {
            Call::Extend => "/extend",
            Call::Order | Call::ReadOrder => "/order",
            _ => "",
        };
        let url = self.url(None, &format!("checkouts/{id}{rest}"));
        let complete = |request: RequestBuilder| match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.send(call, &self.shopper, &url, complete).await
    }

    pub(crate) async fn begin(
        &self,
        id: Uuid,
        customer: &str,
        revision: u32,
        hold_s: Option<u32>,
        cart: &[Line],
    ) -> (When, Answer<Checkout>) {
        let mut body = json!({ "customer": customer, "revision": revision, "lines": cart });
        if let Some(hold_s) = hold_s {
            body["hold_s"] = hold_s.into();
        }
        self.checkout(Call::Begin, id, Some(&body)).await.read()
    }

    pub(crate) async fn read(&self, id: Uuid) -> (When, Answer<Checkout>) {
        self.checkout(Call::Read, id, None).await.read()
    }

    /// Reads a checkout as another customer, or on another shop's path.
    pub(crate) async fn read_as(
        &self,
        id: Uuid,
        shop: Option<&str>,
        customer: Option<&str>,
    ) -> Reply {
        let url = self.url(shop, &format!("checkouts/{id}"));
        let complete = |request: RequestBuilder| match customer {
            Some(customer) => request.header("x-holdfast-customer", customer),
            None => request,
        };
        self.send(Call::Read, &self.shopper, &url, complete).await
    }

    pub(crate) async fn extend(&self, id: Uuid) -> (When, Answer<Checkout>) {
        let body = json!({});
        self.checkout(Call::Extend, id, Some(&body)).await.read()
    }

    pub(crate) async fn release(&self, id: Uuid) -> (When, Answer<Checkout>) {
        self.checkout(Call::Release, id, None).await.read()
    }

    /// `pay_at`: the gateway at which the shopper wants to pay.
    pub(crate) async fn order(
        &self,
        id: Uuid,
        saves_address: bool,
        pay_at: Option<&str>,
    ) -> (When, Answer<Order>) {
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
        self.checkout(Call::Order, id, Some(&body)).await.read()
    }

    pub(crate) async fn read_order(&self, id: Uuid) -> (When, Answer<Order>) {
        self.checkout(Call::ReadOrder, id, None).await.read()
    }

    pub(crate) async fn webhook(&self, webhook: &Webhook<'_>) -> Reply {
        let shop = webhook.shop.unwrap_or(&self.shop);
        let url = format!("{}/v1/shops/{shop}/webhooks/cashfree", self.webhooks);
        let complete = |request: RequestBuilder| {
            let mut request = request
                .header("content-type", "application/json")
                .header("x-webhook-timestamp", &webhook.timestamp)
                .header("x-webhook-version", webhook.version)
                .header("x-webhook-attempt", "1")
                .body(webhook.body.clone());
            if let Some(signature) = &webhook.signature {
                request = request.header("x-webhook-signature", signature);
            }
            if let Some(key) = &webhook.idempotency_key {
                request = request.header("x-idempotency-key", key);
            }
            request
        };
        self.send(Call::Webhook, &Caller::Nobody, &url, complete)
            .await
    }

    /// A request to the stock office, by the clerk. The body is JSON, or the text of a
    /// file of JSON lines, or null for none.
    pub(crate) async fn office(&self, call: Call, path: &str, body: &Value) -> Reply {
        let url = format!("{}/v1/admin/shops/{}/{path}", self.api, self.shop);
        let complete = |request: RequestBuilder| match body {
            Value::Null => request,
            Value::String(lines) => request
                .header("content-type", "application/jsonl")
                .body(lines.clone()),
            body => request.json(body),
        };
        self.send(call, &self.clerk, &url, complete).await
    }

    pub(crate) async fn level(&self, sku: &str) -> Option<Level> {
        let path = format!("stock/{sku}");
        let reply = self.office(Call::Stock, &path, &Value::Null).await;
        reply.json(200)
    }
}

async fn attempt(
    client: &Client,
    request: Request,
) -> Result<(StatusCode, Duration, Vec<u8>), reqwest::Error> {
    let response = client.execute(request).await?;
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after
        .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
        .map_or(Duration::ZERO, Duration::from_secs);
    let status = response.status();
    Ok((status, retry_after, response.bytes().await?.to_vec()))
}

/// A proxy that the environment names cannot reach a server of this machine.
fn on_this_machine(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"]
        .iter()
        .any(|local| host.starts_with(local))
}

/// The outer causes only repeat the URL.
pub(crate) fn innermost_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
