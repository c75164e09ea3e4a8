//! The checkout function on managed instances, which a parameter of template.yaml adds.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::template::{Template, text};

const CONDITION: &str = "ManagesCheckout";

fn function<'a>(template: &'a Template, name: &str) -> &'a Value {
    &template.resource(name)["Properties"]
}

#[test]
fn managed_instances_exist_only_where_the_parameter_asks_for_them() {
    let template = Template::read();
    let parameter = &template.section("Parameters")["ManagedCheckout"];
    assert_eq!(parameter["Default"], "no");
    let condition = &template.section("Conditions")[CONDITION];
    assert_eq!(
        condition,
        &json!({ "Fn::Equals": [{ "Ref": "ManagedCheckout" }, "yes"] })
    );
    for name in [
        "ManagedCheckoutFunction",
        "ManagedCheckoutPermission",
        "CheckoutCapacity",
        "CheckoutCapacityRole",
    ] {
        assert_eq!(template.resource(name)["Condition"], CONDITION, "{name}");
    }
    for (endpoint, condition) in [
        ("LogsEndpoint", "CreatesManagedNetwork"),
        ("XrayEndpoint", "TracesManaged"),
    ] {
        let condition_of = &template.resource(endpoint)["Condition"];
        assert_eq!(condition_of, condition, "{endpoint}");
        let needs = template.section("Conditions")[condition].to_string();
        assert!(needs.contains(CONDITION) || needs.contains("CreatesManagedNetwork"));
    }
}

/// Both kinds of the function have the same program, role, login and limits.
#[test]
fn the_managed_function_differs_from_the_ordinary_one_only_in_how_it_runs() {
    let template = Template::read();
    let ordinary = function(&template, "CheckoutFunction").as_object().unwrap();
    let managed = function(&template, "ManagedCheckoutFunction");
    let managed = managed.as_object().unwrap();
    let names: BTreeSet<&str> = ordinary
        .keys()
        .chain(managed.keys())
        .map(String::as_str)
        .filter(|name| ordinary.get(*name) != managed.get(*name))
        .collect();
    let expected = BTreeSet::from([
        "CapacityProviderConfig",
        "DeploymentPreference",
        "Description",
        "Environment",
        "FunctionName",
        "FunctionScalingConfig",
        "LoggingConfig",
        "MemorySize",
        "PublishToLatestPublished",
        "ReservedConcurrentExecutions",
        "VpcConfig",
    ]);
    assert_eq!(names, expected);
    let mut variables = managed["Environment"]["Variables"].clone();
    let connections = variables
        .as_object_mut()
        .unwrap()
        .remove("DATABASE_POOL_SIZE");
    assert_eq!(text(&connections.unwrap()), ["ManagedCheckoutConnections"]);
    assert_eq!(variables, ordinary["Environment"]["Variables"]);
    let mut release = managed["DeploymentPreference"].clone();
    release
        .as_object_mut()
        .unwrap()
        .remove("PassthroughCondition");
    assert_eq!(release, ordinary["DeploymentPreference"]);
    let builds = |name: &str| template.resource(name)["Metadata"]["BuildProperties"].clone();
    assert_eq!(
        builds("ManagedCheckoutFunction"),
        builds("CheckoutFunction")
    );
}

/// AWS advises at most 64 requests for each processor, and an environment has one for 2 GiB.
#[test]
fn an_environment_has_no_more_requests_by_default_than_aws_advises() {
    let template = Template::read();
    let managed = function(&template, "ManagedCheckoutFunction");
    let provider = &managed["CapacityProviderConfig"];
    let of = |value: &Value| template.section("Parameters")[&text(value)[0]]["Default"].clone();
    let memory_mib = of(&managed["MemorySize"]).as_u64().unwrap();
    let gib_per_processor = &provider["ExecutionEnvironmentMemoryGiBPerVCpu"];
    let processors = memory_mib / 1024 / gib_per_processor.as_u64().unwrap();
    let requests = of(&provider["PerExecutionEnvironmentMaxConcurrency"]);
    assert!((1..=64 * processors).contains(&requests.as_u64().unwrap()));
    let parameters = template.section("Parameters");
    let environments = &parameters["ManagedCheckoutEnvironmentsMax"]["Default"];
    let processors_max = &parameters["ManagedCheckoutVCpusMax"]["Default"];
    // A release runs twice as many, and Lambda keeps a part.
    let needed = 3 * processors * environments.as_u64().unwrap();
    assert!(processors_max.as_u64().unwrap() >= needed);
}

/// Nobody calls $LATEST.PUBLISHED, and its environments would be billed.
#[test]
fn only_numbered_versions_have_environments() {
    let template = Template::read();
    let managed = function(&template, "ManagedCheckoutFunction");
    assert_eq!(managed["PublishToLatestPublished"], false);
    let scaling = text(&managed["FunctionScalingConfig"]["MinExecutionEnvironments"]);
    assert_eq!(scaling, ["ManagedCheckoutEnvironmentsMin"]);
}

/// A DependsOn would leave a resource out with the one that is left out by its condition.
#[test]
fn the_routes_wait_for_the_permission_and_the_instances_for_their_network() {
    let template = Template::read();
    let waits = |name: &str| template.resource(name)["Metadata"]["WaitsFor"].clone();
    let permission = json!({ "Fn::If": [
        CONDITION,
        { "Ref": "ManagedCheckoutPermission" },
        { "Ref": "CheckoutPermission" },
    ] });
    assert_eq!(waits("CheckoutIntegration"), permission);
    let endpoints = ["LogsEndpoint", "XrayEndpoint"].map(|endpoint| {
        let condition = &template.resource(endpoint)["Condition"];
        json!({ "Fn::If": [condition, { "Ref": endpoint }, ""] })
    });
    assert_eq!(waits("CheckoutCapacity"), json!(endpoints));
    for name in ["CheckoutIntegration", "CheckoutCapacity"] {
        assert_eq!(template.resource(name).get("DependsOn"), None, "{name}");
    }
}

/// The instances are where the ordinary function is, and nothing else runs on them.
#[test]
fn the_instances_have_the_functions_network() {
    let template = Template::read();
    let network = &function(&template, "CheckoutFunction")["VpcConfig"]["Fn::If"][1];
    let capacity = function(&template, "CheckoutCapacity");
    assert_eq!(&capacity["VpcConfig"], network);
    let managed = template.resource("ManagedCheckoutFunction");
    assert_eq!(managed["IgnoreGlobals"], json!(["VpcConfig"]));
    let all = template.of_type("AWS::Serverless::Function");
    let on_instances: Vec<&str> = all
        .iter()
        .filter(|(_, function)| function.get("CapacityProviderConfig").is_some())
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(on_instances, ["ManagedCheckoutFunction"]);
    let role = function(&template, "CheckoutCapacityRole");
    assert!(role.get("Policies").is_none());
    let attached = text(&role["ManagedPolicyArns"]);
    assert!(attached.len() == 1 && attached[0].ends_with("AWSLambdaManagedEC2ResourceOperator"));
}

/// The routes, the alarms and the dashboard follow the function that serves.
#[test]
fn whatever_names_the_checkout_function_means_the_one_that_serves() {
    let template = Template::read();
    let serving = |suffix: &str| {
        json!({ "Fn::If": [
            CONDITION,
            { "Ref": format!("ManagedCheckoutFunction{suffix}") },
            { "Ref": format!("CheckoutFunction{suffix}") },
        ] })
    };
    let integration = function(&template, "CheckoutIntegration");
    assert_eq!(integration["IntegrationUri"], serving(".Alias"));
    let board = &function(&template, "Dashboard")["DashboardBody"]["Fn::Sub"];
    assert_eq!(board[1]["Checkout"], serving(""));
    assert!(!board[0].as_str().unwrap().contains("${CheckoutFunction}"));
    let is_serving = |value: &Value| *value == serving("");
    for name in ["CheckoutErrorsAlarm", "CheckoutAnswersAlarm"] {
        let dimensions = function(&template, name)["Dimensions"].as_array().unwrap();
        assert!(is_serving(&dimensions.last().unwrap()["Value"]), "{name}");
    }
    for name in ["ThrottlesAlarm", "DurationAlarm"] {
        let metrics = function(&template, name)["Metrics"].as_array().unwrap();
        let found = metrics
            .iter()
            .flat_map(|metric| {
                let dimensions = &metric["MetricStat"]["Metric"]["Dimensions"];
                dimensions.as_array().into_iter().flatten()
            })
            .filter(|dimension| is_serving(&dimension["Value"]))
            .count();
        assert_eq!(found, 1, "{name}");
    }
}
