//! Pages of the desk and of support, as a browser gets and sends them.

use operations::payment::{Event, EventKind, Outcome};
use tests::person::{Person, Shown};
use tests::{TestDb, event};

/// A departure of the shop `main` that leaves in so many days.
async fn departure(test: &TestDb, sku: &str, days: i32, seats: i32) {
    test.sql(&format!(
        "select holdfast.sku_put('main', '{sku}', 'Line of {sku}', '{{}}', 100,
            p_departs_at => now() + interval '{days} days');
        select holdfast.stock_adjust('main', '{sku}', {seats}, null, 'received', 'x', 'y')"
    ))
    .await;
}

/// The fields of a booking, from the page that the dispatcher sees.
fn booking<'a>(page: &'a Shown, party: &'a str, seats: &'a str) -> [(&'a str, &'a str); 4] {
    let id = page.field("checkout_id");
    [
        ("checkout_id", id),
        ("party", party),
        ("seats", seats),
        ("note", ""),
    ]
}

const PATH: &str = "/desk/departures/GOA";

/// A dispatcher who has just booked two of the nine seats of GOA, and the booking's id.
async fn booked(test: &TestDb) -> (Person, String) {
    departure(test, "GOA", 2, 9).await;
    let desk = test.person(&["desk"]);
    let page = desk.get(PATH).await;
    let id = page.field("checkout_id").to_owned();
    desk.post(PATH, &booking(&page, "Iyer", "2"))
        .await
        .leads_to("booked=");
    (desk, id)
}

/// A form that has made a booking can't make another one under its id.
#[tokio::test]
async fn a_used_form_says_so_and_books_again_under_another_id() {
    let test = TestDb::new().await;
    let (desk, first) = booked(&test).await;
    // the back button, and another number
    let again = [
        ("checkout_id", &*first),
        ("party", "Iyer"),
        ("seats", "3"),
        ("note", ""),
    ];
    let refused = desk.post(PATH, &again).await;
    refused.has(200, "already made a booking");
    refused.has(200, &format!("desk/bookings/{first}"));
    assert_eq!(test.level("GOA").await.0, 7);
    assert_ne!(refused.field("checkout_id"), first);
    desk.post(PATH, &booking(&refused, "Iyer", "3"))
        .await
        .leads_to("booked=");
    assert_eq!(test.level("GOA").await.0, 4);
}

#[tokio::test]
async fn a_booking_is_cancelled_as_it_was_seen_or_not_at_all() {
    let test = TestDb::new().await;
    let (desk, id) = booked(&test).await;
    let path = format!("/desk/bookings/{id}");
    let seen = desk.get(&path).await;
    seen.has(200, "Line of GOA");
    let version = seen.field("expected_version").to_owned();
    let more = [
        ("expected_version", &*version),
        ("line", "GOA"),
        ("sku", "GOA"),
        ("seats", "4"),
    ];
    desk.post(&format!("{path}/change"), &more)
        .await
        .leads_to("/desk/bookings");
    let cancel = format!("{path}/cancel");
    let stale = desk.post(&cancel, &[("expected_version", &*version)]).await;
    stale.has(200, "Somebody changed this booking meanwhile");
    assert_eq!(test.level("GOA").await.0, 5);
    let version = stale.field("expected_version").to_owned();
    for _ in 0..2 {
        let sent = desk.post(&cancel, &[("expected_version", &*version)]).await;
        sent.leads_to("/desk/bookings");
    }
    assert_eq!(test.level("GOA").await.0, 9);
    test.assert_promises_hold().await;
}

/// The nearest ten departures may all be of the wrong day.
#[tokio::test]
async fn a_booking_moves_to_any_day() {
    let test = TestDb::new().await;
    let (desk, id) = booked(&test).await;
    for day in 3..14 {
        departure(&test, &format!("GOA-{day}"), day, 9).await;
    }
    departure(&test, "GOA-LATE", 40, 9).await;
    let path = format!("/desk/bookings/{id}");
    let nearest = desk.get(&path).await;
    nearest.has(200, "value=\"GOA-3\"");
    assert!(!nearest.text.contains("GOA-LATE"));
    let day = test
        .text("select to_char(now() + interval '40 days', 'YYYY-MM-DD')")
        .await;
    let other = desk.get(&format!("{path}?day={day}")).await;
    other.has(200, "value=\"GOA-LATE\"");
    let change = [
        ("expected_version", other.field("expected_version")),
        ("line", "GOA"),
        ("sku", "GOA-LATE"),
        ("seats", "2"),
    ];
    desk.post(&format!("{path}/change"), &change)
        .await
        .leads_to("/desk/bookings");
    assert_eq!(
        (test.level("GOA").await.0, test.level("GOA-LATE").await.0),
        (9, 7)
    );
}

/// The next click must not change the seats on the present departure.
#[tokio::test]
async fn a_refused_move_keeps_the_departure_that_was_chosen() {
    let test = TestDb::new().await;
    let (desk, id) = booked(&test).await;
    departure(&test, "GOA-LATE", 40, 1).await;
    let path = format!("/desk/bookings/{id}");
    let seen = desk.get(&path).await;
    let change = [
        ("expected_version", seen.field("expected_version")),
        ("line", "GOA"),
        ("sku", "GOA-LATE"),
        ("seats", "3"),
        ("day", ""),
    ];
    let refused = desk.post(&format!("{path}/change"), &change).await;
    refused.has(200, "Not enough free seats");
    refused.has(200, "<option value=\"GOA-LATE\" selected>");
    refused.has(200, "name=\"seats\" value=\"3\"");
    assert_eq!(test.level("GOA").await.0, 7);
    // the day whose departures were offered stays, too
    let day = test
        .text("select to_char(now() + interval '40 days', 'YYYY-MM-DD')")
        .await;
    let change = [change[0], change[1], change[2], change[3], ("day", &*day)];
    let refused = desk.post(&format!("{path}/change"), &change).await;
    refused.has(200, "<option value=\"GOA-LATE\" selected>");
    assert_eq!(refused.field("day"), day);
}

/// A note with a time hides no telephone number from support.
#[tokio::test]
async fn a_party_is_found_by_its_number_whatever_its_note_says() {
    let test = TestDb::new().await;
    departure(&test, "GOA", 2, 9).await;
    let desk = test.person(&["desk"]);
    let page = desk.get(PATH).await;
    let mut form = booking(&page, "Asha 98450 12345", "2");
    form[3].1 = "pickup 7:30";
    desk.post(PATH, &form).await.leads_to("booked=");
    let support = test.person(&["support"]);
    let found = support.get("/support?q=9845012345").await;
    // the only one opens at once
    found.leads_to("/support/checkouts/");
}

/// Each fits its field.
#[tokio::test]
async fn a_party_and_a_note_that_are_too_long_together_are_refused_in_words() {
    let test = TestDb::new().await;
    departure(&test, "GOA", 2, 9).await;
    let desk = test.person(&["desk"]);
    let page = desk.get(PATH).await;
    let (party, note) = ("a".repeat(40), "n".repeat(22));
    let mut form = booking(&page, &party, "2");
    form[3].1 = &note;
    desk.post(PATH, &form)
        .await
        .has(200, "party and note together have at most 61 characters");
    assert_eq!(test.level("GOA").await.0, 9);
    form[3].1 = &note[1..];
    desk.post(PATH, &form).await.leads_to("booked=");
}

/// What a shopper bought, and where it goes, is nothing for the desk.
#[tokio::test]
async fn a_shoppers_checkout_is_no_booking() {
    let test = TestDb::new().await;
    test.sku("VEIL", 3).await;
    let (id, _) = test.ordered(&[("VEIL", 1)]).await;
    let desk = test.person(&["desk"]);
    let path = format!("/desk/bookings/{}", id.as_uuid());
    assert_eq!(desk.get(&path).await.status, 404);
    let change = [
        ("expected_version", "1"),
        ("line", "VEIL"),
        ("sku", "VEIL"),
        ("seats", "2"),
    ];
    for (form, fields) in [("change", &change[..]), ("cancel", &change[..1])] {
        let sent = desk.post(&format!("{path}/{form}"), fields).await;
        assert_eq!(sent.status, 404, "{form}: {}", sent.text);
    }
}

/// The console may try a parked event again, and can make no payment up.
#[tokio::test]
async fn parked_money_is_tried_again_with_the_facts_that_came() {
    let test = TestDb::new().await;
    test.sku("VEIL", 3).await;
    let (id, order) = test.ordered(&[("VEIL", 1)]).await;
    let paid = event(&order, EventKind::Paid, "pi_1");
    let unknown = Event {
        reference: Some("main-elsewhere".to_owned()),
        ..paid.clone()
    };
    assert_eq!(test.stripe(&unknown).await, Outcome::Parked);
    let support = test.person(&["support"]);
    let form = [
        ("gateway", "stripe"),
        ("event_key", &*unknown.key),
        ("q", "main-elsewhere"),
    ];
    let sent = support.post("/support/events/redrive", &form).await;
    let back = sent.leads_to("done=redrive-parked").to_owned();
    support
        .get(&back)
        .await
        .has(200, "no order here has its reference")
        .has(200, "meera");
    // its reference is known by now
    test.corrupt(&format!(
        "update holdfast.payment_events set reference = '{}'",
        order.payment.reference
    ))
    .await;
    let sent = support.post("/support/events/redrive", &form).await;
    sent.leads_to("done=redrive&");
    let timeline = support
        .get(&format!("/support/checkouts/{}", id.as_uuid()))
        .await;
    timeline.has(200, "The order is paid");
    support
        .post("/support/events/redrive", &form)
        .await
        .leads_to("done=redrive&");
    let nothing = [("gateway", "stripe"), ("event_key", "none"), ("q", "x")];
    let refused = support.post("/support/events/redrive", &nothing).await;
    assert_eq!(refused.status, 404);
    test.assert_promises_hold().await;

    let console = test.session_of(local::roles::CONSOLE).await;
    let made_up = "call holdfast.payment_record_event('main', 'stripe', 'made-up', 'x', 'paid', 1,
        'INR', 'pi_2', '{}', null, null, null, null)";
    let refused = console.batch_execute(made_up).await.unwrap_err();
    let code = refused.code().unwrap().code();
    assert_eq!(code, "42501", "insufficient_privilege");
}
