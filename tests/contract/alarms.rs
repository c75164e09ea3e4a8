//! Metrics, alarms, the dashboard and the runbooks must agree. Otherwise an alarm is false, or
//! never comes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use operations::telemetry::Metric;
use operations::telemetry::metric::Scope;
use serde_json::{Map, Value};
use tests::stack::root;

const NAMESPACE: &str = "Holdfast";

/// Metrics that AWS itself writes about our resources, by namespace: the metric and its dimension.
const OF_AWS: [(&str, &str, &str); 14] = [
    ("AWS/ApiGateway", "4xx", "ApiId"),
    ("AWS/ApiGateway", "5xx", "ApiId"),
    ("AWS/ApiGateway", "Count", "ApiId"),
    ("AWS/ApiGateway", "Latency", "ApiId"),
    ("AWS/Lambda", "ConcurrentExecutions", "FunctionName"),
    ("AWS/Lambda", "Duration", "FunctionName"),
    ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "Invocations", "FunctionName"),
    ("AWS/Lambda", "Throttles", "FunctionName"),
    ("AWS/Lambda", "Url5xxCount", "FunctionName"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
    (
        "AWS/SQS",
        "ApproximateNumberOfMessagesNotVisible",
        "QueueName",
    ),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
    ("AWS/SQS", "NumberOfMessagesSent", "QueueName"),
];

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The template as JSON; `!Ref X` becomes `{"!Ref": "X"}`.
fn template() -> Value {
    untagged(serde_norway::from_str(&read("template.yaml")).unwrap())
}

fn untagged(value: serde_norway::Value) -> Value {
    match value {
        serde_norway::Value::Tagged(tagged) => {
            let value = untagged(tagged.value);
            Value::Object(Map::from_iter([(tagged.tag.to_string(), value)]))
        }
        serde_norway::Value::Mapping(members) => {
            let name = |name| serde_norway::from_value::<String>(name).unwrap();
            let member = |(key, value)| (name(key), untagged(value));
            Value::Object(members.into_iter().map(member).collect())
        }
        serde_norway::Value::Sequence(values) => values.into_iter().map(untagged).collect(),
        other => serde_json::to_value(other).unwrap(),
    }
}

fn of_type<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let resources = template["Resources"].as_object().unwrap();
    let ours = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind);
    ours.map(|(name, resource)| (name.as_str(), &resource["Properties"]))
        .collect()
}

/// A metric of an alarm or a graph: its namespace, its name, the names of its dimensions.
type Seen = (String, String, Vec<String>);

fn seen(metric: &Value) -> Seen {
    let text = |name: &str| metric[name].as_str().unwrap_or_default().to_owned();
    let dimensions = metric["Dimensions"].as_array().cloned().unwrap_or_default();
    let names = dimensions
        .iter()
        .map(|pair| pair["Name"].as_str().unwrap().to_owned());
    (text("Namespace"), text("MetricName"), names.collect())
}

/// Every metric of an alarm.
fn of_alarm(alarm: &Value) -> Vec<Seen> {
    let Some(metrics) = alarm["Metrics"].as_array() else {
        return vec![seen(alarm)];
    };
    let measured = metrics
        .iter()
        .filter(|metric| !metric["MetricStat"].is_null());
    measured
        .map(|metric| seen(&metric["MetricStat"]["Metric"]))
        .collect()
}

/// Every metric of the dashboard, whose body is JSON with `${…}` in its texts.
fn of_dashboard(template: &Value) -> Vec<Seen> {
    let mut found = Vec::new();
    for dashboard in of_type(template, "AWS::CloudWatch::Dashboard").values() {
        let body = dashboard["DashboardBody"]["!Sub"][0].as_str().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        for widget in body["widgets"].as_array().unwrap() {
            for row in widget["properties"]["metrics"].as_array().unwrap() {
                let texts = row.as_array().unwrap().iter().filter_map(Value::as_str);
                let texts: Vec<String> = texts.map(str::to_owned).collect();
                let dimensions = texts[2..].iter().step_by(2).cloned().collect();
                found.push((texts[0].clone(), texts[1].clone(), dimensions));
            }
        }
    }
    found
}

/// Metrics that nothing writes, with the alarm or graph that reads them.
fn never_written(template: &Value) -> Vec<String> {
    let mut looked_at: Vec<(&str, Seen)> = Vec::new();
    for (name, alarm) in of_type(template, "AWS::CloudWatch::Alarm") {
        looked_at.extend(of_alarm(alarm).into_iter().map(|seen| (name, seen)));
    }
    let dashboard = of_dashboard(template).into_iter();
    looked_at.extend(dashboard.map(|seen| ("the dashboard", seen)));
    let is_written = |(namespace, metric, dimensions): &Seen| {
        let own = Metric::ALL.iter().find(|own| own.name() == metric);
        match (namespace.as_str(), own) {
            (NAMESPACE, Some(own)) => own.scope().dimensions() == dimensions.as_slice(),
            (NAMESPACE, None) => false,
            _ => OF_AWS.iter().any(|(space, name, dimension)| {
                namespace == space && metric == name && *dimensions == [*dimension]
            }),
        }
    };
    let missing = looked_at.into_iter().filter(|(_, seen)| !is_written(seen));
    missing
        .map(|(place, seen)| format!("{place}: {seen:?}"))
        .collect()
}

#[test]
fn every_alarm_and_every_graph_reads_a_metric_that_is_written() {
    let template = template();
    assert!(of_type(&template, "AWS::CloudWatch::Alarm").len() >= 20);
    assert!(of_dashboard(&template).len() >= 40);
    assert_eq!(never_written(&template), [] as [String; 0]);

    // The control: another name, a dimension that is not written, a missing dimension.
    let alarm = "PromiseBrokenAlarm";
    let mut wrong = template.clone();
    wrong["Resources"][alarm]["Properties"]["MetricName"] = "PromisesBrokn".into();
    assert_eq!(never_written(&wrong).len(), 1);
    let mut wrong = template.clone();
    wrong["Resources"][alarm]["Properties"]["Dimensions"][0]["Name"] = "Shop".into();
    assert_eq!(never_written(&wrong).len(), 1);
    let mut wrong = template;
    wrong["Resources"][alarm]["Properties"]["Dimensions"] = Value::Array(Vec::new());
    assert_eq!(never_written(&wrong).len(), 1);
}

/// With `METRICS=alarms` no other metric is a series.
#[test]
fn the_series_of_the_alarms_are_those_that_an_alarm_reads() {
    let template = template();
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
    let read = alarms.values().flat_map(|alarm| of_alarm(alarm));
    let read: BTreeSet<String> = read
        .filter(|(namespace, _, _)| namespace == NAMESPACE)
        .map(|(_, metric, _)| metric)
        .collect();
    let kept = Metric::ALARMED.iter().map(|metric| metric.name());
    assert_eq!(kept.map(str::to_owned).collect::<BTreeSet<_>>(), read);
}

/// CloudWatch bills an alarm for each metric that it looks at.
#[test]
fn the_cost_page_counts_every_metric_of_an_alarm() {
    let template = template();
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
    let looked_at: usize = alarms.values().map(|alarm| of_alarm(alarm).len()).sum();
    let assumed: Value = serde_json::from_str(&read("tools/cost/assumptions.json")).unwrap();
    let assumed = assumed.as_array().unwrap().iter();
    let counted: Vec<&Value> = assumed
        .filter(|assumption| assumption["key"] == "alarms")
        .map(|assumption| &assumption["value"])
        .collect();
    assert_eq!(counted, [looked_at]);
}

/// An alarm on a listed metric that no code writes would stay silent.
#[test]
fn every_metric_is_written_by_the_code() {
    let mut code = String::new();
    let mut open = vec![root().join("shared"), root().join("functions")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                code += text.split("#[cfg(test)]").next().unwrap();
            }
        }
    }
    let untold: Vec<&str> = Metric::ALL
        .iter()
        .map(|metric| metric.name())
        .filter(|name| !code.contains(&format!("Metric::{name},")))
        .collect();
    // Among others: the lists of payment::record_event.
    let untold: Vec<&&str> = untold
        .iter()
        .filter(|name| !code.contains(&format!("Metric::{name}]")))
        .collect();
    assert!(untold.is_empty(), "{untold:?}");
}

#[test]
fn the_document_lists_every_metric_as_it_is() {
    let document = read("docs/metrics.md");
    let rows: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let expected: Vec<String> = Metric::ALL
        .iter()
        .map(|metric| {
            let (name, unit, scope) = (metric.name(), metric.unit().name(), metric.scope());
            format!("| `{name}` | {unit} | {scope:?} | {} |", metric.meaning())
        })
        .collect();
    assert_eq!(rows, expected);
    let of_a_stack = Metric::ALL
        .iter()
        .filter(|metric| metric.scope() == Scope::Stack)
        .count();
    let said = format!("at most {of_a_stack} series");
    assert!(document.contains(&said), "{said}");
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    heading.to_lowercase()
}

#[test]
fn every_alarm_has_a_runbook_and_leads_to_it() {
    let template = template();
    let document = read("docs/runbooks.md");
    let headings: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
    let faults = read("functions/console/src/health/fault.rs");
    assert_eq!(headings, alarms.keys().copied().collect());
    for (name, alarm) in alarms {
        let link = format!("docs/runbooks.md#{}", anchor(name));
        let description = &alarm["AlarmDescription"];
        // An alarm of what the console's page of the health shows leads there, too.
        let description = match faults.contains(&format!("\"{name}\"")) {
            true => {
                let text = description["!Sub"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{name}"));
                let page = " With Console=yes: ${ConsoleOrigin}/console/health";
                text.strip_suffix(page)
                    .unwrap_or_else(|| panic!("{name}: {text}"))
            }
            false => description.as_str().unwrap(),
        };
        assert!(description.ends_with(&link), "{name}: {description}");
        assert_eq!(alarm["AlarmActions"][0]["!Ref"], "AlarmTopic", "{name}");
        let runbook = document.split(&format!("## {name}\n")).nth(1).unwrap();
        let runbook = runbook.split("\n## ").next().unwrap();
        for part in ["**Means**", "stake**", "**Do**"] {
            assert!(runbook.contains(part), "{name} lacks {part}");
        }
        assert!(runbook.contains("```"), "{name} shows no way to look");
    }
    for link in document.split("](#").skip(1) {
        let link = link.split(')').next().unwrap();
        assert!(
            headings.iter().any(|heading| anchor(heading) == link),
            "{link}"
        );
    }
}

/// Each log line that a runbook searches for is a line that the code writes.
#[test]
fn runbooks_search_for_lines_that_are_written() {
    let mut code = String::new();
    let mut open = vec![root().join("functions"), root().join("shared/http")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            open.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            code += &std::fs::read_to_string(&path).unwrap();
        }
    }
    let document = read("docs/runbooks.md");
    let mut searches = 0;
    for search in document.split("$.message = \"").skip(1) {
        let message = search.split('"').next().unwrap();
        assert!(code.contains(&format!("\"{message}\"")), "{message}");
        searches += 1;
    }
    assert!(searches >= 10, "{searches}");
}

/// The alarm divides each function's duration by its own timeout.
#[test]
fn the_duration_alarm_knows_every_functions_timeout() {
    let template = template();
    let alarm = &template["Resources"]["DurationAlarm"]["Properties"];
    let metrics = alarm["Metrics"].as_array().unwrap();
    let expression = metrics
        .iter()
        .find_map(|metric| metric["Expression"].as_str())
        .unwrap();
    let mut functions = 0;
    for metric in metrics
        .iter()
        .filter(|metric| !metric["MetricStat"].is_null())
    {
        let id = metric["Id"].as_str().unwrap();
        let dimension = &metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"];
        // Checkout is the function that serves: one of two.
        let choice = dimension["!If"].as_array().into_iter().flatten().skip(1);
        let one = (!dimension["!Ref"].is_null()).then_some(dimension);
        for function in choice.chain(one) {
            let function = function["!Ref"].as_str().unwrap();
            let timeout = &template["Resources"][function]["Properties"]["Timeout"];
            let ms = timeout.as_u64().unwrap() * 1000;
            let share = format!("FILL({id}, 0) / {ms}");
            assert!(
                expression.contains(&share),
                "{share} is not in {expression}"
            );
            functions += 1;
        }
    }
    assert_eq!(functions, 6);
}
