//! Who may open and send what at the console, in the test's own process.

use bench::visitor::{TOKEN, session_seen};
use tests::http::Call;
use tests::person::{Person, Shown};
use tests::stack::root;
use tests::{TestDb, new_id};

/// Every form below `/console/main`, and the roles that may send it.
const FORMS: [(&str, &[&str]); 19] = [
    ("/desk/departures/VEIL", &["desk", "owner"]),
    ("/desk/bookings/{id}/change", &["desk", "owner"]),
    ("/desk/bookings/{id}/cancel", &["desk", "owner"]),
    ("/stock/import", &["stock", "owner"]),
    ("/stock/import/{id}/apply", &["stock", "owner"]),
    ("/stock/sku/VEIL/receive", &["stock", "owner"]),
    ("/stock/sku/VEIL/count", &["stock", "owner"]),
    ("/stock/sku/VEIL/adjust", &["stock", "owner"]),
    ("/stock/sku/VEIL/shrink", &["stock", "owner"]),
    ("/sale/end/VEIL", &["owner"]),
    ("/support/events/redrive", &["support", "owner"]),
    ("/support/events/dismiss", &["support", "owner"]),
    ("/support/checkouts/{id}/accept", &["support", "owner"]),
    ("/support/checkouts/{id}/refund", &["support", "owner"]),
    ("/support/checkouts/{id}/retry", &["support", "owner"]),
    ("/support/checkouts/{id}/revoke", &["support", "owner"]),
    ("/health/subscriber/crm/enable", &["support", "owner"]),
    ("/health/subscriber/crm/test", &["support", "owner"]),
    ("/health/subscriber/crm/resend", &["support", "owner"]),
];

/// The form with the session's token and nothing else: no such form has an effect.
fn empty(path: &str) -> Call {
    let path = path.replace("{id}", &new_id().as_uuid().to_string());
    Call::new("POST", &format!("/console/main{path}"))
        .body("csrf=token-of-the-session")
        .header("content-type", "application/x-www-form-urlencoded")
}

#[tokio::test]
async fn no_role_sends_a_form_of_another_section() {
    let sections = ["desk", "stock", "sale", "support", "health"];
    let routes = sections.map(|section| {
        let file = format!("functions/console/src/{section}/mod.rs");
        let code = std::fs::read_to_string(root().join(file)).unwrap();
        code.matches("post(").count()
    });
    assert_eq!(
        routes.iter().sum::<usize>(),
        FORMS.len(),
        "a form is missing here"
    );
    let test = TestDb::new().await;
    for role in ["viewer", "desk", "stock", "support", "owner"] {
        let person = test.person(&[role]);
        for (path, roles) in FORMS {
            let answer = person.send(empty(path)).await;
            let is_refused = answer.text.contains("Your role does not open this page");
            assert_eq!(
                answer.status == 403,
                is_refused,
                "{role}: {path}: {}",
                answer.text
            );
            assert_eq!(
                is_refused,
                !roles.contains(&role),
                "{role}: {path}: {}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn a_form_that_another_site_sends_changes_nothing() {
    let test = TestDb::new().await;
    test.sku("VEIL", 3).await;
    let owner = test.person(&["owner"]);
    let end = || empty("/sale/end/VEIL");
    for origin in ["https://evil.example", "http://127.0.0.1:2", "null"] {
        let refused = owner.send(end().header("origin", origin)).await;
        refused.has(403, "earlier session");
    }
    let ended = "select count(*) from holdfast.skus where sale_closes_at is not null";
    assert_eq!(test.count(ended).await, 0);
    let sent = owner
        .send(end().header("origin", "http://127.0.0.1:1"))
        .await;
    sent.leads_to("/sale");
    let by = "select sale_closed_by from holdfast.skus where sku = 'VEIL'";
    assert_eq!(test.text(by).await, "meera");
}

/// Somebody who only looks at numbers sees no customer.
#[tokio::test]
async fn a_viewer_sees_no_customer() {
    let test = TestDb::new().await;
    test.sku("VEIL", 3).await;
    test.sql("select holdfast.subscriber_put('main', 'crm', 'https://crm.example/in', null)")
        .await;
    let mut begin = tests::begin_request(new_id(), &[("VEIL", 1)]);
    begin.customer = "asha-98450".parse().unwrap();
    operations::checkout::begin(&test.db, &begin).await.unwrap();
    test.sql("select holdfast.subscriber_test('main', 'crm', gen_random_uuid(), 'meera')")
        .await;
    let shown = async |person: &Person| {
        let (sale, log) = ("/sale", "/health/subscriber/crm");
        person.get(sale).await.has(200, "Holds that end next");
        person.get(log).await.has(200, "subscriber.test");
        let texts = [person.get(sale).await.text, person.get(log).await.text];
        [texts[0].contains("asha-98450"), texts[1].contains("<pre")]
    };
    assert_eq!(shown(&test.person(&["viewer"])).await, [false, false]);
    assert_eq!(shown(&test.person(&["owner"])).await, [true, true]);
}

#[tokio::test]
async fn a_person_begins_with_their_own_work_in_the_shop_they_left() {
    let test = TestDb::new().await;
    test.shop("other").await;
    for (roles, page) in [
        (&["desk"][..], "/console/main/desk"),
        (&["stock"], "/console/main/stock"),
        (&["support"], "/console/main/support"),
        (&["owner"], "/console/main/sale"),
        (&["viewer", "support"], "/console/main/health"),
    ] {
        let person = test.person_of(roles, &["main", "other"]);
        let first = person.send(Call::new("GET", "/console")).await;
        assert_eq!(first.location.as_deref(), Some(page));
    }
    let owner = test.person_of(&["owner"], &["main", "other"]);
    let other = owner.send(Call::new("GET", "/console/other/desk")).await;
    let cookie = other.cookies[0].clone();
    let cookie = cookie.split(';').next().unwrap();
    let owner = owner.and_cookie(cookie);
    let goes = async |person: &Person, path: &str| {
        let sent = person.send(Call::new("GET", path)).await;
        sent.location.unwrap_or_default()
    };
    assert_eq!(goes(&owner, "/console").await, "/console/other/sale");
    // where alarms lead
    assert_eq!(
        goes(&owner, "/console/health").await,
        "/console/other/health"
    );
    // a shop that the person may no longer open
    let owner = test.person(&["owner"]).and_cookie(cookie);
    assert_eq!(goes(&owner, "/console").await, "/console/main/sale");

    let stranger = owner.with_cookies("");
    assert_eq!(
        goes(&stranger, "/console/main/desk?day=2026-12-24").await,
        "/console/sign-in?to=%2Fconsole%2Fmain%2Fdesk%3Fday%3D2026%2D12%2D24"
    );
}

/// A page renews the cookie of a session that is a minute old. The sign-out must not.
#[tokio::test]
async fn a_sign_out_ends_an_older_session() {
    let test = TestDb::new().await;
    let owner = test.person(&["owner"]);
    let owner = owner.with_cookies(&session_seen(&["owner"], &["main"], 120));
    let sets = |shown: &Shown| -> Vec<String> {
        let set = shown.cookies.iter();
        let session = set.filter(|cookie| cookie.starts_with("holdfast_session="));
        session.cloned().collect()
    };
    let renewed = sets(&owner.get("/sale").await);
    assert_eq!(renewed.len(), 1);
    assert!(!renewed[0].contains("Max-Age=0"), "{renewed:?}");
    let sign_out = Call::new("POST", "/console/sign-out")
        .body(format!("csrf={TOKEN}"))
        .header("content-type", "application/x-www-form-urlencoded");
    let ended = sets(&owner.send(sign_out).await);
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(ended[0].starts_with("holdfast_session=;"), "{ended:?}");
    assert!(ended[0].contains("Max-Age=0"), "{ended:?}");
}

/// An alarm knows no shop. Its link opens the one that needs somebody.
#[tokio::test]
async fn an_alarm_leads_to_the_shop_that_needs_somebody() {
    let test = TestDb::new().await;
    test.shop("far").await;
    let on_call = test.person_of(&["support"], &["main", "far"]);
    let goes = async || {
        let sent = on_call.send(Call::new("GET", "/console/health")).await;
        sent.location.unwrap_or_default()
    };
    assert_eq!(goes().await, "/console/main/health");
    test.sql(
        "call holdfast.payment_record_event('far', 'stripe', 'e', 'far-x', 'paid', 1, 'INR',
            'pi', '{}', null, null, null, null)",
    )
    .await;
    assert_eq!(goes().await, "/console/far/health");
}
