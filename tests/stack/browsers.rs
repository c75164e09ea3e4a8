//! A browser's pages at the local HTTP API: those of this machine may call it, as the template's
//! parameter CorsAllowOrigins allows others.

use std::collections::BTreeSet;

use reqwest::{Client, Method, Response};
use serde_json::Value;
use tests::shopper::Shopper;
use tests::stack::STACK;
use tests::template::Template;

const PAGE: &str = "http://localhost:5173";
const FOREIGN: &str = "https://shop.example";

async fn call(method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let url = format!("{}{path}", STACK.api_url);
    let mut request = Client::new().request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn preflight(path: &str, origin: &str) -> Response {
    let asked = [
        ("origin", origin),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "authorization"),
    ];
    call(Method::OPTIONS, path, &asked).await
}

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

fn cors_headers(answer: &Response) -> Vec<&str> {
    let names = answer.headers().keys().map(|name| name.as_str());
    names
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

/// The API answers by itself, also where the actual call needs a token or has no route.
#[tokio::test]
async fn a_preflight_request_gets_the_cors_configuration_of_the_template() {
    let shopper = Shopper::new(1).await;
    let template = Template::read();
    let configuration = &template.resource("Api")["Properties"]["CorsConfiguration"]["Fn::If"][1];
    let list = |name: &str| -> BTreeSet<&str> {
        let items = configuration[name].as_array().unwrap().iter();
        items.map(|item| item.as_str().unwrap()).collect()
    };
    let paths = [&shopper.path(""), "/v1/admin/shops/dress", "/nowhere"];
    for path in paths {
        let answer = preflight(path, PAGE).await;
        assert_eq!(answer.status(), 204, "{path}");
        let sent =
            |name: &str| -> BTreeSet<&str> { header(&answer, name).unwrap().split(',').collect() };
        assert_eq!(sent("access-control-allow-origin"), BTreeSet::from([PAGE]));
        assert_eq!(sent("access-control-allow-methods"), list("AllowMethods"));
        assert_eq!(sent("access-control-allow-headers"), list("AllowHeaders"));
        let max_age = configuration["MaxAge"].to_string();
        assert_eq!(sent("access-control-max-age"), BTreeSet::from([&*max_age]));
        assert_eq!(header(&answer, "vary"), Some("Origin"));

        let actual = call(Method::GET, path, &[("origin", PAGE)]).await;
        let exposed = header(&actual, "access-control-expose-headers").unwrap();
        assert_eq!(
            exposed.split(',').collect::<BTreeSet<_>>(),
            list("ExposeHeaders")
        );
    }
}

/// Answers of a function, of the authorizer, and of the API itself.
#[tokio::test]
async fn a_page_of_this_machine_may_read_each_answer() {
    let shopper = Shopper::new(1).await;
    shopper.begin(1).await;
    let token = format!("Bearer {}", STACK.admin_token);
    for (path, token, status) in [
        (&*shopper.path(""), "", 200),
        (&*shopper.path("/order"), "", 404),
        ("/v1/admin/shops/dress", &token, 200),
        ("/v1/admin/shops/dress", "", 401),
        ("/nowhere", "", 404),
    ] {
        for origin in [PAGE, "http://127.0.0.1:3000", "http://[::1]:3000"] {
            let headers = [("origin", origin), ("authorization", token)];
            let answer = call(Method::GET, path, &headers).await;
            assert_eq!(answer.status(), status, "{path}");
            let allowed = header(&answer, "access-control-allow-origin");
            assert_eq!(allowed, Some(origin), "{path}");
            assert_eq!(header(&answer, "vary"), Some("Origin"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_foreign_page_and_a_server_get_no_cors_headers() {
    let shopper = Shopper::new(1).await;
    shopper.begin(1).await;
    let path = shopper.path("");
    let refused = preflight(&path, FOREIGN).await;
    let foreign = call(Method::GET, &path, &[("origin", FOREIGN)]).await;
    let server = call(Method::GET, &path, &[]).await;
    assert_eq!(refused.status(), 204);
    assert_eq!([foreign.status(), server.status()], [200, 200]);
    for answer in [refused, foreign, server] {
        assert_eq!(cors_headers(&answer), Vec::<&str>::new());
    }
}

/// Without these two headers OPTIONS is a method like others, and the function refuses it.
#[tokio::test]
async fn only_a_browsers_options_request_is_a_preflight_request() {
    let path = Shopper::new(1).await.path("");
    let asked = ("access-control-request-method", "GET");
    for headers in [vec![], vec![("origin", PAGE)], vec![asked]] {
        let answer = call(Method::OPTIONS, &path, &headers).await;
        assert_eq!(answer.status(), 405, "{headers:?}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "method_not_allowed");
    }
}

/// A page could do everything there, without a token.
#[tokio::test]
async fn no_page_may_call_the_invoke_api() {
    let path = "/2015-03-31/functions/holdfast-sweeper/invocations";
    let answer = preflight(path, PAGE).await;
    assert_eq!(answer.status(), 405);
    assert_eq!(cors_headers(&answer), Vec::<&str>::new());
}
