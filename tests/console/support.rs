//! Support's pages: from what a customer says to what is done about it.

use tests::browser::Person;
use tests::shopfront::Bag;
use uuid::Uuid;

const SHERWANI: &str = "SHERWANI-CREAM-XL";

#[tokio::test]
async fn i_paid_where_is_it() {
    let bag = Bag::held("asha-support", SHERWANI, 1).await;
    let order = bag.order().await;
    let reference = order["payment"]["reference"].as_str().unwrap();

    let person = Person::signed_in("support").await;
    person.until_there("#q").await;
    person.check_page("support-search").await;
    person.fill("#q", reference).await;
    person.to_page(person.press(&["Enter"])).await;
    person.until_there(".timeline li").await;
    person
        .until_text("The customer ordered, and was sent to pay")
        .await;
    person.until_text("asha-support").await;
    person.check_page("support-timeline").await;
    person.leave().await;
}

#[tokio::test]
async fn support_ends_a_checkout_and_reads_first_what_that_means() {
    let id = Bag::held("vikram-support", SHERWANI, 1).await.id;
    let person = Person::signed_in("support").await;
    person.go(&format!("/console/dress/support?q={id}")).await;
    person.until_there(".timeline li").await;
    person.click("aside details summary").await;
    person
        .until_text("Its units are free for others at once")
        .await;
    person.fill("#why", "the customer called").await;
    person.to_page(person.click("aside button.danger")).await;
    person.until_there(".message.good").await;
    person.until_text("Staff ended the checkout").await;
    // Again, by the back button: the same answer, and no second effect.
    let csrf = person.csrf().await;
    let path = format!("/console/dress/support/checkouts/{id}/revoke");
    let form = [("csrf", &*csrf), ("note", "the customer called")];
    assert_eq!(person.post(&path, &form).await.0, 200);
    let entries = "[...document.querySelectorAll('.timeline strong')]
        .filter((one) => one.innerText === 'Staff ended the checkout').length";
    assert_eq!(person.see::<i64>(entries).await, 1);
    person.leave().await;
}

#[tokio::test]
async fn a_search_that_finds_nothing_says_what_to_try() {
    let person = Person::signed_in("support").await;
    person.fill("#q", "nobody knows this").await;
    person.to_page(person.press(&["Enter"])).await;
    person.until_text("Nothing was found").await;
    person.check_page("support-nothing").await;
    person.leave().await;
}

#[tokio::test]
async fn money_goes_back_once_and_never_more_than_came() {
    let bag = Bag::held("leela-support", SHERWANI, 1).await;
    bag.pay().await;
    let id = bag.id;

    let person = Person::signed_in("support").await;
    let page = format!("/console/dress/support/checkouts/{id}");
    person.go(&page).await;
    person
        .until_text("The order is paid, and its units are sold")
        .await;
    person.click("aside details summary").await;
    person.until_text("can go back").await;
    let whole: String = person.see("document.querySelector('#amount').value").await;
    let csrf = person.csrf().await;
    let refund_id = Uuid::now_v7().to_string();
    let more = format!("9{whole}");
    for (amount, text) in [
        ("1.5.0", "is not a decimal number"),
        (&*more, "More than is left"),
    ] {
        let form = [
            ("csrf", &*csrf),
            ("refund_id", &*refund_id),
            ("amount", amount),
            ("note", ""),
        ];
        let (status, answer) = person.post(&format!("{page}/refund"), &form).await;
        assert_eq!(status, 200);
        assert!(answer.contains(text), "{answer}");
    }

    person.fill("#amount", "100.00").await;
    person.fill("#note", "a scratch").await;
    let sent: String = person
        .see("document.querySelector('[name=refund_id]').value")
        .await;
    person.to_page(person.click("aside button.danger")).await;
    person.until_there(".message.good").await;
    person.until_text("Money is owed back").await;
    // The same form once more: the same refund.
    let form = [
        ("csrf", &*csrf),
        ("refund_id", &*sent),
        ("amount", "100.00"),
        ("note", "a scratch"),
    ];
    assert_eq!(person.post(&format!("{page}/refund"), &form).await.0, 200);
    person.go(&page).await;
    let owed = "[...document.querySelectorAll('.timeline strong')]
        .filter((one) => one.innerText === 'Money is owed back').length";
    assert_eq!(person.see::<i64>(owed).await, 1);
    person.check_page("support-refund").await;
    person.leave().await;
}
