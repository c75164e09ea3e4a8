//! The migrate function as CloudFormation calls it: a real process, a real answer to a URL.

use holdfast_migrate::MigrateError;
use holdfast_migrate::iam_login;
use local::functions::MIGRATE;
use local::stack::DATABASE;
use serde_json::{Value, json};
use tests::TestDb;
use tests::stack::{STACK, add, log_of};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:holdfast-migrate";
/// A part of a wrong URL, to be found wherever the URL appears.
const PASSWORD: &str = "swordfish-migrate";

/// CloudFormation's receiver of answers: takes one request, and says 200.
struct Waiting {
    listener: TcpListener,
}

impl Waiting {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    fn url(&self) -> String {
        let address = self.listener.local_addr().unwrap();
        format!("http://{address}/answer?Signature=swordfish-url")
    }

    /// The head and the body of the request.
    async fn answer(self) -> (String, Value) {
        let (mut socket, _) = self.listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        loop {
            let mut chunk = [0; 4096];
            let read = socket.read(&mut chunk).await.unwrap();
            assert_ne!(read, 0, "cut off: {bytes:?}");
            bytes.extend_from_slice(&chunk[..read]);
            let text = String::from_utf8(bytes.clone()).unwrap();
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str(body)
            {
                let done = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                socket.write_all(done).await.unwrap();
                return (head.to_lowercase(), body);
            }
        }
    }
}

/// The answer that CloudFormation gets from this function.
async fn answer(function: &str, request_type: &str, wanted: u32, current: u32) -> Value {
    let waiting = Waiting::new().await;
    let event = json!({
        "RequestType": request_type,
        "ResponseURL": waiting.url(),
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/holdfast/1",
        "RequestId": "request-1",
        "LogicalResourceId": "Migration",
        "PhysicalResourceId": "holdfast-database",
        "ResourceType": "Custom::DatabaseMigration",
        "ResourceProperties": {
            "ServiceToken": FUNCTION, "ServiceTimeout": "930",
            "Release": format!("{FUNCTION}:{wanted}"),
        },
        "OldResourceProperties": { "Release": format!("{FUNCTION}:{current}") },
    });
    let invoked = STACK.host.invoke(function, event.to_string().into_bytes());
    let (invoked, (head, body)) = tokio::join!(invoked, waiting.answer());
    assert_eq!(invoked.unwrap(), b"null");
    assert!(head.starts_with("put /answer?"), "{head}");
    // CloudFormation signs its URL for an answer without one.
    let kind = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type:"));
    assert_eq!(kind.map(str::trim), Some(""), "{head}");
    for (name, value) in [
        ("RequestId", "request-1"),
        ("LogicalResourceId", "Migration"),
        ("PhysicalResourceId", "holdfast-database"),
        ("StackId", event["StackId"].as_str().unwrap()),
    ] {
        assert_eq!(body[name], value, "{body}");
    }
    body
}

/// The function, with a database that does not exist.
async fn without_database() -> &'static str {
    const NAME: &str = "migrate-without-database";
    static ADDED: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    let url = format!("postgresql://holdfast_migrator:{PASSWORD}@%2Fnowhere/{DATABASE}");
    let environment = [("DATABASE_URL", url.as_str()), ("DATABASE_TLS", "off")];
    ADDED
        .get_or_init(|| add(&STACK, NAME, MIGRATE, &environment))
        .await;
    NAME
}

#[tokio::test]
async fn a_deployment_continues_once_the_database_is_migrated() {
    for request_type in ["Create", "Update"] {
        let body = answer(MIGRATE, request_type, 2, 1).await;
        assert_eq!(body["Status"], "SUCCESS", "{body}");
    }
}

#[tokio::test]
async fn a_failed_migration_stops_the_deployment() {
    let function = without_database().await;
    for request_type in ["Create", "Update"] {
        let body = answer(function, request_type, 2, 1).await;
        assert_eq!(body["Status"], "FAILED", "{body}");
        let reason = body["Reason"].as_str().unwrap();
        assert!(reason.starts_with("not migrated: "), "{reason}");
        assert!(reason.contains("request.id"), "{reason}");
        assert!(!reason.contains(PASSWORD), "{reason}");
    }
    assert!(!log_of(&STACK, function, "not migrated").is_empty());
    let whole = log_of(&STACK, function, "");
    assert!(!format!("{whole:?}").contains("swordfish"), "{whole:?}");
}

/// The error names the variable, before the function looks for a database.
#[tokio::test]
async fn a_wrong_wish_for_early_lock_release_stops_the_deployment() {
    const NAME: &str = "migrate-with-a-wrong-wish";
    let environment = [
        (
            "DATABASE_URL",
            "postgresql://holdfast_migrator@%2Fnowhere/none",
        ),
        ("DATABASE_TLS", "off"),
        ("EARLY_RELEASE", "rowlock"),
    ];
    add(&STACK, NAME, MIGRATE, &environment).await;
    let body = answer(NAME, "Create", 2, 1).await;
    assert_eq!(body["Status"], "FAILED", "{body}");
    let reason = body["Reason"].as_str().unwrap();
    let sentence = "EARLY_RELEASE can't be used: must be `auto`, `message`, `row-lock` or `off`, \
                    got \"rowlock\"";
    assert!(reason.contains(sentence), "{reason}");
}

/// Neither may wait for a database that is down: a failed rollback leaves a stack that nobody can
/// update.
#[tokio::test]
async fn a_rollback_and_a_deleted_stack_never_touch_the_database() {
    let function = without_database().await;
    for (request_type, wanted, current) in [("Update", 1, 2), ("Delete", 2, 2)] {
        let body = answer(function, request_type, wanted, current).await;
        assert_eq!(body["Status"], "SUCCESS", "{request_type}: {body}");
    }
}

#[tokio::test]
async fn only_rds_gets_login_by_iam_for_the_functions_roles() {
    let test = TestDb::new().await;
    let client = test.session().await;
    // Never committed: roles belong to the whole server.
    let sql = async |sql: &str| client.batch_execute(sql).await.unwrap();
    sql("begin; savepoint before").await;
    let refused = iam_login::grant(&client).await.unwrap_err();
    assert!(matches!(&refused, MigrateError::Database { step, .. } if step.contains("rds_iam")));
    sql("rollback to before; create role rds_iam").await;
    for _ in 0..2 {
        iam_login::grant(&client).await.unwrap();
    }
    let members = "select member::regrole::text from pg_auth_members
        where roleid = 'rds_iam'::regrole and member::regrole::text like 'holdfast%' order by 1";
    let rows = client.query(members, &[]).await.unwrap();
    let members: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(
        members.contains(&"holdfast_admin".to_owned()),
        "{members:?}"
    );
    assert!(
        !members.contains(&"holdfast_owner".to_owned()),
        "{members:?}"
    );
}
