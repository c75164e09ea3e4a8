//! The control API of the simulated gateways, where the drill plays shoppers and banks, and that of
//! the local stack, where it stops the database.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::api::innermost_cause;
use crate::records::{GatewayState, Queue};

/// A database that starts recovers first, which may take a while.
const ANSWER_MAX: Duration = Duration::from_secs(90);

pub(crate) struct Control {
    client: Client,
    gateways: String,
    local: Option<String>,
}

/// One attempt to pay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    /// How it is to end, in the simulator's words.
    pub(crate) ending: &'static str,
    /// A part of the amount.
    pub(crate) amount: Option<i64>,
}

impl Control {
    pub(crate) fn new(gateways: &str, local: Option<&str>) -> Result<Self, String> {
        let client = Client::builder().no_proxy().timeout(ANSWER_MAX).build();
        let trim = |url: &str| url.trim_end_matches('/').to_owned();
        Ok(Self {
            client: client.map_err(|error| format!("no HTTP client: {error}"))?,
            gateways: trim(gateways),
            local: local.map(trim),
        })
    }

    /// A shopper tries to pay a gateway's order, even when the order has ended in the meantime: the
    /// page was open before.
    pub(crate) async fn pay(&self, order: &str, how: Try) -> Result<(), String> {
        let mut body = json!({ "ending": how.ending, "late": true });
        if let Some(amount) = how.amount {
            body["amount"] = amount.into();
        }
        let path = format!("orders/{order}/pay");
        self.gateways(Method::POST, &path, &body).await.map(drop)
    }

    pub(crate) async fn settle_refund(&self, refund: &str) -> Result<(), String> {
        let (path, body) = (
            format!("refunds/{refund}/end"),
            json!({ "state": "settled" }),
        );
        self.gateways(Method::POST, &path, &body).await.map(drop)
    }

    pub(crate) async fn set_faults(&self, gateway: &str, faults: &Value) -> Result<(), String> {
        let path = format!("faults/{gateway}");
        self.gateways(Method::PUT, &path, faults).await.map(drop)
    }

    pub(crate) async fn gateway_state(&self) -> Result<GatewayState, String> {
        let state = self.gateways(Method::GET, "state", &Value::Null).await?;
        serde_json::from_value(state).map_err(|error| format!("--gateways: {error}"))
    }

    pub(crate) async fn stop_database(&self) -> Result<(), String> {
        self.local(Method::POST, "database/stop").await.map(drop)
    }

    pub(crate) async fn start_database(&self) -> Result<(), String> {
        self.local(Method::POST, "database/start").await.map(drop)
    }

    /// None without a local stack.
    pub(crate) async fn queue(&self) -> Result<Option<Queue>, String> {
        if self.local.is_none() {
            return Ok(None);
        }
        let queue = self.local(Method::GET, "queues").await?;
        serde_json::from_value(queue).map_err(|error| format!("--local: {error}"))
    }

    async fn gateways(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}/control/{path}", self.gateways);
        let answer = self.call(method, &url, body).await;
        answer.map_err(|reason| format!("--gateways: {url}: {reason}"))
    }

    async fn local(&self, method: Method, path: &str) -> Result<Value, String> {
        let url = format!("{}/{path}", self.local.as_deref().unwrap_or_default());
        let answer = self.call(method, &url, &Value::Null).await;
        answer.map_err(|reason| format!("--local: {url}: {reason}"))
    }

    async fn call(&self, method: Method, url: &str, body: &Value) -> Result<Value, String> {
        let mut request = self.client.request(method, url);
        if !body.is_null() {
            request = request.json(body);
        }
        let failed = |error: reqwest::Error| innermost_cause(&error);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(failed)?;
        if !status.is_success() {
            let text = String::from_utf8_lossy(&bytes);
            return Err(format!("answered {status}: {text}"));
        }
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())
    }
}
