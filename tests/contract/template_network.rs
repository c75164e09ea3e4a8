//! Ways out of the network that template.yaml creates: who has one, and which secrets its endpoint
//! gives to whom.

use std::collections::BTreeMap;

use serde_json::json;
use tests::template::{Template, statements, text};

/// Only checkout and sweeper have the shops' accounts at gateways. Where the stack makes the
/// network, only they and the console are in the subnets with a way out.
#[test]
fn only_the_callers_of_gateways_have_their_credentials_and_a_way_out() {
    let template = Template::read();
    let secret = "GatewaysSecretArn".to_owned();
    for (name, function) in template.functions() {
        let asks = ["Checkout", "Sweeper"].contains(&name);
        let variable = function["Environment"]["Variables"].get("GATEWAYS_SECRET_ARN");
        assert_eq!(variable.is_some(), asks, "{name}");
        let policy = &template.resource(&format!("{name}Role"))["Properties"]["Policies"][0];
        let found = statements(&policy["PolicyDocument"]).into_iter();
        let rights: Vec<_> = found
            .filter(|statement| text(&statement["Resource"]).contains(&secret))
            .collect();
        assert_eq!(rights.len(), usize::from(asks), "{name}");
        if asks {
            assert_eq!(text(variable.unwrap()), [secret.as_str()], "{name}");
            assert_eq!(
                text(&rights[0]["Action"]),
                ["secretsmanager:GetSecretValue"]
            );
            let subnets = &function["VpcConfig"]["Fn::If"][1]["SubnetIds"]["Fn::If"];
            assert_eq!(subnets[0], "CreatesNatGateway", "{name}");
            assert_eq!(text(&subnets[1]), ["GatewaySubnetA", "GatewaySubnetB"]);
        } else if name != "Webhook" {
            assert!(function.get("VpcConfig").is_none(), "{name}");
        }
    }
    let all = &template.section("Globals")["Function"]["VpcConfig"];
    assert!(!all.to_string().contains("GatewaySubnet"));
    let mut leads: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, route) in template.of_type("AWS::EC2::Route") {
        assert_eq!(template.resource(name)["Condition"], "CreatesNatGateway");
        let table = text(&route["RouteTableId"]).remove(0);
        for (_, of) in template.of_type("AWS::EC2::SubnetRouteTableAssociation") {
            if text(&of["RouteTableId"]) == [table.as_str()] {
                let subnet = text(&of["SubnetId"]);
                leads.entry(name.to_owned()).or_default().extend(subnet);
            }
        }
    }
    let way_out = json!({
        "GatewayRoute": ["GatewaySubnetA", "GatewaySubnetB"], "NatRoute": ["NatSubnet"],
    });
    assert_eq!(json!(leads), way_out);
    // A secret is read through this network's endpoint, which allows both functions.
    assert_eq!(
        readers(&template, &secret),
        ["CheckoutRole.Arn", "SweeperRole.Arn"]
    );
}

/// The roles that may read this secret through the endpoint of a created network.
fn readers(template: &Template, secret: &str) -> Vec<String> {
    let endpoint = &template.resource("SecretsManagerEndpoint")["Properties"]["PolicyDocument"];
    statements(endpoint)
        .into_iter()
        .filter(|statement| text(&statement["Resource"]) == [secret])
        .flat_map(|statement| text(&statement["Principal"]["AWS"]))
        .collect()
}

/// In a created network, too: there is a NAT gateway, and the endpoint lets it read its secret.
#[test]
fn the_console_reaches_its_provider_and_its_secret() {
    let template = Template::read();
    let way_out = template.section("Conditions")["CreatesNatGateway"].to_string();
    assert!(way_out.contains("\"HasConsole\""), "{way_out}");
    let console = &template.resource("ConsoleFunction")["Properties"];
    let subnets = &console["VpcConfig"]["Fn::If"][1]["SubnetIds"];
    let expected = ["GatewaySubnetA", "GatewaySubnetB", "SubnetIds"];
    assert_eq!(text(subnets), expected);
    assert_eq!(readers(&template, "ConsoleSecretArn"), ["ConsoleRole.Arn"]);
}
