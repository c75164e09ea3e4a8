//! The desk's pages, as a dispatcher uses them.

use tests::browser::{CONSOLE, Person};
use tests::connect;
use time::OffsetDateTime;

/// A departure of the shop `tour` that leaves in two days, and nobody else sells. Returns its page.
async fn departure(sku: &str, seats: i32) -> String {
    let session = connect(&CONSOLE.database_url()).await;
    let title = format!("Title of {sku}");
    let leaves = OffsetDateTime::now_utc() + time::Duration::days(2);
    session
        .execute(
            "select holdfast.sku_put('tour', $1, $2, '{}', 120000, 0, p_departs_at => $3)",
            &[&sku, &title, &leaves],
        )
        .await
        .unwrap();
    session
        .execute(
            "select holdfast.stock_adjust('tour', $1, $2, null, 'received', 'test', null)",
            &[&sku, &seats],
        )
        .await
        .unwrap();
    format!("/console/tour/desk/departures/{sku}")
}

/// Sold units of a departure, in the database.
async fn sold(sku: &str) -> i64 {
    let session = connect(&CONSOLE.database_url()).await;
    let query = "select coalesce(-sum(delta), 0)::bigint from holdfast.stock_movements
        where shop = 'tour' and sku = $1 and reason in ('sold', 'returned')";
    session.query_one(query, &[&sku]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_dispatcher_books_by_the_keyboard_alone() {
    let page = departure("KEYS-1", 9).await;
    let person = Person::signed_in("dispatcher").await;
    person.until_there(".trips").await;
    person.check_page("desk-today").await;

    person.go(&page).await;
    // The cursor waits in the first field.
    person.until("document.activeElement.id === 'party'").await;
    person.type_text("Iyer family, 98450 12345").await;
    person.press(&["Tab"]).await;
    person.until("document.activeElement.id === 'seats'").await;
    person.type_text("3").await;
    person.press(&["Tab"]).await;
    person.type_text("window seats").await;
    person.to_page(person.press(&["Enter"])).await;
    person.until_there(".message.good").await;
    person
        .until_text("Iyer family, 98450 12345 · window seats")
        .await;
    person.check_page("desk-departure").await;
    assert_eq!(sold("KEYS-1").await, 3);
    person.leave().await;
}

#[tokio::test]
async fn a_booking_moves_grows_shrinks_and_ends() {
    let page = departure("MOVE-1", 6).await;
    departure("MOVE-2", 6).await;
    let person = Person::signed_in("dispatcher").await;
    person.go(&page).await;
    person.fill("#party", "Nair").await;
    person.fill("#seats", "2").await;
    person.to_page(person.click("button.wide")).await;
    person.until_there(".message.good a").await;
    person.to_page(person.click(".message.good a")).await;

    for (seats, expected) in [("4", 4), ("1", 1)] {
        person.until_there("#seats-1").await;
        person.fill("#seats-1", seats).await;
        person.to_page(person.click("button.first")).await;
        person
            .until(&format!(
                "document.querySelector('#seats-1').defaultValue === '{seats}'"
            ))
            .await;
        assert_eq!(sold("MOVE-1").await, expected);
    }
    person.check_page("desk-booking").await;
    let choose = "document.querySelector('#sku-1').value = 'MOVE-2'";
    person.see::<String>(choose).await;
    person.to_page(person.click("button.first")).await;
    person
        .until("document.querySelector('h2').innerText.includes('Title of MOVE-2')")
        .await;
    assert_eq!((sold("MOVE-1").await, sold("MOVE-2").await), (0, 1));

    person.click("details.card summary").await;
    person.to_page(person.click("button.danger")).await;
    person.until_there(".mark.bad").await;
    assert_eq!(sold("MOVE-2").await, 0);
    person.leave().await;
}

#[tokio::test]
async fn two_browsers_ask_for_the_last_seat_and_one_gets_it() {
    let page = departure("LAST-1", 1).await;
    departure("LAST-2", 5).await;
    let (one, other) = tokio::join!(Person::signed_in("dispatcher"), Person::signed_in("owner"));
    for (person, party) in [(&one, "First"), (&other, "Second")] {
        person.go(&page).await;
        person.fill("#party", party).await;
    }
    tokio::join!(
        one.to_page(one.click("button.wide")),
        other.to_page(other.click("button.wide"))
    );
    let mut booked = 0;
    for person in [&one, &other] {
        if person
            .see("!!document.querySelector('.message.good')")
            .await
        {
            booked += 1;
            continue;
        }
        // The page offers other departures, and keeps what was typed.
        person.until_text("Not enough free seats").await;
        let kept: String = person.see("document.querySelector('#party').value").await;
        assert!(["First", "Second"].contains(&&*kept), "{kept}");
        person.check_page("desk-shortage").await;
        person.to_page(person.click(".offer button")).await;
        person.until_there(".message.good").await;
        person.until_text(&kept).await;
    }
    assert_eq!(booked, 1);
    assert_eq!(sold("LAST-1").await, 1);
    one.leave().await;
    other.leave().await;
}

#[tokio::test]
async fn a_double_click_the_back_button_and_a_reload_book_once() {
    let page = departure("ONCE-1", 9).await;
    let person = Person::signed_in("dispatcher").await;
    person.go(&page).await;
    let csrf = person.csrf().await;
    let id: String = person
        .see("document.querySelector('[name=checkout_id]').value")
        .await;
    let form = [
        ("csrf", &*csrf),
        ("checkout_id", &*id),
        ("party", "Twice"),
        ("seats", "2"),
        ("note", ""),
    ];
    let (first, second) = tokio::join!(person.post(&page, &form), person.post(&page, &form));
    assert_eq!((first.0, second.0), (200, 200));
    assert_eq!(sold("ONCE-1").await, 2);

    // A click, then back, then the same form again.
    person.go(&page).await;
    person.fill("#party", "Thrice").await;
    person.to_page(person.click("button.wide")).await;
    person.until_there(".message.good").await;
    person.page.reload().await.unwrap();
    person.until_there(".message.good").await;
    assert_eq!(sold("ONCE-1").await, 3);
    person.leave().await;
}

#[tokio::test]
async fn a_poisoned_name_is_shown_as_text() {
    let page = departure("POISON-1", 9).await;
    let person = Person::signed_in("dispatcher").await;
    person.go(&page).await;
    let name = "<script>window.bad=1</script><img src=x onerror=bad=1>\u{202e}evil";
    person.fill("#party", name).await;
    person.to_page(person.click("button.wide")).await;
    person.until_there(".message.good").await;
    let shown: String = person
        .see("document.querySelector('tbody bdi').textContent")
        .await;
    assert_eq!(shown, name);
    assert!(person.see::<bool>("window.bad === undefined").await);
    let csrf = person.csrf().await;
    let long = "x".repeat(4_000);
    let id = "018f4e2a-0000-7000-8000-000000000001";
    let form = [
        ("csrf", &*csrf),
        ("checkout_id", id),
        ("party", &*long),
        ("seats", "1"),
        ("note", ""),
    ];
    let (status, text) = person.post(&page, &form).await;
    assert_eq!(status, 200);
    assert!(text.contains("Party: must be 1 to 64 characters"), "{text}");
    assert_eq!(sold("POISON-1").await, 1);
    person.check_page("desk-poisoned").await;
    person.leave().await;
}

#[tokio::test]
async fn free_seats_follow_the_database_without_a_reload() {
    let page = departure("LIVE-1", 7).await;
    let person = Person::signed_in("dispatcher").await;
    // the shop's day, five and a half hours ahead
    let leaves = OffsetDateTime::now_utc() + time::Duration::minutes(2 * 24 * 60 + 330);
    person
        .go(&format!("/console/tour/desk?day={}", leaves.date()))
        .await;
    let free = "document.querySelector('#trip-LIVE-1 .figure')?.innerText";
    person.until(&format!("{free} === '7'")).await;
    person.see::<i64>("window.stays = 1").await;
    let other = Person::signed_in("owner").await;
    other.go(&page).await;
    other.fill("#party", "Live").await;
    other.to_page(other.click("button.wide")).await;
    person.until(&format!("{free} === '6'")).await;
    assert_eq!(person.see::<i64>("window.stays").await, 1);
    person.leave().await;
    other.leave().await;
}

#[tokio::test]
async fn a_stale_change_shows_the_booking_as_it_is_and_keeps_what_was_typed() {
    let page = departure("STALE-1", 9).await;
    let (one, other) = tokio::join!(Person::signed_in("dispatcher"), Person::signed_in("owner"));
    one.go(&page).await;
    one.fill("#party", "Stale").await;
    one.to_page(one.click("button.wide")).await;
    one.until_there(".message.good a").await;
    one.to_page(one.click(".message.good a")).await;
    one.until_there("#seats-1").await;
    let booking: String = one.see("location.pathname").await;
    other.go(&booking).await;
    other.fill("#seats-1", "3").await;
    other.to_page(other.click("button.first")).await;
    other
        .until("document.querySelector('#seats-1').defaultValue === '3'")
        .await;

    one.fill("#seats-1", "5").await;
    one.to_page(one.click("button.first")).await;
    one.until_text("Somebody changed this booking meanwhile")
        .await;
    let typed: String = one.see("document.querySelector('#seats-1').value").await;
    assert_eq!(typed, "5");
    one.until_text("3 seats").await;
    assert_eq!(sold("STALE-1").await, 3);
    one.check_page("desk-stale").await;
    // Sent again, with the version that the page shows now.
    one.to_page(one.click("button.first")).await;
    one.until("!document.querySelector('.message.bad')").await;
    one.until_text("5 seats").await;
    assert_eq!(sold("STALE-1").await, 5);
    one.leave().await;
    other.leave().await;
}
