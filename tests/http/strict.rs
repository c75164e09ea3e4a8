//! What a request says and no route reads is refused: parameters of the query, and bodies of
//! another type. A caller who sends it expects an effect.

use serde_json::{Value, json};
use tests::contract::CONTRACT;
use tests::http::{Answer, Call};
use tests::shopper::Shopper;
use tests::stack::{STACK, function_of};

/// Every operation but the webhooks: what a gateway sends is taken as it comes.
fn operations() -> Vec<(String, String, String)> {
    let mut operations = CONTRACT.operations();
    operations.retain(|(_, path, _)| !path.contains("/webhooks/"));
    assert!(operations.len() > 40, "{operations:?}");
    operations
}

async fn invoke(call: Call, path: &str) -> Answer {
    let claims = json!({
        "sub": "clerk", "shops": "dress", "scope": "holdfast:admin holdfast:offline",
    });
    call.claims(claims)
        .invoke(&STACK.host, function_of(path))
        .await
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_by_every_operation() {
    for (method, template, id) in operations() {
        let path = CONTRACT.example(&method, &template);
        for query in ["nothing=1", "nothing", "Limit=1", "cursor%20=x"] {
            let call = Call::new(&method, &format!("{path}?{query}"));
            let answer = invoke(call, &path).await;
            let name = query.split('=').next().unwrap().replace("%20", " ");
            let errors = &answer.refused(400, "invalid_request").body["errors"];
            // a parameter that must be there may be named first
            let named = errors[0]["field"].as_str().unwrap();
            let required = ["skus", "q", "day", "seats"].contains(&named);
            assert!(named == name || required, "{id}: {errors}");
        }
    }
}

#[tokio::test]
async fn a_known_parameter_beside_an_unknown_one_or_twice_is_refused() {
    for (query, field) in [
        ("availability?skus=A&limit=1", "limit"),
        ("availability?skus=A&SKUS=B", "SKUS"),
        ("availability?skus=A&%00=B", "\0"),
    ] {
        let path = format!("/v1/shops/dress/{query}");
        let call = Call::new("GET", &path);
        invoke(call, "/v1/shops/dress/availability")
            .await
            .names(field);
    }
    let twice = Call::new("GET", "/v1/admin/shops/dress/ledger?limit=1&limit=1");
    invoke(twice, "/v1/admin/shops/dress/ledger")
        .await
        .names("limit");
}

/// Texts that no database or header can hold, at every parameter of every list.
#[tokio::test]
async fn a_parameter_with_control_characters_is_refused_and_never_a_failure() {
    for (method, template, id) in operations() {
        let path = CONTRACT.example(&method, &template);
        for name in CONTRACT.query(&method, &template) {
            for bad in ["%00", "a%00b", "%0a", "%7f", "%C2%85", "%ff", "%ED%A0%80"] {
                let call = Call::new(&method, &format!("{path}?{name}={bad}"));
                let answer = invoke(call, &path).await;
                assert!(answer.status < 500, "{id}: {name}={bad}: {answer:#?}");
                let is_text = ["%ff", "%ED%A0%80"].contains(&bad);
                assert!(
                    is_text || answer.status == 400,
                    "{id}: {name}={bad}: {answer:#?}"
                );
            }
        }
    }
}

/// The types of a body, and whether an operation that takes JSON takes it.
const TYPES: [(&str, bool); 14] = [
    ("application/json", true),
    ("application/json; charset=utf-8", true),
    ("Application/JSON;charset=\"UTF-8\"", true),
    ("application/json; charset=us-ascii", true),
    ("application/json; profile=x", true),
    ("application/json; charset=utf-16", false),
    ("application/json; charset=iso-8859-1", false),
    ("text/plain", false),
    ("text/json", false),
    ("application/x-www-form-urlencoded", false),
    ("multipart/form-data; boundary=x", false),
    ("application/jsonl", false),
    ("application/jsonx", false),
    ("", false),
];

#[tokio::test]
async fn a_body_of_another_type_is_refused_by_every_operation_that_takes_json() {
    let mut taking = 0;
    for (method, template, id) in operations() {
        if !CONTRACT.takes_json(&method, &template) {
            continue;
        }
        taking += 1;
        let path = CONTRACT.example(&method, &template);
        // no operation takes it: nothing changes
        let body = || Call::new(&method, &path).body("[]");
        for (kind, is_taken) in TYPES {
            let answer = invoke(body().header("content-type", kind), &path).await;
            match is_taken {
                true => answer.refused(400, "invalid_request"),
                false => answer.refused(415, "unsupported_media_type"),
            };
        }
        // the strict parser looks at a body without a type
        invoke(body(), &path).await.refused(400, "invalid_request");
        for coding in ["gzip", "br", "deflate, gzip"] {
            let call = body().header("content-type", "application/json");
            let answer = invoke(call.header("content-encoding", coding), &path).await;
            answer.refused(415, "unsupported_media_type");
        }
        let plain = body().header("content-encoding", "identity");
        assert_eq!(invoke(plain, &path).await.status, 400, "{id}");
    }
    assert!(taking > 15, "{taking}");
}

/// A number of attributes comes out as it went in, or does not go in.
#[tokio::test]
async fn a_number_of_attributes_is_kept_or_refused() {
    let shopper = Shopper::new(1).await;
    let path = format!("/v1/admin/shops/dress/skus/{}", shopper.sku);
    let put = async |attributes: &str| {
        let body = format!(r#"{{"title":"T","price_minor":1,"attributes":{attributes}}}"#);
        invoke(Call::new("PUT", &path).bytes(body), &path).await
    };
    for kept in [
        r#"{"n":9007199254740992,"m":[0.1,-1.5e-7,1e22],"t":"12345678901234567890123"}"#,
        r#"{"n":0.30000000000000004}"#,
    ] {
        let sent: Value = serde_json::from_str(kept).unwrap();
        assert_eq!(put(kept).await.ok(200)["attributes"], sent);
        let read = invoke(Call::new("GET", &path), &path).await;
        assert_eq!(read.ok(200)["attributes"], sent);
        let availability = format!("/v1/shops/dress/availability?skus={}", shopper.sku);
        let shown = invoke(Call::new("GET", &availability), &availability).await;
        assert_eq!(shown.ok(200)["skus"][0]["attributes"], sent);
    }
    for refused in [
        r#"{"n":12345678901234567890123}"#,
        r#"{"n":9007199254740993}"#,
        r#"{"n":[{"m":3.14159265358979323846}]}"#,
        r#"{"n":1e400}"#,
        r#"{"n":1,"n":2}"#,
        r#"{"n":"\u0000"}"#,
        "[]",
        "null",
        "7",
    ] {
        put(refused).await.names("attributes");
    }
}

/// A time whose offset leads out of the years that RFC 3339 writes was stored, and broke each list
/// that showed it.
#[tokio::test]
async fn a_time_that_no_answer_can_show_is_refused_by_its_field() {
    let shopper = Shopper::new(1).await;
    let sku = format!("/v1/admin/shops/dress/skus/{}", shopper.sku);
    let coupon = "/v1/admin/shops/dress/coupons/NOTIME".to_owned();
    let ledger = "/v1/admin/shops/dress/ledger";
    for time in [
        "0001-01-01T00:00:00+05:30",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "10000-01-01T00:00:00Z",
        "infinity",
        "2027-01-01T24:00:00Z",
    ] {
        for (path, field) in [
            (&sku, "sale_opens_at"),
            (&sku, "sale_closes_at"),
            (&coupon, "valid_from"),
            (&coupon, "valid_until"),
        ] {
            let mut body = match field {
                "valid_from" | "valid_until" => json!({ "kind": "fixed", "value": 1 }),
                _ => json!({ "title": "T", "price_minor": 1 }),
            };
            body[field] = json!(time);
            let answer = invoke(Call::new("PUT", path).json(&body), path).await;
            answer.names(field);
        }
        for field in ["from", "until"] {
            let encoded = time.replace('+', "%2B");
            let call = Call::new("GET", &format!("{ledger}?{field}={encoded}"));
            invoke(call, ledger).await.names(field);
        }
    }
    let edges = json!({
        "title": "T", "price_minor": 1, "sale_opens_at": "0001-01-01T00:00:00Z",
        "sale_closes_at": "9999-12-31T23:59:59.9999999Z",
    });
    let put = invoke(Call::new("PUT", &sku).json(&edges), &sku).await;
    assert_eq!(put.ok(200)["sale_closes_at"], "9999-12-31T23:59:59.999999Z");
    let read = invoke(Call::new("GET", &sku), &sku).await;
    assert_eq!(read.ok(200)["sale_opens_at"], "0001-01-01T00:00:00Z");
    let list = "/v1/admin/shops/dress/skus";
    invoke(Call::new("GET", list), list).await.ok(200);
}
