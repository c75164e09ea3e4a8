//! Pages of the stock room, the sale and the health, as a browser gets and sends them.

use operations::payment::{Event, EventKind, Outcome};
use serde_json::json;
use tests::http::Call;
use tests::person::{Person, Shown};
use tests::{TestDb, event};

/// The fields of a change of stock, from the page that the clerk sees.
fn change<'a>(page: &'a Shown, number: &'a str, note: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("movement_id", page.field("movement_id")),
        ("version", page.field("version")),
        ("seen", page.field("seen")),
        ("number", number),
        ("reference", ""),
        ("note", note),
    ]
}

async fn stock_room() -> (TestDb, Person) {
    let test = TestDb::new().await;
    test.sku("LEHENGA-RED-M", 7).await;
    test.sku("VEIL", 3).await;
    let clerk = test.person(&["stock"]);
    (test, clerk)
}

#[tokio::test]
async fn a_clerk_finds_a_sku_and_receives_it_once() {
    let (test, clerk) = stock_room().await;
    // one result is opened at once
    clerk
        .get("/stock?q=leh")
        .await
        .leads_to("/stock/sku/LEHENGA-RED-M");
    let found = clerk.get("/stock?q=dress").await;
    found.has(200, "LEHENGA-RED-M").has(200, "VEIL");
    clerk.get("/stock?q=nothing").await.has(200, "nothing");
    let page = clerk.get("/stock/sku/VEIL").await;
    let fields = change(&page, "4", "");
    let sent = clerk.post("/stock/sku/VEIL/receive", &fields).await;
    let done = sent.leads_to("/stock/sku/VEIL?done=1").to_owned();
    // a double click
    clerk.post("/stock/sku/VEIL/receive", &fields).await;
    assert_eq!(test.level("VEIL").await.0, 7);
    let done = clerk.get(&done).await;
    done.has(200, "message good");
    let ledger = clerk.get("/stock/ledger?sku=VEIL&reference=").await;
    ledger.has(200, "meera");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_stale_count_shows_both_numbers_and_keeps_what_was_typed() {
    let (test, clerk) = stock_room().await;
    let page = clerk.get("/stock/sku/LEHENGA-RED-M").await;
    let other = test.clerk();
    let body = json!({ "quantity": 3, "expected_version": 1 });
    other
        .post("/stock/LEHENGA-RED-M/receive", body)
        .await
        .ok(200);
    let fields = change(&page, "6", "one is torn & gone");
    let stale = clerk.post("/stock/sku/LEHENGA-RED-M/count", &fields).await;
    let plain = stale.text.replace(['\u{2068}', '\u{2069}'], "");
    assert!(plain.contains("You saw 7. Now 10 are on hand."), "{plain}");
    stale.has(409, "value=\"one is torn &#38; gone\"");
    stale.has(409, "value=\"6\"");
    assert_eq!(test.level("LEHENGA-RED-M").await.0, 10);
    // it is still right: the form has the new version
    let fields = change(&stale, "6", "one is torn & gone");
    let sent = clerk.post("/stock/sku/LEHENGA-RED-M/count", &fields).await;
    sent.leads_to("done=1");
    assert_eq!(test.level("LEHENGA-RED-M").await.0, 6);
    for (verb, number, note) in [
        ("count", "-1", "x"),
        ("count", "6", ""),
        ("adjust", "0", "x"),
        ("receive", "many", ""),
    ] {
        let page = clerk.get("/stock/sku/VEIL").await;
        let fields = change(&page, number, note);
        let path = format!("/stock/sku/VEIL/{verb}");
        clerk.post(&path, &fields).await.has(400, "role=\"alert\"");
    }
    assert_eq!(test.level("VEIL").await.0, 3);
}

/// A hold changes the version of a stock level, and none of the units that a clerk counts.
#[tokio::test]
async fn a_hold_meanwhile_stops_no_change_of_the_stock_room() {
    let (test, clerk) = stock_room().await;
    let path = "/stock/sku/LEHENGA-RED-M";
    for (verb, number, on_hand) in [
        ("receive", "5", 12),
        ("adjust", "-2", 10),
        ("count", "9", 9),
    ] {
        let page = clerk.get(path).await;
        test.held(&[("LEHENGA-RED-M", 1)]).await;
        let fields = change(&page, number, "counted");
        let sent = clerk.post(&format!("{path}/{verb}"), &fields).await;
        sent.leads_to("done=1");
        assert_eq!(test.level("LEHENGA-RED-M").await.0, on_hand, "{verb}");
    }
    // units that came meanwhile are no hold
    let page = clerk.get(path).await;
    let version = page.field("version").parse::<i64>().unwrap();
    let body = json!({ "quantity": 1, "expected_version": version });
    test.clerk()
        .post("/stock/LEHENGA-RED-M/receive", body)
        .await
        .ok(200);
    let fields = change(&page, "8", "counted");
    let stale = clerk.post(&format!("{path}/count"), &fields).await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    assert_eq!(test.level("LEHENGA-RED-M").await.0, 10);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn missing_units_name_whose_holds_break_before_anything_changes() {
    let (test, clerk) = stock_room().await;
    test.held(&[("VEIL", 2)]).await;
    let page = clerk.get("/stock/sku/VEIL").await;
    let fields = change(&page, "2", "water");
    let preview = clerk.post("/stock/sku/VEIL/shrink", &fields).await;
    preview.has(200, "name=\"confirmed\"");
    preview.has(200, "<bdi>c</bdi>");
    assert_eq!(test.level("VEIL").await, (3, 2, 2));
    let mut fields = change(&page, "2", "water");
    fields.push(("confirmed", "yes"));
    clerk
        .post("/stock/sku/VEIL/shrink", &fields)
        .await
        .leads_to("done=1");
    clerk
        .post("/stock/sku/VEIL/shrink", &fields)
        .await
        .leads_to("done=1");
    assert_eq!(test.level("VEIL").await.0, 1);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_file_is_tried_row_by_row_before_it_is_applied() {
    let (test, clerk) = stock_room().await;
    let page = clerk.get("/stock/import").await;
    let id = page.field("import_id").to_owned();
    let file = "sku,title,price_minor,on_hand\nVEIL,A dress,10000,10\nNEW,Shawl,900,4\n\
                bad code,Bad,1,1\n";
    let fields = [("import_id", id.as_str())];
    let sent = clerk.upload("/stock/import", &fields, file).await;
    let rows = sent.leads_to("/stock/import/").to_owned();
    let tried = clerk.get(&rows).await;
    let plain = tried.text.replace(['\u{2068}', '\u{2069}'], "");
    assert!(
        plain.contains("<bdi>3</bdi> → <strong><bdi>10</bdi>"),
        "{plain}"
    );
    assert!(plain.contains("Apply: 1 new, 1 changed"), "{plain}");
    assert!(plain.contains("<bdi>₹9.00</bdi>"), "{plain}");
    assert_eq!(test.level("VEIL").await.0, 3);
    clerk
        .get(&format!("{rows}?only=refused"))
        .await
        .has(200, "bad code");
    let apply = format!("{rows}/apply");
    clerk.post(&apply, &[]).await.leads_to("/stock/import/");
    assert_eq!(test.level("VEIL").await.0, 10);
    // a second click, and the back button
    clerk.post(&apply, &[]).await;
    clerk
        .upload("/stock/import", &fields, file)
        .await
        .has(422, "message bad");
    assert_eq!(test.level("NEW").await.0, 4);
    let bar = clerk.get(&format!("{rows}/progress")).await;
    bar.has(200, "<progress");
    let wrong = clerk.upload("/stock/import", &fields, "").await;
    wrong.has(422, "role=\"alert\"");
}

/// A part has at most 5,000 rows. The page stages as many parts as a file needs.
#[tokio::test]
async fn a_file_of_two_parts_is_applied_as_one() {
    let (test, clerk) = stock_room().await;
    let id = clerk
        .get("/stock/import")
        .await
        .field("import_id")
        .to_owned();
    let mut file = "sku,on_hand\n".to_owned();
    // unchanged rows cost least
    file += &"LEHENGA-RED-M,7\n".repeat(5_000);
    file += "VEIL,4\n";
    let sent = clerk
        .upload("/stock/import", &[("import_id", &id)], &file)
        .await;
    let rows = sent.leads_to("/stock/import/").to_owned();
    let apply = format!("{rows}/apply");
    let until = async |pass: &[(&str, &str)], end: &str| {
        for _ in 0..50 {
            let shown = clerk
                .get(&rows)
                .await
                .text
                .replace(['\u{2068}', '\u{2069}'], "");
            if shown.contains(end) {
                return;
            }
            clerk.post(&apply, pass).await.leads_to("/stock/import/");
        }
        panic!("the page never says {end}");
    };
    until(&[("dry_run", "yes")], "Every row was tried").await;
    assert_eq!(test.level("VEIL").await.0, 3);
    until(&[], "The import is done").await;
    assert_eq!(test.level("VEIL").await.0, 4);
}

async fn drop_under_way() -> (TestDb, Person) {
    let test = TestDb::new().await;
    test.sku("LEHENGA-RED-M", 40).await;
    test.sku("VEIL", 3).await;
    for n in 0..4 {
        test.paid_order("LEHENGA-RED-M", &format!("pi_{n}")).await;
    }
    test.held(&[("LEHENGA-RED-M", 2), ("VEIL", 3)]).await;
    test.sweep().await;
    let owner = test.person(&["owner"]);
    (test, owner)
}

#[tokio::test]
async fn an_owner_watches_a_sale_and_ends_it() {
    let (test, owner) = drop_under_way().await;
    let sale = owner.get("/sale").await;
    sale.has(200, "<svg class=\"chart\"");
    sale.has(200, "class=\"sold\"");
    sale.has(200, "mark good");
    // a poll whose numbers are the same is short
    let now = owner.get("/sale/now").await;
    let poll = Call::new("GET", "/console/main/sale/now")
        .header("if-none-match", now.etag.as_deref().unwrap());
    assert_eq!(owner.send(poll).await.status, 304);
    let end = owner.get("/sale/end/LEHENGA-RED-M").await;
    end.has(200, "danger");
    let ended = owner.post("/sale/end/LEHENGA-RED-M", &[]).await;
    ended.leads_to("/sale");
    owner
        .post("/sale/end/LEHENGA-RED-M", &[])
        .await
        .leads_to("/sale");
    assert!(
        test.begin(tests::new_id(), &[("LEHENGA-RED-M", 1)])
            .await
            .is_err()
    );
    let viewer = test.person(&["viewer"]);
    let seen = viewer.get("/sale").await;
    assert!(!seen.text.contains("/sale/end/"), "{}", seen.text);
    assert_eq!(viewer.post("/sale/end/VEIL", &[]).await.status, 403);
}

#[tokio::test]
async fn the_person_on_call_sees_each_fault_beside_its_runbook() {
    let (test, _) = drop_under_way().await;
    let on_call = test.person(&["viewer", "support"]);
    on_call.get("/health").await.has(200, "message good");
    let (_, order) = test.ordered(&[("LEHENGA-RED-M", 1)]).await;
    let elsewhere = Event {
        reference: Some("main-elsewhere".to_owned()),
        ..event(&order, EventKind::Paid, "pi_<script>")
    };
    assert_eq!(test.stripe(&elsewhere).await, Outcome::Parked);
    test.sql("select holdfast.subscriber_put('main', 'crm', 'https://crm.example/in', null)")
        .await;
    let health = on_call.get("/health").await;
    health.has(200, "runbook/ParkedEventsAlarm");
    health.has(200, "main-elsewhere");
    assert!(!health.text.contains("pi_<script>"));
    let runbook = on_call.get("/health/runbook/ParkedEventsAlarm").await;
    runbook.has(200, "<pre>");
    assert_eq!(on_call.get("/health/runbook/NoAlarm").await.status, 404);

    let log = on_call.get("/health/subscriber/crm").await;
    let id = log.field("test_id").to_owned();
    let fields = [("test_id", id.as_str())];
    for _ in 0..2 {
        let sent = on_call.post("/health/subscriber/crm/test", &fields).await;
        sent.leads_to("/health/subscriber/crm");
    }
    let log = on_call.get("/health/subscriber/crm").await;
    log.has(200, "subscriber.test");
    assert_eq!(log.text.matches("<details><summary>").count(), 1);
    let again = [
        ("type", log.field("type")),
        ("subject", log.field("subject")),
        ("created_at", log.field("created_at")),
    ];
    // delivered before each click: only the first one sends it again
    let delivered = "update holdfast.subscriber_deliveries
        set delivered_at = now() where name = 'crm'";
    let is_sent = "select count(*) from holdfast.subscriber_deliveries
        where name = 'crm' and delivered_at is null";
    for waiting in [1, 0] {
        test.sql(delivered).await;
        let sent = on_call.post("/health/subscriber/crm/resend", &again).await;
        sent.leads_to("/health/subscriber/crm");
        assert_eq!(test.count(is_sent).await, waiting);
    }
}

/// A form that is sent again ends no later disabling.
#[tokio::test]
async fn a_subscriber_that_is_gone_is_enabled_from_its_log() {
    let (test, _) = drop_under_way().await;
    let on_call = test.person(&["viewer", "support"]);
    let disable = "update holdfast.subscribers
        set disabled_at = now(), disabled_why = 'it answered 410 Gone'";
    let enabled = "select count(*) from holdfast.subscribers where disabled_at is null";
    test.sql("select holdfast.subscriber_put('main', 'crm', 'https://crm.example/in', null)")
        .await;
    test.sql(disable).await;
    let log = on_call.get("/health/subscriber/crm").await;
    log.has(200, "It gets nothing.");
    let disabled_at = log.field("disabled_at").to_owned();
    let fields = [("disabled_at", disabled_at.as_str())];
    for (then, after) in [("select", 1), (disable, 0)] {
        test.sql(then).await;
        let enable = on_call.post("/health/subscriber/crm/enable", &fields).await;
        enable.leads_to("/health/subscriber/crm");
        assert_eq!(test.count(enabled).await, after);
    }
    let log = on_call.get("/health/subscriber/crm").await;
    assert_ne!(log.field("disabled_at"), disabled_at);
    let nobody = on_call.post("/health/subscriber/nobody/enable", &fields);
    assert_eq!(nobody.await.status, 404);
}

/// The light of the promises is green only while they are checked.
#[tokio::test]
async fn an_old_check_of_the_promises_is_no_green_light() {
    let (test, owner) = drop_under_way().await;
    for (checked_at, sale, health) in [
        ("now() - interval '20 minutes'", "mark warn", "needs you"),
        ("null", "Not checked yet", "not known yet</span>"),
    ] {
        let sql = format!("update holdfast.promise_laps set checked_at = {checked_at}");
        test.sql(&sql).await;
        let shown = owner.get("/sale").await;
        shown.has(200, sale);
        assert!(!shown.text.contains("mark good"), "{}", shown.text);
        let shown = owner.get("/health").await;
        shown.has(200, health);
        assert!(!shown.text.contains("message good"), "{}", shown.text);
    }
}

/// Every role opens its own pages, and no other; a form without the token has no effect.
#[tokio::test]
async fn each_role_opens_its_own_pages() {
    let (test, clerk) = stock_room().await;
    for (role, opened) in [
        ("viewer", ["403", "200", "200"]),
        ("desk", ["403", "403", "403"]),
        ("stock", ["200", "403", "403"]),
        ("support", ["403", "403", "200"]),
        ("owner", ["200", "200", "200"]),
    ] {
        let person = test.person(&[role]);
        let mut seen = Vec::new();
        for path in ["/stock", "/sale", "/health"] {
            seen.push(person.get(path).await.status.to_string());
        }
        assert_eq!(seen, opened, "{role}");
    }
    let path = "/console/main/stock/sku/VEIL/receive";
    let forged = Call::new("POST", path)
        .body("csrf=other&number=1")
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(clerk.send(forged).await.status, 403);
    let forged = Call::new("POST", "/console/main/stock/import")
        .body("--c\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\nx\r\n--c--\r\n")
        .header("content-type", "multipart/form-data; boundary=c");
    assert_eq!(clerk.send(forged).await.status, 403);
}

/// A name that somebody made to do harm is text.
#[tokio::test]
async fn a_poisoned_title_is_shown_as_text() {
    let test = TestDb::new().await;
    let poison = "<script>alert(1)</script>\u{202e}txt";
    test.sql(&format!(
        "select holdfast.sku_put('main', 'BAD', '{poison}', '{{}}', 100)"
    ))
    .await;
    test.sql("select holdfast.stock_adjust('main', 'BAD', 9, null, 'received', 'x', 'y')")
        .await;
    test.held(&[("BAD", 1)]).await;
    let owner = test.person(&["owner"]);
    for path in ["/stock", "/stock/sku/BAD", "/sale", "/sale/end/BAD"] {
        let page = owner.get(path).await;
        assert!(!page.text.contains("<script>alert"), "{path}");
        page.has(200, "<bdi>&#60;script&#62;");
    }
}
