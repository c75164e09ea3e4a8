//! The payment gateways of the local stack: simulated, with an account of each demo shop at each.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use simulator::{Account, Gateway, Simulator};

use crate::Error;
use crate::demo::{SHOPS, demo_secret};

/// The same seed, the same ids.
const SEED: u64 = 1;

/// Starts them; their webhooks go to the webhook function.
pub(crate) async fn start(webhook: SocketAddr, port: u16) -> Result<Simulator, Error> {
    let account = |shop: &str, gateway: Gateway| Account {
        gateway,
        key_id: key_id(shop, gateway),
        key_secret: demo_secret(shop),
        webhook_secret: demo_secret(shop),
        webhook_url: Some(format!(
            "http://{webhook}/v1/shops/{shop}/webhooks/{}",
            gateway.as_str()
        )),
    };
    let accounts = SHOPS
        .iter()
        .flat_map(|shop| Gateway::ALL.map(|gateway| account(shop, gateway)))
        .collect();
    let simulator = Simulator::start(port, accounts, SEED).await;
    simulator.map_err(Error::port(port, "--gateways-port"))
}

fn key_id(shop: &str, gateway: Gateway) -> String {
    match gateway {
        Gateway::Stripe => String::new(),
        Gateway::Cashfree | Gateway::Razorpay => format!("local-{shop}"),
    }
}

/// `GATEWAYS`: each shop's accounts.
pub(crate) fn settings(url: &str) -> String {
    let accounts = |shop: &str| {
        let secret = demo_secret(shop);
        json!({
            "cashfree": {
                "base_url": format!("{url}/cashfree"),
                "client_id": key_id(shop, Gateway::Cashfree), "client_secret": secret,
                "live": false,
            },
            "stripe": {
                "base_url": format!("{url}/stripe"), "secret_key": secret, "live": false,
            },
            "razorpay": {
                "base_url": format!("{url}/razorpay"),
                "key_id": key_id(shop, Gateway::Razorpay), "key_secret": secret,
                "live": false,
            },
        })
    };
    of_each(accounts)
}

/// `WEBHOOK_SECRETS`: the secrets that sign each shop's webhooks.
pub(crate) fn webhook_secrets() -> String {
    of_each(|shop| {
        let secrets = [demo_secret(shop)];
        json!({
            "cashfree": secrets,
            "stripe": { "secrets": secrets, "live": false },
            "razorpay": secrets,
        })
    })
}

fn of_each(settings: impl Fn(&str) -> Value) -> String {
    let shops: Map<String, Value> = SHOPS
        .iter()
        .map(|shop| ((*shop).to_owned(), settings(shop)))
        .collect();
    Value::from(shops).to_string()
}
