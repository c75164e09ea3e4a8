//! The relay in the real functions, with a real SQS API.

use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operations::payment::Gateway;
use serde_json::{Value, json};
use tests::cashfree::success;
use tests::shopper::Shopper;
use tests::stack::{STACK, add, owner, put_sku, sqs, start, stop};
use tests::{count, until, webhooks};
use tokio::sync::OnceCell;

/// Messages that tests have taken out of the shared stack's queue of announcements. One test at a
/// time moves all messages from the queue to here: a message is in the queue or here.
static RECEIVED: tokio::sync::Mutex<Vec<Value>> = tokio::sync::Mutex::const_new(Vec::new());

/// Takes the messages out of a queue: payload and attributes.
async fn receive(stack: &local::Stack) -> Vec<Value> {
    let request = json!({
        "QueueUrl": stack.outbox_queue_url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0,
        "AttributeNames": ["All"], "MessageAttributeNames": ["All"],
    });
    let answer = sqs(stack, "ReceiveMessage", request).await;
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    for message in &messages {
        let handle = &message["ReceiptHandle"];
        let request = json!({ "QueueUrl": stack.outbox_queue_url, "ReceiptHandle": handle });
        sqs(stack, "DeleteMessage", request).await;
    }
    messages
}

/// The messages about an order that have arrived so far.
async fn about(order_id: &str) -> Vec<Value> {
    let mut all = RECEIVED.lock().await;
    loop {
        let more = receive(&STACK).await;
        if more.is_empty() {
            let about = |message: &&Value| message["Body"].as_str().unwrap().contains(order_id);
            return all.iter().filter(about).cloned().collect();
        }
        all.extend(more);
    }
}

async fn pay(function: &str, order: &Value) {
    let delivery = webhooks::queued(
        Gateway::Cashfree,
        &webhooks::Headers::new(),
        success(order).as_bytes(),
    );
    let delivery = serde_json::to_string(&delivery).unwrap();
    let record = json!({
        "messageId": "m-1", "receiptHandle": "r", "body": delivery,
        "attributes": {}, "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:0:q", "awsRegion": "eu-west-1",
    });
    let event = json!({ "Records": [record] }).to_string().into_bytes();
    let answer = STACK.host.invoke(function, event).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
}

#[tokio::test]
async fn a_payments_announcement_is_in_the_queue_right_after_it() {
    let shopper = Shopper::new(5).await;
    shopper.begin(2).await;
    let order = shopper.ordered().await;
    let order_id = order["order_id"].as_str().unwrap();
    assert!(about(order_id).await.is_empty());
    pay("holdfast-payments", &order).await;
    // no sweep runs here
    let messages = about(order_id).await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    let message = &messages[0];
    let payload: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
    assert_eq!(payload["type"], "order.paid");
    assert_eq!(payload["data"]["shop"], "dress");
    assert_eq!(payload["data"]["order_id"], order_id);
    let attribute = |name: &str| message["MessageAttributes"][name]["StringValue"].clone();
    assert_eq!(attribute("type"), "order.paid");
    assert_eq!(attribute("shop"), "dress");
    let group = format!("dress/order/{order_id}");
    assert_eq!(message["Attributes"]["MessageGroupId"], group);
    let id = attribute("webhook-id");
    assert_eq!(message["Attributes"]["MessageDeduplicationId"], id);
    assert!(id.as_str().unwrap().starts_with("msg_"));
    let sent = "select count(*) from holdfast.outbox_messages
        where topic = 'order.paid' and subject = $1 and sent_at is not null";
    let sent = shopper.owner.query_one(sent, &[&order_id]).await.unwrap();
    assert_eq!(sent.get::<_, i64>(0), 1);
}

/// A payments function whose queue of announcements nobody answers for.
async fn without_queue() -> &'static str {
    static ADDED: OnceCell<()> = OnceCell::const_new();
    let name = "payments-without-queue";
    let database = STACK.pooled_url(local::roles::PAYMENTS, local::stack::DATABASE);
    let environment = [
        ("DATABASE_URL", database.as_str()),
        ("DATABASE_TLS", "off"),
        ("OUTBOX_QUEUE_URL", STACK.outbox_queue_url.as_str()),
        // a reserved port that nothing listens on
        ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1"),
    ];
    ADDED
        .get_or_init(|| add(&STACK, name, local::functions::PAYMENTS, &environment))
        .await;
    name
}

/// The queue is down: the payment is processed in time, and its announcement waits.
#[tokio::test]
async fn a_payment_is_processed_while_the_queue_is_down_and_the_sweeper_announces_it() {
    let function = without_queue().await;
    let shopper = Shopper::new(5).await;
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let order_id = order["order_id"].as_str().unwrap();
    // the function answers within its own timeout, or the call fails
    pay(function, &order).await;
    assert_eq!(shopper.read_order().await.ok(200)["status"], "paid");
    assert!(about(order_id).await.is_empty());
    until("the sweeper has announced it", async || {
        STACK.sweep().await.unwrap();
        !about(order_id).await.is_empty()
    })
    .await;
    assert_eq!(about(order_id).await.len(), 1);
}

/// Killed after the send and before the mark: the same message is sent again.
#[tokio::test]
async fn a_relay_that_is_killed_between_send_and_mark_loses_nothing() {
    let stack = Arc::new(start(local::StackOptions {
        concurrency: 2,
        sweep_every: None,
        ..local::StackOptions::default()
    }));
    let owner = owner(&stack).await;
    stack.sweep().await.unwrap(); // the catalogue's announcements
    while !receive(&stack).await.is_empty() {}
    // A relay that marks a message as sent waits for this test.
    owner
        .batch_execute(
            "create function wait_for_the_test() returns trigger language plpgsql as
                $$ begin perform pg_advisory_xact_lock(5); return new; end $$;
            create trigger wait_for_the_test before update on holdfast.outbox_messages
            for each row when (new.sent_at is not null) execute function wait_for_the_test();
            select pg_advisory_lock(5)",
        )
        .await
        .unwrap();
    put_sku(&owner, "dress", "SENT-TWICE", 1).await;
    let swept = tokio::spawn({
        let stack = Arc::clone(&stack);
        async move { stack.sweep().await }
    });
    let waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
    until("the relay is about to mark", async || {
        count(&owner, waits).await > 0
    })
    .await;
    let sent = receive(&stack).await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    let mut killed = 0;
    for process in stack.host.processes() {
        if process.function == "holdfast-sweeper" {
            kill(
                Pid::from_raw(i32::try_from(process.pid).unwrap()),
                Signal::SIGKILL,
            )
            .unwrap();
            killed += 1;
        }
    }
    assert_eq!(killed, 1);
    swept.await.unwrap().unwrap_err();
    // Its session ends with it, and so does the write.
    let end = "select pg_terminate_backend(pid) from pg_locks
        where locktype = 'advisory' and not granted";
    owner.query(end, &[]).await.unwrap();
    until("its session is gone", async || {
        count(&owner, waits).await == 0
    })
    .await;
    owner
        .batch_execute(
            "drop trigger wait_for_the_test on holdfast.outbox_messages;
            update holdfast.outbox_messages set next_try_at = clock_timestamp()
            where sent_at is null",
        )
        .await
        .unwrap();
    let report: Value = serde_json::from_slice(&stack.sweep().await.unwrap()).unwrap();
    assert_eq!(report["announcements"]["sent"], 1, "{report}");
    // SQS drops a message whose id it had minutes ago; a message that is not dropped is the same.
    for again in receive(&stack).await {
        assert_eq!(again["Body"], sent[0]["Body"]);
    }
    let unsent = "select count(*) from holdfast.outbox_messages where sent_at is null";
    let unsent = owner.query_one(unsent, &[]).await.unwrap();
    assert_eq!(unsent.get::<_, i64>(0), 0);
    stop(Arc::into_inner(stack).unwrap()).await;
}
