//! Logs and metrics of the functions. One scenario with every kind of event runs once against real
//! function processes at the most verbose log level; the tests read the logs.

use std::collections::{BTreeMap, BTreeSet};

use operations::telemetry::Metric;
use operations::telemetry::metric::{Scope, Unit};
use serde_json::{Value, json};
use tests::stack::root;

mod scenario;

use scenario::{Scenario, scenario};

/// Personal data of the scenario's customer. None of it may be in a log.
const PERSONAL: [&str; 8] = [
    "zz-meera",
    "Zz Meera",
    "Lotus Lane",
    "9908734801",
    "a@example.com",
    "मीरा",
    "68-ZZ-99",
    "gift for",
];

#[tokio::test]
async fn no_log_holds_personal_data_at_any_level() {
    let scenario = scenario().await;
    assert!(
        scenario.text.contains("\"level\":\"DEBUG\""),
        "not talkative"
    );
    assert!(scenario.text.contains(&scenario.checkout_id.to_string()));
    assert!(
        scenario.text.contains("nobody of orders"),
        "the refusal is not logged"
    );
    for word in PERSONAL {
        let found: Vec<&str> = scenario
            .text
            .lines()
            .filter(|line| line.contains(word))
            .collect();
        assert!(found.is_empty(), "{word}: {}", found.join("\n"));
    }
}

/// Lines of one function with this message.
fn lines<'a>(scenario: &'a Scenario, function: &str, message: &str) -> Vec<&'a Value> {
    let all = scenario.logs[function].iter();
    all.filter(|line| line["message"] == message).collect()
}

#[tokio::test]
async fn every_line_about_a_checkout_an_order_or_a_payment_names_it() {
    let scenario = scenario().await;
    let checkout = scenario.checkout_id.to_string();
    let mut ordered = 0;
    for line in lines(scenario, "holdfast-checkout", "answered") {
        let span = &line["span"];
        assert!(
            span["request.id"].is_string() && span["trace.id"].is_string(),
            "{line}"
        );
        let route = span["route"].as_str().unwrap();
        assert!(
            span["checkout.id"].is_string()
                || !route.contains("{checkout_id}")
                || line["code"] == "invalid_request"
                || line["code"] == "not_found",
            "{line}"
        );
        if route.ends_with("/order") && line["status"] == 201 {
            assert!(span["order.id"].is_string(), "{line}");
            ordered += usize::from(span["checkout.id"] == checkout.as_str());
        }
    }
    assert_eq!(ordered, 1);

    let recorded = lines(scenario, "holdfast-payments", "recorded");
    let paid = recorded
        .iter()
        .find(|line| line["outcome"] == "Completed")
        .unwrap();
    let span = &paid["span"];
    assert_eq!(span["order.id"], scenario.order_id.as_str(), "{paid}");
    assert_eq!(span["payment.reference"], scenario.reference.as_str());
    for field in ["payment.id", "event.key", "request.id", "message.id"] {
        assert!(span[field].is_string(), "{field}: {paid}");
    }
    // One trace and one message, from the webhook on.
    let taken = lines(scenario, "holdfast-webhook", "answered");
    let message = |line: &&&Value| line["span"]["message.id"] == span["message.id"];
    let taken = &taken.iter().find(message).unwrap()["span"];
    assert!(span["trace.id"].is_string(), "{paid}");
    assert_eq!(taken["trace.id"], span["trace.id"]);

    for line in lines(scenario, "holdfast-payments", "stays in the queue") {
        let unreadable = line["causes"]
            .as_str()
            .unwrap()
            .contains("can't be understood");
        let names_it = line["span"]["payment.reference"].is_string();
        assert!(unreadable || names_it, "{line}");
    }
    let not_expired = lines(
        scenario,
        "holdfast-sweeper",
        "a checkout could not be expired",
    );
    assert!(!not_expired.is_empty());
    for line in not_expired {
        assert!(line["checkout.id"].is_string(), "{line}");
        assert!(line["span"]["request.id"].is_string(), "{line}");
    }
}

/// The metric lines of all functions.
fn metric_lines(scenario: &Scenario) -> Vec<(&str, &Value)> {
    let mut found = Vec::new();
    for (function, lines) in &scenario.logs {
        let metrics = lines.iter().filter(|line| !line["_aws"].is_null());
        found.extend(metrics.map(|line| (function.as_str(), line)));
    }
    found
}

#[tokio::test]
async fn every_metric_line_follows_the_format() {
    let scenario = scenario().await;
    let schema = std::fs::read_to_string(root().join("tests/fixtures/emf.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let by_name: BTreeMap<&str, Metric> = Metric::ALL
        .iter()
        .map(|metric| (metric.name(), *metric))
        .collect();
    let lines = metric_lines(scenario);
    assert!(lines.len() > 20, "{}", lines.len());
    for (function, line) in lines {
        let wrong: Vec<String> = schema
            .iter_errors(line)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}: {line}");
        let mut members = BTreeSet::from(["_aws", "Stack", "Function"]);
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = metric["Name"].as_str().unwrap();
                let known = by_name[name];
                assert_eq!(metric["Unit"], known.unit().name(), "{name}");
                assert_eq!(
                    directive["Dimensions"],
                    json!([known.scope().dimensions()]),
                    "{name}"
                );
                assert!(members.insert(name), "twice: {name}");
                let values = values(&line[name]);
                assert!((1..=100).contains(&values.len()), "{name}: {line}");
            }
        }
        // A target that is neither a dimension nor a metric would be a property, which costs and
        // shows nothing. A dimension with many values would cost a metric for each.
        let named: BTreeSet<&str> = line
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(named, members);
        assert_eq!(
            (&line["Stack"], &line["Function"]),
            (&json!("local"), &json!(function))
        );
    }
    // The control: the schema refuses a wrong line.
    assert!(!schema.is_valid(&json!({ "_aws": { "Timestamp": 1, "CloudWatchMetrics": [] } })));
}

fn values(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().map(|value| value.as_f64().unwrap()).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

#[tokio::test]
async fn each_metric_is_written_when_its_event_happens() {
    let scenario = scenario().await;
    let mut written: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (_, line) in metric_lines(scenario) {
        for metric in Metric::ALL {
            if !line[metric.name()].is_null() {
                written
                    .entry(metric.name())
                    .or_default()
                    .extend(values(&line[metric.name()]));
            }
        }
    }
    for metric in Metric::ALL {
        let values = written.get(metric.name()).cloned().unwrap_or_default();
        let largest = values.iter().copied().fold(0.0, f64::max);
        assert!(largest > 0.0, "{} was never written", metric.name());
        let bounded = metric.scope() == Scope::Stack || metric.unit() != Unit::Seconds;
        assert!(bounded, "{}: an age is not a function's", metric.name());
    }
    let sum = |name: &str| written[name].iter().sum::<f64>();
    // Three orders, the rival for GONE, and those of the locked and the broken rows.
    assert_eq!(sum("HoldsGranted"), 7.0);
    assert_eq!((sum("HoldsRefused"), sum("Shortages")), (1.0, 1.0));
    assert_eq!((sum("OrdersCreated"), sum("OrdersPaid")), (4.0, 2.0));
    assert_eq!((sum("LatePayments"), sum("RefundsDue")), (1.0, 1.0));
    assert_eq!((sum("Reviews"), sum("WebhooksForged")), (1.0, 1.0));
    assert_eq!(sum("Disputes"), 1.0);
    // one call of the sweep with wrong credentials
    assert_eq!(sum("GatewayFailures"), 1.0);
    assert_eq!(sum("GatewayCredentialsRefused"), 1.0);
    assert_eq!(sum("HoldsExpired"), 1.0);
    assert!(sum("EventsDuplicate") >= 1.0);
    let max = |name: &str| written[name].iter().copied().fold(0.0, f64::max);
    assert_eq!(max("RefundsFailed"), 1.0);
    assert!(max("SweepLag") >= 420.0 && max("SweepLag") < 900.0);
    assert!(max("ParkedAge") >= 5400.0 && max("ParkedAge") < 6000.0);
}
