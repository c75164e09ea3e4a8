//! Scenario 17: a request of the wrong form gets a problem that names the field.

use proptest::prelude::*;
use serde_json::{Value, json};
use tests::contract::CONTRACT;
use tests::http::{Answer, Call};
use tests::shopper::{Shopper, To, send};
use tests::stack::STACK;
use uuid::Uuid;

/// The problem has one error, about this field, whose message contains this text.
#[track_caller]
fn assert_names(answer: &Answer, field: &str, message: &str) {
    let errors = &answer.names(field).body["errors"];
    assert!(
        errors[0]["message"].as_str().unwrap().contains(message),
        "{errors}"
    );
    // A huge value is not repeated in the answer.
    assert!(errors.to_string().len() < 600, "{errors}");
}

/// A line of a cart, the field of the error, and a part of its message.
const LINES: [(&str, &str, &str); 22] = [
    (
        r#"{"sku":"B","quantity":0}"#,
        "lines[1].quantity",
        "from 1 to 100000, got 0",
    ),
    (
        r#"{"sku":"B","quantity":-1}"#,
        "lines[1].quantity",
        "from 1 to 100000, got -1",
    ),
    (
        r#"{"sku":"B","quantity":100001}"#,
        "lines[1].quantity",
        "got 100001",
    ),
    (
        r#"{"sku":"B","quantity":2147483648}"#,
        "lines[1].quantity",
        "got 2147483648",
    ),
    (
        r#"{"sku":"B","quantity":4294967297}"#,
        "lines[1].quantity",
        "got 4294967297",
    ),
    (
        r#"{"sku":"B","quantity":18446744073709551616}"#,
        "lines[1].quantity",
        "whole number",
    ),
    (
        r#"{"sku":"B","quantity":1e3}"#,
        "lines[1].quantity",
        "whole number",
    ),
    (
        r#"{"sku":"B","quantity":1.0}"#,
        "lines[1].quantity",
        "whole number",
    ),
    (
        r#"{"sku":"B","quantity":"3"}"#,
        "lines[1].quantity",
        "whole number",
    ),
    (
        r#"{"sku":"B","quantity":null}"#,
        "lines[1].quantity",
        "whole number",
    ),
    (
        r#"{"sku":"B","quantity":[1]}"#,
        "lines[1].quantity",
        "whole number",
    ),
    (r#"{"sku":"B"}"#, "lines[1]", "missing field `quantity`"),
    (
        r#"{"sku":"","quantity":1}"#,
        "lines[1].sku",
        "1 to 64 characters",
    ),
    (
        r#"{"sku":"a b","quantity":1}"#,
        "lines[1].sku",
        "1 to 64 characters",
    ),
    (
        r#"{"sku":"A\u0000","quantity":1}"#,
        "lines[1].sku",
        "1 to 64 characters",
    ),
    (
        r#"{"sku":"X65","quantity":1}"#,
        "lines[1].sku",
        "1 to 64 characters",
    ),
    (r#"{"sku":7,"quantity":1}"#, "lines[1].sku", "string"),
    (
        r#"{"sku":null,"quantity":1}"#,
        "lines[1].sku",
        "null, expected a string, 1 to 64 characters of A-Z",
    ),
    (
        r#"{"sku":"B","quantity":1,"price_minor":1}"#,
        "lines[1].price_minor",
        "unknown field",
    ),
    ("null", "lines[1]", "null"),
    ("7", "lines[1]", "expected an object"),
    (r#"["B",1]"#, "lines[1]", "expected an object"),
];

/// A member beside customer and lines.
const MEMBERS: [(&str, &str, &str); 14] = [
    (r#""hold_s":0"#, "hold_s", "from 1"),
    (r#""hold_s":-5"#, "hold_s", "from 1"),
    (r#""hold_s":1801"#, "hold_s", "longer than this shop"),
    (r#""hold_s":1e99"#, "hold_s", "whole number"),
    (r#""hold_s":null"#, "hold_s", "whole number"),
    (r#""revision":0"#, "revision", "from 1"),
    (r#""revision":2147483648"#, "revision", "from 1"),
    (r#""revision":1.5"#, "revision", "whole number"),
    (r#""revision":null"#, "revision", "whole number"),
    (r#""total_minor":1"#, "total_minor", "unknown field"),
    (r#""what?":1"#, "what?", "unknown field"),
    (r#""hold_s":{bad"#, "hold_s", "whole number"),
    (r#""customer":"d""#, "body", "duplicate field `customer`"),
    (
        r#""revision":1,"revision":1"#,
        "body",
        "duplicate field `revision`",
    ),
];

/// A whole body.
const BODIES: [(&str, &str, &str); 11] = [
    (
        r#"{"lines":[{"sku":"A","quantity":1}]}"#,
        "customer",
        "missing",
    ),
    (
        r#"{"customer":null,"lines":[{"sku":"A","quantity":1}]}"#,
        "customer",
        "null, expected a string, 1 to 64 characters",
    ),
    (
        r#"{"customer":"","lines":[{"sku":"A","quantity":1}]}"#,
        "customer",
        "1 to 64",
    ),
    (
        r#"{"customer":"X65","lines":[{"sku":"A","quantity":1}]}"#,
        "customer",
        "1 to 64",
    ),
    (
        r#"{"customer":"a\nb","lines":[{"sku":"A","quantity":1}]}"#,
        "customer",
        "control",
    ),
    (r#"{"customer":"c"}"#, "body", "missing field `lines`"),
    (r#"{"customer":"c","lines":[]}"#, "lines", "at least one"),
    (r#"{"customer":"c","lines":{}}"#, "lines", "sequence"),
    (
        r#"{"customer":"c","lines":null}"#,
        "lines",
        "null, expected a sequence",
    ),
    (r#"{"customer":"c","lines":"A"}"#, "lines", "sequence"),
    (
        r#"["c",1,1200,[{"sku":"A","quantity":1}]]"#,
        "body",
        "expected an object",
    ),
];

#[tokio::test]
async fn a_wrong_cart_is_refused_and_the_field_is_named() {
    let shopper = Shopper::new(0).await;
    let a = r#"{"sku":"A","quantity":1}"#;
    let with_line = |line: &str| format!(r#"{{"customer":"c","lines":[{a},{line}]}}"#);
    let with_member = |member: &str| format!(r#"{{"customer":"c","lines":[{a}],{member}}}"#);
    let most = r#"{"sku":"A","quantity":100000}"#;
    let (many, sum) = ([a; 50].join(","), [most; 2].join(","));
    let sum = format!(r#"{{"customer":"c","lines":[{sum}]}}"#);
    let mut wrong = vec![
        (with_line(&many), "lines", "at most 50 lines, got 51"),
        (sum, "lines", "add up to too much"),
    ];
    wrong.extend(LINES.map(|(line, field, message)| (with_line(line), field, message)));
    wrong.extend(MEMBERS.map(|(member, field, message)| (with_member(member), field, message)));
    wrong.extend(BODIES.map(|(body, field, message)| (body.to_owned(), field, message)));
    for (body, field, message) in wrong {
        let body = body.replace("X65", &"x".repeat(65));
        println!("{body:.120}");
        let call = Call::new("PUT", &shopper.path("")).bytes(body);
        assert_names(&shopper.send(call).await, field, message);
    }
    shopper.read().await.refused(404, "not_found");
}

#[tokio::test]
async fn a_body_other_than_a_json_object_is_refused() {
    let shopper = Shopper::new(0).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let valid = shopper.cart(1).to_string();
    for body in [
        b"".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"7".to_vec(),
        b"\"text\"".to_vec(),
        b"{".to_vec(),
        b"{bad".to_vec(),
        b"{}".to_vec(),
        b"<xml/>".to_vec(),
        b"customer=c&sku=A".to_vec(),
        b"\xff\xfe{}".to_vec(),
        b"{\"customer\":\"\xc3\x28\",\"lines\":[]}".to_vec(),
        b"{\"customer\":\"\\ud800\",\"lines\":[]}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        deep.into_bytes(),
        format!("{valid}{valid}").into_bytes(),
        format!("{valid} x").into_bytes(),
    ] {
        for (method, rest) in [("PUT", ""), ("POST", "/order"), ("POST", "/extend")] {
            // An extension may come without a body, or with an empty object.
            if rest == "/extend" && (body.is_empty() || body == b"{}") {
                continue;
            }
            let call = Call::new(method, &shopper.path(rest)).bytes(body.clone());
            let answer = shopper.send(call).await;
            let errors = &answer.refused(400, "invalid_request").body["errors"];
            let field = errors[0]["field"].as_str().unwrap();
            assert!(!field.is_empty() && !field.contains('?'), "{errors}");
        }
    }
}

#[tokio::test]
async fn a_body_has_at_most_64_kib() {
    let shopper = Shopper::new(5).await;
    let mut body = shopper.cart(1).to_string().into_bytes();
    body.resize(64 * 1024, b' ');
    let call = Call::new("PUT", &shopper.path(""));
    shopper.send(call.clone().bytes(body.clone())).await.ok(201);
    body.push(b' ');
    for (method, rest) in [("PUT", ""), ("POST", "/order"), ("POST", "/extend")] {
        let call = Call::new(method, &shopper.path(rest)).bytes(body.clone());
        shopper.send(call).await.refused(413, "body_too_large");
    }
}

/// Members beside `"payment_method":"online"`, or instead of it.
const ORDERS: [(&str, &str, &str); 27] = [
    ("", "body", "missing field `payment_method`"),
    (
        r#""payment_method":"cash""#,
        "payment_method",
        r#"must be "online" or "offline", got "cash""#,
    ),
    (
        r#""payment_method":null"#,
        "payment_method",
        r#"null, expected a string, "online" or "offline""#,
    ),
    (
        r#""payment_method":7"#,
        "payment_method",
        r#"`7`, expected a string, "online" or "offline""#,
    ),
    (
        r#""payment_method":{"online":null}"#,
        "payment_method",
        r#"map, expected a string, "online" or "offline""#,
    ),
    (
        r#"ONLINE,"payment_gateway":"paypal""#,
        "payment_gateway",
        r#"must be "cashfree", "stripe" or "razorpay", got "paypal""#,
    ),
    (
        r#"ONLINE,"payment_gateway":null"#,
        "payment_gateway",
        "null, expected a string",
    ),
    (
        r#""payment_method":"offline","payment_gateway":"stripe""#,
        "payment_gateway",
        "goes with payment_method `online` only",
    ),
    (
        r#"ONLINE,"payment_gateway":"cashfree""#,
        "phone",
        "is missing",
    ),
    (
        r#"ONLINE,"payment_gateway":"cashfree","phone":"98 98""#,
        "phone",
        "must be 8 to 15 digits",
    ),
    (
        r#"ONLINE,"payment_gateway":"stripe","phone":"+""#,
        "phone",
        "must be 8 to 15 digits",
    ),
    (
        concat!(
            r#"ONLINE,"payment_gateway":"cashfree","address":{"recipient":"R","line1":"L","#,
            r#""city":"C","postal_code":"1","country":"IN","phone":"ask"}"#
        ),
        "address.phone",
        "must be 8 to 15 digits",
    ),
    (
        r#"ONLINE,"phone":"9898989898""#,
        "phone",
        "goes with payment_gateway only",
    ),
    (r#"ONLINE,"coupon":"lower""#, "coupon", "1 to 32"),
    (r#"ONLINE,"coupon":"""#, "coupon", "1 to 32"),
    (
        r#"ONLINE,"coupon":null"#,
        "coupon",
        "null, expected a string, 1 to 32 characters of A-Z 0-9 _ -",
    ),
    (
        r#"ONLINE,"discount_minor":5"#,
        "discount_minor",
        "unknown field",
    ),
    (r#"ONLINE,"address_id":"7""#, "address_id", "UUID"),
    (
        r#"ONLINE,"address_id":null"#,
        "address_id",
        "null, expected a string",
    ),
    (
        r#"ONLINE,"save_address":true"#,
        "save_address",
        "goes with an address only",
    ),
    (r#"ONLINE,"save_address":"yes""#, "save_address", "boolean"),
    (
        r#"ONLINE,"save_address":null"#,
        "save_address",
        "null, expected a boolean",
    ),
    (
        r#"ONLINE,"address":null"#,
        "address",
        "null, expected an object",
    ),
    (r#"ONLINE,"address":"street""#, "address", "an object"),
    (
        r#"ONLINE,"address":["R","L",null,"C",null,"1","IN",null]"#,
        "address",
        "an object",
    ),
    (
        r#"ONLINE,"address":{}"#,
        "address",
        "missing field `recipient`",
    ),
    (
        r#"ONLINE,"address":ADDRESS,"address_id":"0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4""#,
        "address_id",
        "either",
    ),
];

/// A wrong member of an address.
const ADDRESSES: [(&str, &str, &str); 11] = [
    ("country", r#""India""#, "two capital letters"),
    ("country", r#""in""#, "two capital letters"),
    ("city", r#""""#, "1 to 100"),
    ("city", "7", "string"),
    ("line1", r#""X201""#, "1 to 200"),
    ("line1", r#""a\u0000b""#, "control"),
    (
        "city",
        "null",
        "null, expected a string, 1 to 100 characters",
    ),
    (
        "country",
        "null",
        "null, expected a string, the two capital",
    ),
    (
        "line2",
        "null",
        "null, expected a string, 1 to 200 characters",
    ),
    ("postal_code", "682001", "string"),
    ("planet", r#""Earth""#, "unknown field"),
];

const ADDRESS: &str =
    r#"{"recipient":"R","line1":"L","city":"C","postal_code":"1","country":"IN"}"#;

/// The body of an order with these members, some of which have short names.
fn order_body(members: &str) -> String {
    let members = members
        .replace("ONLINE", r#""payment_method":"online""#)
        .replace("ADDRESS", ADDRESS);
    format!("{{{}}}", members.replace("X201", &"x".repeat(201)))
}

/// Except an address's phone, which only Cashfree refuses, and a missing one, which Cashfree needs
/// unless the order is free.
#[test]
fn the_contract_refuses_each_wrong_order() {
    let allowed = |members: &str| {
        let body = serde_json::from_str(&order_body(members)).unwrap();
        CONTRACT.allows_request("order_create", &body)
    };
    for (members, field, message) in ORDERS {
        let is_of_cashfree =
            field == "address.phone" || field == "phone" && message == "is missing";
        assert_eq!(allowed(members), is_of_cashfree, "{members}");
    }
    for phone in ["+919876543210", "(0484) 400-0000", "+ 1.23 45 67 8"] {
        let members = format!(r#"ONLINE,"payment_gateway":"cashfree","phone":"{phone}""#);
        assert!(allowed(&members), "{phone}");
        phone.parse::<gateways::Phone>().unwrap();
    }
}

#[tokio::test]
async fn a_wrong_order_is_refused_and_the_field_is_named() {
    let shopper = Shopper::new(1).await;
    shopper.begin(1).await;
    let order =
        |members: &str| Call::new("POST", &shopper.path("/order")).bytes(order_body(members));
    for (members, field, message) in ORDERS {
        assert_names(&shopper.send(order(members)).await, field, message);
    }
    for (member, value, message) in ADDRESSES {
        let mut address: Value = serde_json::from_str(ADDRESS).unwrap();
        address[member] = serde_json::from_str(value).unwrap();
        let members = format!("ONLINE,\"address\":{address}");
        let answer = shopper.send(order(&members)).await;
        assert_names(&answer, &format!("address.{member}"), message);
    }
    for (body, message) in [
        (json!({ "hold_s": 0 }), "from 1"),
        (json!({ "hold_s": "9" }), "whole"),
        (json!({ "hold_s": 1801 }), "longer than this shop"),
        (json!({ "hold_s": 86_400 }), "longer than this shop"),
        (json!({ "hold_s": 86_401 }), "from 1"),
        (json!({ "hold_s": null }), "whole"),
    ] {
        let extend = Call::new("POST", &shopper.path("/extend")).json(&body);
        assert_names(&shopper.send(extend).await, "hold_s", message);
    }
    assert_eq!(shopper.read().await.ok(200)["status"], "open");
}

#[tokio::test]
async fn a_wrong_path_query_or_header_is_named() {
    let id = Uuid::new_v4();
    let many = vec!["A"; 101].join(",");
    for (path, field) in [
        ("/v1/shops/dress/checkouts/7".to_owned(), "checkout_id"),
        (
            "/v1/shops/dress/checkouts/00000000-0000-0000-0000-000000000000".to_owned(),
            "checkout_id",
        ),
        (
            format!("/v1/shops/dress/checkouts/{}", id.simple()),
            "checkout_id",
        ),
        (
            format!("/v1/shops/dress/checkouts/{id}x/order"),
            "checkout_id",
        ),
        ("/v1/shops/dress/availability".to_owned(), "skus"),
        ("/v1/shops/dress/availability?skus=".to_owned(), "skus"),
        ("/v1/shops/dress/availability?skus=A,,B".to_owned(), "skus"),
        ("/v1/shops/dress/availability?skus=A%20B".to_owned(), "skus"),
        ("/v1/shops/dress/availability?skus=%ff".to_owned(), "skus"),
        (format!("/v1/shops/dress/availability?skus={many}"), "skus"),
    ] {
        let answer = send(To::Api, &Call::new("GET", &path)).await;
        assert_names(&answer, field, "");
    }
    let path = format!("/v1/shops/dress/checkouts/{id}");
    for customer in ["", "é", &"x".repeat(65)] {
        let answer = send(To::Api, &Call::new("GET", &path).customer(customer)).await;
        assert_names(&answer, "x-holdfast-customer", "1 to 64 characters");
    }
    for shop in ["Dress", "dress%20", "thirteenchars", "dr-ess", "%00", ".."] {
        // Without the HTTP API: a client would resolve `..` itself.
        let call = Call::new("GET", &format!("/v1/shops/{shop}/availability?skus=A"));
        call.invoke(&STACK.host, "holdfast-checkout")
            .await
            .refused(404, "not_found");
    }
}

/// Any JSON, most often nearly a cart.
fn nearly_a_cart() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|n| json!(n)),
        (-3_i64..=3).prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        "[A-Za-z0-9 ._:-]{0,70}".prop_map(|s| json!(s)),
        any::<String>().prop_map(|s| json!(s)),
    ];
    let line = (leaf.clone(), leaf.clone(), prop::option::of(leaf.clone())).prop_map(
        |(sku, quantity, more)| {
            let mut line = json!({ "sku": sku, "quantity": quantity });
            if let Some(more) = more {
                line["more"] = more;
            }
            line
        },
    );
    let good = ("[A-Za-z0-9._:-]{1,64}", 1_i64..=100_000)
        .prop_map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity }));
    let lines = prop_oneof![
        3 => prop::collection::vec(good, 0..4).prop_map(Value::from),
        2 => prop::collection::vec(line, 0..4).prop_map(Value::from),
        1 => leaf.clone(),
    ];
    let customer = prop_oneof![3 => "[a-z]{1,8}".prop_map(|s| json!(s)), 1 => leaf.clone()];
    let revision = prop_oneof![2 => Just(json!(1)), 1 => leaf.clone()];
    (customer, lines, revision, prop::option::of(leaf)).prop_map(
        |(customer, lines, revision, hold)| {
            let mut cart = json!({ "customer": customer, "lines": lines, "revision": revision });
            if let Some(hold) = hold {
                cart["hold_s"] = hold;
            }
            cart
        },
    )
}

/// The contract's schema and the function's parser accept the same bodies. None of these skus
/// exists, hence `unknown_sku`.
#[test]
fn the_parser_refuses_exactly_what_the_schema_refuses() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(cart in nearly_a_cart())| {
        let path = format!("/v1/shops/dress/checkouts/{}", Uuid::new_v4());
        let call = Call::new("PUT", &path).json(&cart);
        let answer = runtime.block_on(call.invoke(&STACK.host, "holdfast-checkout"));
        let refused = answer.code() == "invalid_request";
        let allowed = CONTRACT.allows_request("checkout_begin", &cart);
        prop_assert_eq!(refused, !allowed, "{}: {:#?}", cart, answer);
    });
}
