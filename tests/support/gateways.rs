//! Three simulated gateways, an account of the shop `main` at each, and a receiver of their
//! webhooks.

use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::post;
use gateways::{Accounts, Api, CallLimits, Gateways, NewOrder};
use operations::ids::Shop;
use operations::order::Order;
use operations::payment::webhook::Webhook;
use operations::payment::{self, Event, Gateway, Outcome};
use serde_json::{Value, json};
use simulator::{Account, Simulator};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{MAIN, TestDb, shop};

/// The secret of the webhooks and of every credential: no error may contain it.
pub const SECRET: &str = "hunter2";

const KEY_ID: &str = "key";

type Inbox = Arc<Mutex<Vec<(Gateway, HeaderMap, Bytes)>>>;

/// The simulator, and the clients of its gateways.
pub struct Sim {
    /// The clients with the accounts of `main`.
    pub gateways: Gateways,
    control: Control,
    _simulator: Simulator,
    inbox: Inbox,
    receiver: JoinHandle<()>,
}

impl Deref for Sim {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

/// The control API of a simulator.
pub struct Control {
    /// Its URL.
    pub url: String,
    http: reqwest::Client,
}

impl Control {
    /// The control API of the simulator at this URL.
    pub fn of(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            http: reqwest::Client::new(),
        }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.http.request(
            method.parse().unwrap(),
            format!("{}/control/{path}", self.url),
        );
        let answer = request.json(body).send().await.unwrap();
        let fine = answer.status().is_success();
        let text = answer.text().await.unwrap();
        if fine {
            Ok(serde_json::from_str(&text).unwrap())
        } else {
            Err(text)
        }
    }

    /// A shopper tries to pay an order; returns the attempt's id.
    ///
    /// # Errors
    /// The gateway's reason for a refusal.
    pub async fn try_to_pay(&self, order: &str, attempt: &Value) -> Result<String, String> {
        let path = format!("orders/{order}/pay");
        let paid = self.call("POST", &path, attempt).await?;
        Ok(paid["payment_id"].as_str().unwrap().to_owned())
    }

    /// A shopper pays the whole order.
    pub async fn pay(&self, order: &str) -> String {
        let attempt = json!({ "ending": "paid" });
        self.try_to_pay(order, &attempt).await.unwrap()
    }

    /// Makes a gateway misbehave; an empty object ends it.
    pub async fn faults(&self, gateway: Gateway, faults: &Value) {
        let path = format!("faults/{gateway}");
        self.call("PUT", &path, faults).await.unwrap();
    }

    /// From now on a gateway accepts this key only.
    pub async fn rotate(&self, gateway: Gateway, key_secret: &str) {
        let path = format!("keys/{gateway}");
        let keys = json!({ "key_secret": key_secret });
        self.call("PUT", &path, &keys).await.unwrap();
    }

    /// Ends a refund with this state.
    pub async fn end_refund(&self, id: &str, state: &str) {
        let path = format!("refunds/{id}/end");
        let how = json!({ "state": state });
        self.call("POST", &path, &how).await.unwrap();
    }

    /// All orders, payments or refunds of a gateway.
    pub async fn known(&self, what: &str, gateway: Gateway) -> Vec<Value> {
        let state = self.call("GET", "state", &Value::Null).await.unwrap();
        let all = state[what].as_array().unwrap().iter();
        all.filter(|one| one["gateway"] == gateway.as_str())
            .cloned()
            .collect()
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}

/// Short, because a gateway that hangs in a test hangs for ever.
pub fn limits() -> CallLimits {
    CallLimits {
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(10),
        tries: 3,
        pause: Duration::from_millis(1),
    }
}

/// `GATEWAYS` for a shop at a simulator, with the same credentials at each gateway.
pub fn configuration(shop: &str, url: &str, key_id: &str, secret: &str) -> String {
    json!({
        shop: {
            "cashfree": {
                "base_url": format!("{url}/cashfree"), "client_id": key_id, "client_secret": secret,
                "live": false,
            },
            "stripe": {
                "base_url": format!("{url}/stripe"), "secret_key": secret, "live": false,
                "return_url": "https://shop.example/thanks",
            },
            "razorpay": {
                "base_url": format!("{url}/razorpay"), "key_id": key_id, "key_secret": secret,
                "live": false,
            },
        }
    })
    .to_string()
}

fn accounts(webhooks: &str) -> Vec<Account> {
    let account = |gateway: &str, key_id: &str| {
        serde_json::from_value(json!({
            "gateway": gateway, "key_id": key_id, "key_secret": SECRET, "webhook_secret": SECRET,
            "webhook_url": format!("{webhooks}/{gateway}"),
        }))
        .unwrap()
    };
    vec![
        account("cashfree", KEY_ID),
        account("stripe", ""),
        account("razorpay", KEY_ID),
    ]
}

async fn take(
    State(inbox): State<Inbox>,
    Path(gateway): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) {
    let gateway = gateway.parse().unwrap();
    inbox.lock().unwrap().push((gateway, headers, body));
}

impl Sim {
    /// A simulator for one test.
    pub async fn start() -> Self {
        Self::with(limits()).await
    }

    /// A simulator, with clients of these timeouts.
    pub async fn with(limits: CallLimits) -> Self {
        let inbox = Inbox::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let webhooks = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/{gateway}", post(take))
            .with_state(Arc::clone(&inbox));
        let receiver = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let simulator = Simulator::start(0, accounts(&webhooks), 1).await.unwrap();
        let url = simulator.url();
        Self {
            gateways: Gateways::parse(&configuration(MAIN, &url, KEY_ID, SECRET), limits).unwrap(),
            control: Control::of(&url),
            _simulator: simulator,
            inbox,
            receiver,
        }
    }

    /// `GATEWAYS` with a shop's accounts here.
    pub fn settings(&self, shop: &str) -> String {
        configuration(shop, &self.url, KEY_ID, SECRET)
    }

    /// The same with another key.
    pub fn settings_with(&self, shop: &str, key_secret: &str) -> String {
        configuration(shop, &self.url, KEY_ID, key_secret)
    }

    /// The accounts of `main`, fixed.
    pub fn accounts(&self) -> Accounts {
        Accounts::fixed(Gateways::parse(&self.settings(MAIN), limits()).unwrap())
    }

    /// The account of `main` at a gateway.
    pub fn api(&self, gateway: Gateway) -> &dyn Api {
        self.gateways.of(&shop(MAIN), gateway).unwrap()
    }

    /// The events of the webhooks that arrived, each verified as the webhook function does it.
    pub async fn events(&self) -> Vec<(Gateway, Event)> {
        self.call("POST", "delivered", &Value::Null).await.unwrap();
        let webhooks = std::mem::take(&mut *self.inbox.lock().unwrap());
        webhooks
            .into_iter()
            .map(|(gateway, headers, body)| {
                let account = match gateway {
                    Gateway::Stripe => json!({ "secrets": [SECRET], "live": false }),
                    _ => json!([SECRET]),
                };
                let account = payment::Account::parse(gateway, &account).unwrap();
                let webhook = Webhook {
                    header: &|name| headers.get(name)?.to_str().ok(),
                    raw: &body,
                    now: OffsetDateTime::now_utc(),
                };
                let adapter = gateway.adapter();
                adapter.verify(&account, &webhook).unwrap();
                adapter.admit(&account, &body).unwrap();
                let text = String::from_utf8(body.to_vec()).unwrap();
                (gateway, adapter.event(text).unwrap())
            })
            .collect()
    }
}

/// Records the webhooks that have arrived, as the payments function does.
pub async fn take_in(test: &TestDb, sim: &Sim) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for (gateway, event) in sim.events().await {
        let recorded = payment::record_event(&test.payments, &main_shop(), gateway, &event).await;
        outcomes.push(recorded.unwrap().outcome);
    }
    outcomes
}

/// The order to be made at a gateway.
pub fn new_order(order: &Order) -> NewOrder {
    NewOrder {
        reference: order.payment.reference.clone(),
        amount_minor: order.total_minor,
        currency: order.currency.clone(),
        customer: "c".to_owned(),
        phone: Some("9999999999".to_owned()),
        now: OffsetDateTime::now_utc(),
        expires_at: Some(OffsetDateTime::now_utc() + Duration::from_secs(1_900)),
    }
}

/// The shop that has the accounts.
pub fn main_shop() -> Shop {
    shop(MAIN)
}
