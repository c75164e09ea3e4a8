//! What shoppers and a gateway do in the shop `dress` while people look at the console's pages.

use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::browser::CONSOLE;
use crate::{cashfree, connect, until};

/// The shop.
pub const DRESS: &str = "dress";

/// A connection that may call every routine.
pub async fn owner() -> Client {
    connect(&CONSOLE.database_url()).await
}

/// Runs statements.
pub async fn sql(statements: &str) {
    owner().await.batch_execute(statements).await.unwrap();
}

/// A sku of the shop with so many units.
pub async fn sku(sku: &str, title: &str, units: i32) {
    let owner = owner().await;
    let put = "select holdfast.sku_put('dress', $1, $2, '{}', 250000)";
    owner.execute(put, &[&sku, &title]).await.unwrap();
    receive(sku, units).await;
}

/// Units come in.
pub async fn receive(sku: &str, units: i32) {
    let receive = "select holdfast.stock_adjust('dress', $1, $2, null, 'received', 'lena', null)";
    let owner = owner().await;
    owner.execute(receive, &[&sku, &units]).await.unwrap();
}

/// The units on hand.
pub async fn on_hand(sku: &str) -> i32 {
    let query = "select on_hand from holdfast.stock_levels where shop = 'dress' and sku = $1";
    owner()
        .await
        .query_one(query, &[&sku])
        .await
        .unwrap()
        .get(0)
}

/// Calls the storefront.
pub async fn call(method: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}{path}", CONSOLE.api_url);
    let request = reqwest::Client::new().request(method, url).json(&body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

/// A checkout.
pub struct Bag {
    pub id: String,
    path: String,
}

impl Bag {
    /// Asks for units. Returns the status and the answer's body, too.
    pub async fn ask(customer: &str, sku: &str, quantity: i32) -> (Self, u16, Value) {
        let id = Uuid::now_v7().to_string();
        let path = format!("/v1/shops/{DRESS}/checkouts/{id}");
        let cart = json!({
            "customer": customer,
            "lines": [{ "sku": sku, "quantity": quantity }],
        });
        let (status, begun) = call(reqwest::Method::PUT, &path, cart).await;
        (Self { id, path }, status, begun)
    }

    /// Holds units.
    pub async fn held(customer: &str, sku: &str, quantity: i32) -> Self {
        let (bag, status, begun) = Self::ask(customer, sku, quantity).await;
        assert_eq!(status, 201, "{begun}");
        bag
    }

    /// Orders, to be paid online.
    pub async fn order(&self) -> Value {
        let path = format!("{}/order", self.path);
        let method = json!({ "payment_method": "online" });
        let (_, order) = call(reqwest::Method::POST, &path, method).await;
        assert_eq!(order["status"], "awaiting_payment", "{order}");
        order
    }

    /// Orders, and waits until the gateway's message has made the order paid.
    pub async fn pay(&self) -> Value {
        let order = self.order().await;
        report(cashfree::success(&order)).await;
        let path = format!("{}{}/order", CONSOLE.api_url, self.path);
        until("the order is paid", async || {
            let answer = reqwest::get(&path).await.unwrap();
            answer.text().await.unwrap().contains("\"paid\"")
        })
        .await;
        order
    }
}

/// A message of the gateway.
async fn report(body: String) {
    let timestamp = cashfree::now_ms();
    let signature = cashfree::signature(&CONSOLE.secrets[DRESS], &timestamp, body.as_bytes());
    let url = format!("{}/v1/shops/{DRESS}/webhooks/cashfree", CONSOLE.webhook_url);
    let sent = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .header("x-webhook-timestamp", timestamp)
        .header("x-webhook-signature", signature)
        .body(body);
    assert_eq!(sent.send().await.unwrap().status(), 200);
}
