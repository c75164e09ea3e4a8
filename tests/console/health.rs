//! The page of the health, as the person on call uses it.

use tests::browser::Person;
use tests::shopfront::{Bag, sql};

#[tokio::test]
async fn money_without_an_order_is_found_tried_again_and_put_aside() {
    let poison = "<script>window.bad=1</script>\u{202e}";
    sql(&format!(
        "call holdfast.payment_record_event('dress', 'cashfree', 'PAID:hl-{poison}',
            'dress-hl-elsewhere', 'paid', 1250000, 'INR', 'cf-hl-1', '{{}}', null, null, null,
            null)"
    ))
    .await;
    let on_call = Person::signed_in("on-call").await;
    // The person on call begins at the health.
    on_call
        .until("location.pathname === '/console/dress/health'")
        .await;
    on_call.until_text("dress-hl-elsewhere").await;
    on_call.check_page("health").await;
    assert!(on_call.see::<bool>("window.bad === undefined").await);

    let runbooks = "Promise.all([...document.querySelectorAll('[id^=runbook-]')]
        .map(async (one) => [one.innerText, (await fetch(one.href)).status]))";
    let runbooks: Vec<(String, u16)> = on_call.see(runbooks).await;
    assert!(runbooks.len() > 10, "{runbooks:?}");
    for (alarm, status) in runbooks {
        assert_eq!(status, 200, "{alarm} has no runbook here");
    }
    on_call.to_page(on_call.click("#runbook-parked")).await;
    on_call.until_there(".prose pre").await;
    on_call.check_page("health-runbook").await;
    on_call.to_page(on_call.click("main p a")).await;
    on_call.until_text("dress-hl-elsewhere").await;

    let act = "[...document.querySelectorAll('a.button')].find((one) => one.href.includes('hl'))";
    on_call.to_page(on_call.click_on(act)).await;
    on_call.until_text("Money without an order").await;
    on_call.click("main details summary").await;
    on_call
        .until_text("The stored message is tried again")
        .await;
    on_call.check_page("support-parked").await;
    on_call
        .to_page(on_call.click("main details button.first"))
        .await;
    on_call.until_text("no order here has its reference").await;
    on_call.until_text("by on-call").await;
    on_call.click("main details + details summary").await;
    on_call.until_text("never has an effect").await;
    on_call
        .to_page(on_call.click("main details button.danger"))
        .await;
    on_call.until_text("The message was put aside.").await;
    on_call.go("/console/health").await;
    on_call.until_there("[data-live-part] table").await;
    on_call
        .until("!document.body.innerText.includes('dress-hl-elsewhere')")
        .await;
    on_call.leave().await;
}

#[tokio::test]
async fn a_failed_refund_is_sent_again_from_the_health() {
    let bag = Bag::held("nila-health", "SHERWANI-CREAM-XL", 1).await;
    let order = bag.pay().await;
    let order_id = order["order_id"].as_str().unwrap();
    sql(&format!(
        "select holdfast.refund_request('dress', '{order_id}', gen_random_uuid(), '', 'sam', null,
            1000, null, null, null);
        update holdfast.refunds set status = 'failed', last_error = 'the account of nila is closed'
        where shop = 'dress' and order_id = '{order_id}'"
    ))
    .await;
    let on_call = Person::signed_in("on-call").await;
    on_call.until_text("the account of nila is closed").await;
    let act = "[...document.querySelectorAll('tr')].find((row) => row.innerText.includes('nila'))";
    on_call
        .to_page(on_call.click_on(&format!("{act}.querySelector('a')")))
        .await;
    on_call.until_text("Sending the money back failed").await;
    on_call.click("aside details summary").await;
    on_call
        .until_text("The customer gets the money once.")
        .await;
    on_call.check_page("support-failed-refund").await;
    on_call
        .to_page(on_call.click("aside details button.first"))
        .await;
    on_call.until_text("The refund is under way again.").await;
    on_call.leave().await;
}

#[tokio::test]
async fn the_log_of_a_subscriber_shows_what_it_got_and_sends_it_again() {
    sql("select holdfast.subscriber_put('dress', 'warehouse', 'https://warehouse.example/in', '{}');
        select holdfast.subscriber_put('dress', 'gone', 'https://gone.example/in', '{}');
        update holdfast.subscribers set disabled_at = now(), disabled_why = 'it answered 410'
        where shop = 'dress' and name = 'gone'")
    .await;
    let on_call = Person::signed_in("on-call").await;
    on_call.until_there("#subscriber-gone").await;
    on_call.to_page(on_call.click("#subscriber-gone")).await;
    on_call.until_text("This subscriber answered 410").await;
    on_call.check_page("health-subscriber-disabled").await;
    on_call.to_page(on_call.click(".message button")).await;
    on_call.until_there(".head button").await;
    on_call
        .go("/console/dress/health/subscriber/warehouse")
        .await;
    on_call.until_text("Nothing was sent yet.").await;
    on_call.to_page(on_call.click(".head button")).await;
    on_call.until_text("subscriber.test").await;
    let end = "update holdfast.subscriber_deliveries set attempts = 3, given_up_at = now(),
        last_error = 'it answered 503' where shop = 'dress' and name = 'warehouse'";
    sql(end).await;
    on_call.page.reload().await.unwrap();
    on_call.until_text("it answered 503").await;
    on_call.check_page("health-subscriber").await;
    on_call.to_page(on_call.click("td button")).await;
    on_call.until_text("sent again by on-call").await;
    on_call
        .until("!document.body.innerText.includes('given up')")
        .await;
    on_call.leave().await;
}
