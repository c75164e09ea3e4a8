//! Between the queue and the database: batches, unreadable messages, and events that come too early
//! (scenario 18).

use std::time::{Duration, Instant};

use operations::payment::Gateway;
use serde_json::{Value, json};
use tests::cashfree::{payment, success, webhook};
use tests::shopper::Shopper;
use tests::stack::{STACK, assert_promises_hold, holdfast, log_of, sqs};
use tests::{new_id, until, webhooks};

fn delivery(body: &str) -> Value {
    let delivery = webhooks::queued(
        Gateway::Cashfree,
        &webhooks::Headers::new(),
        body.as_bytes(),
    );
    serde_json::to_value(delivery).unwrap()
}

/// Hands a batch of message bodies to the payments function. Returns the positions of the messages
/// that it reports as failed.
async fn hand_over(bodies: &[String]) -> Vec<usize> {
    let record = |(number, body): (usize, &String)| {
        json!({
            "messageId": format!("m-{number}"), "receiptHandle": "r", "body": body,
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
            "md5OfBody": "", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:0:q",
            "awsRegion": "eu-west-1",
        })
    };
    let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
    let event = json!({ "Records": records }).to_string().into_bytes();
    let answer = STACK.host.invoke("holdfast-payments", event).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures
        .iter()
        .map(|failure| {
            let id = failure["itemIdentifier"].as_str().unwrap();
            id.strip_prefix("m-").unwrap().parse().unwrap()
        })
        .collect()
}

/// Messages that nobody can read, however often they come.
fn poison() -> Vec<String> {
    let with = |member: &str, value: Value| {
        let mut delivery = delivery("{}");
        delivery[member] = value;
        delivery.to_string()
    };
    let of = |gateway: Gateway, body: &str| {
        let headers = webhooks::Headers::new();
        let delivery = webhooks::queued(gateway, &headers, body.as_bytes());
        serde_json::to_string(&delivery).unwrap()
    };
    let each = |gateway| ["{}", "not json", "[]"].map(|body| of(gateway, body));
    let mut all = Gateway::ALL.map(each).concat();
    all.extend([
        "not json".to_owned(),
        String::new(),
        "{}".to_owned(),
        with("body", json!("%%%")),
        with("body", json!("/w==")),
        with("gateway", json!("paypal")),
        with("shop", json!("No Shop")),
        delivery("not json").to_string(),
        delivery(&payment(
            "PAYMENT_SUCCESS_WEBHOOK",
            "SUCCESS",
            "", // no payment id
            "dress-x",
            "1",
        ))
        .to_string(),
    ]);
    all
}

#[tokio::test]
async fn poison_in_a_batch_is_reported_alone() {
    let shopper = Shopper::new(5).await;
    shopper.begin(2).await;
    let order = shopper.ordered().await;
    let mut batch = poison();
    let good = delivery(&success(&order)).to_string();
    batch.insert(4, good.clone());
    batch.push(good);
    let reported = hand_over(&batch).await;
    let last = batch.len() - 1;
    let expected: Vec<usize> = (0..last).filter(|at| *at != 4).collect();
    assert_eq!(reported, expected);
    assert_eq!(shopper.read_order().await.ok(200)["status"], "paid");
    assert_eq!(shopper.level().await, (3, 0));
    assert_eq!(hand_over(&[]).await, [0; 0]);
}

/// Payments of several orders go together. An event that the database refuses stays in the queue,
/// and harms none of them.
#[tokio::test]
async fn an_event_that_the_database_refuses_stays_alone() {
    for refused_at in [None, Some(1)] {
        let shoppers = [Shopper::new(5).await, Shopper::new(5).await];
        let mut batch = Vec::new();
        for shopper in &shoppers {
            shopper.begin(2).await;
            batch.push(delivery(&success(&shopper.ordered().await)).to_string());
        }
        if let Some(at) = refused_at {
            // a text with a character that PostgreSQL does not store
            let event = payment(
                "PAYMENT_SUCCESS_WEBHOOK",
                "SUCCESS",
                "a\u{0}b",
                "dress-x",
                "1",
            );
            batch.insert(at, delivery(&event).to_string());
        }
        let expected: Vec<usize> = refused_at.into_iter().collect();
        assert_eq!(hand_over(&batch).await, expected);
        for shopper in &shoppers {
            assert_eq!(shopper.read_order().await.ok(200)["status"], "paid");
            assert_eq!(shopper.level().await, (3, 0));
        }
        assert_promises_hold(&shoppers[0].owner).await;
    }
}

/// The answers of those that go together belong to their messages, also behind one that nobody can
/// read and around one that must come again.
#[tokio::test]
async fn a_batch_with_gaps_reports_the_messages_that_failed_and_no_others() {
    // On a busy machine a batch may take longer than its time. Then its events go alone.
    for _ in 0..5 {
        if went_together_with_gaps().await {
            return;
        }
    }
    panic!("five batches went alone");
}

/// Hands a batch with gaps over, and returns whether its two payments shared a transaction.
async fn went_together_with_gaps() -> bool {
    let shoppers = [Shopper::new(5).await, Shopper::new(5).await];
    let mut paid = Vec::new();
    for shopper in &shoppers {
        shopper.begin(2).await;
        paid.push(shopper.ordered().await);
    }
    let stranger = new_id().to_string();
    let unknown = payment(
        "PAYMENT_SUCCESS_WEBHOOK",
        "SUCCESS",
        &stranger,
        &format!("dress-{stranger}"),
        "100",
    );
    let batch = [
        "not json".to_owned(),
        delivery(&success(&paid[0])).to_string(),
        delivery(&unknown).to_string(),
        delivery(&success(&paid[1])).to_string(),
    ];
    assert_eq!(hand_over(&batch).await, [0, 2]);
    let owner = &shoppers[0].owner;
    let ids: Vec<&str> = paid
        .iter()
        .map(|order| order["order_id"].as_str().unwrap())
        .collect();
    let together = "select count(*), count(distinct xmin::text) from holdfast.payment_events
        where shop = 'dress' and gateway_payment_id = any($1)";
    let row = owner.query_one(together, &[&ids]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 2);
    let transactions: i64 = row.get(1);
    // the control: the unknown one has a transaction of its own
    let all = [ids[0], ids[1], &stranger];
    let row = owner.query_one(together, &[&all.as_slice()]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), (3_i64, transactions + 1));
    // no sweep runs here
    let announced = "select count(*) from holdfast.outbox_messages
        where shop = 'dress' and topic = 'order.paid' and sent_at is not null
            and body ->> 'order_id' = any($1)";
    let row = owner.query_one(announced, &[&ids]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 2);
    for shopper in &shoppers {
        assert_eq!(shopper.read_order().await.ok(200)["status"], "paid");
        assert_eq!(shopper.level().await, (3, 0));
    }
    assert_promises_hold(owner).await;
    transactions == 1
}

/// A verified payment whose amount does not fit its currency is stored for a person. A failed
/// attempt needs no amount.
#[tokio::test]
async fn a_payment_of_no_amount_of_its_currency_goes_to_review() {
    let shopper = Shopper::new(5).await;
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let reference = order["payment"]["reference"].as_str().unwrap();
    let of = |kind, status| {
        let body = payment(kind, status, reference, reference, "100.005");
        delivery(&body).to_string()
    };
    let failed = of("PAYMENT_FAILED_WEBHOOK", "FAILED");
    let dropped = of("PAYMENT_USER_DROPPED_WEBHOOK", "USER_DROPPED");
    assert_eq!(hand_over(&[failed, dropped]).await, [0; 0]);
    let read = shopper.read_order().await;
    assert_eq!(read.ok(200)["status"], "awaiting_payment");
    assert_eq!(read.body["payment"]["status"], "failed");
    let paid = of("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS");
    assert_eq!(hand_over(&[paid]).await, [0; 0]);
    let read = shopper.read_order().await;
    assert_eq!(read.ok(200)["status"], "review");
    assert_eq!(read.body["payment"]["status"], "failed");
    assert_eq!(shopper.level().await, (5, 1));
    let announced = "select body ->> 'amount_minor' from holdfast.outbox_messages
        where topic = 'payment.review' and body ->> 'reference' = $1";
    let announced = shopper.owner.query_one(announced, &[&reference]).await;
    assert_eq!(announced.unwrap().get::<_, Option<String>>(0), None);
    assert_promises_hold(&shopper.owner).await;
}

/// The events of one order in one batch end the same in every order.
#[tokio::test]
async fn the_order_within_a_batch_does_not_matter() {
    for paid_at in 0..3 {
        let shopper = Shopper::new(5).await;
        shopper.begin(1).await;
        let order = shopper.ordered().await;
        let reference = order["payment"]["reference"].as_str().unwrap();
        let of = |kind, status| payment(kind, status, reference, reference, "100");
        let mut batch = vec![
            of("PAYMENT_FAILED_WEBHOOK", "FAILED"),
            of("PAYMENT_USER_DROPPED_WEBHOOK", "USER_DROPPED"),
        ];
        batch.insert(paid_at, success(&order));
        let batch: Vec<String> = batch
            .iter()
            .map(|body| delivery(body).to_string())
            .collect();
        assert_eq!(hand_over(&batch).await, [0; 0]);
        let read = shopper.read_order().await;
        assert_eq!(read.ok(200)["status"], "paid");
        assert_eq!(read.body["payment"]["status"], "paid");
        assert_eq!(shopper.level().await, (4, 0));
    }
}

#[tokio::test]
async fn an_event_without_meaning_is_acknowledged_and_stored() {
    let shopper = Shopper::new(1).await;
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let reference = order["payment"]["reference"].as_str().unwrap();
    let pending = payment(
        "PAYMENT_SUCCESS_WEBHOOK",
        "PENDING",
        "a-1",
        reference,
        "100",
    );
    let mark = uuid::Uuid::new_v4().to_string();
    let settlement = json!({ "type": "SETTLEMENT_SUCCESS", "data": { "settlement": mark } });
    let batch = [
        delivery(&pending).to_string(),
        delivery(&settlement.to_string()).to_string(),
    ];
    assert_eq!(hand_over(&batch).await, [0; 0]);
    assert_eq!(
        shopper.read_order().await.ok(200)["status"],
        "awaiting_payment"
    );
    let stored = "select count(*) from holdfast.payment_events
        where outcome = 'recorded' and (reference = $1 or payload like '%' || $2 || '%')";
    let stored: i64 = shopper
        .owner
        .query_one(stored, &[&reference, &mark])
        .await
        .unwrap()
        .get(0);
    assert_eq!(stored, 2);
}

/// An event for an order that does not exist yet stays in the queue, and is applied once the order
/// exists.
#[tokio::test]
async fn an_event_before_its_order_is_applied_after_it() {
    let shopper = Shopper::new(3).await;
    shopper.begin(1).await;
    // In base 32, like our references, but of no order.
    let early = format!("dress-{}", &uuid::Uuid::new_v4().simple().to_string()[..26]);
    let event = payment("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS", &early, &early, "100");
    assert_eq!(hand_over(&[delivery(&event).to_string()]).await, [0]);
    webhook("dress", &STACK.secrets["dress"], event)
        .to(&STACK.webhook_url)
        .await
        .ok(200);
    let outcome = "select outcome from holdfast.payment_events where reference = $1";
    let parked: String = shopper
        .owner
        .query_one(outcome, &[&early])
        .await
        .unwrap()
        .get(0);
    assert_eq!(parked, "parked");

    shopper.ordered().await;
    let rename = "update holdfast.payments p set reference = $1 from holdfast.orders o
        where o.shop = p.shop and o.order_id = p.order_id and o.checkout_id = $2";
    shopper
        .owner
        .execute(rename, &[&early, &shopper.id])
        .await
        .unwrap();
    until("the order is paid", async || {
        shopper.read_order().await.ok(200)["status"] == "paid"
    })
    .await;
    assert_eq!(shopper.level().await, (2, 0));
    assert_promises_hold(&shopper.owner).await;
}

/// Gateways refund payments that were never captured, and report it. The capture of a payment may
/// also be reported after its refund.
#[tokio::test]
async fn a_refund_of_unknown_money_is_acknowledged_and_applied_if_the_money_comes() {
    let shopper = Shopper::new(2).await;
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let attempt = order["order_id"].as_str().unwrap();
    let refund = json!({
        "type": "AUTO_REFUND_STATUS_WEBHOOK",
        "data": { "auto_refund": {
            "cf_refund_id": format!("r-{attempt}"), "cf_payment_id": attempt,
            "order_id": order["payment"]["reference"], "refund_status": "SUCCESS",
            "refund_amount": order["total_minor"].as_i64().unwrap() / 100,
            "refund_currency": "INR",
        } },
    });
    let refund = delivery(&refund.to_string()).to_string();
    let outcome = "select outcome from holdfast.payment_events where gateway_payment_id = $1
        and kind = 'refund_settled'";
    for _again in 0..2 {
        assert_eq!(hand_over(std::slice::from_ref(&refund)).await, [0; 0]);
        let stored = shopper.owner.query_one(outcome, &[&attempt]).await.unwrap();
        assert_eq!(stored.get::<_, String>(0), "parked");
    }

    let paid = delivery(&success(&order)).to_string();
    assert_eq!(hand_over(&[paid]).await, [0; 0]);
    assert_eq!(shopper.read_order().await.ok(200)["status"], "paid");
    until("the refund is applied", async || {
        STACK.sweep().await.unwrap();
        shopper.read_order().await.ok(200)["status"] == "refunded"
    })
    .await;
    let applied = shopper.owner.query_one(outcome, &[&attempt]).await.unwrap();
    assert_eq!(applied.get::<_, String>(0), "recorded");
    assert_promises_hold(&shopper.owner).await;
}

/// After five tries an unreadable message is in the dead-letter queue, unchanged, for a person. The
/// rest of its batch was applied.
#[tokio::test]
async fn poison_ends_in_the_dead_letter_queue() {
    let shopper = Shopper::new(5).await;
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let mark = uuid::Uuid::new_v4().to_string();
    let poison = format!("poison {mark}");
    for body in [poison.clone(), delivery(&success(&order)).to_string()] {
        let message = json!({ "QueueUrl": STACK.queue_url, "MessageBody": body });
        sqs(&STACK, "SendMessage", message).await;
    }
    until("the order is paid", async || {
        shopper.read_order().await.ok(200)["status"] == "paid"
    })
    .await;
    // Five receives, each hidden for six seconds.
    let deadline = Instant::now() + Duration::from_secs(60);
    while !dead_letters().await.contains(&poison) {
        assert!(Instant::now() < deadline, "not in the dead-letter queue");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let lines = log_of(&STACK, "holdfast-payments", "stays in the queue");
    assert!(lines.iter().any(|line| {
        line["causes"]
            .as_str()
            .unwrap()
            .contains("not a queued webhook")
    }));
}

async fn dead_letters() -> Vec<String> {
    let request = json!({
        "QueueUrl": STACK.dead_letter_queue_url, "MaxNumberOfMessages": 10,
        "VisibilityTimeout": 0, "WaitTimeSeconds": 0,
    });
    let answer = sqs(&STACK, "ReceiveMessage", request).await;
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    let body = |message: &Value| message["Body"].as_str().unwrap().to_owned();
    messages.iter().map(body).collect()
}

/// Runs `holdfast replay` against the stack.
async fn replay(args: Vec<String>) -> String {
    let mut command = holdfast("replay");
    command.args(args).envs([
        ("AWS_ENDPOINT_URL_SQS", STACK.sqs_endpoint.as_str()),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("HOLDFAST_API", STACK.api_url.as_str()),
        ("HOLDFAST_SHOP", "dress"),
        ("HOLDFAST_ADMIN_TOKEN", STACK.admin_token.as_str()),
    ]);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = run.await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{said}");
    said
}

#[tokio::test]
async fn missing_credentials_are_named() {
    let _ = &STACK.api_url;
    let mut command = holdfast("replay");
    let queue = "http://127.0.0.1:9/000000000000/dead";
    command
        .args(["dead-letters", "--look", "--from", queue, "--to", queue])
        .env_clear()
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = run.await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let sentence = "holdfast: no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID";
    assert!(said.starts_with(sentence), "{said}");
}

/// Scenario 18, afterwards: messages of the dead-letter queue go back unchanged, and are applied if
/// that is possible by now. A stored event is applied again by its key.
#[tokio::test]
async fn dead_letters_and_stored_events_are_replayed() {
    let shopper = Shopper::new(5).await;
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let queue = format!("replayed-{}", uuid::Uuid::new_v4().simple());
    let made = sqs(&STACK, "CreateQueue", json!({ "QueueName": queue })).await;
    let dead = made["QueueUrl"].as_str().unwrap().to_owned();
    for body in [delivery(&success(&order)).to_string(), "poison".to_owned()] {
        let message = json!({ "QueueUrl": dead, "MessageBody": body });
        sqs(&STACK, "SendMessage", message).await;
    }
    let to = STACK.queue_url.clone();
    let move_back = ["dead-letters", "--from", &dead, "--to", &to].map(str::to_owned);
    let moved = replay(move_back.to_vec()).await;
    assert!(moved.contains("cashfree, for dress"), "{moved}");
    assert!(
        moved.contains("not a queued webhook") && moved.ends_with("2 moved\n"),
        "{moved}"
    );
    until("the order is paid", async || {
        shopper.read_order().await.ok(200)["status"] == "paid"
    })
    .await;
    let again = replay(move_back.to_vec()).await;
    assert_eq!(again, "0 moved\n");
    let key = shopper
        .owner
        .query_one(
            "select event_key from holdfast.payment_events
            where reference = $1 and outcome = 'completed'",
            &[&order["payment"]["reference"].as_str().unwrap()],
        )
        .await
        .unwrap()
        .get::<_, String>(0);
    let event = ["event", "--gateway", "cashfree", "--event-key", &key].map(str::to_owned);
    let said = replay(event.to_vec()).await;
    assert!(said.contains("\"outcome\":\"duplicate\""), "{said}");
}
