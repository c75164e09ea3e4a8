//! The stock room, as a clerk uses it.

use local::roles;
use local::stack::DATABASE;
use operations::import;
use operations::quantity::PartNumber;
use tests::browser::{CONSOLE, Person};
use tests::desk::actor;
use tests::shopfront::{Bag, DRESS, on_hand, owner, receive, sku};
use tests::{new_id, pool, shop};

/// A name that somebody made to do harm.
const POISON: &str = "<script>window.bad=1</script><img src=x onerror=bad=1>\u{202e}evil";

/// The figure of the units on hand.
fn shows(units: i32) -> String {
    format!("document.querySelector('#on-hand')?.innerText === '{units}'")
}

#[tokio::test]
async fn a_clerk_finds_receives_and_counts_by_the_keyboard_alone() {
    sku("DUPATTA-TEAL", "Mirrorwork dupatta, teal", 7).await;
    sku("DUPATTA-PLUM", "Mirrorwork dupatta, plum", 2).await;
    let clerk = Person::signed_in("clerk").await;
    clerk.until("document.activeElement.id === 'q'").await;
    clerk.type_text("dup mirror").await;
    clerk.to_page(clerk.press(&["Enter"])).await;
    clerk.until_text("Mirrorwork dupatta, plum").await;
    clerk.check_page("stock-find").await;
    // to the button, and to the first result
    clerk.until("document.activeElement.id === 'q'").await;
    clerk.to_page(clerk.press(&["Tab", "Tab", "Enter"])).await;
    clerk.until_text("DUPATTA-PLUM").await;

    clerk.go("/console/dress/stock").await;
    clerk.until("document.activeElement.id === 'q'").await;
    clerk.type_text("teal").await;
    clerk.to_page(clerk.press(&["Enter"])).await;
    // One result is opened at once, and the cursor waits in the first form.
    clerk
        .until("document.activeElement.id === 'receive-number'")
        .await;
    clerk.type_text("5").await;
    clerk.to_page(clerk.press(&["Enter"])).await;
    clerk.until_there(".message.good").await;
    clerk.until(&shows(12)).await;
    // past the note, the reference and the button, to the count
    clerk
        .until("document.activeElement.id === 'receive-number'")
        .await;
    clerk.press(&["Tab", "Tab", "Tab", "Tab"]).await;
    clerk
        .until("document.activeElement.id === 'count-number'")
        .await;
    clerk.type_text("11").await;
    clerk.press(&["Tab"]).await;
    clerk.type_text("one is torn").await;
    clerk.to_page(clerk.press(&["Enter"])).await;
    clerk.until(&shows(11)).await;

    clerk.fill("#adjust-number", "-2").await;
    clerk.fill("#adjust-note", "lent to the window").await;
    clerk.to_page(clerk.click("#adjust button")).await;
    clerk.until(&shows(9)).await;
    assert_eq!(on_hand("DUPATTA-TEAL").await, 9);
    clerk.check_page("stock-sku").await;

    clerk.go("/console/dress/stock/ledger").await;
    clerk.fill("#sku", "DUPATTA-TEAL").await;
    clerk.to_page(clerk.press(&["Enter"])).await;
    clerk.until_text("lent to the window").await;
    clerk.until_text("one is torn").await;
    clerk.check_page("stock-ledger").await;
    clerk.leave().await;
}

#[tokio::test]
async fn a_stale_count_shows_both_numbers_and_keeps_what_was_typed() {
    sku("STALE-STOLE", "Stole, gold", 7).await;
    let clerk = Person::signed_in("clerk").await;
    clerk.go("/console/dress/stock/sku/STALE-STOLE").await;
    clerk.fill("#count-number", "6").await;
    clerk.fill("#count-note", "shelf B").await;
    receive("STALE-STOLE", 3).await;
    clerk.to_page(clerk.click("#count button")).await;
    clerk.until_text("You saw 7. Now 10 are on hand.").await;
    clerk.until_text("lena").await;
    for (field, typed) in [("#count-number", "6"), ("#count-note", "shelf B")] {
        let kept: String = clerk
            .see(&format!("document.querySelector('{field}').value"))
            .await;
        assert_eq!(kept, typed);
    }
    assert_eq!(on_hand("STALE-STOLE").await, 10);
    clerk.check_page("stock-stale").await;
    clerk.to_page(clerk.click("#count button")).await;
    clerk.until(&shows(6)).await;
    assert_eq!(on_hand("STALE-STOLE").await, 6);
    clerk.leave().await;
}

#[tokio::test]
async fn missing_units_name_whose_holds_break_and_a_poisoned_name_is_text() {
    sku("SHRINK-VEIL", POISON, 5).await;
    Bag::held("asha", "SHRINK-VEIL", 2).await;
    Bag::held(&POISON[..60], "SHRINK-VEIL", 2).await;
    let clerk = Person::signed_in("clerk").await;
    clerk.go("/console/dress/stock/sku/SHRINK-VEIL").await;
    clerk.fill("#shrink-number", "2").await;
    clerk.fill("#shrink-note", "water damage").await;
    // shoppers go on meanwhile: the units on hand are what counts
    Bag::held("vikram", "SHRINK-VEIL", 1).await;
    clerk.to_page(clerk.click("#shrink button")).await;
    clerk.until_text("Nothing has changed yet").await;
    let broken = "[...document.querySelectorAll('.message li bdi')].map((one) => one.textContent)";
    let broken: Vec<String> = clerk.see(broken).await;
    assert_eq!(broken, ["vikram", &POISON[..60]], "the newest holds");
    assert_eq!(on_hand("SHRINK-VEIL").await, 5);
    let title: String = clerk
        .see("document.querySelector('h1 bdi').textContent")
        .await;
    assert_eq!(title, POISON);
    assert!(clerk.see::<bool>("window.bad === undefined").await);
    clerk.check_page("stock-shrink").await;
    clerk.to_page(clerk.click(".message button.danger")).await;
    clerk.until(&shows(3)).await;
    clerk.until_there(".message.good").await;
    assert_eq!(on_hand("SHRINK-VEIL").await, 3);
    clerk.leave().await;
}

/// A file whose rows are one change, one refusal, and new skus.
fn file(prefix: &str, news: usize) -> String {
    let mut file = "sku,title,price_minor,on_hand\n".to_owned();
    file += &format!("{prefix},Shawl of the file,250000,10\nbad code,Bad,1,1\n");
    for n in 0..news {
        file += &format!("{prefix}-{n},Shawl {n},250000,{n}\n");
    }
    file
}

#[tokio::test]
async fn a_file_is_tried_row_by_row_and_applied_while_its_progress_is_shown() {
    sku("FILE", "Shawl", 7).await;
    let clerk = Person::signed_in("clerk").await;
    clerk.go("/console/dress/stock/import").await;
    clerk.check_page("stock-import").await;
    clerk
        .choose_file("#file", "stock.csv", &file("FILE", 8))
        .await;
    clerk.to_page(clerk.click("button.first")).await;
    clerk.until_text("Apply: 8 new, 1 changed").await;
    clerk.until_text("7 → 10").await;
    clerk.until_text("bad code").await;
    clerk.check_page("stock-rows").await;
    assert_eq!(on_hand("FILE").await, 7);
    clerk.to_page(clerk.click("form.card button.first")).await;
    clerk.until_text("The import is done.").await;
    assert_eq!((on_hand("FILE").await, on_hand("FILE-7").await), (10, 7));

    // A file that was half applied when the page closed: it goes on as soon as somebody looks.
    let db = pool(&CONSOLE.url(roles::CONSOLE, DATABASE), 1);
    let rows = import::csv::file(file("HALF", 1_000).as_bytes()).unwrap();
    let id = new_id().as_uuid().to_string();
    let (dress, import_id) = (shop(DRESS), id.parse().unwrap());
    let part = PartNumber::FIRST;
    import::stage(&db, &dress, import_id, part, &actor("clerk"), &rows)
        .await
        .unwrap();
    let step = "select from holdfast.import_apply('dress', $1::text::uuid, 1, 'good_rows_only',
        false, 'clerk', 10000)";
    owner().await.execute(step, &[&id]).await.unwrap();
    clerk.go(&format!("/console/dress/stock/import/{id}")).await;
    clerk.until_text("The rows are being applied.").await;
    clerk.until_text("500 of 1002 rows").await;
    clerk.check_by_axe("stock-progress").await;
    clerk.until_text("The import is done.").await;
    let full = "document.querySelector('progress').value === 1002";
    clerk.until(full).await;
    assert_eq!(on_hand("HALF-999").await, 999);
    clerk.leave().await;
}
