//! The contract and the parsers accept the same: each field and parameter of openapi.yaml, at its
//! bounds and beyond, of other types, missing, unknown.

use percent_encoding::AsciiSet;
use serde_json::{Map, Value, json};
use tests::TestDb;
use tests::clerk::Clerk;
use tests::contract::CONTRACT;
use tests::http::{Answer, Call};
use tests::stack::{STACK, function_of};
use uuid::Uuid;

/// Bytes of a path with its query that a request can have.
const TARGET_BYTES_MAX: usize = 65_534;

/// Rules that JSON Schema cannot say, by a part of the refusal. The contract says each in words.
const IN_WORDS: [&str; 13] = [
    "must be at most hold_s_max",
    "in UTC of the years 1 to 9999",
    "must be later than sale_opens_at",
    "must be later than valid_from",
    "add up to too much",
    "a UUID with hyphens that is not all zeros",
    "longer than this shop",
    "must be `next` of the previous page",
    "is not the currency of the shop's prices",
    "is not known to the database: use a name of the IANA list",
    // no sku is `.` or `..`
    "codes of skus, separated by commas",
    "can't change once the shop exists",
    // the customer, unless a token or a header names one; the version, unless if-match has it
    "is missing",
];

/// A value at each of these places, and beside it.
fn values(schema: &Value, example: &Value) -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!("x"),
        json!(""),
        json!(7),
        json!(1.5),
        json!({}),
        json!([]),
        json!(["x"]),
        example.clone(),
    ];
    if schema["type"] == "integer" {
        for bound in ["minimum", "maximum"] {
            let bound = schema[bound].as_i64().unwrap();
            values.extend([-1, 0, 1].map(|step| json!(bound + step)));
        }
        values.extend([json!("1"), json!(-1), json!(u64::MAX)]);
    }
    if schema["type"] == "string" {
        values.extend(texts(schema, example));
    }
    let words = schema["enum"].as_array().into_iter().flatten();
    values.extend(words.cloned());
    values
}

/// Texts around the bounds of a schema, and texts that break what carries them.
fn texts(schema: &Value, example: &Value) -> Vec<Value> {
    let example = example.as_str().unwrap_or("x");
    let mut texts = Vec::new();
    for bound in ["minLength", "maxLength"] {
        let Some(bound) = schema[bound].as_u64() else {
            continue;
        };
        let bound = usize::try_from(bound).unwrap();
        for filling in ["a", "A1", "\u{1f457}"] {
            for length in bound.saturating_sub(1)..=bound + 1 {
                texts.push(filling.chars().cycle().take(length).collect());
            }
        }
    }
    for odd in [
        "\0", "\n", "\t", "\u{7f}", "\u{85}", "\u{2028}", " ", "é", "/", ".", "\u{feff}",
    ] {
        texts.extend([format!("{example}{odd}"), odd.to_owned()]);
    }
    if example.starts_with('+') {
        for digits in [7, 8, 15, 16, 31, 32, 33] {
            texts.extend(["9".repeat(digits), format!("+{}", "9".repeat(digits))]);
        }
    }
    if schema["format"] == "uuid" {
        let id = Uuid::new_v4();
        texts.extend([
            id.to_string().to_uppercase(),
            id.simple().to_string(),
            id.urn().to_string(),
            Uuid::nil().to_string(),
        ]);
    }
    if schema["format"] == "date-time" {
        let times = [
            "2027-01-31",
            "2027-01-31T00:00:00",
            "2027-01-31 00:00:00Z",
            "2027-01-31t00:00:00z",
            "2027-01-31T00:00:00.123456789Z",
            "2027-01-31T00:00:00-00:00",
            "2027-02-30T00:00:00Z",
            "2027-01-31T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "2027-01-31T23:59:61Z",
            "2027-01-31T00:00Z",
            "2027-01-31T00:00:00+0530",
            "2027-01-31T00:00:00+24:00",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+05:30",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-05:30",
            "10000-01-01T00:00:00Z",
            "infinity",
        ];
        texts.extend(times.map(str::to_owned));
    }
    texts.into_iter().map(Value::from).collect()
}

/// An example of a schema, if the body has none at its place.
fn example_of(schema: &Value) -> Value {
    let of = |name: &str| schema[name].as_array().and_then(|all| all.first()).cloned();
    of("examples")
        .or(of("enum"))
        .unwrap_or_else(|| match schema["type"].as_str() {
            Some("boolean") => json!(true),
            Some("array") => json!([example_of(CONTRACT.resolved(&schema["items"]))]),
            Some("string") if schema["format"] == "uuid" => json!(Uuid::new_v4()),
            _ => json!({}),
        })
}

/// The bodies that differ from this one in one place.
fn bodies(schema: &Value, body: &Value) -> Vec<Value> {
    let schema = CONTRACT.resolved(schema);
    let mut bodies = Vec::new();
    if let Some(properties) = schema["properties"].as_object() {
        let members = body.as_object().cloned().unwrap_or_default();
        let with = |name: &str, value: Value| {
            let mut members = members.clone();
            members.insert(name.to_owned(), value);
            Value::Object(members)
        };
        bodies.push(with("unknown", json!(1)));
        for (name, property) in properties {
            let mut without: Map<String, Value> = members.clone();
            without.remove(name);
            bodies.push(Value::Object(without));
            let property = CONTRACT.resolved(property);
            let example = members
                .get(name)
                .cloned()
                .unwrap_or_else(|| example_of(property));
            let inner = [values(property, &example), self::bodies(property, &example)];
            bodies.extend(inner.concat().into_iter().map(|value| with(name, value)));
        }
    }
    if schema["type"] == "array" {
        let items = CONTRACT.resolved(&schema["items"]);
        let first = body.get(0).cloned().unwrap_or_else(|| example_of(items));
        let inner = [values(items, &first), self::bodies(items, &first)];
        bodies.extend(inner.concat().into_iter().map(|item| json!([item])));
        if let Some(most) = schema["maxItems"].as_u64() {
            let most = usize::try_from(most).unwrap();
            bodies.extend([most, most + 1].map(|items| json!(vec![&first; items])));
        }
    }
    bodies
}

/// Staff calls go to a database of their own. Shoppers' calls go to the stack, with skus that no
/// shop has.
async fn send(clerk: &Clerk, call: Call, path: &str) -> Answer {
    if path.starts_with("/v1/admin/") {
        return clerk.send(call).await;
    }
    call.invoke(&STACK.host, function_of(path)).await
}

/// The path of an operation, in the shop of these tests.
fn path_of(method: &str, template: &str) -> String {
    let path = CONTRACT.example(method, template);
    let path = path.replacen("/v1/admin/shops/dress", "/v1/admin/shops/main", 1);
    path.replacen("/v1/admin/shops/tour", "/v1/admin/shops/main", 1)
}

/// What is wrong with an answer: the contract allows what is refused, or the other way round.
fn wrong(allowed: bool, answer: &Answer) -> Option<String> {
    let message = answer.body["errors"][0]["message"]
        .as_str()
        .unwrap_or_default();
    let refused = answer.code() == "invalid_request";
    let is_in_words = IN_WORDS.iter().any(|words| message.contains(words));
    match (allowed, refused) {
        _ if answer.status >= 500 => Some(format!("a failure, {}", answer.status)),
        (true, true) if !is_in_words => Some(format!("allowed, but refused: {message}")),
        (false, false) => Some(format!("not allowed, but answered {}", answer.status)),
        _ => None,
    }
}

#[tokio::test]
async fn the_contract_allows_the_bodies_that_the_parsers_accept() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let mut differences = Vec::new();
    let mut sent = 0;
    for (method, template, id) in CONTRACT.operations() {
        let Some((schema, examples)) = CONTRACT.json_body(&method, &template) else {
            continue;
        };
        if template.contains("/webhooks/") {
            continue;
        }
        let path = path_of(&method, &template);
        if let Some(example) = examples.first() {
            let example = example.to_string().replace("LEHENGA-RED-M", "NO-SUCH-SKU");
            let example: Value = serde_json::from_str(&example).unwrap();
            assert!(CONTRACT.allows(schema, &example), "{id}: {example}");
            for body in bodies(schema, &example) {
                let call = Call::new(&method, &path).json(&body);
                let answer = send(&clerk, call, &path).await;
                sent += 1;
                let allowed = CONTRACT.allows(schema, &body);
                if let Some(wrong) = wrong(allowed, &answer) {
                    differences.push(format!("{id}: {wrong}: {body}"));
                }
            }
        }
    }
    println!("{sent} bodies");
    assert!(
        differences.is_empty(),
        "{}: {differences:#?}",
        differences.len()
    );
}

/// A value as the text of a parameter, and what the contract sees of this text.
fn as_text(schema: &Value, value: &Value) -> Option<(String, Value)> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let whole = text.parse::<i64>().ok();
    let seen = match (schema["type"].as_str(), whole) {
        (Some("integer"), Some(whole)) => json!(whole),
        (Some("array"), _) => json!(text.split(',').collect::<Vec<_>>()),
        _ => json!(text),
    };
    Some((text, seen))
}

#[tokio::test]
async fn the_contract_allows_the_parameters_that_the_parsers_accept() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let mut differences = Vec::new();
    for (method, template, id) in CONTRACT.operations() {
        let path = path_of(&method, &template);
        for name in CONTRACT.query(&method, &template) {
            let schema = CONTRACT.parameter_schema(&method, &template, &name);
            let schema = CONTRACT.resolved(schema);
            for value in values(schema, &example_of(schema)) {
                let Some((text, value)) = as_text(schema, &value) else {
                    continue;
                };
                let encoded = percent_encoding::utf8_percent_encode(
                    &text,
                    percent_encoding::NON_ALPHANUMERIC,
                );
                let target = format!("{path}?{name}={encoded}");
                // no server takes it
                if target.len() > TARGET_BYTES_MAX {
                    continue;
                }
                let call = Call::new(&method, &target);
                // a part of an import has a type
                let call = call.header("content-type", "text/csv").body("sku\nA\n");
                let answer = send(&clerk, call, &path).await;
                let allowed = CONTRACT.allows(schema, &value);
                if let Some(wrong) = wrong(allowed, &answer) {
                    differences.push(format!("{id}: {name}={text:?}: {wrong}"));
                }
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{}: {differences:#?}",
        differences.len()
    );
}

/// What is encoded in a path (RFC 3986). API Gateway decodes it, and these calls go without one.
const RESERVED: &AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The path with the value at its parameter's place.
fn path_with(method: &str, template: &str, name: &str, value: &str) -> String {
    let encoded = percent_encoding::utf8_percent_encode(value, RESERVED);
    let filled = template.replace(&format!("{{{name}}}"), &encoded.to_string());
    let rest = CONTRACT.parameters(method, template).into_iter();
    let path = rest.fold(filled, |path, (other, example)| {
        let text = example.as_str().map(str::to_owned);
        let text = text.unwrap_or_else(|| example.to_string());
        path.replace(&format!("{{{other}}}"), &text)
    });
    if name == "shop" {
        return path;
    }
    let path = path.replacen("/v1/admin/shops/dress", "/v1/admin/shops/main", 1);
    path.replacen("/v1/admin/shops/tour", "/v1/admin/shops/main", 1)
}

/// What no client can send at a parameter's place: it would be another path.
const OTHER_PATHS: [&str; 3] = ["", ".", ".."];

#[tokio::test]
async fn the_contract_allows_the_paths_that_the_parsers_accept() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let mut differences = Vec::new();
    for (method, template, id) in CONTRACT.operations() {
        if template.contains("/webhooks/") {
            continue;
        }
        let examples = CONTRACT.json_body(&method, &template);
        let body = examples.and_then(|(_, examples)| examples.first().map(|it| it.to_string()));
        let body = body.map(|body| body.replace("LEHENGA-RED-M", "NO-SUCH-SKU"));
        for name in CONTRACT.parameters_in("path", &method, &template) {
            let schema = CONTRACT.parameter_schema(&method, &template, &name);
            let schema = CONTRACT.resolved(schema);
            for value in values(schema, &example_of(schema)) {
                let Some((text, value)) = as_text(schema, &value) else {
                    continue;
                };
                let path = path_with(&method, &template, &name, &text);
                if OTHER_PATHS.contains(&text.as_str()) || path.len() > TARGET_BYTES_MAX {
                    continue;
                }
                let mut call = Call::new(&method, &path);
                if let Some(body) = &body {
                    call = call
                        .header("content-type", "application/json")
                        .body(body.as_str());
                }
                let answer = send(&clerk, call, &path).await;
                let allowed = CONTRACT.allows(schema, &value);
                let named = answer.body["errors"][0]["field"] == name.as_str();
                let is_other = answer.code() == "invalid_request" && !named;
                // what is no name of anything is not found
                let wrong = match answer.status {
                    404 => None,
                    400 if is_other && !allowed => Some("not allowed, but not named".to_owned()),
                    400 if is_other => None,
                    _ => wrong(allowed, &answer),
                };
                if let Some(wrong) = wrong {
                    differences.push(format!("{id}: {name}={text:?}: {wrong}"));
                }
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{}: {differences:#?}",
        differences.len()
    );
}
