//! The webhook function: which webhooks it accepts, and that 200 means stored (scenarios 26 and
//! 28).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operations::payment::Gateway;
use serde_json::{Value, json};
use tests::cashfree::{now_ms, signature, success, webhook};
use tests::http::{Answer, Call};
use tests::stack::{
    STACK, add, assert_promises_hold, depth, hurried_queue, owner, put_sku, sqs, start,
};
use tests::{until, webhooks};
use time::OffsetDateTime;
use tokio::sync::{Mutex, OnceCell};

use local::{Stack, StackOptions};

const FUNCTION: &str = "webhook-to-a-queue-of-its-own";
const SECRET: &str = "current-secret";
const PREVIOUS: &str = "previous-secret";

/// The URL of a webhook function for the shops `aa` (two secrets) and `bb`, with a queue that
/// nothing reads.
async fn queue() -> &'static str {
    static QUEUE: OnceCell<String> = OnceCell::const_new();
    QUEUE
        .get_or_init(|| async {
            let made = sqs(
                &STACK,
                "CreateQueue",
                json!({ "QueueName": "webhook-tests" }),
            )
            .await;
            let url = made["QueueUrl"].as_str().unwrap().to_owned();
            let secrets = json!({
                "aa": {
                    "cashfree": [SECRET, PREVIOUS],
                    "stripe": { "secrets": [SECRET, PREVIOUS], "live": false },
                    "razorpay": [SECRET, PREVIOUS],
                },
                "bb": { "cashfree": ["secret-of-bb"] },
            })
            .to_string();
            let environment = [
                ("WEBHOOK_SECRETS", secrets.as_str()),
                ("QUEUE_URL", &url),
                ("AWS_ENDPOINT_URL_SQS", &STACK.sqs_endpoint),
            ];
            add(&STACK, FUNCTION, local::functions::WEBHOOK, &environment).await;
            url
        })
        .await
}

async fn send(call: &Call) -> Answer {
    queue().await;
    call.invoke(&STACK.host, FUNCTION).await
}

/// Takes the raw bodies with this mark out of the queue. Bodies of other tests are kept for them,
/// because a received message is hidden from the next reader.
async fn queued(mark: &str) -> Vec<Vec<u8>> {
    static SEEN: Mutex<Vec<Vec<u8>>> = Mutex::const_new(Vec::new());
    let mut seen = SEEN.lock().await;
    let url = queue().await;
    loop {
        let request = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0 });
        let answer = sqs(&STACK, "ReceiveMessage", request).await;
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let delivery: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
            seen.push(STANDARD.decode(delivery["body"].as_str().unwrap()).unwrap());
            let handle = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
            sqs(&STACK, "DeleteMessage", handle).await;
        }
    }
    let is_marked = |body: &mut Vec<u8>| {
        body.windows(mark.len())
            .any(|window| window == mark.as_bytes())
    };
    seen.extract_if(.., is_marked).collect()
}

fn marked() -> (String, String) {
    let mark = uuid::Uuid::new_v4().to_string();
    let body =
        format!("{{ \"type\":\"X\",\r\n \"data\": {{\"mark\": \"{mark}\", \"name\": \"मीरा\"}} }}");
    (mark, body)
}

#[tokio::test]
async fn a_webhook_answered_with_200_is_in_the_queue_byte_for_byte() {
    for secret in [SECRET, PREVIOUS] {
        let (mark, body) = marked();
        let call = webhook("aa", secret, body.clone());
        assert_eq!(send(&call).await.ok(200), &json!({}));
        assert_eq!(queued(&mark).await, [body.as_bytes()]);
        // A front end that takes the body for binary passes it on in base64: the same bytes.
        send(&call.in_base64()).await.ok(200);
        assert_eq!(queued(&mark).await, [body.as_bytes()]);
    }
}

#[tokio::test]
async fn binary_bodies_are_signed_and_stored_unchanged() {
    let (mark, mut body) = marked();
    body.push('\u{0}');
    let mut body = body.into_bytes();
    body.extend([0xff, 0xfe, b'\r', b'\n']);
    send(&webhook("aa", SECRET, body.clone())).await.ok(200);
    assert_eq!(queued(&mark).await, [body]);
}

/// Scenario 28. All get the same answer without detail; nothing is queued.
#[tokio::test]
async fn a_forged_webhook_is_refused_without_detail() {
    let (mark, body) = marked();
    let timestamp = now_ms();
    let good = signature(SECRET, &timestamp, body.as_bytes());
    let call = |shop: &str, body: &[u8], signature: Option<&str>, timestamp: Option<&str>| {
        let path = format!("/v1/shops/{shop}/webhooks/cashfree");
        let mut call = Call::new("POST", &path).bytes(body);
        if let Some(signature) = signature {
            call = call.header("x-webhook-signature", signature);
        }
        if let Some(timestamp) = timestamp {
            call = call.header("x-webhook-timestamp", timestamp);
        }
        call
    };
    let (raw, stamp) = (body.as_bytes(), Some(timestamp.as_str()));
    let later = (timestamp.parse::<i64>().unwrap() + 1).to_string();
    let old = (OffsetDateTime::now_utc().unix_timestamp() * 1000 - 90_000_000).to_string();
    let hex = data_encoding::HEXLOWER.encode(&STANDARD.decode(&good).unwrap());
    let mut spaced = body.clone().into_bytes();
    spaced.push(b' ');
    let foreign = signature("secret-of-bb", &timestamp, raw);
    let empty = signature("", &timestamp, raw);
    let of_body_only = signature(SECRET, "", raw);
    let dotted = signature(SECRET, &format!("{timestamp}."), raw);
    let forged = [
        call("aa", raw, None, stamp),
        call("aa", raw, Some(&good), None),
        call("aa", raw, Some(""), stamp),
        call("aa", raw, Some("not base 64!"), stamp),
        call("aa", raw, Some(&good[..20]), stamp),
        call("aa", raw, Some(&hex), stamp),
        call("aa", raw, Some(&good), Some(&later)),
        call("aa", raw, Some(&signature(SECRET, &old, raw)), Some(&old)),
        call("aa", raw, Some(&foreign), stamp),
        call("aa", raw, Some(&empty), stamp),
        call("aa", raw, Some(&of_body_only), stamp),
        call("aa", raw, Some(&dotted), stamp),
        call("aa", &raw[..raw.len() - 1], Some(&good), stamp),
        call("aa", &spaced, Some(&good), stamp),
        call("aa", b"", Some(&good), stamp),
        call("bb", raw, Some(&good), stamp),
        call("cc", raw, Some(&good), stamp),
        call("Not-A-Shop", raw, Some(&good), stamp),
    ];
    let mut answers = Vec::new();
    for call in forged {
        answers.push(send(&call).await);
    }
    // The contract lacks this path of another gateway: the call goes straight to the function.
    for gateway in ["stripe", "razorpay", "Cashfree", "cashfree%20"] {
        let path = format!("/v1/shops/aa/webhooks/{gateway}");
        answers.push(foreign_path(&path, &body, &good, &timestamp).await);
    }
    for answer in &answers {
        answer.refused(401, "unauthorized");
        assert_eq!(
            answer.body["detail"],
            "The request could not be authenticated."
        );
        assert_eq!(answer.body.as_object().unwrap().len(), 6, "{answer:#?}");
    }
    assert_eq!(queued(&mark).await, Vec::<Vec<u8>>::new());
    // The control: the same bytes with the right signature on the right path.
    send(&call("aa", raw, Some(&good), stamp)).await.ok(200);
    assert_eq!(queued(&mark).await, [raw]);
}

/// A call on a path that the contract lacks. Its answer is not held against the contract.
async fn foreign_path(path: &str, body: &str, signature: &str, timestamp: &str) -> Answer {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": { "x-webhook-signature": signature, "x-webhook-timestamp": timestamp },
        "requestContext": {
            "stage": "$default", "requestId": "r",
            "http": { "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1",
                "userAgent": "test" },
        },
        "body": body, "isBase64Encoded": false,
    });
    let answer = STACK
        .host
        .invoke(FUNCTION, event.to_string().into_bytes())
        .await
        .unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    Answer {
        status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
        headers: std::collections::BTreeMap::new(),
        body: serde_json::from_str(answer["body"].as_str().unwrap()).unwrap(),
    }
}

/// A body of each gateway that passes the intake's checks.
fn of_gateway(gateway: Gateway) -> (String, String) {
    let (mark, body) = marked();
    let body = match gateway {
        Gateway::Stripe => body.replacen('{', "{\"object\":\"event\", \"livemode\":false,", 1),
        Gateway::Cashfree | Gateway::Razorpay => body,
    };
    (mark, body)
}

#[tokio::test]
async fn each_gateway_has_its_path_and_its_signature() {
    for gateway in Gateway::ALL {
        let (mark, body) = of_gateway(gateway);
        let call = webhooks::call(gateway, "aa", SECRET, body.clone());
        assert_eq!(send(&call).await.ok(200), &json!({}));
        assert_eq!(queued(&mark).await, [body.as_bytes()], "{gateway}");
        send(&call.in_base64()).await.ok(200);
        assert_eq!(queued(&mark).await, [body.as_bytes()], "{gateway}");
        let previous = webhooks::call(gateway, "aa", PREVIOUS, body.clone());
        send(&previous).await.ok(200);
        assert_eq!(queued(&mark).await, [body.as_bytes()], "{gateway}");
    }
}

/// Scenario 28, for each gateway: a wrong secret, a body changed after signing or cut short,
/// another shop's path, another gateway's path. All get one answer.
#[tokio::test]
async fn no_forgery_of_any_gateway_is_queued() {
    for gateway in Gateway::ALL {
        let (mark, body) = of_gateway(gateway);
        let signed = |shop: &str| webhooks::call(gateway, shop, SECRET, body.clone());
        let mut forged = vec![
            webhooks::call(gateway, "aa", "another", body.clone()),
            signed("aa").bytes(format!("{body} ").into_bytes()),
            signed("aa").bytes(body.as_bytes()[..body.len() - 1].to_vec()),
            signed("bb"),
            signed("cc"),
        ];
        let now = OffsetDateTime::now_utc();
        let headers = webhooks::signed(gateway, SECRET, body.as_bytes(), now);
        for other in Gateway::ALL.into_iter().filter(|other| *other != gateway) {
            let path = format!("/v1/shops/aa/webhooks/{other}");
            let call = Call::new("POST", &path).bytes(body.clone());
            let call = headers
                .iter()
                .fold(call, |call, (name, value)| call.header(name, value));
            forged.push(call);
        }
        for call in forged {
            let answer = send(&call).await;
            answer.refused(401, "unauthorized");
            assert_eq!(
                answer.body["detail"],
                "The request could not be authenticated."
            );
            assert_eq!(answer.body.as_object().unwrap().len(), 6, "{answer:#?}");
        }
        assert_eq!(queued(&mark).await, Vec::<Vec<u8>>::new());
        send(&signed("aa")).await.ok(200);
        assert_eq!(queued(&mark).await, [body.as_bytes()]);
    }
}

/// The sender has proved its identity, so it gets the reason: the gateway's dashboard shows it.
#[tokio::test]
async fn stripes_events_of_the_other_mode_or_thin_are_refused_with_a_reason() {
    let (mark, body) = of_gateway(Gateway::Stripe);
    let of_the_live_mode = body.replace("\"livemode\":false", "\"livemode\":true");
    let thin = body.replace("\"event\"", "\"v2.core.event\"");
    for (body, field) in [
        (of_the_live_mode, "livemode"),
        (thin, "object"),
        (body.replace("\"object\"", "\"subject\""), "object"),
        (format!("x{body}"), "body"),
    ] {
        let answer = send(&webhooks::call(Gateway::Stripe, "aa", SECRET, body.clone())).await;
        answer.refused(400, "invalid_request");
        assert_eq!(answer.body["errors"][0]["field"], field, "{answer:#?}");
        // Without the signature it gets no reason.
        let forged = send(&webhooks::call(Gateway::Stripe, "aa", "another", body)).await;
        forged.refused(401, "unauthorized");
    }
    assert_eq!(queued(&mark).await, Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn a_webhook_has_at_most_256_kib() {
    let (mark, body) = marked();
    let mut body = body.into_bytes();
    body.resize(256 * 1024, b' ');
    send(&webhook("aa", SECRET, body.clone())).await.ok(200);
    assert_eq!(queued(&mark).await, [body.as_slice()]);
    body.push(b' ');
    send(&webhook("aa", SECRET, body))
        .await
        .refused(413, "body_too_large");
    assert_eq!(queued(&mark).await, Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn without_its_queue_nothing_is_acknowledged() {
    let function = "webhook-without-queue";
    let secrets = json!({ "aa": { "cashfree": [SECRET] } }).to_string();
    let environment = [
        ("WEBHOOK_SECRETS", secrets.as_str()),
        ("QUEUE_URL", "http://127.0.0.1:9/000000000000/none"),
        ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9"),
    ];
    add(&STACK, function, local::functions::WEBHOOK, &environment).await;
    let (_, body) = marked();
    let answer = webhook("aa", SECRET, body.clone())
        .invoke(&STACK.host, function)
        .await;
    answer.refused(503, "unavailable");
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(
        !answer.body.to_string().contains("127.0.0.1"),
        "{answer:#?}"
    );
    // A queue that refuses the message: deleted, as after a wrong deployment.
    let function = "webhook-with-a-queue-that-is-gone";
    let gone = queue().await.replace("webhook-tests", "gone");
    let environment = [
        environment[0],
        ("QUEUE_URL", &gone),
        ("AWS_ENDPOINT_URL_SQS", &STACK.sqs_endpoint),
    ];
    add(&STACK, function, local::functions::WEBHOOK, &environment).await;
    let answer = webhook("aa", SECRET, body)
        .invoke(&STACK.host, function)
        .await;
    answer.refused(503, "unavailable");
}

/// Scenario 26, in small: webhooks come while PostgreSQL is down. All are answered 200, and all are
/// applied afterwards.
#[tokio::test]
async fn webhooks_are_accepted_while_the_database_is_down() {
    let stack: &'static Stack = Box::leak(Box::new(start(StackOptions {
        concurrency: 2,
        sweep_every: None,
        queue: hurried_queue(),
        ..StackOptions::default()
    })));
    let owner_before = owner(stack).await;
    put_sku(&owner_before, "dress", "DOWN", 20).await;
    let mut orders = Vec::new();
    for _ in 0..5 {
        let path = format!("/v1/shops/dress/checkouts/{}", uuid::Uuid::now_v7());
        let cart = json!({ "customer": "c", "lines": [{ "sku": "DOWN", "quantity": 2 }] });
        Call::new("PUT", &path)
            .json(&cart)
            .to(&stack.api_url)
            .await
            .ok(201);
        let order = Call::new("POST", &format!("{path}/order"));
        let order = order
            .json(&json!({ "payment_method": "online" }))
            .to(&stack.api_url)
            .await;
        orders.push((path, order.ok(201).clone()));
    }
    let postmaster = stack.cluster.postmaster_pid().unwrap();
    kill(
        Pid::from_raw(i32::try_from(postmaster).unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    let url = stack.cluster.url("postgres", "postgres");
    until("the server is down", async || {
        tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .is_err()
    })
    .await;
    for (path, order) in &orders {
        let read = Call::new("GET", &format!("{path}/order"))
            .to(&stack.api_url)
            .await;
        read.refused(503, "unavailable");
        for _ in 0..2 {
            let webhook = webhook("dress", &stack.secrets["dress"], success(order));
            webhook.to(&stack.webhook_url).await.ok(200);
        }
    }
    assert_eq!(depth(stack, &stack.queue_url).await, 10);
    stack.cluster.crash_and_restart().unwrap();
    for (path, _) in &orders {
        let read = Call::new("GET", &format!("{path}/order"));
        until("the order is paid", async || {
            read.to(&stack.api_url).await.body["status"] == "paid"
        })
        .await;
    }
    let owner = owner(stack).await;
    assert_eq!(tests::stack::level(&owner, "dress", "DOWN").await, (10, 0));
    assert_promises_hold(&owner).await;
    until("the queue is empty", async || {
        depth(stack, &stack.queue_url).await == 0
    })
    .await;
    assert_eq!(depth(stack, &stack.dead_letter_queue_url).await, 0);
}
