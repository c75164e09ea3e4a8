//! Deliveries to subscribers' URLs, from a real sweeper.

use std::collections::BTreeMap;
use std::sync::Arc;

use operations::subscriber::signature::sign;
use serde_json::{Value, json};
use tests::stack::{STACK, add, owner, put_sku};
use tests::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_postgres::Client;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const OLD_SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY";

/// A request: path, headers, body.
type Came = (String, BTreeMap<String, String>, String);

/// A server that answers by the path, and records every request.
struct Receiver {
    url: String,
    came: Arc<std::sync::Mutex<Vec<Came>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let came = Arc::new(std::sync::Mutex::new(Vec::new()));
        let requests = Arc::clone(&came);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&requests)));
            }
        });
        Self { url, came }
    }

    fn at(&self, path: &str) -> Vec<Came> {
        let came = self.came.lock().unwrap();
        came.iter().filter(|came| came.0 == path).cloned().collect()
    }
}

async fn answer(mut stream: TcpStream, came: Arc<std::sync::Mutex<Vec<Came>>>) {
    let mut bytes = Vec::new();
    while let Ok(read @ 1..) = stream.read_buf(&mut bytes).await {
        assert!(read < 1 << 20);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut lines = head.lines();
        let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
        let headers: BTreeMap<String, String> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        if body.len() < headers["content-length"].parse().unwrap() {
            continue;
        }
        let status = match path.as_str() {
            "/ok" => "200 OK",
            "/gone" => "410 Gone",
            "/moved" => "302 Found\r\nlocation: /ok?moved",
            "/silent" => "",
            _ => "500 Internal Server Error",
        };
        came.lock().unwrap().push((path, headers, body.to_owned()));
        if status.is_empty() {
            std::future::pending::<()>().await;
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        drop(stream.write_all(answer.as_bytes()).await);
        return;
    }
}

/// A sweeper that delivers to subscribers, with secrets for this shop.
async fn sweeper(name: &'static str, shop: &str, networks: &str) {
    let database = STACK.pooled_url(local::roles::SWEEPER, local::stack::DATABASE);
    let names = ["ok", "old", "gone", "moved", "silent", "broken", "careful"];
    let secrets: BTreeMap<&str, Value> = names
        .iter()
        .map(|name| (*name, json!([SECRET, OLD_SECRET])))
        .collect();
    let secrets = json!({ shop: secrets }).to_string();
    let environment = [
        ("DATABASE_URL", database.as_str()),
        ("DATABASE_TLS", "off"),
        ("SUBSCRIBER_SECRETS", secrets.as_str()),
        ("SUBSCRIBER_NETWORKS", networks),
    ];
    add(&STACK, name, local::functions::SWEEPER, &environment).await;
}

/// A shop for one test on the shared stack.
async fn shop_of(owner: &Client, shop: &str) {
    let put = "select holdfast.shop_put($1, 'Hooks', 'INR')";
    owner.execute(put, &[&shop]).await.unwrap();
}

async fn subscribe(owner: &Client, shop: &str, name: &str, url: &str) {
    let put = "select holdfast.subscriber_put($1, $2, $3, '{stock.back}')";
    owner.execute(put, &[&shop, &name, &url]).await.unwrap();
}

async fn read(owner: &Client, shop: &str, name: &str) -> Value {
    let read = "select holdfast.subscriber_read($1, $2)";
    owner.query_one(read, &[&shop, &name]).await.unwrap().get(0)
}

/// One test at a time, and each removes its subscribers: a sweeper delivers to the subscribers of
/// all shops.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn unsubscribe(owner: &Client, shop: &str) {
    let delete = "delete from holdfast.subscribers where shop = $1";
    owner.execute(delete, &[&shop]).await.unwrap();
}

#[tokio::test]
async fn subscribers_get_announcements_and_none_waits_for_another() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let owner = owner(&STACK).await;
    let receiver = Receiver::start().await;
    shop_of(&owner, "hooks").await;
    sweeper("sweeper-that-delivers", "hooks", "any").await;
    for name in ["ok", "gone", "moved", "silent", "broken", "unsigned"] {
        subscribe(&owner, "hooks", name, &format!("{}/{name}", receiver.url)).await;
    }
    put_sku(&owner, "hooks", "GOWN-S", 1).await;
    let run = tokio::spawn(STACK.host.invoke("sweeper-that-delivers", b"{}".to_vec()));
    until("one subscriber has its delivery", async || {
        !receiver.at("/ok").is_empty()
    })
    .await;
    // while the silent subscriber has not answered
    assert!(!run.is_finished());
    let report: Value = serde_json::from_slice(&run.await.unwrap().unwrap()).unwrap();
    assert_eq!(report["subscribers"]["delivered"], 1, "{report}");
    assert_eq!(report["subscribers"]["failed"], 5, "{report}");

    let (_, headers, body) = receiver.at("/ok").remove(0);
    let payload: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(payload["type"], "stock.back");
    assert_eq!(payload["data"]["sku"], "GOWN-S");
    assert_eq!(payload["data"]["shop"], "hooks");
    assert_eq!(headers["content-type"], "application/json");
    let secrets = [SECRET.parse().unwrap(), OLD_SECRET.parse().unwrap()];
    let timestamp = headers["webhook-timestamp"].parse().unwrap();
    let signature = sign(&secrets, &headers["webhook-id"], timestamp, &body);
    assert_eq!(headers["webhook-signature"], signature);
    assert_eq!(signature.split(' ').count(), 2);

    assert_eq!(read(&owner, "hooks", "ok").await["waiting"], 0);
    for (name, error) in [
        ("moved", "it answered 302 Found"),
        ("broken", "it answered 500 Internal Server Error"),
        ("unsigned", "there is no signing secret with its name"),
    ] {
        let subscriber = read(&owner, "hooks", name).await;
        assert_eq!(
            (&subscriber["waiting"], &subscriber["last_error"]),
            (&json!(1), &json!(error))
        );
    }
    assert_eq!(read(&owner, "hooks", "silent").await["waiting"], 1);
    assert!(receiver.at("/ok?moved").is_empty() && receiver.at("/unsigned").is_empty());
    let gone = read(&owner, "hooks", "gone").await;
    assert_eq!(gone["disabled_why"], "it answered 410 Gone");
    assert_eq!(
        (&gone["waiting"], &gone["given_up"]),
        (&json!(0), &json!(1))
    );

    // A second try has the same id and the same body.
    let due = "update holdfast.subscriber_deliveries set next_try_at = now()
        where shop = 'hooks' and name = 'broken'";
    owner.execute(due, &[]).await.unwrap();
    let run = STACK.host.invoke("sweeper-that-delivers", b"{}".to_vec());
    run.await.unwrap();
    let tries = receiver.at("/broken");
    assert_eq!(tries.len(), 2);
    assert_eq!(tries[0].1["webhook-id"], tries[1].1["webhook-id"]);
    assert_eq!(tries[0].2, tries[1].2);
    // a subscriber that answered 410 gets nothing more
    put_sku(&owner, "hooks", "GOWN-M", 1).await;
    assert_eq!(read(&owner, "hooks", "gone").await["waiting"], 0);
    unsubscribe(&owner, "hooks").await;
}

#[tokio::test]
async fn an_address_of_a_private_network_is_not_reached() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let owner = owner(&STACK).await;
    let receiver = Receiver::start().await;
    shop_of(&owner, "careful").await;
    sweeper("sweeper-that-is-careful", "careful", "public").await;
    let by_name = receiver.url.replace("127.0.0.1", "localhost");
    subscribe(
        &owner,
        "careful",
        "careful",
        &format!("{}/ok", receiver.url),
    )
    .await;
    subscribe(&owner, "careful", "ok", &format!("{by_name}/ok")).await;
    put_sku(&owner, "careful", "GOWN-S", 1).await;
    let run = STACK.host.invoke("sweeper-that-is-careful", b"{}".to_vec());
    run.await.unwrap();
    for name in ["careful", "ok"] {
        let subscriber = read(&owner, "careful", name).await;
        let error = subscriber["last_error"].as_str().unwrap();
        assert!(
            error.ends_with("its address is not a public one"),
            "{error}"
        );
    }
    assert!(receiver.came.lock().unwrap().is_empty());
    unsubscribe(&owner, "careful").await;
}
