//! A client of the admin API. Every request is safe to repeat, and is repeated while the deployment
//! does not answer, or answers that it cannot.

use std::time::{Duration, Instant};

use caller::Caller;
use clap::Args;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// An API gateway gives up after 29 s. A longer wait would only hide that.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(35);
/// How long one request is repeated.
const REPEAT_MAX: Duration = Duration::from_secs(60);
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// The shop, and how to reach it.
#[derive(Debug, Args)]
pub struct Target {
    /// URL of the admin API, without /v1
    #[arg(long, env = "HOLDFAST_API", value_name = "URL", value_parser = parse_url)]
    api: String,
    /// The shop
    #[arg(long, env = "HOLDFAST_SHOP", value_parser = parse_shop)]
    shop: String,
    /// The token of the admin API [default: on API Gateway's URL, the AWS identity of the
    /// environment signs]
    #[arg(long, env = "HOLDFAST_ADMIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Sign as the AWS identity of the environment, for this region; for a domain of your own
    #[arg(long, env = "HOLDFAST_AWS_REGION", value_name = "REGION")]
    aws_region: Option<String>,
}

/// A client for one shop.
#[derive(Debug)]
pub struct Api {
    client: Client,
    base: String,
    caller: Caller,
}

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    pub body: Vec<u8>,
    /// The header `x-holdfast-next`.
    pub next: Option<String>,
    /// How long the last attempt took.
    pub took: Duration,
}

impl Answer {
    /// # Errors
    /// When the body is not such a JSON value.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body)
            .map_err(|error| format!("the API's answer cannot be read: {error}"))
    }
}

/// Why there is no successful answer.
#[derive(Debug)]
pub enum Refused {
    /// 404.
    NotFound(String),
    Other(String),
}

impl From<Refused> for String {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound(text) | Refused::Other(text) => text,
        }
    }
}

impl Api {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(target: &Target) -> Result<Self, String> {
        let mut client = Client::builder().timeout(ATTEMPT_TIMEOUT);
        let host = target.api.split_once("://").map_or("", |(_, rest)| rest);
        // A proxy of the environment cannot reach this machine's own ports.
        let is_here = |name: &&str| host.starts_with(name);
        if ["127.", "localhost", "[::1]"].iter().any(is_here) {
            client = client.no_proxy();
        }
        let api = target.api.trim_end_matches('/');
        Ok(Self {
            client: client.build().map_err(|error| error.to_string())?,
            base: format!("{api}/v1/admin/shops/{}", target.shop),
            caller: Caller::new(api, target.token.as_deref(), target.aws_region.as_deref()),
        })
    }

    /// # Errors
    /// When the answer is no success.
    pub async fn get(&self, path: &str) -> Result<Answer, Refused> {
        self.send(Method::GET, path, |request| request).await
    }

    /// # Errors
    /// When the answer is no success.
    pub async fn put(&self, path: &str, kind: &str, body: &[u8]) -> Result<Answer, Refused> {
        let complete =
            |request: RequestBuilder| request.header(CONTENT_TYPE, kind).body(body.to_vec());
        self.send(Method::PUT, path, complete).await
    }

    /// # Errors
    /// When the answer is no success.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, Refused> {
        self.send(Method::POST, path, |request| request.json(body))
            .await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        complete: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, Refused> {
        let url = format!("{}/{path}", self.base);
        let give_up_at = Instant::now() + REPEAT_MAX;
        let mut pause = Duration::from_millis(100);
        loop {
            let started = Instant::now();
            let request = complete(self.client.request(method.clone(), &url));
            let request = self.caller.prove(request).await.map_err(Refused::Other)?;
            let (reason, wait) = match self.client.execute(request).await {
                Ok(response) if !worth_repeating(response.status()) => {
                    return read(response, started).await;
                }
                Ok(response) => (
                    format!("the API answered {}", response.status()),
                    retry_after(&response).unwrap_or(pause),
                ),
                Err(error) => (innermost_cause(&error), pause),
            };
            if Instant::now() + wait >= give_up_at {
                return Err(Refused::Other(format!("{method} {url}: {reason}")));
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

async fn read(response: Response, started: Instant) -> Result<Answer, Refused> {
    let status = response.status();
    let next = response.headers().get("x-holdfast-next");
    let next = next.and_then(|next| next.to_str().ok()).map(str::to_owned);
    let body = response.bytes().await;
    let body = body.map_err(|error| Refused::Other(innermost_cause(&error)))?;
    if status.is_success() {
        return Ok(Answer {
            body: body.to_vec(),
            next,
            took: started.elapsed(),
        });
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem["detail"].as_str().or(problem["message"].as_str());
    let detail = detail.unwrap_or("no reason given");
    let text = match problem["code"].as_str() {
        Some(code) => format!("{detail} ({} {code})", status.as_u16()),
        None => format!("{detail} ({})", status.as_u16()),
    };
    Err(match status {
        StatusCode::NOT_FOUND => Refused::NotFound(text),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Refused::Other(format!(
            "the API does not let you in: {text}; is HOLDFAST_ADMIN_TOKEN set and fresh, or has \
             your AWS identity the stack's AdminCallerPolicy?"
        )),
        _ => Refused::Other(text),
    })
}

fn worth_repeating(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.parse().ok()?).min(PAUSE_MAX))
}

/// The outer causes only repeat the URL.
fn innermost_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn parse_url(text: &str) -> Result<String, String> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true => Ok(text.to_owned()),
        false => Err("must start with http:// or https://".to_owned()),
    }
}

fn parse_shop(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    match (1..=12).contains(&text.len()) && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("a shop is 1 to 12 characters of a-z 0-9".to_owned()),
    }
}
