//! Announcements to subscribers' URLs: signed as the standard's own library signs, tried again as
//! the standard says, and nobody waits for another.

use std::collections::BTreeMap;
use std::iter::repeat;
use std::sync::Arc;

use operations::subscriber::signature::sign;
use operations::subscriber::{self, Verdict};
use serde_json::{Value, json};
use tests::stack::{STACK, add, owner, put_sku};
use tests::{MAIN, TestDb, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const OLD_SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY";

#[test]
fn our_signatures_are_those_of_the_official_library() {
    let vectors = include_str!("fixtures/standard_webhooks.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).unwrap();
    assert_eq!(vectors.len(), 9);
    let mut seen = std::collections::BTreeSet::new();
    for vector in &vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let timestamp = vector["timestamp"].as_i64().unwrap();
        let secret = [text("secret").parse().unwrap()];
        let signature = sign(&secret, text("id"), timestamp, text("body"));
        assert_eq!(signature, text("signature"));
        seen.insert(signature);
    }
    assert_eq!(seen.len(), 9);
}

/// A request as it came: path, headers, body.
type Came = (String, BTreeMap<String, String>, String);

/// A server that answers by its path, and remembers.
struct Receiver {
    url: String,
    came: Arc<std::sync::Mutex<Vec<Came>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let came = Arc::new(std::sync::Mutex::new(Vec::new()));
        let kept = Arc::clone(&came);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&kept)));
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

/// A sweeper that tells subscribers, in this shop's name.
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

/// A shop of a test's own on the shared stack.
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

/// One at a time, and nothing left behind: a sweeper tells the subscribers of all shops.
static TELLING: Mutex<()> = Mutex::const_new(());

async fn unsubscribe(owner: &Client, shop: &str) {
    let delete = "delete from holdfast.subscribers where shop = $1";
    owner.execute(delete, &[&shop]).await.unwrap();
}

#[tokio::test]
async fn subscribers_are_told_and_none_waits_for_another() {
    let _alone = TELLING.lock().await;
    let owner = owner(&STACK).await;
    let receiver = Receiver::start().await;
    shop_of(&owner, "hooks").await;
    sweeper("sweeper-that-tells", "hooks", "any").await;
    for name in ["ok", "gone", "moved", "silent", "broken", "unsigned"] {
        subscribe(&owner, "hooks", name, &format!("{}/{name}", receiver.url)).await;
    }
    put_sku(&owner, "hooks", "GOWN-S", 1).await;
    let run = tokio::spawn(STACK.host.invoke("sweeper-that-tells", b"{}".to_vec()));
    until("one is told", async || !receiver.at("/ok").is_empty()).await;
    // while the silent one has not answered
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
        ("unsigned", "there is no secret of its name to sign with"),
    ] {
        let told = read(&owner, "hooks", name).await;
        assert_eq!(
            (&told["waiting"], &told["last_error"]),
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
    let run = STACK.host.invoke("sweeper-that-tells", b"{}".to_vec());
    run.await.unwrap();
    let tries = receiver.at("/broken");
    assert_eq!(tries.len(), 2);
    assert_eq!(tries[0].1["webhook-id"], tries[1].1["webhook-id"]);
    assert_eq!(tries[0].2, tries[1].2);
    // who said that it wants no more is not told of anything else
    put_sku(&owner, "hooks", "GOWN-M", 1).await;
    assert_eq!(read(&owner, "hooks", "gone").await["waiting"], 0);
    unsubscribe(&owner, "hooks").await;
}

#[tokio::test]
async fn an_address_of_a_private_network_is_not_reached() {
    let _alone = TELLING.lock().await;
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
        let told = read(&owner, "careful", name).await;
        let error = told["last_error"].as_str().unwrap();
        assert!(
            error.ends_with("its address is not a public one"),
            "{error}"
        );
    }
    assert!(receiver.came.lock().unwrap().is_empty());
    unsubscribe(&owner, "careful").await;
}

/// The pauses of the standard, then it is given up; the others go on.
#[tokio::test]
async fn a_delivery_is_tried_ten_times_over_three_days() {
    let test = TestDb::new().await;
    test.sql(
        "select holdfast.subscriber_put('main', 'dead', 'https://dead.example', null);
        select holdfast.subscriber_put('main', 'crm', 'https://crm.example', '{stock.low}')",
    )
    .await;
    test.sku("A", 1).await;
    let claim = async || subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap();
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let deliveries = claim().await;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        // it is somebody's
        assert_eq!(claim().await, []);
        let failed = Verdict::Failed("it answered 500".to_owned());
        let verdicts: Vec<_> = deliveries
            .into_iter()
            .map(|delivery| (delivery, failed.clone()))
            .collect();
        subscriber::mark(&test.sweeper, MAIN, "dead", &verdicts)
            .await
            .unwrap();
        let pause = "select round(extract(epoch from next_try_at - clock_timestamp()) / 5)::bigint
            from holdfast.subscriber_deliveries";
        pauses.push(test.count(pause).await * 5);
        test.sql("update holdfast.subscriber_deliveries set next_try_at = now()")
            .await;
    }
    let hours = |hours: i64| hours * 3600;
    let expected = [
        5,
        300,
        1800,
        hours(2),
        hours(5),
        hours(10),
        hours(14),
        hours(20),
        hours(24),
    ];
    assert_eq!(pauses[..9], expected);
    assert_eq!(claim().await, []);
    assert!(subscriber::waiting(&test.sweeper).await.unwrap().is_empty());
    let given_up = "select count(*) from holdfast.subscriber_deliveries
        where given_up_at is not null and attempts = 10";
    assert_eq!(test.count(given_up).await, 1);
}

/// What the alarms are about: what waits, wherever it waits, and what is given up.
#[tokio::test]
async fn a_sweep_sees_what_subscribers_do_not_have() {
    let test = TestDb::new().await;
    let seen = async || subscriber::backlog(&test.sweeper).await.unwrap();
    let nothing = subscriber::Backlog {
        waiting_s: 0.0,
        given_up: 0,
    };
    assert_eq!(seen().await, nothing);
    test.sql(
        "select holdfast.subscriber_put('main', 'crm', 'https://crm.example', '{stock.back}');
        select holdfast.subscriber_put('main', 'old', 'https://old.example', '{stock.back}')",
    )
    .await;
    test.sku("A", 1).await;
    test.sku("B", 1).await;
    let age = |name: &str, sku: &str, hours: i32| {
        format!(
            "update holdfast.subscriber_deliveries set created_at = now() - interval '{hours} h'
             where name = '{name}' and subject like '{sku}@%'"
        )
    };
    test.sql(&age("crm", "A", 2)).await;
    test.sql(&age("old", "B", 5)).await;
    assert_eq!((seen().await.waiting_s / 3600.0).round(), 5.0);
    // who wants no more has nothing that waits, and lost what did
    let deliveries = subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap();
    let verdict = |delivery: subscriber::Delivery| match delivery.name.as_str() {
        "old" => (delivery, Verdict::Gone),
        _ => (delivery, Verdict::Failed("it answered 500".to_owned())),
    };
    for (name, verdicts) in [("crm", 0..2), ("old", 2..4)] {
        let own: Vec<_> = deliveries[verdicts].iter().cloned().map(verdict).collect();
        assert!(own.iter().all(|(delivery, _)| delivery.name == name));
        subscriber::mark(&test.sweeper, MAIN, name, &own)
            .await
            .unwrap();
    }
    // of another shop, and one that came as its subscriber was being disabled
    test.sql(
        "insert into holdfast.shops (shop, name, currency, created_at)
         values ('other', 'Other', 'INR', now());
         insert into holdfast.subscribers (shop, name, url, created_at, disabled_at) values
            ('other', 'crm', 'https://crm.example', now(), null),
            ('other', 'gone', 'https://gone.example', now(), now());
         insert into holdfast.subscriber_deliveries
            (shop, name, topic, subject, created_at, next_try_at, given_up_at) values
            ('other', 'crm', 'order.paid', '1', now() - interval '90 min', now(), null),
            ('other', 'crm', 'order.paid', '2', now(), now(), now()),
            ('other', 'gone', 'order.paid', '1', now() - interval '9 h', now(), null)",
    )
    .await;
    let now = seen().await;
    assert_eq!((now.waiting_s / 3600.0).round(), 2.0);
    assert_eq!(now.given_up, 3);
    test.sql("delete from holdfast.subscribers where shop = 'main' and name = 'crm'")
        .await;
    assert_eq!((seen().await.waiting_s / 60.0).round(), 90.0);
    test.sql(
        "update holdfast.subscriber_deliveries set given_up_at = now() - interval '25 h'
         where name = 'old' and subject like 'A@%'",
    )
    .await;
    assert_eq!(seen().await.given_up, 2);
}

/// A run makes one failing try: what waits behind it in numbers is given up by its age.
#[tokio::test]
async fn what_a_dead_subscriber_has_not_got_in_four_days_is_given_up_tried_or_not() {
    let test = TestDb::new().await;
    test.sql("select holdfast.subscriber_put('main', 'dead', 'https://dead.example', null)")
        .await;
    for n in 0..4 {
        test.sku(&format!("A{n}"), 1).await;
    }
    test.sql(
        "update holdfast.subscriber_deliveries set created_at = now() - interval '97 h'
         where subject like 'A0@%' or subject like 'A1@%'",
    )
    .await;
    let mark = async |first: Verdict| {
        let deliveries = subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap();
        let verdicts = [first].into_iter().chain(repeat(Verdict::Untried));
        let verdicts: Vec<_> = deliveries.into_iter().zip(verdicts).collect();
        subscriber::mark(&test.sweeper, MAIN, "dead", &verdicts)
            .await
            .unwrap();
        let count = "select count(*) from holdfast.subscriber_deliveries
            where given_up_at is not null";
        test.count(count).await
    };
    // while it takes what it is told, age is nothing
    assert_eq!(mark(Verdict::Delivered).await, 0);
    assert_eq!(mark(Verdict::Failed("it answered 500".to_owned())).await, 1);
    let waiting = "select count(*) from holdfast.subscriber_deliveries
        where delivered_at is null and given_up_at is null and subject not like 'A1@%'";
    assert_eq!(test.count(waiting).await, 2);
}

/// Two sweepers that each gave up on a delivery of their own, and on what is old: without the lock
/// on the subscriber, the control, they meet in each other's rows.
#[tokio::test]
async fn two_who_mark_one_subscribers_deliveries_do_not_deadlock() {
    assert_eq!(deadlocks_of_two_marks(true).await, 0);
    assert_eq!(deadlocks_of_two_marks(false).await, 1);
}

async fn deadlocks_of_two_marks(locked: bool) -> usize {
    let test = TestDb::new().await;
    let lock = "perform from subscribers s where s.shop = p_shop and s.name = p_name \
                for no key update;";
    let routine = "select pg_get_functiondef('holdfast.subscriber_mark'::regproc)";
    let routine = test.text(routine).await;
    assert_eq!(routine.matches(lock).count(), 1);
    if !locked {
        test.sql(&routine.replace(lock, "")).await;
    }
    // the blocker's row is the first that both come to
    test.sql(
        "select holdfast.subscriber_put('main', 'dead', 'https://dead.example', null);
         insert into holdfast.subscriber_deliveries
            (shop, name, topic, subject, created_at, next_try_at)
         select 'main', 'dead', 'order.paid', n::text, now() - interval '9 d' + n * interval '1 s',
            now()
         from generate_series(1, 3) n",
    )
    .await;
    let blocker = test.session().await;
    let block = "begin; select from holdfast.subscriber_deliveries where subject = '1' for update";
    blocker.batch_execute(block).await.unwrap();
    let mark = async |subject: &str| {
        let session = test.session().await;
        let mark = format!(
            "select holdfast.subscriber_mark('main', 'dead', '{{order.paid}}', '{{{subject}}}',
                '{{failed}}', '{{it answered 500}}')"
        );
        session.batch_execute(&mark).await
    };
    let let_go = async {
        test.until_waiting(2).await;
        blocker.batch_execute("commit").await.unwrap();
    };
    let (one, two, ()) = tokio::join!(mark("2"), mark("3"), let_go);
    let errors = [one, two].into_iter().filter_map(Result::err);
    errors
        .inspect(|error| assert_eq!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED)))
        .count()
}

#[tokio::test]
async fn the_office_puts_reads_lists_and_deletes_subscribers() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let none = clerk.get("/subscribers").await;
    assert_eq!(none.ok(200), &json!({ "subscribers": [] }));
    let body = json!({ "url": "https://crm.example/hooks", "types": ["order.paid"] });
    let put = clerk.put("/subscribers/crm", body.clone()).await;
    assert_eq!(put.ok(201)["url"], "https://crm.example/hooks");
    assert_eq!(
        clerk.put("/subscribers/crm", body).await.ok(200)["waiting"],
        0
    );
    let all = json!({ "url": "https://crm.example/" });
    clerk.put("/subscribers/crm", all).await.ok(200);
    assert_eq!(
        clerk.get("/subscribers/crm").await.ok(200)["types"],
        Value::Null
    );
    test.sku("A", 1).await;
    assert_eq!(clerk.get("/subscribers/crm").await.ok(200)["waiting"], 1);
    for (path, body) in [
        ("/subscribers/CRM", json!({ "url": "https://crm.example/" })),
        ("/subscribers/crm", json!({ "url": "http://crm.example/" })),
        (
            "/subscribers/crm",
            json!({ "url": "https://crm.example/", "types": ["order.payed"] }),
        ),
        (
            "/subscribers/crm",
            json!({ "url": "https://crm.example/", "secret": "whsec_x" }),
        ),
    ] {
        clerk.put(path, body).await.refused(400, "invalid_request");
    }
    for n in 1..20 {
        let put = json!({ "url": "https://crm.example/" });
        clerk.put(&format!("/subscribers/s-{n}"), put).await.ok(201);
    }
    let put = json!({ "url": "https://crm.example/" });
    let refused = clerk.put("/subscribers/s-20", put).await;
    refused.refused(400, "invalid_request");
    let all = clerk.get("/subscribers").await.ok(200)["subscribers"].clone();
    let names: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 20);
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(&all[0], clerk.get("/subscribers/crm").await.ok(200));
    clerk.delete("/subscribers/crm").await.ok(200);
    clerk
        .delete("/subscribers/crm")
        .await
        .refused(404, "not_found");
    clerk
        .get("/subscribers/crm")
        .await
        .refused(404, "not_found");
    let waiting = "select count(*) from holdfast.subscriber_deliveries where name = 'crm'";
    assert_eq!(test.count(waiting).await, 0);
}
