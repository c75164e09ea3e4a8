//! Secrets in Secrets Manager: the real functions fetch them with the real SDK, follow a rotation
//! under load, and never log them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use local::postgres::ClusterOptions;
use local::roles::{ADMIN, CHECKOUT, PAYMENTS, SWEEPER};
use local::{Cluster, functions};
use operations::payment::Gateway;
use serde_json::{Value, json};
use tests::cashfree::{payment, webhook};
use tests::http::{Answer, Call};
use tests::stack::{STACK, add, log_of, sqs};
use tests::vault::Vault;
use tests::webhooks::{self, Headers};
use tests::{TestDb, own_cluster, until};
use tokio::task::JoinHandle;

/// A database with passwords, and a secret with the password of `holdfast_checkout`.
struct Guarded {
    cluster: Cluster,
    test: TestDb,
    vault: Vault<'static>,
}

impl Guarded {
    async fn new() -> Self {
        let options = ClusterOptions {
            tcp_port: Some(0),
            ..ClusterOptions::default()
        };
        let cluster = own_cluster(options);
        let test = TestDb::on(&cluster).await;
        test.sku("A", 1_000_000).await;
        let vault = Vault::new(&STACK, "{}").await;
        let guarded = Self {
            cluster,
            test,
            vault,
        };
        guarded.alter_role("hunter2-first").await;
        guarded.vault.put(&guarded.secret("hunter2-first")).await;
        guarded
    }

    async fn alter_role(&self, password: &str) {
        self.test
            .owner
            .batch_execute(&format!("alter role {CHECKOUT} password '{password}'"))
            .await
            .unwrap();
    }

    /// In the form that RDS writes.
    fn secret(&self, password: &str) -> String {
        json!({
            "engine": "postgres", "host": "127.0.0.1", "port": self.cluster.port(),
            "username": CHECKOUT, "password": password, "dbname": self.test.name(),
        })
        .to_string()
    }

    /// Ends all sessions, so that every pool must log in again.
    async fn end_sessions(&self) {
        let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
            where usename = 'holdfast_checkout'";
        self.test.owner.execute(end, &[]).await.unwrap();
    }

    /// The number of refused passwords.
    fn refusals(&self) -> usize {
        let log = self.cluster.log();
        log.matches("password authentication failed").count()
    }

    async fn function(&self, name: &'static str, binary: &'static str) {
        let mut environment = self.vault.environment("DATABASE_SECRET_ARN").to_vec();
        environment.extend([
            ("DATABASE_TLS", "off"),
            ("SHOPS", "*"),
            ("LOG_LEVEL", "trace"),
        ]);
        add(&STACK, name, binary, &environment).await;
    }
}

fn begin() -> Call {
    let path = format!("/v1/shops/main/checkouts/{}", uuid::Uuid::new_v4());
    let body = json!({ "customer": "c", "lines": [{ "sku": "A", "quantity": 1 }] });
    Call::new("PUT", &path).json(&body)
}

/// Shoppers who begin one checkout after the other until the test stops them.
struct Traffic {
    /// The number of checkouts of each shopper.
    begun: Vec<Arc<AtomicUsize>>,
    stop: Arc<AtomicBool>,
    /// True while nobody can know the password: a shopper who must come again does so.
    comes_again: Arc<AtomicBool>,
    shoppers: Vec<JoinHandle<()>>,
}

impl Traffic {
    fn new(function: &'static str) -> Self {
        let begun: Vec<Arc<AtomicUsize>> = (0..2).map(|_| Arc::default()).collect();
        let stop = Arc::<AtomicBool>::default();
        let comes_again = Arc::<AtomicBool>::default();
        let shopper = |begun: &Arc<AtomicUsize>| {
            let (begun, stop) = (Arc::clone(begun), Arc::clone(&stop));
            let comes_again = Arc::clone(&comes_again);
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let call = begin();
                    let mut answer = call.invoke(&STACK.host, function).await;
                    while answer.status == 503 && comes_again.load(Ordering::Relaxed) {
                        answer = call.invoke(&STACK.host, function).await;
                    }
                    let log = || log_of(&STACK, function, answer.request_id());
                    // A session that ends after its commit and before the answer leaves the
                    // checkout: the retry gets 200.
                    assert!([200, 201].contains(&answer.status), "{:#?}", log());
                    begun.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let shoppers = begun.iter().map(shopper).collect();
        Self {
            begun,
            stop,
            comes_again,
            shoppers,
        }
    }

    /// Waits until each of them has begun some more: nobody waits for a password any more.
    async fn goes_on(&self) {
        let before = self.begun();
        until("the traffic goes on", async || {
            let mut both = self.begun().into_iter().zip(&before);
            both.all(|(now, before)| now >= before + 5) || self.has_failed()
        })
        .await;
    }

    fn begun(&self) -> Vec<usize> {
        let begun = self.begun.iter();
        begun.map(|one| one.load(Ordering::Relaxed)).collect()
    }

    fn has_failed(&self) -> bool {
        self.shoppers.iter().any(JoinHandle::is_finished)
    }

    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        for shopper in self.shoppers {
            shopper.await.unwrap();
        }
        self.begun
            .iter()
            .map(|one| one.load(Ordering::Relaxed))
            .sum()
    }
}

/// The password changes in the database and in the store at different times, and everybody must log
/// in again after each step.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_rotation_under_load_fails_no_request() {
    let guarded = Guarded::new().await;
    let function = "checkout-with-a-rotated-secret";
    guarded.function(function, functions::CHECKOUT).await;
    let traffic = Traffic::new(function);
    traffic.goes_on().await;
    assert_eq!(guarded.refusals(), 0);

    // A rotation by Secrets Manager: pending, in the database, current.
    let version = guarded
        .vault
        .put_pending(&guarded.secret("hunter2-second"))
        .await;
    guarded.end_sessions().await;
    traffic.goes_on().await;
    guarded.alter_role("hunter2-second").await;
    guarded.end_sessions().await;
    traffic.goes_on().await;
    guarded.vault.finish(&version).await;
    guarded.end_sessions().await;
    traffic.goes_on().await;
    // The control: old passwords were refused, so the functions did not just reuse their sessions.
    let refusals = guarded.refusals();
    assert!(refusals > 0);

    // By hand, the database first: until the store follows, nobody knows the password.
    traffic.comes_again.store(true, Ordering::Relaxed);
    guarded.alter_role("hunter2-third").await;
    guarded.end_sessions().await;
    until("a password is refused", async || {
        guarded.refusals() > refusals
    })
    .await;
    guarded.vault.put(&guarded.secret("hunter2-third")).await;
    traffic.goes_on().await;
    // A login at the time of the change may have outlived the others. Nobody may reach the next
    // step with a password that neither side knows.
    guarded.end_sessions().await;
    traffic.goes_on().await;
    traffic.comes_again.store(false, Ordering::Relaxed);

    // By hand, the store first: the old password is valid until the database follows.
    guarded.vault.put(&guarded.secret("hunter2-fourth")).await;
    guarded.end_sessions().await;
    traffic.goes_on().await;
    guarded.alter_role("hunter2-fourth").await;
    guarded.end_sessions().await;
    traffic.goes_on().await;

    let begun = traffic.end().await;
    let held = "select count(*) from holdfast.holds where status = 'active'";
    assert_eq!(
        guarded.test.count(held).await,
        i64::try_from(begun).unwrap()
    );
    guarded.test.assert_promises_hold().await;
    let log = log_text(function);
    assert!(log.contains("the newer secret replaces it"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

/// A wrong password that nobody repairs is no defect of a statement: the caller must come again
/// later.
#[tokio::test]
async fn a_refused_login_is_answered_503_and_no_log_has_the_password() {
    let guarded = Guarded::new().await;
    guarded.vault.put(&guarded.secret("hunter2-wrong")).await;
    let function = "checkout-with-a-wrong-secret";
    guarded.function(function, functions::CHECKOUT).await;
    let answer = begin().invoke(&STACK.host, function).await;
    assert_come_again(&answer);
    let lines = log_of(&STACK, function, answer.request_id());
    let logged = lines.iter().any(|line| {
        let causes = line["causes"].as_str().unwrap_or_default();
        causes.contains("password authentication failed")
    });
    assert!(logged, "{lines:#?}");
    let log = log_text(function);
    assert!(log.len() > 2000 && !log.contains("hunter2"), "{log}");
}

#[track_caller]
fn assert_come_again(answer: &Answer) {
    answer.refused(503, "unavailable");
    assert_eq!(answer.headers["retry-after"], "1");
}

fn log_text(function: &str) -> String {
    std::fs::read_to_string(STACK.logs.folder.join(format!("{function}.log"))).unwrap()
}

/// An unusable secret, or a store that does not answer: the log names it and never quotes it.
#[tokio::test]
async fn an_unusable_secret_is_named_and_never_quoted() {
    let missing = format!("{}-missing", Vault::new(&STACK, "x").await.arn);
    let nonsense = Vault::new(&STACK, "hunter2").await;
    let short = r#"{"username": "u", "password": "hunter2", "host": "127.0.0.1"}"#;
    let short = Vault::new(&STACK, short).await;
    let elsewhere = r#"{"username": "u", "password": "hunter2", "host": "db.example.com",
        "dbname": "d"}"#;
    let elsewhere = Vault::new(&STACK, elsewhere).await;
    let endpoint = STACK.sqs_endpoint.as_str();
    for (function, arn, endpoint, word) in [
        ("secret-missing", &missing, endpoint, "ResourceNotFound"),
        (
            "secret-nonsense",
            &nonsense.arn,
            endpoint,
            "neither a database URL nor JSON",
        ),
        (
            "secret-short",
            &short.arn,
            endpoint,
            "DATABASE_NAME is not set",
        ),
        (
            "secret-elsewhere",
            &elsewhere.arn,
            endpoint,
            "DATABASE_TLS can't be used",
        ),
        (
            "secret-store-down",
            &nonsense.arn,
            "http://127.0.0.1:9",
            "could not be fetched",
        ),
    ] {
        let environment = [
            ("DATABASE_SECRET_ARN", arn.as_str()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint),
            ("DATABASE_TLS", "off"),
            ("SHOPS", "*"),
            ("LOG_LEVEL", "trace"),
        ];
        add(&STACK, function, functions::CHECKOUT, &environment).await;
        let answer = begin().invoke(&STACK.host, function).await;
        assert_come_again(&answer);
        let log = log_text(function);
        assert!(log.contains(word), "{word}: {log}");
        assert!(!log.contains("hunter2"), "{log}");
    }
}

/// The last output of a function that does not start.
async fn last_words(binary: &str, environment: &[(&str, &str)]) -> String {
    let mut command = tokio::process::Command::new(tests::stack::binary_folder().join(binary));
    command
        .env_clear()
        .envs(environment.iter().copied())
        .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
        .env("AWS_LAMBDA_FUNCTION_NAME", binary)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("LOG_LEVEL", "trace")
        .kill_on_drop(true);
    let output = command.output().await.unwrap();
    assert!(!output.status.success(), "{binary} started");
    [output.stdout, output.stderr]
        .map(|text| String::from_utf8(text).unwrap())
        .concat()
}

#[tokio::test]
async fn a_function_that_does_not_start_names_the_variable_and_no_secret() {
    // Built together with all others.
    let _ = &STACK.api_url;
    let url = "postgresql://u:hunter2@db.example.com/d";
    let wrong = r#"{"main": {"cashfree": "hunter2"}}"#;
    let of_databases: [(&[(&str, &str)], &str); 6] = [
        (
            &[("DATABASE_URL", "postgresql://u:hunter2@h:port/d")],
            "DATABASE_URL",
        ),
        (
            &[
                ("DATABASE_URL", "postgresql://u:hunter2@h:port/d"),
                ("DATABASE_CA", "rds"),
            ],
            "DATABASE_URL",
        ),
        (
            &[("DATABASE_URL", url), ("DATABASE_TLS", "off")],
            "DATABASE_TLS",
        ),
        (
            &[("DATABASE_URL", url), ("DATABASE_CA_FILE", "/none.pem")],
            "DATABASE_CA_FILE",
        ),
        (
            &[
                ("DATABASE_URL", url),
                ("DATABASE_CA", "rds"),
                ("DATABASE_SECRET_ARN", "a"),
            ],
            "DATABASE_URL",
        ),
        (
            &[("DATABASE_AUTH", "iam"), ("DATABASE_CA", "rds")],
            "DATABASE_HOST",
        ),
    ];
    for binary in [
        functions::CHECKOUT,
        functions::PAYMENTS,
        functions::SWEEPER,
        functions::ADMIN,
    ] {
        for (environment, variable) in of_databases {
            let words = last_words(binary, environment).await;
            assert!(words.contains(variable), "{binary}, {variable}: {words}");
            assert!(!words.contains("hunter2"), "{words}");
        }
    }
    let of_webhooks: [(&[(&str, &str)], &str); 3] = [
        (&[("WEBHOOK_SECRETS", wrong)], "WEBHOOK_SECRETS"),
        (
            &[("WEBHOOK_SECRETS", wrong), ("WEBHOOK_SECRETS_ARN", "a")],
            "WEBHOOK_SECRETS_ARN",
        ),
        (&[], "WEBHOOK_SECRETS"),
    ];
    for (environment, variable) in of_webhooks {
        let words = last_words(functions::WEBHOOK, environment).await;
        assert!(words.contains(variable), "{variable}: {words}");
        assert!(!words.contains("hunter2"), "{words}");
    }
}

#[tokio::test]
async fn a_function_that_does_not_start_gives_the_reason_in_a_sentence() {
    let _ = &STACK.api_url;
    let database = [
        ("DATABASE_URL", "postgresql://u:p@db.example.com/d"),
        ("DATABASE_CA", "rds"),
    ];
    let plan = [&database[..], &[("LOOKUP_AGAIN_S", "x")]].concat();
    let pool = [&database[..], &[("DATABASE_POOL_SIZE", "x")]].concat();
    let says = async |binary: &str, environment: &[(&str, &str)], sentence: &str| {
        let words = last_words(binary, environment).await;
        assert!(words.contains(&format!("Error: {sentence}")), "{words}");
    };
    says(functions::CHECKOUT, &[], "DATABASE_URL is not set: ").await;
    says(
        functions::ADMIN,
        &pool,
        "DATABASE_POOL_SIZE can't be used: ",
    )
    .await;
    says(
        functions::WEBHOOK,
        &[],
        "WEBHOOK_SECRETS is not set: {\"<shop>\"",
    )
    .await;
    let range = "LOOKUP_AGAIN_S must be a whole number of seconds from 0 to 604800\n";
    says(functions::SWEEPER, &plan, range).await;
}

#[tokio::test]
async fn unreadable_accounts_are_named_and_never_quoted() {
    let _ = &STACK.api_url;
    let url = "postgresql://u:hunter2@db.example.com/d";
    let wrong = r#"{"main": {"cashfree": "hunter2"}}"#;
    let database = [
        ("DATABASE_URL", url),
        ("DATABASE_CA", "rds"),
        ("SHOPS", "*"),
    ];
    let of_gateways: [(&[(&str, &str)], &str); 2] = [
        (&[("GATEWAYS", wrong)], "GATEWAYS"),
        (
            &[("GATEWAYS", "{}"), ("GATEWAYS_SECRET_ARN", "a")],
            "GATEWAYS_SECRET_ARN",
        ),
    ];
    for binary in [functions::CHECKOUT, functions::SWEEPER] {
        for (environment, variable) in of_gateways {
            let environment = [&database, environment].concat();
            let words = last_words(binary, &environment).await;
            assert!(words.contains(variable), "{binary}, {variable}: {words}");
            assert!(!words.contains("hunter2"), "{words}");
        }
    }
}

/// Without a connection, each function gives its own form of the failure.
#[tokio::test]
async fn every_function_reports_that_it_gets_no_connection() {
    let guarded = Guarded::new().await;
    let url = |role: &str| {
        let (name, cluster) = (guarded.test.name(), &guarded.cluster);
        cluster.tcp_url("127.0.0.1", role, "hunter2-wrong", name)
    };
    for (function, binary, role) in [
        ("checkout-refused", functions::CHECKOUT, CHECKOUT),
        ("payments-refused", functions::PAYMENTS, PAYMENTS),
        ("sweeper-refused", functions::SWEEPER, SWEEPER),
        ("admin-refused", functions::ADMIN, ADMIN),
        ("migrate-refused", functions::MIGRATE, "postgres"),
    ] {
        let url = url(role);
        let environment = [
            ("DATABASE_URL", url.as_str()),
            ("DATABASE_TLS", "off"),
            ("SHOPS", "*"),
            ("ADMIN_SHOPS", "*"),
        ];
        add(&STACK, function, binary, &environment).await;
    }
    assert_come_again(&begin().invoke(&STACK.host, "checkout-refused").await);
    let skus = Call::new("GET", "/v1/admin/shops/main/skus")
        .iam("arn:aws:sts::0:assumed-role/office/meera");
    assert_come_again(&skus.invoke(&STACK.host, "admin-refused").await);
    for function in ["sweeper-refused", "migrate-refused"] {
        let failed = STACK
            .host
            .invoke(function, b"{}".to_vec())
            .await
            .unwrap_err();
        let words = failed.to_string();
        assert!(
            words.contains("the database can't be connected to"),
            "{words}"
        );
    }
    let event = payment("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS", "1", "main-x", "1");
    let delivery = webhooks::queued(Gateway::Cashfree, &Headers::new(), event.as_bytes());
    let delivery = serde_json::to_string(&delivery).unwrap();
    let record = |id: &str| {
        json!({ "messageId": id, "receiptHandle": "r", "body": delivery,
            "attributes": {}, "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:0:q", "awsRegion": "eu-west-1" })
    };
    let event = json!({ "Records": [record("1"), record("2")] }).to_string();
    let answer = STACK
        .host
        .invoke("payments-refused", event.into_bytes())
        .await;
    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 2);
    let log = log_text("payments-refused");
    assert!(log.contains("password authentication failed"), "{log}");
    assert!(log.contains("out of reach for a message before"), "{log}");
    for function in ["checkout", "payments", "sweeper", "admin", "migrate"] {
        assert!(!log_text(&format!("{function}-refused")).contains("hunter2"));
    }
}

/// A gateway's secret is replaced in the store. The first webhook that no cached secret fits makes
/// the function fetch it, without a deployment.
#[tokio::test]
async fn a_gateways_new_secret_is_used_without_a_deployment() {
    let secrets = |list: &[&str]| json!({ "aa": { "cashfree": list } }).to_string();
    let vault = Vault::new(&STACK, &secrets(&["hunter2-old"])).await;
    let made = sqs(
        &STACK,
        "CreateQueue",
        json!({ "QueueName": "rotated-webhooks" }),
    )
    .await;
    let queue = made["QueueUrl"].as_str().unwrap().to_owned();
    let function = "webhook-with-a-rotated-secret";
    let mut environment = vault.environment("WEBHOOK_SECRETS_ARN").to_vec();
    environment.extend([
        ("QUEUE_URL", queue.as_str()),
        ("AWS_ENDPOINT_URL_SQS", &STACK.sqs_endpoint),
        ("LOG_LEVEL", "trace"),
    ]);
    add(&STACK, function, functions::WEBHOOK, &environment).await;
    let send = async |secret: &str| {
        webhook("aa", secret, "{}")
            .invoke(&STACK.host, function)
            .await
    };
    send("hunter2-old").await.ok(200);
    send("hunter2-new").await.refused(401, "unauthorized");
    vault.put(&secrets(&["hunter2-new", "hunter2-old"])).await;
    until("the new secret is known", async || {
        let answer = send("hunter2-new").await;
        assert!([200, 401].contains(&answer.status), "{answer:?}");
        // both processes
        answer.status == 200 && send("hunter2-new").await.status == 200
    })
    .await;
    send("hunter2-old").await.ok(200);
    send("hunter2-none").await.refused(401, "unauthorized");
    assert!(!log_text(function).contains("hunter2"));
}

/// A webhook that can't be verified without secrets is not refused: the gateway sends it again.
#[tokio::test]
async fn a_webhook_waits_until_there_are_secrets() {
    let vault = Vault::new(&STACK, "hunter2").await;
    for (function, endpoint) in [
        ("webhook-secrets-nonsense", STACK.sqs_endpoint.as_str()),
        ("webhook-secrets-down", "http://127.0.0.1:9"),
    ] {
        let environment = [
            ("WEBHOOK_SECRETS_ARN", vault.arn.as_str()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint),
            ("QUEUE_URL", "http://127.0.0.1:9/q"),
        ];
        add(&STACK, function, functions::WEBHOOK, &environment).await;
        let answer = webhook("aa", "any", "{}")
            .invoke(&STACK.host, function)
            .await;
        assert_come_again(&answer);
        assert!(log_text(function).contains("no secrets to verify webhooks with"));
        assert!(!log_text(function).contains("hunter2"));
    }
}
