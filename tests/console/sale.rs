//! The page of a sale, as its owner watches it.

use tests::browser::Person;
use tests::shopfront::{Bag, on_hand, sku};

/// The row of a sku among those that sell now.
fn row(sku: &str) -> String {
    format!(
        "[...document.querySelectorAll('table.stack tbody tr')]
            .find((row) => row.querySelector('.code')?.textContent === '{sku}')"
    )
}

/// Whether the row of a sku says so many sold, held and left.
fn says(sku: &str, numbers: [i32; 3]) -> String {
    format!(
        "[...({}?.querySelectorAll('td.number') ?? [])].map((cell) => cell.innerText).join()
            === '{}'",
        row(sku),
        numbers.map(|number| number.to_string()).join(",")
    )
}

#[tokio::test]
async fn the_sale_moves_by_itself_until_the_owner_ends_it() {
    let title = "<b onclick=bad()>Lehenga</b> \u{202e}of the drop";
    sku("DROP-1", title, 6).await;
    let owner = Person::signed_in("owner").await;
    // An owner begins at the sale.
    owner
        .until("location.pathname === '/console/dress/sale'")
        .await;
    owner.until_there("#minutes").await;
    owner.see::<i64>("window.stays = 1").await;
    let bag = Bag::held("asha-drop", "DROP-1", 2).await;
    owner.until(&says("DROP-1", [0, 2, 4])).await;
    owner.until_text("asha-drop").await;
    // What is open stays open when the numbers change.
    owner.click("#minutes-title").await;
    bag.pay().await;
    owner.until(&says("DROP-1", [2, 0, 4])).await;
    assert!(
        owner
            .see::<bool>("document.querySelector('#minutes').open")
            .await
    );
    assert_eq!(owner.see::<i64>("window.stays").await, 1);
    for bar in ["grants", "sold", "payments"] {
        owner.until_there(&format!(".chart .{bar}")).await;
    }
    assert!(owner.see::<bool>("!document.querySelector('main b')").await);
    owner.check_page("sale-minutes").await;
    owner.click("#minutes-title").await;
    owner.check_page("sale").await;

    owner
        .to_page(owner.click_on(&format!("{}.querySelector('a')", row("DROP-1"))))
        .await;
    owner.until_there("#receive-number").await;
    owner.fill("#receive-number", "3").await;
    owner.to_page(owner.click("#receive button")).await;
    owner.until_there(".message.good").await;
    assert_eq!(on_hand("DROP-1").await, 7);

    // Stock and sale lead to each other.
    owner.to_page(owner.click(".head a.button")).await;
    owner.until_text("End the sale?").await;
    owner.check_page("sale-end").await;
    owner.to_page(owner.click("button.danger")).await;
    owner
        .until("location.pathname === '/console/dress/sale'")
        .await;
    owner
        .until(&format!("{}?.innerText.includes('ended')", row("DROP-1")))
        .await;
    let (_, status, refused) = Bag::ask("vikram-drop", "DROP-1", 1).await;
    assert_eq!(
        (status, &refused["code"]),
        (422, &"not_on_sale".into()),
        "{refused}"
    );
    owner.go("/console/dress/stock/sku/DROP-1").await;
    owner.until_text("sale ended by owner").await;
    owner.leave().await;
}

/// The polls that the page has sent.
const COUNT_POLLS: &str = "(() => {
    window.polls = 0;
    const ask = window.fetch;
    window.fetch = (...call) => { window.polls += 1; return ask(...call); };
    return 0;
})()";

/// Says that nobody looks at the page any more, or that somebody does again. Returns the polls.
fn hide(is_hidden: bool) -> String {
    format!(
        "(() => {{
            Object.defineProperty(document, 'hidden',
                {{ configurable: true, get: () => {is_hidden} }});
            document.dispatchEvent(new Event('visibilitychange'));
            window.since = performance.now();
            return window.polls;
        }})()"
    )
}

#[tokio::test]
async fn a_live_part_pauses_while_hidden_and_says_when_it_is_stale() {
    let owner = Person::signed_in("owner").await;
    owner.until_there("[data-live]").await;
    owner.see::<i64>(COUNT_POLLS).await;
    owner.until("window.polls >= 2").await;
    let polls: i64 = owner.see(&hide(true)).await;
    // three polls would be due
    owner.until("performance.now() - window.since > 6500").await;
    assert_eq!(owner.see::<i64>("window.polls").await, polls);
    owner.see::<i64>(&hide(false)).await;
    owner.until(&format!("window.polls > {polls}")).await;

    // Until its first answer the page that came back says that it is stale.
    owner.until("!document.querySelector('.stale')").await;
    owner.offline(true).await;
    owner.until_there(".stale [data-live-status]").await;
    owner.until_text("These numbers are not up to date").await;
    owner.check_page("sale-stale").await;
    assert!(
        owner
            .see::<bool>("!!document.querySelector('.stale')")
            .await
    );
    owner.offline(false).await;
    owner.until("!document.querySelector('.stale')").await;

    // A session that ends says so, and leads back to this page.
    owner.forget().await;
    owner.until_text("You are signed out").await;
    let back: String = owner
        .see("document.querySelector('[data-live-status] a').href")
        .await;
    assert!(back.ends_with("?to=%2Fconsole%2Fdress%2Fsale"), "{back}");
    owner.leave().await;
}
