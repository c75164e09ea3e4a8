//! The scenario: every kind of event, once.

use std::collections::BTreeMap;
use std::time::Duration;

use local::roles::SWEEPER;
use local::stack::DATABASE;
use local::{QueueOptions, Stack, StackOptions};
use serde_json::{Value, json};
use tests::gateways::configuration;
use tests::http::{Answer, Call};
use tests::stack::{add, owner, put_sku, sqs, start};
use tests::{cashfree, until};
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use uuid::Uuid;

/// The customer of the scenario; none of their data may be in a log.
const CUSTOMER: &str = "zz-meera@example.com";
const WITHOUT_DATABASE: &str = "checkout-without-database";
const WITH_OLD_CREDENTIALS: &str = "sweeper-with-old-credentials";
const OF_A_CLUSTER: &str = "sweeper-of-a-cluster";

/// The logs at the end of the scenario, and its ids.
pub(super) struct Scenario {
    /// The lines of each function, by its name.
    pub(super) logs: BTreeMap<String, Vec<Value>>,
    pub(super) text: String,
    pub(super) checkout_id: Uuid,
    pub(super) order_id: String,
    pub(super) reference: String,
}

static SCENARIO: OnceCell<Scenario> = OnceCell::const_new();

pub(super) async fn scenario() -> &'static Scenario {
    SCENARIO.get_or_init(play).await
}

/// The stack of the scenario, which the scenario may break.
struct Stage {
    stack: &'static Stack,
    owner: Client,
}

impl Stage {
    async fn set() -> Self {
        let stack = start(StackOptions {
            concurrency: 2,
            sweep_every: None,
            log_level: Some("trace".to_owned()),
            // the secret of no subscriber
            sweeper_environment: vec![("SUBSCRIBER_SECRETS".to_owned(), "{}".to_owned())],
            queue: QueueOptions {
                visibility: Duration::from_secs(6),
                ..QueueOptions::default()
            },
            ..StackOptions::default()
        });
        let stack = Box::leak(Box::new(stack));
        let environment = [
            (
                "DATABASE_URL",
                "postgresql://holdfast_checkout@%2Fnowhere/holdfast",
            ),
            ("DATABASE_TLS", "off"),
            ("SHOPS", "*"),
            ("METRICS_STACK", "local"),
        ];
        add(
            stack,
            WITHOUT_DATABASE,
            local::functions::CHECKOUT,
            &environment,
        )
        .await;
        let owner = owner(stack).await;
        for (sku, units) in [
            ("A", 5),
            ("GONE", 1),
            ("LIMITED", 5),
            // enough units for the share of a sku that is held
            ("STUCK", 10),
            ("SEAT", 5),
        ] {
            put_sku(&owner, "dress", sku, units).await;
        }
        // longer than a message may be
        owner
            .batch_execute(
                "insert into holdfast.outbox_messages (shop, topic, subject, body, created_at)
                select 'dress', 'order.amended', 'long', jsonb_build_object('order_id', 'long',
                    'note', repeat('x', 200000)), now()",
            )
            .await
            .unwrap();
        Self { stack, owner }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let call = Call::new(method, path).json(&body);
        call.to(&self.stack.api_url).await
    }

    async fn begin(&self, id: Uuid, sku: &str, quantity: i32) -> Answer {
        let lines = json!([{ "sku": sku, "quantity": quantity }]);
        let body = json!({ "customer": CUSTOMER, "lines": lines });
        self.call("PUT", &path(id, ""), body).await
    }

    /// Begins and orders one unit; returns the order as the API answers it.
    async fn ordered(&self, sku: &str) -> (Uuid, Value) {
        let id = Uuid::now_v7();
        self.begin(id, sku, 1).await.ok(201);
        let body = json!({ "payment_method": "online", "address": {
            "recipient": "Zz Meera", "line1": "14 Lotus Lane", "city": "Kochi",
            "postal_code": "68-ZZ-99", "country": "IN",
        }, "save_address": true });
        let order = self.call("POST", &path(id, "/order"), body).await;
        (id, order.ok(201).clone())
    }

    async fn webhook(&self, secret: &str, body: String) -> u16 {
        let webhook = cashfree::webhook("dress", secret, body);
        webhook.to(&self.stack.webhook_url).await.status
    }

    async fn gateway_says(&self, body: String) {
        let secret = self.stack.secrets["dress"].clone();
        assert_eq!(self.webhook(&secret, body).await, 200);
    }

    async fn until_order_is(&self, id: Uuid, status: &str) {
        until(status, async || {
            let order = Call::new("GET", &path(id, "/order"));
            order.to(&self.stack.api_url).await.ok(200)["status"] == status
        })
        .await;
    }

    async fn sql(&self, statement: &str) {
        self.owner.batch_execute(statement).await.unwrap();
    }

    async fn make_due(&self, id: Uuid) {
        self.sql(&format!(
            "update holdfast.checkouts set expires_at = now() - interval '7 minutes'
             where checkout_id = '{id}';
             update holdfast.holds set expires_at = c.expires_at from holdfast.checkouts c
             where c.checkout_id = '{id}' and holds.checkout_id = c.checkout_id"
        ))
        .await;
    }

    async fn sweep(&self) -> Value {
        let report = self.stack.sweep().await.unwrap();
        serde_json::from_slice(&report).unwrap()
    }
}

fn path(id: Uuid, rest: &str) -> String {
    format!("/v1/shops/dress/checkouts/{id}{rest}")
}

async fn play() -> Scenario {
    let stage = Stage::set().await;
    let (checkout_id, order) = bought(&stage).await;
    refused(&stage).await;
    money_that_needs_a_person(&stage).await;
    money_that_goes_back(&stage).await;
    nobody_is_told(&stage).await;
    disputed(&stage, &order).await;
    at_the_desk(&stage).await;
    behind_a_lock(&stage).await;
    broken(&stage).await;
    on_a_node_that_is_down(&stage).await;
    let mut logs = BTreeMap::new();
    let mut text = String::new();
    for function in [
        "checkout", "webhook", "payments", "sweeper", "admin", "migrate",
    ] {
        let name = format!("holdfast-{function}");
        let log = log(&stage, &name);
        text += &log;
        logs.insert(name, lines(&log));
    }
    for name in [WITHOUT_DATABASE, WITH_OLD_CREDENTIALS, OF_A_CLUSTER] {
        let log = log(&stage, name);
        text += &log;
        logs.insert(name.to_owned(), lines(&log));
    }
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    Scenario {
        logs,
        text,
        checkout_id,
        order_id: word(&order["order_id"]),
        reference: word(&order["payment"]["reference"]),
    }
}

fn log(stage: &Stage, name: &str) -> String {
    let file = stage.stack.logs.folder.join(format!("{name}.log"));
    std::fs::read_to_string(file).unwrap()
}

fn lines(log: &str) -> Vec<Value> {
    let parse = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}"))
    };
    log.lines().map(parse).collect()
}

/// Two checkouts that become orders; the first is paid, and the gateway reports it twice.
async fn bought(stage: &Stage) -> (Uuid, Value) {
    let (id, order) = stage.ordered("A").await;
    for _ in 0..2 {
        stage.gateway_says(cashfree::success(&order)).await;
        stage.until_order_is(id, "paid").await;
    }
    until("the second one was seen", async || {
        log(stage, "holdfast-payments").contains("\"outcome\":\"Duplicate\"")
    })
    .await;
    (id, order)
}

/// Wrong requests, with personal data in them.
async fn refused(stage: &Stage) {
    let id = Uuid::now_v7();
    let short = stage.begin(id, "A", 9).await;
    short.refused(409, "shortage");
    let text = json!({ "customer": CUSTOMER, "lines": CUSTOMER });
    stage
        .call("PUT", &path(id, ""), text)
        .await
        .refused(400, "invalid_request");
    let field = json!({ CUSTOMER: 1, "customer": CUSTOMER, "lines": [] });
    stage
        .call("PUT", &path(id, ""), field)
        .await
        .refused(400, "invalid_request");
    for wrong in [
        format!("/v1/shops/dress/checkouts/{CUSTOMER}"),
        format!("/v1/shops/{CUSTOMER}/checkouts/{id}"),
        format!("/v1/{CUSTOMER}"),
        format!("/v1/shops/dress/availability?skus=A&{CUSTOMER}=1"),
    ] {
        let answer = Call::new("GET", &wrong).to(&stage.stack.api_url).await;
        assert!([400, 404, 200].contains(&answer.status), "{answer:?}");
    }
    assert_eq!(
        stage.webhook("not-the-secret", CUSTOMER.to_owned()).await,
        401
    );
    for body in [
        json!(CUSTOMER).to_string(),
        json!({ "shop": CUSTOMER, "gateway": "cashfree" }).to_string(),
    ] {
        let message = json!({ "QueueUrl": stage.stack.queue_url, "MessageBody": body });
        sqs(stage.stack, "SendMessage", message).await;
    }
    let unread = json!({ "type": "PAYMENT_SUCCESS_WEBHOOK", "data": CUSTOMER });
    stage.gateway_says(unread.to_string()).await;
    until("all three were refused", async || {
        log(stage, "holdfast-payments")
            .matches("can't be understood")
            .count()
            >= 3
    })
    .await;
}

/// A wrong amount; a late payment whose goods are gone; money for no order.
async fn money_that_needs_a_person(stage: &Stage) {
    let (id, order) = stage.ordered("A").await;
    let mut wrong = order.clone();
    wrong["total_minor"] = json!(1);
    stage.gateway_says(cashfree::success(&wrong)).await;
    stage.until_order_is(id, "review").await;

    let (late, order) = stage.ordered("GONE").await;
    stage.make_due(late).await;
    let report = stage.sweep().await;
    assert!(
        report["backlog"]["due_s"].as_f64().unwrap() >= 420.0,
        "{report}"
    );
    assert_eq!(report["backlog"]["parked"], 0);
    stage.begin(Uuid::now_v7(), "GONE", 1).await.ok(201);
    stage.gateway_says(cashfree::success(&order)).await;
    stage.until_order_is(late, "refund_due").await;

    let nobodys = cashfree::payment(
        "PAYMENT_SUCCESS_WEBHOOK",
        "SUCCESS",
        "attempt-1",
        "dress-nobodys",
        "100.00",
    );
    stage.gateway_says(nobodys).await;
    let query = "update holdfast.payment_events set received_at = now() - interval '90 minutes'
        where outcome = 'parked' and reference = 'dress-nobodys'";
    until("the event is parked", async || {
        stage.owner.execute(query, &[]).await.unwrap() == 1
    })
    .await;
}

/// The refund of the late payment: first its gateway does not know the payment, then the
/// credentials belong to another gateway, then it is pending.
async fn money_that_goes_back(stage: &Stage) {
    let url = &stage.stack.gateways_url;
    let wrong = configuration("dress", url, "local-dress", "not-the-key");
    let database = stage.stack.pooled_url(SWEEPER, DATABASE);
    let environment = [
        ("DATABASE_URL", database.as_str()),
        ("DATABASE_TLS", "off"),
        ("GATEWAYS", &wrong),
        ("METRICS_STACK", "local"),
    ];
    add(
        stage.stack,
        WITH_OLD_CREDENTIALS,
        local::functions::SWEEPER,
        &environment,
    )
    .await;
    let report = stage.sweep().await;
    assert!(report["refunds"]["owed_s"].as_f64().unwrap() > 0.0);
    let report = stage.sweep().await;
    assert_eq!(report["refunds"]["failed"], 1, "{report}");
    let id = "select refund_id from holdfast.refunds";
    let id: Uuid = stage.owner.query_one(id, &[]).await.unwrap().get(0);
    let retry = format!("/v1/admin/shops/dress/refunds/{id}/retry");
    let token = format!("Bearer {}", stage.stack.admin_token);
    let retry = Call::new("POST", &retry).header("authorization", &token);
    retry.to(&stage.stack.api_url).await.ok(201);
    let invoked = stage
        .stack
        .host
        .invoke(WITH_OLD_CREDENTIALS, b"{}".to_vec());
    invoked.await.unwrap();
    stage
        .sql(&format!(
            "select holdfast.refund_report('dress', '{id}', 'pending', 'r-1', null)"
        ))
        .await;
    let report = stage.sweep().await;
    assert!(report["refunds"]["pending_s"].as_f64().unwrap() > 0.0);
}

/// A subscriber without a secret, until its tries are used up.
async fn nobody_is_told(stage: &Stage) {
    stage
        .sql(
            "select holdfast.subscriber_put('dress', 'crm', 'https://crm.example', '{stock.back}')",
        )
        .await;
    put_sku(&stage.owner, "dress", "TOLD", 1).await;
    stage
        .sql("update holdfast.subscriber_deliveries set next_try_at = now() + interval '1 h'")
        .await;
    let report = stage.sweep().await;
    assert!(report["deliveries"]["waiting_s"].as_f64().unwrap() > 0.0);
    stage
        .sql("update holdfast.subscriber_deliveries set attempts = 9, next_try_at = now()")
        .await;
    let report = stage.sweep().await;
    assert_eq!(report["subscribers"]["failed"], 1, "{report}");
    let report = stage.sweep().await;
    assert_eq!(report["deliveries"]["given_up"], 1, "{report}");
}

async fn disputed(stage: &Stage, order: &Value) {
    let dispute = json!({ "type": "DISPUTE_CREATED", "data": {
        "dispute": { "dispute_id": "d-1", "dispute_amount": 100.00 },
        "order_details": {
            "order_id": order["payment"]["reference"], "order_currency": "INR",
            "cf_payment_id": order["order_id"],
        },
        "customer_details": { "customer_name": "Zz Meera", "customer_phone": "9908734801" },
    }});
    stage.gateway_says(dispute.to_string()).await;
    let counted = async || log(stage, "holdfast-payments").contains("\"Disputes\":1");
    until("the dispute is counted", counted).await;
}

/// A booking, and a search for its customer.
async fn at_the_desk(stage: &Stage) {
    let token = format!("Bearer {}", stage.stack.admin_token);
    let book = Call::new(
        "PUT",
        &format!("/v1/admin/shops/dress/desk/orders/{}", Uuid::now_v7()),
    )
    .json(&json!({ "customer": CUSTOMER, "lines": [{ "sku": "SEAT", "quantity": 1 }] }));
    let book = book.header("authorization", &token);
    book.to(&stage.stack.api_url).await.ok(201);
    let search = Call::new(
        "GET",
        "/v1/admin/shops/dress/search?q=zz-meera%40example.com",
    );
    let search = search.header("authorization", &token);
    search.to(&stage.stack.api_url).await.ok(200);
}

/// A checkout that is locked for longer than the lock timeout, as a sweep sees it.
async fn behind_a_lock(stage: &Stage) {
    let id = Uuid::now_v7();
    stage.begin(id, "A", 1).await.ok(201);
    stage.sql("begin").await;
    stage
        .sql(&format!(
            "select from holdfast.checkouts where checkout_id = '{id}' for update"
        ))
        .await;
    let release = Call::new("DELETE", &path(id, ""));
    let seen = async {
        let mut waited_ms = 0.0;
        while waited_ms == 0.0 {
            let report = stage.sweep().await;
            waited_ms = report["backlog"]["lock_wait_ms"].as_f64().unwrap();
        }
        let given_up = async || log(stage, "holdfast-checkout").contains("\"LockTimeouts\":1");
        until("the lock timeout", given_up).await;
    };
    let (answer, ()) = tokio::join!(release.to(&stage.stack.api_url), seen);
    answer.refused(503, "unavailable");
    stage.sql("rollback").await;
}

/// A constraint that refuses a row and shows it; rows that contradict each other; no database at
/// all.
async fn broken(stage: &Stage) {
    let rule = format!("check (customer <> '{CUSTOMER}') not valid");
    stage
        .sql(&format!(
            "alter table holdfast.orders add constraint for_nobody {rule}"
        ))
        .await;
    let id = Uuid::now_v7();
    stage.begin(id, "LIMITED", 1).await.ok(201);
    let order = json!({ "payment_method": "online" });
    let refused = stage.call("POST", &path(id, "/order"), order).await;
    refused.refused(500, "internal");
    let update = "update holdfast.orders set created_at = created_at where customer = $1";
    let error = stage.owner.execute(update, &[&CUSTOMER]).await.unwrap_err();
    let shown = error.as_db_error().unwrap().detail().unwrap();
    assert!(
        shown.contains(CUSTOMER),
        "the database shows no row: {shown}"
    );
    stage
        .sql("alter table holdfast.orders drop constraint for_nobody")
        .await;

    stage
        .sql(&format!(
            "insert into holdfast.customer_units (shop, customer, sku, units_held, units_max)
             values ('dress', '{CUSTOMER}', 'LIMITED', 2, 2)"
        ))
        .await;
    let stuck = Uuid::now_v7();
    stage.begin(stuck, "STUCK", 2).await.ok(201);
    stage.make_due(stuck).await;
    stage
        .sql(
            "update holdfast.stock_levels set held = 0, version = version + 1
             where shop = 'dress' and sku = 'STUCK'",
        )
        .await;
    stage
        .sql("alter role holdfast_readonly set application_name = 'changed'")
        .await;
    // no stamp leads to the customer's units: the lap through the history meets them
    stage
        .sql(
            "update holdfast.promise_laps set checked_at = checked_at - interval '1 hour'
             where lap = 'history'",
        )
        .await;
    let report = stage.sweep().await;
    stage
        .sql("alter role holdfast_readonly reset application_name")
        .await;
    assert!(
        report["violations"].to_string().contains(CUSTOMER),
        "{report}"
    );
    assert!(
        report["shops"].to_string().contains(&stuck.to_string()),
        "{report}"
    );

    let begin = Call::new("PUT", &path(Uuid::now_v7(), ""))
        .json(&json!({ "customer": CUSTOMER, "lines": [{ "sku": "A", "quantity": 1 }] }));
    let answer = begin.invoke(&stage.stack.host, WITHOUT_DATABASE).await;
    answer.refused(503, "unavailable");
}

/// The shop is on a node of a cluster that takes no connection. The last step: the other functions
/// know of no cluster.
async fn on_a_node_that_is_down(stage: &Stage) {
    stage
        .sql(
            "create or replace function holdfast.shop_list()
                returns table (o_shop text, o_host text, o_port integer)
            language sql stable security definer set search_path = holdfast, pg_temp as
                'select c.shop, ''127.0.0.1'', 1 from shop_codes c'",
        )
        .await;
    let database = stage.stack.pooled_url(SWEEPER, DATABASE);
    let environment = [
        ("DATABASE_URL", database.as_str()),
        ("DATABASE_TLS", "off"),
        ("DATABASE_CLUSTER", "citus"),
        ("METRICS_STACK", "local"),
    ];
    let sweeper = local::functions::SWEEPER;
    add(stage.stack, OF_A_CLUSTER, sweeper, &environment).await;
    let invoked = stage.stack.host.invoke(OF_A_CLUSTER, b"{}".to_vec());
    invoked.await.unwrap();
}
