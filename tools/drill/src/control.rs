//! The simulated gateways' control API, and that of the local stack: whoever plays the shoppers'
//! phones, the banks and the bad day.

use std::time::Duration;

use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::books::{Queues, World};

/// These answer at once, or never.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// The database may take its time to start, after whatever happened to it.
const START_MAX: Duration = Duration::from_secs(90);

pub(crate) struct Control {
    client: Client,
    gateways: String,
    local: Option<String>,
}

/// How an attempt to pay is to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    /// As the simulator names it.
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

    /// A shopper tries to pay a gateway's order. Also when the order has ended meanwhile: they had
    /// the page open before.
    pub(crate) async fn pay(&self, order: &str, how: Try) -> Result<(), String> {
        let mut body = json!({ "ending": how.ending, "late": true });
        if let Some(amount) = how.amount {
            body["amount"] = amount.into();
        }
        let path = format!("control/orders/{order}/pay");
        self.at_gateways(Method::POST, &path, &body).await.map(drop)
    }

    pub(crate) async fn end_refund(&self, refund: &str, state: &str) -> Result<(), String> {
        let path = format!("control/refunds/{refund}/end");
        let body = json!({ "state": state });
        self.at_gateways(Method::POST, &path, &body).await.map(drop)
    }

    pub(crate) async fn faults(&self, gateway: &str, faults: &Value) -> Result<(), String> {
        let path = format!("control/faults/{gateway}");
        self.at_gateways(Method::PUT, &path, faults).await.map(drop)
    }

    pub(crate) async fn world(&self) -> Result<World, String> {
        let world = self.at_gateways(Method::GET, "control/state", &Value::Null);
        serde_json::from_value(world.await?).map_err(|error| format!("--gateways: {error}"))
    }

    pub(crate) async fn stop_database(&self) -> Result<(), String> {
        self.at_local("database/stop").await
    }

    pub(crate) async fn start_database(&self) -> Result<(), String> {
        self.at_local("database/start").await
    }

    /// None where there is no local stack.
    pub(crate) async fn queues(&self) -> Result<Option<Queues>, String> {
        let Some(local) = &self.local else {
            return Ok(None);
        };
        let url = format!("{local}/queues");
        self.call(Method::GET, &url, &Value::Null, ANSWER_MAX)
            .await
            .map(Some)
            .map_err(|reason| format!("--local: {reason}"))
    }

    async fn at_gateways(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}/{path}", self.gateways);
        self.call(method, &url, body, ANSWER_MAX)
            .await
            .map_err(|reason| format!("--gateways: {reason}"))
    }

    async fn at_local(&self, path: &str) -> Result<(), String> {
        let local = self.local.as_deref().unwrap_or_default();
        let url = format!("{local}/{path}");
        let done: Result<Value, _> = self.call(Method::POST, &url, &Value::Null, START_MAX).await;
        done.map(drop)
            .map_err(|reason| format!("--local: {reason}"))
    }

    async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        method: Method,
        url: &str,
        body: &Value,
        patience: Duration,
    ) -> Result<T, String> {
        let mut request = self.client.request(method, url).timeout(patience);
        if !body.is_null() {
            request = request.json(body);
        }
        let failed = |error: reqwest::Error| format!("{url}: {error}");
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(failed)?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&bytes);
            return Err(format!("{url} answered {status}: {said}"));
        }
        serde_json::from_slice(&bytes).map_err(|error| format!("{url}: {error}"))
    }
}
