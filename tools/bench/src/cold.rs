//! A cold start: how long a gateway waits for a new process of the webhook function.
//!
//! The time runs from the start of the process to its first answer, when a signed webhook is in the
//! queue. Lambda's own time to place an environment and to unpack the function comes on top.

use std::time::{Duration, Instant};

use local::functions::{Binaries, WEBHOOK};
use local::{FunctionOptions, Stack, StackOptions};
use serde_json::{Value, json};
use simulator::cashfree::webhook::{Facts, Kind, Version, body, signature, timestamp};
use time::OffsetDateTime;

use crate::server::Failed;

const ROUNDS: u64 = 20;
const SHOP: &str = "dress";

/// Starts a stack for its queues, and prints the times of new processes beside it.
pub(crate) async fn run() -> Result<(), Failed> {
    let stack = Stack::start(StackOptions {
        sweep_every: None,
        ..StackOptions::default()
    })
    .await?;
    let mut ready = Vec::new();
    let mut answered = Vec::new();
    for number in 0..ROUNDS {
        let (first, second) = start_one(&stack, number).await?;
        ready.push(first);
        answered.push(second);
    }
    stack.stop().await;
    for (what, mut times) in [("ready for the webhook", ready), ("answered", answered)] {
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let (median, slowest) = (ms(times[times.len() / 2]), ms(times[times.len() - 1]));
        println!("{what:<24} median {median:6.1} ms   slowest {slowest:6.1} ms   of {ROUNDS}");
    }
    Ok(())
}

/// Starts a process and sends it a webhook: when it was ready, and when it answered.
async fn start_one(stack: &Stack, number: u64) -> Result<(Duration, Duration), Failed> {
    let name = format!("cold-{number}");
    let secret = &stack.secrets[SHOP];
    let secrets = json!({ SHOP: { "cashfree": [secret] } }).to_string();
    let options = FunctionOptions {
        name: name.clone(),
        binary: Binaries::beside_this_program()?.path(WEBHOOK),
        environment: vec![
            ("WEBHOOK_SECRETS".into(), secrets),
            // No function reads this queue, so that none works meanwhile.
            ("QUEUE_URL".into(), stack.dead_letter_queue_url.clone()),
            ("AWS_ENDPOINT_URL_SQS".into(), stack.sqs_endpoint.clone()),
        ],
        concurrency: 1,
        timeout: Duration::from_secs(10),
    };
    let event = event(secret, number).to_string().into_bytes();
    let began = Instant::now();
    stack.host.add(options).await?;
    let ready = began.elapsed();
    let answer = stack.host.invoke(&name, event).await?;
    let answered = began.elapsed();
    let answer: Value = serde_json::from_slice(&answer)?;
    if answer["statusCode"] == 200 {
        Ok((ready, answered))
    } else {
        Err(format!("the webhook was refused: {answer}").into())
    }
}

fn event(secret: &str, number: u64) -> Value {
    let now = OffsetDateTime::now_utc();
    let body = body(&Facts {
        kind: Kind::Paid,
        version: Version::V2025,
        reference: "dress-cold",
        amount_minor: 10_000,
        currency: "INR",
        customer: "cold",
        payment_id: 1_000_000 + number,
        at: now,
    });
    let timestamp = timestamp(now);
    let path = format!("/v1/shops/{SHOP}/webhooks/cashfree");
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {
            "content-type": "application/json",
            "x-webhook-signature": signature(secret, &timestamp, body.as_bytes()),
            "x-webhook-timestamp": timestamp,
            "x-webhook-version": Version::V2025.name(),
        },
        "requestContext": {
            "accountId": "1", "apiId": "1", "domainName": "cold", "domainPrefix": "cold",
            "http": {
                "method": "POST", "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "cold",
            },
            "requestId": number.to_string(), "routeKey": "$default", "stage": "$default",
            "time": "22/Nov/2026:10:00:00 +0000", "timeEpoch": 0,
        },
        "body": body, "isBase64Encoded": false,
    })
}
