//! Support's pages: from what a customer says to what is done about it.

use serde_json::{Value, json};
use tests::browser::{CONSOLE, Person};
use uuid::Uuid;

async fn call(method: reqwest::Method, path: &str, body: Value) -> Value {
    let url = format!("{}{path}", CONSOLE.api_url);
    let request = reqwest::Client::new().request(method, url).json(&body);
    request.send().await.unwrap().json().await.unwrap()
}

/// A checkout of the shop `dress`.
async fn checkout(customer: &str) -> (String, String) {
    let id = Uuid::now_v7().to_string();
    let path = format!("/v1/shops/dress/checkouts/{id}");
    let cart = json!({
        "customer": customer,
        "lines": [{"sku": "SHERWANI-CREAM-XL", "quantity": 1}],
    });
    let begun = call(reqwest::Method::PUT, &path, cart).await;
    assert_eq!(begun["status"], "open", "{begun}");
    (id, path)
}

#[tokio::test]
async fn i_paid_where_is_it() {
    let (_, path) = checkout("asha-support").await;
    let order = json!({"payment_method": "online"});
    let order = call(reqwest::Method::POST, &format!("{path}/order"), order).await;
    let reference = order["payment"]["reference"].as_str().unwrap();

    let person = Person::signed_in("support").await;
    person.until_there("#q").await;
    person.check_page("support-search").await;
    person.fill("#q", reference).await;
    person.press(&["Enter"]).await;
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
    let (id, _) = checkout("vikram-support").await;
    let person = Person::signed_in("support").await;
    person.go(&format!("/console/dress/support?q={id}")).await;
    person.until_there(".timeline li").await;
    person.click("aside details summary").await;
    person
        .until_text("Its units are free for others at once")
        .await;
    person.fill("#why", "the customer called").await;
    person.click("aside button.danger").await;
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
    person.press(&["Enter"]).await;
    person.until_text("Nothing is known by this").await;
    person.check_page("support-nothing").await;
    person.leave().await;
}
