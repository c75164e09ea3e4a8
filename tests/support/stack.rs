//! The functions as real processes, with a real PostgreSQL and a real SQS API behind them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use local::postgres::SUPERUSER;
use local::roles;
use local::stack::DATABASE;
use local::{Binaries, FunctionOptions, QueueOptions, Stack, StackOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_postgres::Client;

use crate::{connect, pooler};

/// Each test's own runtime ends with it. Everything that outlives a test runs on this one.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Builds the functions' binaries, once a run. The selection of packages is that of `make test`:
/// with another selection, cargo would unify other features and compile everything a second time.
static BINARIES: LazyLock<Binaries> = LazyLock::new(|| {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--locked", "--workspace", "--bins"]);
    if binary_folder().ends_with("release") {
        command.arg("--release");
    }
    // Some build scripts (ring's) read what cargo tells this process about its own package. They
    // would see a changed environment, and compile for a minute, twice in every run.
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    let status = command.current_dir(root()).status().unwrap();
    assert!(status.success(), "the functions could not be built");
    Binaries::in_folder(&binary_folder()).unwrap()
});

/// The stack that tests share without changing it. Shops `dress` and `tour`; each test sells its
/// own skus.
pub static STACK: LazyLock<Stack> = LazyLock::new(|| {
    start(StackOptions {
        concurrency: 6,
        sweep_every: None,
        queue: QueueOptions {
            receives_max: 5,
            ..hurried_queue()
        },
        ..StackOptions::default()
    })
});

/// A queue with a short visibility timeout.
pub fn hurried_queue() -> QueueOptions {
    QueueOptions {
        visibility: Duration::from_secs(6),
        ..QueueOptions::default()
    }
}

/// The folder of this test binary and of the functions' binaries.
pub fn binary_folder() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().and_then(Path::parent).unwrap().to_owned()
}

/// One of the commands of `holdfast`.
pub fn holdfast(command: &str) -> Command {
    LazyLock::force(&BINARIES);
    let mut holdfast = Command::new(binary_folder().join("holdfast"));
    holdfast.arg(command);
    holdfast
}

/// The project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A stack for one test, which may break it; end it with [`stop`].
pub fn start(mut options: StackOptions) -> Stack {
    options.binaries = Some(BINARIES.clone());
    options.cluster.pooler = pooler::sessions();
    // Not on the test's thread, which has a runtime already.
    std::thread::spawn(|| RUNTIME.block_on(Stack::start(options)))
        .join()
        .unwrap()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Ends a stack and everything in it.
pub async fn stop(stack: Stack) {
    RUNTIME.spawn(stack.stop()).await.unwrap();
}

/// Adds a function to a stack, under another name and with another environment.
pub async fn add(
    stack: &'static Stack,
    name: &'static str,
    binary: &'static str,
    environment: &[(&str, &str)],
) {
    add_with(stack, function(name, binary, environment)).await;
}

/// Two processes of a function, each with one request at a time.
pub fn function(
    name: &'static str,
    binary: &'static str,
    environment: &[(&str, &str)],
) -> FunctionOptions {
    FunctionOptions {
        name: name.to_owned(),
        binary: binary_folder().join(binary),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        concurrency: 2,
        requests_per_process: 1,
        timeout: Duration::from_secs(25),
    }
}

/// Adds a function to a stack.
pub async fn add_with(stack: &'static Stack, options: FunctionOptions) {
    RUNTIME
        .spawn(async move { stack.host.add(options).await })
        .await
        .unwrap()
        .unwrap_or_else(|error| panic!("{error}"));
}

/// The environment of a checkout function that reaches the stack's own database.
pub fn checkout_environment(stack: &Stack) -> Vec<(&'static str, String)> {
    vec![
        ("DATABASE_URL", stack.pooled_url(roles::CHECKOUT, DATABASE)),
        ("DATABASE_TLS", "off".to_owned()),
    ]
}

/// A superuser's connection to a stack's database.
pub async fn owner(stack: &Stack) -> Client {
    connect(&stack.cluster.url(SUPERUSER, DATABASE)).await
}

/// A fresh sku of a shop, with so many units at 100.00 each.
pub async fn sku(owner: &Client, shop: &str, units: i32) -> String {
    let sku = format!("SKU-{}", uuid::Uuid::new_v4().simple());
    put_sku(owner, shop, &sku, units).await;
    sku
}

/// A sku with this code.
pub async fn put_sku(owner: &Client, shop: &str, sku: &str, units: i32) {
    let put = "select holdfast.sku_put($1, $2, 'A dress', '{\"size\": \"M\"}', 10000)";
    owner.execute(put, &[&shop, &sku]).await.unwrap();
    if units > 0 {
        let receive = "select holdfast.stock_adjust($1, $2, $3, null, 'received', 'test', 'PO-1')";
        owner
            .execute(receive, &[&shop, &sku, &units])
            .await
            .unwrap();
    }
}

/// The counters of a sku: on_hand and held.
pub async fn level(owner: &Client, shop: &str, sku: &str) -> (i32, i32) {
    let query = "select on_hand, held from holdfast.stock_levels where shop = $1 and sku = $2";
    let row = owner.query_one(query, &[&shop, &sku]).await.unwrap();
    (row.get(0), row.get(1))
}

/// Asserts every promise, in every shop of a stack.
pub async fn assert_promises_hold(owner: &Client) {
    let query = "select promise, violation from holdfast.promises_check(null)";
    let rows = owner.query(query, &[]).await.unwrap();
    let broken: Vec<(String, Value)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert!(broken.is_empty(), "broken promises: {broken:#?}");
}

/// The function behind a path: the HTTP API, or the webhook's function URL.
pub fn function_of(path: &str) -> &'static str {
    if path.starts_with("/v1/admin/") {
        "holdfast-admin"
    } else if path.contains("/webhooks/") {
        "holdfast-webhook"
    } else {
        "holdfast-checkout"
    }
}

/// The lines of a function's log with this request id.
pub fn log_of(stack: &Stack, function: &str, request_id: &str) -> Vec<Value> {
    let log =
        fs::read_to_string(stack.logs.folder.join(format!("{function}.log"))).unwrap_or_default();
    log.lines()
        .filter(|line| line.contains(request_id))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect()
}

/// Requests of a function that have waited for a connection. It logs them with
/// `LOG_LEVEL=info,operations::checkout=debug`.
pub fn waiting_in(stack: &Stack, function: &str) -> usize {
    let log = stack.logs.folder.join(format!("{function}.log"));
    let log = fs::read_to_string(log).unwrap_or_default();
    log.matches("\"waits for a connection\"").count()
}

/// The calls of the database that held units of a sku: those of one call have the same time.
pub async fn calls_that_held(owner: &Client, sku: &str) -> i64 {
    let query = "select count(distinct c.created_at) from holdfast.holds h
        join holdfast.checkouts c using (shop, checkout_id) where h.sku = $1";
    owner.query_one(query, &[&sku]).await.unwrap().get(0)
}

/// One action of the SQS API.
pub async fn sqs(stack: &Stack, action: &str, request: Value) -> Value {
    aws(stack, "AmazonSQS", action, request).await
}

/// One action of a service of the stack's MiniStack.
pub async fn aws(stack: &Stack, service: &str, action: &str, request: Value) -> Value {
    let answer = reqwest::Client::new()
        .post(&stack.sqs_endpoint)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("{service}.{action}"))
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/sqs/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .body(request.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{action}: {status} {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// The number of messages in a queue, hidden ones included.
pub async fn depth(stack: &Stack, queue_url: &str) -> u64 {
    let attributes = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ];
    let request = json!({ "QueueUrl": queue_url, "AttributeNames": attributes });
    let answer = sqs(stack, "GetQueueAttributes", request).await;
    attributes
        .iter()
        .map(|name| {
            let number = answer["Attributes"][name].as_str().unwrap();
            number.parse::<u64>().unwrap()
        })
        .sum()
}
