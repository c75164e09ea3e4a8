//! Every list of the office, page by page: no row comes twice, and none is missed, also when rows
//! tie in the first column of the order, and while rows are added and changed.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64URL_NOPAD;
use operations::checkout;
use operations::ids::CheckoutId;
use operations::payment::{Event, Outcome};
use serde_json::{Value, json};
use tests::clerk::{Clerk, path};
use tests::contract::CONTRACT;
use tests::http::Call;
use tests::orders::paid_numbered;
use tests::pages::{Walk, all_pages, page};
use tests::refund::ask_for;
use tests::{MAIN, TestDb, shop};

const IMPORT: &str = "0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4";
/// Every list, with the filters that change how its rows are found.
const LISTS: [&str; 22] = [
    "/skus",
    "/skus/A/manifest",
    "/coupons",
    "/export",
    "/export?format=jsonl",
    "/ledger",
    "/ledger?sku=A",
    "/ledger?reference=PO-1",
    "/ledger?reason=received&actor=test",
    "/ledger?from=2020-01-01T00:00:00Z&until=2099-01-01T00:00:00Z",
    "/holds",
    "/holds?sku=A",
    "/holds?sku=A&status=active",
    "/holds?sku=A&status=active&customer=c",
    "/holds?status=released",
    "/refunds",
    "/refunds?status=owed",
    "/refunds?status=failed",
    "/imports/0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4/report",
    "/imports/0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4/report?outcome=refused",
    "/payment-events/parked",
    "/subscribers/crm/deliveries",
];
const LIMITS: [usize; 3] = [1, 2, 7];
/// Columns that together are the key of a row. A row has some of them.
const KEY: [&str; 10] = [
    "sku",
    "code",
    "version",
    "checkout_id",
    "generation",
    "refund_id",
    "part",
    "line",
    "event_key",
    "message_id",
];

/// A shop with rows in every list, which tie in the first column of their order.
struct Office {
    test: TestDb,
    clerk: Clerk,
    /// Sorted.
    held: Vec<CheckoutId>,
}

impl Office {
    async fn new() -> Self {
        let test = TestDb::new().await;
        let clerk = test.clerk();
        let mut office = Self {
            test,
            clerk,
            held: Vec::new(),
        };
        let test = &office.test;
        for code in ["A", "B", "C", "D", "E", "a:1", "b"] {
            test.sku(code, 50).await;
        }
        for n in 0..6 {
            office.coupon(&format!("C-{n}")).await;
            office.held.push(test.held(&[("A", 1), ("B", 1)]).await);
            let released = test.held(&[("A", 1)]).await;
            let main = shop(MAIN);
            let ended = checkout::release(&test.db, &main, released, None).await;
            ended.unwrap();
        }
        let url = json!({ "url": "https://crm.example/in" });
        office.clerk.put("/subscribers/crm", url).await.ok(201);
        for n in 0..8 {
            office.refund(n).await;
            office.park(n).await;
        }
        let csv = [
            "sku,on_hand",
            "A,1",
            "A,x",
            "B,2",
            "b,x",
            "a:1,x",
            "C,x",
            "D,x",
        ];
        office.stage(1, "text/csv", &csv.join("\r")).await;
        let json = "{\"sku\":\"A\"}\n\n{\"sku\":\"E\",\"on_hand\":2}\n{}\n";
        office.stage(2, "application/jsonl", json).await;
        let tie = "update holdfast.payment_events set received_at = '2026-01-01T00:00:00Z';
            update holdfast.subscriber_deliveries set created_at = '2026-01-01T00:00:00Z';
            update holdfast.stock_movements set created_at = '2026-01-01T00:00:00Z';
            update holdfast.refunds set created_at = '2026-01-01T00:00:00Z';
            update holdfast.refunds set status = 'failed' where refund_id in
                (select refund_id from holdfast.refunds order by refund_id limit 3);
            update holdfast.shops set order_hold_s = 300;
            update holdfast.checkouts set created_at = now(),
                expires_at = now() + interval '20 minutes';
            update holdfast.holds set created_at = now(),
                expires_at = now() + interval '20 minutes'";
        office.test.corrupt(tie).await;
        office.held.sort_by_key(ToString::to_string);
        office
    }

    async fn coupon(&self, code: &str) {
        let terms = json!({ "kind": "fixed", "value": 1 });
        let coupon = format!("/coupons/{code}");
        self.clerk.put(&coupon, terms).await.ok(201);
    }

    async fn refund(&self, n: usize) {
        let order = self.test.paid_order("A", &format!("pay-{n}")).await;
        let all = ask_for(None);
        self.test.ask(order.order_id, &all).await.unwrap();
    }

    async fn park(&self, n: usize) {
        let nobodys = Event {
            reference: Some("main-nobody".to_owned()),
            ..paid_numbered(n, 1)
        };
        let recorded = self.test.record(&nobodys).await.unwrap();
        assert_eq!(recorded, Outcome::Parked);
    }

    async fn stage(&self, part: usize, kind: &str, rows: &str) {
        let call = Call::new("PUT", &path(&format!("/imports/{IMPORT}/parts/{part}")));
        let call = call.body(rows).header("content-type", kind);
        self.clerk.send(call).await.ok(200);
    }

    /// Adds rows to every list, before and behind its others, and changes some.
    async fn change(&self, n: usize) {
        let test = &self.test;
        for side in ["0", "Z"] {
            test.sku(&format!("{side}-{n}"), 1).await;
            self.coupon(&format!("{side}-{n}")).await;
        }
        self.clerk.delete("/skus/C").await.ok(200);
        let (_, _, version) = test.level("A").await;
        let receive = json!({ "quantity": 1, "expected_version": version, "reference": "PO-1" });
        self.clerk.post("/stock/A/receive", receive).await.ok(200);
        // One moves behind those that end with it, the other before them.
        let hold = "1800".parse().unwrap();
        let (read, unread) = (self.held[n], self.held[self.held.len() - 1 - n]);
        checkout::extend(&test.db, &shop(MAIN), read, None, Some(hold))
            .await
            .unwrap();
        test.order(unread).await.unwrap();
        test.held(&[("A", 1), ("B", 1)]).await;
        self.refund(100 + n).await;
        self.park(100 + n).await;
        self.stage(3 + n, "text/csv", "sku\nA\n-\n").await;
    }
}

impl Office {
    /// The keys of each list's rows, in their order.
    async fn keys(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut keys = BTreeMap::new();
        for list in LISTS {
            let rows = all_pages(&self.clerk, list, 500, nothing).await;
            keys.insert(list, rows.iter().map(key).collect());
        }
        keys
    }
}

fn key(row: &Value) -> String {
    match row {
        Value::String(line) if !line.starts_with('{') => line.split(',').next().unwrap().to_owned(),
        Value::String(line) => key(&serde_json::from_str(line).unwrap()),
        row => KEY.map(|name| row[name].to_string()).join(" "),
    }
}

async fn nothing() {}

#[tokio::test]
async fn pages_of_every_size_have_the_rows_of_one_page_in_its_order() {
    let office = Office::new().await;
    for list in LISTS {
        let whole = all_pages(&office.clerk, list, 500, nothing).await;
        assert!(whole.len() >= 3, "{list}: {whole:#?}");
        let keys: BTreeSet<String> = whole.iter().map(key).collect();
        assert_eq!(keys.len(), whole.len(), "{list}: {whole:#?}");
        for limit in LIMITS {
            let rows = all_pages(&office.clerk, list, limit, nothing).await;
            assert_eq!(rows, whole, "{list} in pages of {limit}");
        }
    }
}

/// Rows that are there from the first page to the last come once and in their order. Others come
/// at most once.
#[tokio::test]
async fn rows_that_are_added_or_changed_between_two_pages_repeat_and_hide_no_row() {
    let office = Office::new().await;
    let before = office.keys().await;
    let walks = LISTS
        .iter()
        .flat_map(|list| LIMITS.map(|limit| Walk::new(list, limit)));
    let mut walks: Vec<Walk> = walks.collect();
    let mut more: Vec<usize> = (0..walks.len()).collect();
    for round in 0.. {
        let mut left = Vec::new();
        for nth in more {
            if walks[nth].step(&office.clerk).await {
                left.push(nth);
            }
        }
        if left.is_empty() {
            break;
        }
        if [0, 2].contains(&round) {
            office.change(round).await;
        }
        more = left;
    }
    let after = office.keys().await;
    for Walk {
        list, limit, rows, ..
    } in walks
    {
        let mut walked: Vec<String> = rows.iter().map(key).collect();
        let each: BTreeSet<&String> = walked.iter().collect();
        assert_eq!(each.len(), walked.len(), "{list} by {limit}: {walked:#?}");
        let mut stayed = before[list].clone();
        stayed.retain(|row| after[list].contains(row));
        walked.retain(|row| stayed.contains(row));
        assert_eq!(walked, stayed, "{list} in pages of {limit}");
    }
}

#[tokio::test]
async fn a_list_takes_no_cursor_but_its_own() {
    let office = Office::new().await;
    let bare = |list: &&str| !list.contains('?');
    let lists: Vec<&str> = LISTS.into_iter().filter(bare).collect();
    // tests/http/admin_reads.rs and departure.rs walk through these
    let all = lists.iter().copied().chain(["/promises", "/departures"]);
    let template = |list: &str| CONTRACT.template(&path(list)).unwrap().to_owned();
    let known: BTreeSet<String> = all.map(template).collect();
    assert_eq!(known, CONTRACT.lists(), "the lists of these tests are all");
    let encoded = |json: &str| BASE64URL_NOPAD.encode(json.as_bytes());
    let nul = json!({
        "created_at": "2026-01-01T00:00:00Z", "checkout_id": IMPORT, "refund_id": IMPORT,
        "generation": 1, "version": 1, "part": 1, "line": 1, "sku": "\0", "code": "\0",
    });
    let mut wrong = vec![
        "".to_owned(),
        "*".to_owned(),
        "A".to_owned(),
        "QQ==".to_owned(),
        "%00".to_owned(),
        encoded("\"A\""),
        encoded("[]"),
        encoded("{}"),
        encoded("null"),
        "A".repeat(3000),
        encoded(&nul.to_string()),
    ];
    for list in &lists {
        let (_, next) = page(&office.clerk, &format!("{list}?limit=1")).await;
        wrong.push(next.unwrap());
    }
    for list in &lists {
        let (_, own) = page(&office.clerk, &format!("{list}?limit=1")).await;
        let own = own.unwrap();
        let json = BASE64URL_NOPAD.decode(own.as_bytes()).unwrap();
        let (name, _): (String, Value) = serde_json::from_slice(&json).unwrap();
        for cursor in &wrong {
            let answer = office.clerk.get(&format!("{list}?cursor={cursor}")).await;
            if *cursor == own {
                answer.ok(200);
            } else {
                answer.names("cursor");
            }
        }
        for place in [
            json!(null),
            json!({}),
            json!("A"),
            json!([nul]),
            nul.clone(),
        ] {
            let forged = encoded(&json!([name, place]).to_string());
            let answer = office.clerk.get(&format!("{list}?cursor={forged}")).await;
            let has_text = ["/skus", "/coupons", "/export", "/ledger", "/holds"].contains(list);
            if place != nul || has_text {
                answer.names("cursor");
            }
        }
    }
}

/// More active holds of a sku than a page may read: then the page reads all holds in their order.
#[tokio::test]
async fn the_active_holds_of_a_busy_sku_come_in_the_same_order() {
    let office = Office::new().await;
    let session = office.test.admin_session().await;
    let page = "select o_holds, o_after from holdfast.hold_list(
        'main', 'A', null, null, 'active', ($1::jsonb ->> 'checkout_id')::uuid,
        ($1::jsonb ->> 'generation')::integer, $1::jsonb ->> 'sku', 2, 3)";
    let mut rows: Vec<Value> = Vec::new();
    let mut after = Some(json!({}));
    while let Some(place) = after {
        let row = session.query_one(page, &[&place]).await.unwrap();
        rows.extend(row.get::<_, Value>(0).as_array().unwrap().clone());
        after = row.get(1);
    }
    let keys: Vec<String> = rows.iter().map(key).collect();
    assert_eq!(keys, office.keys().await["/holds?sku=A&status=active"]);
}
