//! The admin API. Every request is safe to repeat, and is repeated while the deployment does not
//! answer or answers that it can't.

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use crate::args::Target;

/// Longer than an API gateway waits for a function (29 s) would only hide that it gave up.
const ATTEMPT_MAX: Duration = Duration::from_secs(35);
/// How long one request is repeated.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE_MAX: Duration = Duration::from_secs(4);

pub(crate) struct Api {
    client: Client,
    base: String,
    token: Option<String>,
}

/// An answer that is no problem.
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    /// The header `x-holdfast-next`.
    pub(crate) next: Option<String>,
    /// How long the last try took.
    pub(crate) took: Duration,
}

impl Answer {
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body)
            .map_err(|error| format!("the API's answer is not understood: {error}"))
    }
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum Refused {
    /// 404.
    NotFound(String),
    /// Anything else, in words.
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
    pub(crate) fn new(target: &Target) -> Result<Self, String> {
        let mut client = Client::builder().timeout(ATTEMPT_MAX);
        let host = target.api.split_once("://").map_or("", |(_, rest)| rest);
        // A proxy that the environment names can't reach what listens here.
        if ["127.", "localhost", "[::1]"]
            .iter()
            .any(|local| host.starts_with(local))
        {
            client = client.no_proxy();
        }
        let api = target.api.trim_end_matches('/');
        Ok(Self {
            client: client.build().map_err(|error| error.to_string())?,
            base: format!("{api}/v1/admin/shops/{}", target.shop),
            token: target.token.clone(),
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Refused> {
        self.send(Method::GET, path, |request| request).await
    }

    pub(crate) async fn put(&self, path: &str, kind: &str, body: &[u8]) -> Result<Answer, Refused> {
        self.send(Method::PUT, path, |request| {
            request.header(CONTENT_TYPE, kind).body(body.to_vec())
        })
        .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Answer, Refused> {
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
        let give_up = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(100);
        loop {
            let started = Instant::now();
            let mut request = self.client.request(method.clone(), &url);
            if let Some(token) = &self.token {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            let (reason, wait) = match complete(request).send().await {
                Ok(response) if !worth_repeating(response.status()) => {
                    return read(response, started).await;
                }
                Ok(response) => (
                    format!("the API answered {}", response.status()),
                    retry_after(&response).unwrap_or(pause),
                ),
                Err(error) => (reason_of(&error), pause),
            };
            if Instant::now() + wait >= give_up {
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
    let body = response
        .bytes()
        .await
        .map_err(|error| Refused::Other(reason_of(&error)))?
        .to_vec();
    if status.is_success() {
        let took = started.elapsed();
        return Ok(Answer { body, next, took });
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = |member: &str| problem[member].as_str().map(str::to_owned);
    let text = match (said("detail"), said("message")) {
        (Some(text), _) | (None, Some(text)) => text,
        (None, None) => "no reason given".to_owned(),
    };
    let text = match said("code") {
        Some(code) => format!("{text} ({} {code})", status.as_u16()),
        None => format!("{text} ({})", status.as_u16()),
    };
    Err(match status {
        StatusCode::NOT_FOUND => Refused::NotFound(text),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Refused::Other(format!(
            "the API does not let you in: {text}; is HOLDFAST_ADMIN_TOKEN set and fresh?"
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

/// The innermost cause: the outer ones only repeat the URL.
fn reason_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
