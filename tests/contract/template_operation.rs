//! What template.yaml does so that a deployment runs well: alarms that ring, and a database that is
//! bounded.

use std::collections::BTreeSet;

use tests::template::{Template, text};

#[test]
fn an_alarm_that_fills_gaps_waits_for_more_than_the_newest_period() {
    let template = Template::read();
    for (name, alarm) in template.of_type("AWS::CloudWatch::Alarm") {
        if alarm["Metrics"].to_string().contains("FILL(") {
            let needed = alarm["DatapointsToAlarm"].as_u64().unwrap();
            assert!(
                alarm["EvaluationPeriods"].as_u64().unwrap() >= needed + 2,
                "{name}"
            );
        }
    }
}

/// A stuck message is no longer counted by its age after three receives.
#[test]
fn the_alarm_of_the_queue_counts_hidden_messages_too() {
    let template = Template::read();
    let alarm = &template.resource("PaymentEventsStuckAlarm")["Properties"];
    let metrics = alarm["Metrics"].as_array().unwrap();
    let names: BTreeSet<&str> = metrics
        .iter()
        .filter_map(|metric| metric["MetricStat"]["Metric"]["MetricName"].as_str())
        .collect();
    let expected = [
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    let tries_s = 20 * 180;
    let periods = alarm["EvaluationPeriods"].as_u64().unwrap();
    assert!(periods * 60 < tries_s, "the message is a dead letter first");
}

#[test]
fn a_created_database_refuses_plain_text_and_bounds_its_sessions() {
    let template = Template::read();
    let settings = &template.resource("DatabaseParameters")["Properties"]["Parameters"];
    assert_eq!(settings["rds.force_ssl"], "1");
    assert_eq!(
        text(&settings["max_connections"]),
        ["DatabaseConnectionsMax"]
    );
    let parameters = template.section("Parameters");
    let default = |name: &str| parameters[name]["Default"].as_u64().unwrap();
    let sessions = default("CheckoutConcurrency")
        + default("AdminConcurrency")
        + default("ConsoleConcurrency")
        + default("PaymentsConcurrency");
    assert!(sessions < default("DatabaseConnectionsMax") * 4 / 5);
    assert!(
        parameters["DatabaseCapacityMin"]["Default"]
            .as_f64()
            .unwrap()
            >= 2.0
    );
}

/// Lambda and RDS Proxy do not serve every zone.
#[test]
fn the_zones_of_a_created_network_can_be_chosen() {
    let template = Template::read();
    for (name, subnet) in template.of_type("AWS::EC2::Subnet") {
        let choice = &subnet["AvailabilityZone"]["Fn::If"];
        assert_eq!(choice[0], "ChoosesZones", "{name}");
        let zone = text(&choice[1]).remove(0);
        let second = name.ends_with('B');
        assert_eq!(zone, if second { "ZoneB" } else { "ZoneA" }, "{name}");
    }
}
