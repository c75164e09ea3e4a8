//! Who may open which page, and what a stranger's form does.

use local::sign_in::PEOPLE;
use tests::browser::Person;

const SECTIONS: [&str; 5] = ["desk", "stock", "sale", "support", "health"];

/// The sections that each of the demo's people may open.
fn opens(sub: &str) -> &'static [&'static str] {
    match sub {
        "dispatcher" => &["desk"],
        "clerk" => &["stock"],
        "owner" => &SECTIONS,
        "support" => &["support", "health"],
        "on-call" => &["sale", "support", "health"],
        _ => panic!("{sub}"),
    }
}

#[tokio::test]
async fn everybody_sees_the_pages_of_their_role_and_no_others() {
    for one in PEOPLE {
        let person = Person::signed_in_anywhere(one.sub).await;
        for section in SECTIONS {
            let path = format!("/console/tour/{section}");
            let status = person.status(&path).await;
            let expected = if opens(one.sub).contains(&section) {
                200
            } else {
                403
            };
            assert_eq!(status, expected, "{}: {section}", one.sub);
        }
        person.leave().await;
    }
}

#[tokio::test]
async fn a_shop_that_a_token_does_not_name_is_not_found() {
    for (sub, status) in [("owner", 200), ("dispatcher", 404)] {
        let person = Person::signed_in(sub).await;
        assert_eq!(person.status("/console/dress/desk").await, status, "{sub}");
        person.leave().await;
    }
}

#[tokio::test]
async fn a_form_of_another_page_or_without_a_token_changes_nothing() {
    let person = Person::signed_in("dispatcher").await;
    let cancel = "/console/tour/desk/bookings/018f4e2a-0000-7000-8000-00000000000f/cancel";
    for fields in [&[][..], &[("csrf", "0123")], &[("csrf", "")]] {
        let (status, text) = person.post(cancel, fields).await;
        assert_eq!(status, 403, "{text}");
        assert!(text.contains("earlier session"), "{text}");
    }
    let csrf = person.csrf().await;
    let (status, _) = person
        .post(cancel, &[("csrf", &csrf), ("expected_version", "1")])
        .await;
    assert_eq!(status, 404);
    person.leave().await;
}

#[tokio::test]
async fn an_ended_session_signs_in_again_and_comes_back() {
    let person = Person::signed_in("dispatcher").await;
    let csrf = person.csrf().await;
    person.forget().await;
    let (status, text) = person.post("/console/language", &[("csrf", &csrf)]).await;
    assert_eq!(status, 401, "{text}");
    assert!(text.contains("Nothing was changed"), "{text}");
    person.go("/console/tour/desk").await;
    person.until_there("button[value=dispatcher]").await;
    person
        .to_page(person.click("button[value=dispatcher]"))
        .await;
    person
        .until("location.pathname === '/console/tour/desk'")
        .await;

    person.until_there(".menu.person summary").await;
    person.click(".menu.person summary").await;
    person
        .to_page(person.click("form[action='/console/sign-out'] button"))
        .await;
    person
        .until("location.pathname === '/console/signed-out'")
        .await;
    person.check_page("signed-out").await;
    person.leave().await;
}

#[tokio::test]
async fn a_page_speaks_hindi_and_sends_the_security_headers() {
    let person = Person::signed_in("dispatcher").await;
    person.click(".menu.person summary").await;
    person.to_page(person.click("button[lang=hi]")).await;
    person.until("document.documentElement.lang === 'hi'").await;
    person.until_text("प्रस्थान").await;
    person.check_page("desk-hindi").await;
    for (name, part) in [
        ("content-security-policy", "frame-ancestors 'none'"),
        ("content-security-policy", "script-src 'self'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        let header: String = person
            .see(&format!(
                "fetch(location.href).then((answer) => answer.headers.get('{name}'))"
            ))
            .await;
        assert!(header.contains(part), "{name}: {header}");
    }
    let style: String = person
        .see(
            "fetch(document.querySelector('[rel=stylesheet]').href)
                .then((answer) => answer.headers.get('cache-control'))",
        )
        .await;
    assert!(style.contains("immutable"), "{style}");
    person.leave().await;
}
