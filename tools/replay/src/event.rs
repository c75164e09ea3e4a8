//! A stored event, by the admin API.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::args::Event;

/// Longer than an API gateway waits for a function (29 s) would only hide that it gave up.
const PATIENCE: Duration = Duration::from_secs(35);

pub(crate) async fn run(args: &Event) -> Result<(), String> {
    let mut client = Client::builder().timeout(PATIENCE);
    let host = args.api.split_once("://").map_or("", |(_, rest)| rest);
    // A proxy that the environment names can't reach what listens here.
    if ["127.", "localhost", "[::1]"]
        .iter()
        .any(|local| host.starts_with(local))
    {
        client = client.no_proxy();
    }
    let url = format!(
        "{}/v1/admin/shops/{}/payment-events/redrive",
        args.api.trim_end_matches('/'),
        args.shop
    );
    let mut request = client
        .build()
        .map_err(|error| error.to_string())?
        .post(&url)
        .json(&json!({ "gateway": args.gateway, "event_key": args.event_key }));
    if let Some(token) = &args.token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    if status.is_success() {
        println!("{body}");
        return Ok(());
    }
    let detail = body["detail"].as_str().or(body["message"].as_str());
    let detail = detail.unwrap_or("no reason given");
    Err(match body["code"].as_str() {
        Some(code) => format!("{detail} ({} {code})", status.as_u16()),
        None => format!("{detail} ({})", status.as_u16()),
    })
}
