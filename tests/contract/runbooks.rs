//! The commands of docs/runbooks.md, run as they are written: SQL in a database with one of each
//! trouble, calls against the stack. A query must find the trouble that it searches for.

use std::fs;

use local::roles::READONLY;
use operations::checkout;
use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use operations::refund::GatewayAnswer;
use operations::subscriber;
use serde_json::{Value, json};
use tests::http::Call;
use tests::shopper::Shopper;
use tests::stack::{STACK, owner, root};
use tests::{MAIN, TestDb, begin_request, event, new_id, shop};
use tokio_postgres::{Client, SimpleQueryMessage};

/// A code block of the document: its info string, and its text.
struct Block {
    words: Vec<String>,
    text: String,
}

impl Block {
    fn is(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }
}

/// For the shop `shop`.
fn blocks(language: &str, shop: &str) -> Vec<Block> {
    let document = fs::read_to_string(root().join("docs/runbooks.md")).unwrap();
    let mut found = Vec::new();
    // Code blocks are at the odd places.
    for block in document.split("```").skip(1).step_by(2) {
        let (words, text) = block.split_once('\n').unwrap();
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        if words.first().is_some_and(|first| first == language) {
            let text = text.replace("'dress'", &format!("'{shop}'"));
            found.push(Block { words, text });
        }
    }
    found
}

/// A database with one of each trouble, and a session that waits for a lock until it is released.
async fn everything_has_gone_wrong() -> TestDb {
    let test = TestDb::new().await;
    for sku in ["A", "B", "DUE", "LIMITED"] {
        test.sku(sku, 9).await;
    }
    nobody_is_told(&test).await;
    money_goes_back(&test).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let wrong = Event {
        amount_minor: Some(1),
        ..event(&order, EventKind::Paid, "pay-3")
    };
    assert_eq!(test.record(&wrong).await.unwrap(), Outcome::Review);
    let nobodys = Event {
        reference: Some("main-nobodys".to_owned()),
        ..event(&order, EventKind::Paid, "pay-4")
    };
    let parked =
        payment::record_event(&test.payments, &shop(MAIN), Gateway::Cashfree, &nobodys).await;
    assert_eq!(parked.unwrap().outcome, Outcome::Parked);
    let due = test.held(&[("DUE", 1)]).await;
    test.make_due(due).await;
    test.corrupt(
        "insert into holdfast.customer_units (shop, customer, sku, units_held, units_max)
         values ('main', 'c', 'LIMITED', 1, 2)",
    )
    .await;
    test
}

/// A subscriber can't be reached: one announcement is given up, one waits.
async fn nobody_is_told(test: &TestDb) {
    test.sql(
        "select holdfast.subscriber_put('main', 'crm', 'https://crm.example', '{stock.back}')",
    )
    .await;
    test.sku("LOST", 1).await;
    test.sql("update holdfast.subscriber_deliveries set attempts = 9")
        .await;
    test.sku("TOLD", 1).await;
    test.sql(
        "select holdfast.subscriber_mark('main', d.name, array[d.topic], array[d.subject],
            '{failed}', '{it answered 500}')
         from holdfast.subscriber_deliveries d",
    )
    .await;
}

/// Three orders that were paid twice: one refund failed, one is pending, one is unsent. The bank of
/// the first order disputes the payment.
async fn money_goes_back(test: &TestDb) {
    for n in 0..3 {
        let (_, order) = test.ordered(&[("A", 1)]).await;
        for attempt in ["first", "second"] {
            let paid = event(&order, EventKind::Paid, &format!("{attempt}-{n}"));
            test.record(&paid).await.unwrap();
        }
        if n == 0 {
            let disputed = event(&order, EventKind::Disputed, "first-0");
            assert_eq!(test.record(&disputed).await.unwrap(), Outcome::Recorded);
        }
    }
    let failed = GatewayAnswer::Failed {
        gateway_refund_id: None,
        error: "the account is empty".to_owned(),
    };
    let pending = GatewayAnswer::Pending {
        gateway_refund_id: Some("r-1".to_owned()),
    };
    let sent = test.claimed().await;
    for (refund, result) in sent.iter().zip([failed, pending]) {
        test.report(refund.refund_id, &result).await;
    }
    assert_eq!(sent.len(), 3);
}

/// The number of rows that the statements return.
async fn rows(session: &Client, statements: &str) -> usize {
    let messages = session.simple_query(statements).await;
    let messages = messages.unwrap_or_else(|error| panic!("{error:?}:\n{statements}"));
    let rows = messages
        .iter()
        .filter(|message| matches!(message, SimpleQueryMessage::Row(_)));
    rows.count()
}

#[tokio::test]
async fn every_query_of_a_runbook_finds_its_trouble() {
    let test = everything_has_gone_wrong().await;
    let looking = test.session_of(READONLY).await;
    let blocker = test.block_level("B").await;
    let (db, request) = (test.db.clone(), begin_request(new_id(), &[("B", 1)]));
    let waiting = tokio::spawn(async move { checkout::begin(&db, &request).await });
    test.until_waiting(1).await;
    let blocks = blocks("sql", MAIN);
    assert!(blocks.len() >= 9, "{}", blocks.len());
    for block in &blocks {
        let session = if block.is("owner") {
            &test.owner
        } else {
            &looking
        };
        let rows = rows(session, &block.text).await;
        assert!(
            rows > 0 || !block.is("finds"),
            "found nothing:\n{}",
            block.text
        );
    }
    assert!(blocks.iter().filter(|block| block.is("finds")).count() >= 8);
    // the subscriber's deliveries are restored: both will be delivered
    let claimed = subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap();
    let claimed: Vec<&str> = claimed.iter().map(|of| &of.subject[..4]).collect();
    assert_eq!(claimed, ["LOST", "TOLD"]);
    blocker.let_go().await;
    waiting.await.unwrap().unwrap();
    // In a healthy database the queries find no trouble.
    let calm = TestDb::new().await;
    let about_money = |block: &&Block| {
        ["payment_events", "refunds"]
            .iter()
            .any(|about| block.text.contains(about))
    };
    for block in blocks.iter().filter(about_money) {
        assert_eq!(
            rows(&calm.owner, &block.text).await,
            usize::from(block.is("owner"))
        );
    }
}

/// `"…"` is one word; `$NAME` is a variable.
fn words_of(line: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let mut line = line.to_owned();
    for (name, value) in variables {
        line = line.replace(&format!("${name}"), value);
    }
    assert!(
        !line.contains('$'),
        "a variable that the document does not explain: {line}"
    );
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// The order was paid twice, and the refund of the excess failed.
async fn refund_that_failed(order: &Value) -> String {
    let owner = owner(&STACK).await;
    let reference = order["payment"]["reference"].as_str().unwrap();
    let amount = order["total_minor"].as_i64().unwrap();
    for attempt in ["first", "second"] {
        let paid = format!(
            "call holdfast.payment_record_event('dress', 'cashfree', '{attempt}:{reference}',
                '{reference}', 'paid', {amount}, 'INR', '{attempt}-{reference}', '{{}}', null,
                null, null, null)"
        );
        owner.batch_execute(&paid).await.unwrap();
    }
    let report =
        "select refund_id::text, holdfast.refund_report('dress', refund_id, 'failed', null,
            'the account is empty')
        from holdfast.refunds where reference = $1";
    let refund = owner.query_one(report, &[&reference]).await.unwrap();
    refund.get(0)
}

#[tokio::test]
async fn every_call_of_a_runbook_is_answered() {
    let shopper = Shopper::new(1).await;
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let refund_id = refund_that_failed(&order).await;
    let variables = [
        ("REFUND_ID", refund_id.as_str()),
        ("TOKEN", STACK.admin_token.as_str()),
        ("API", STACK.api_url.as_str()),
        ("REFERENCE", order["payment"]["reference"].as_str().unwrap()),
    ];
    let mut calls = 0;
    for block in blocks("sh", "dress")
        .iter()
        .filter(|block| block.is("curl"))
    {
        for line in block.text.lines() {
            let words = words_of(line, &variables);
            let mut words = words.iter().map(String::as_str);
            let (mut method, mut word) = match (words.next(), words.next()) {
                (Some("curl"), Some("-sf")) => ("GET", words.next()),
                (Some("tools/deploy/call"), Some(method)) => (method, words.next()),
                other => panic!("{line}: {other:?}"),
            };
            let mut headers = Vec::new();
            if word == Some("-X") {
                (method, word) = (words.next().unwrap(), words.next());
            }
            while word == Some("-H") {
                headers.push(words.next().unwrap().split_once(": ").unwrap());
                word = words.next();
            }
            let path = word.unwrap().strip_prefix(&STACK.api_url).unwrap();
            assert_eq!(words.next(), None, "{line}");
            let call = headers
                .iter()
                .fold(Call::new(method, path), |call, (name, value)| {
                    call.header(name, value)
                });
            let answer = call.to(&STACK.api_url).await;
            assert_eq!(answer.status / 100, 2, "{line}: {answer:?}");
            if line.contains("/search") {
                assert_ne!(answer.body["orders"], json!([]), "{line}: {answer:?}");
            }
            if line.contains("status=failed") {
                assert!(answer.body.to_string().contains(&refund_id), "{answer:?}");
            }
            calls += 1;
        }
    }
    assert!(calls >= 5, "{calls}");
}
