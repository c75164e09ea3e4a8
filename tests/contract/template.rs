//! The guarantees of template.yaml: who may call what, and with which right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use operations::payment::Gateway;
use serde_json::{Value, json};
use tests::stack::root;
use tests::template::{Template, statements, text};

const FUNCTIONS: [&str; 6] = [
    "Checkout", "Admin", "Webhook", "Payments", "Sweeper", "Migrate",
];

/// Every policy with its owner: (role or policy, statement). A policy that is attached to a role
/// counts as the role's own.
fn policies(template: &Template) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (name, role) in template.of_type("AWS::IAM::Role") {
        for policy in role["Policies"].as_array().into_iter().flatten() {
            for statement in statements(&policy["PolicyDocument"]) {
                found.push((name.to_owned(), statement));
            }
        }
    }
    for (_, policy) in template.of_type("AWS::IAM::Policy") {
        for owner in text(&policy["Roles"]) {
            for statement in statements(&policy["PolicyDocument"]) {
                found.push((owner.clone(), statement));
            }
        }
    }
    for (name, policy) in template.of_type("AWS::IAM::ManagedPolicy") {
        for statement in statements(&policy["PolicyDocument"]) {
            found.push((name.to_owned(), statement));
        }
    }
    found
}

fn actions(statement: &Value) -> Vec<String> {
    text(&statement["Action"])
}

/// The table of all rights in docs/access.md must match the template, row by row.
#[test]
fn the_guides_table_of_rights_matches_the_template() {
    let template = Template::read();
    let mut rights: BTreeSet<[String; 3]> = BTreeSet::new();
    for (owner, statement) in policies(&template) {
        if statement["Effect"] == "Deny" {
            continue;
        }
        for resource in text(&statement["Resource"]) {
            let actions = actions(statement);
            let actions: Vec<String> = actions.iter().map(|a| format!("`{a}`")).collect();
            rights.insert([
                format!("`{owner}`"),
                actions.join(", "),
                format!("`{resource}`"),
            ]);
        }
    }
    let guide = fs::read_to_string(root().join("docs/access.md")).unwrap();
    let section = guide.split("<!-- rights -->").nth(1).unwrap();
    let listed: BTreeSet<[String; 3]> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            [cells[1].into(), cells[2].into(), cells[3].into()]
        })
        .collect();
    let missing: Vec<String> = rights
        .difference(&listed)
        .map(|row| format!("| {} |", row.join(" | ")))
        .collect();
    assert!(missing.is_empty(), "not listed:\n{}", missing.join("\n"));
    let wrong: Vec<_> = listed.difference(&rights).collect();
    assert!(
        wrong.is_empty(),
        "listed, but not in the template: {wrong:#?}"
    );
}

#[test]
fn each_function_has_a_role_of_its_own_that_only_lambda_may_take() {
    let template = Template::read();
    let functions = template.functions();
    let names: BTreeSet<&str> = functions.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, FUNCTIONS.into_iter().collect());
    for (name, function) in functions {
        assert_eq!(
            function["Role"],
            json!({ "Fn::GetAtt": format!("{name}Role.Arn") })
        );
        // SAM would add these, and a reader of the template would not see them.
        assert!(function.get("Policies").is_none(), "{name}");
        let role = &template.resource(&format!("{name}Role"))["Properties"];
        let trust = statements(&role["AssumeRolePolicyDocument"]);
        assert_eq!(trust.len(), 1, "{name}");
        assert_eq!(
            trust[0]["Principal"],
            json!({ "Service": "lambda.amazonaws.com" })
        );
        let attached = role.get("ManagedPolicyArns").map(text).unwrap_or_default();
        let expected: &[&str] = if name == "Webhook" {
            &["TracingPolicy"]
        } else {
            &["NetworkInterfacePolicy", "TracingPolicy"]
        };
        assert_eq!(attached, expected, "{name}");
    }
}

#[test]
fn no_right_is_wider_than_necessary() {
    let template = Template::read();
    // AWS has no narrower resource here; a comment beside each gives the reason.
    let everything = [
        ("NetworkInterfacePolicy", "LambdaAttachesTheFunctions"),
        ("ReleaseRole", "ReadAlarms"),
        ("TracingPolicy", "SendSegments"),
    ];
    // Limited to one stack or one API; a wildcard stands for a part of the name.
    let many = [
        ("ReleaseRole", "MoveTheAliases"),
        ("StorefrontCallerPolicy", "CallTheApi"),
        ("AdminCallerPolicy", "CallTheApi"),
    ];
    let (mut all, mut some) = (BTreeSet::new(), BTreeSet::new());
    for (owner, statement) in policies(&template) {
        let sid = statement["Sid"].as_str().unwrap();
        for action in actions(statement) {
            assert!(!action.contains('*'), "{owner}: {action}");
        }
        assert!(statement.get("NotAction").is_none() && statement.get("NotResource").is_none());
        if statement["Effect"] == "Deny" {
            continue;
        }
        for resource in text(&statement["Resource"]) {
            if resource == "*" {
                all.insert((owner.clone(), sid));
            } else if resource.contains('*') {
                some.insert((owner.clone(), sid));
            }
        }
    }
    let named = |list: &[(&str, &'static str)]| -> BTreeSet<(String, &str)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), *b)).collect()
    };
    assert_eq!(all, named(&everything));
    assert_eq!(some, named(&many));
}

/// Only Lambda itself may make network interfaces with a function's role: its code may not.
#[test]
fn the_code_of_a_function_may_not_touch_the_network() {
    let template = Template::read();
    let policy = &template.resource("NetworkInterfacePolicy")["Properties"]["PolicyDocument"];
    let allowed = &policy["Statement"][0];
    let denied = &policy["Statement"][1];
    assert_eq!(
        (&allowed["Effect"], &denied["Effect"]),
        (&json!("Allow"), &json!("Deny"))
    );
    assert_eq!(allowed["Action"], denied["Action"]);
    let condition = &denied["Condition"]["ArnLike"]["lambda:SourceFunctionArn"];
    assert_eq!(text(condition), ["lambda:function:${AWS::StackName}-*"]);
}

#[test]
fn no_secret_gets_into_an_environment_variable() {
    let template = Template::read();
    let source = fs::read_to_string(root().join("template.yaml")).unwrap();
    assert!(!source.contains("{{resolve:"));
    assert!(!source.contains("NoEcho"));
    let operations = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    for (name, function) in template.functions() {
        for (variable, value) in function["Environment"]["Variables"].as_object().unwrap() {
            assert!(!["DATABASE_URL", "WEBHOOK_SECRETS"].contains(&variable.as_str()));
            let secret = value.to_string().contains("Secret");
            assert_eq!(
                secret,
                variable.ends_with("_SECRET_ARN") || variable.ends_with("_SECRETS_ARN")
            );
            assert!(
                operations.contains(&format!("`{variable}`")),
                "{name}: {variable}"
            );
        }
    }
}

/// No function can log in as another one. While a release begins or stops to use the proxy, old and
/// new versions run. So the right to log in to the database does not depend on the proxy, and the
/// right to log in to the proxy is a policy that comes and goes with the proxy.
#[test]
fn each_function_logs_in_to_the_database_as_its_own_role() {
    let template = Template::read();
    let logins_through_the_proxy = template.of_type("AWS::IAM::Policy");
    let waits = template.resource("Migration")["Properties"]["Network"].to_string();
    let console = (
        "Console",
        &template.resource("ConsoleFunction")["Properties"],
    );
    for (name, function) in template.functions().into_iter().chain([console]) {
        let variables = &function["Environment"]["Variables"];
        if ["Webhook", "Migrate"].contains(&name) {
            assert!(variables.get("DATABASE_USER").is_none(), "{name}");
            continue;
        }
        let role = format!("holdfast_{}", name.to_lowercase());
        assert_eq!(text(&variables["DATABASE_USER"]), [role.as_str()], "{name}");
        let secret = format!("{name}DatabaseSecretArn");
        assert_eq!(text(&variables["DATABASE_SECRET_ARN"]), [secret.as_str()]);
        let login = |statement: &&Value| actions(statement).contains(&"rds-db:connect".to_owned());
        let policy = &template.resource(&format!("{name}Role"))["Properties"]["Policies"][0];
        let found = statements(&policy["PolicyDocument"]);
        let login: Vec<_> = found.into_iter().filter(login).collect();
        assert_eq!(login.len(), 1, "{name}");
        let resource = &login[0]["Resource"];
        assert_eq!(text(resource), [format!("rds-db:dbuser:${{Id}}/{role}")]);
        assert!(!resource.to_string().contains("Proxy"), "{name}");
        let mut through = logins_through_the_proxy
            .iter()
            .filter(|(_, policy)| text(&policy["Roles"]) == [format!("{name}Role")]);
        let (policy, rights) = through.next().unwrap();
        let rights = statements(&rights["PolicyDocument"]);
        assert_eq!(rights.len(), 1, "{name}");
        assert_eq!(actions(rights[0]), ["rds-db:connect"]);
        let proxy = format!("rds-db:dbuser:${{Proxy}}/{role}");
        assert_eq!(text(&rights[0]["Resource"]), [proxy]);
        assert!(waits.contains(&format!("\"{policy}\"")), "{name}");
    }
    for proxy in ["DatabaseProxyTarget", "DatabaseFromProxy"] {
        assert!(waits.contains(&format!("\"{proxy}\"")), "{proxy}");
    }
    let webhook = &template.resource("WebhookFunction")["Properties"];
    assert!(!webhook["Environment"].to_string().contains("DATABASE"));
    assert_eq!(webhook["VpcConfig"], json!({ "Ref": "AWS::NoValue" }));
}

/// Only the sweeper has the secrets that sign announcements.
#[test]
fn only_the_sweeper_has_the_secrets_of_subscribers() {
    let template = Template::read();
    let secret = "SubscriberSecretsArn".to_owned();
    for (name, function) in template.functions() {
        let is_sweeper = name == "Sweeper";
        let variable = function["Environment"]["Variables"].get("SUBSCRIBER_SECRETS_ARN");
        assert_eq!(variable.is_some(), is_sweeper, "{name}");
        let policy = &template.resource(&format!("{name}Role"))["Properties"]["Policies"][0];
        let mut rights = statements(&policy["PolicyDocument"]).into_iter();
        let has = rights.any(|statement| text(&statement["Resource"]).contains(&secret));
        assert_eq!(has, is_sweeper, "{name}");
    }
}

/// So that nobody has to assemble a URL.
#[test]
fn the_outputs_have_each_gateways_webhook_url() {
    let template = Template::read();
    for gateway in Gateway::ALL {
        let (first, rest) = gateway.as_str().split_at(1);
        let name = format!("{}{rest}WebhookUrl", first.to_uppercase());
        let url = text(&template.section("Outputs")[&name]["Value"]).remove(0);
        let path = format!("}}v1/shops/SHOP/webhooks/{gateway}");
        assert!(url.ends_with(&path), "{url}");
        let listed = template.section("Parameters")["WebhookSecretsArn"]["Description"].as_str();
        assert!(listed.unwrap().contains(&format!("\"{gateway}\"")));
    }
}

/// `none` is a choice for the storefront only, which may have its own protection in front. It is
/// never the default.
#[test]
fn nothing_is_open_by_default() {
    let template = Template::read();
    let parameters = template.section("Parameters");
    assert_eq!(
        parameters["AdminAuth"]["AllowedValues"],
        json!(["iam", "jwt"])
    );
    assert_eq!(parameters["AdminAuth"]["Default"], "iam");
    assert_eq!(parameters["StorefrontAuth"]["Default"], "iam");
    assert_eq!(parameters["OfflinePayment"]["Default"], "deny");
    assert_eq!(parameters["CorsAllowOrigins"]["Default"], "");
    assert_eq!(
        template.section("Mappings")["Authorization"]["iam"]["Type"],
        "AWS_IAM"
    );
}

#[test]
fn only_declared_callers_may_invoke_a_function() {
    let template = Template::read();
    let mut doors = BTreeSet::new();
    for (name, permission) in template.of_type("AWS::Lambda::Permission") {
        let principal = permission["Principal"].as_str().unwrap();
        let function = text(&permission["FunctionName"]).remove(0);
        let action = permission["Action"].as_str().unwrap();
        match principal {
            "apigateway.amazonaws.com" => {
                assert!(permission.get("SourceArn").is_some(), "{name}");
            }
            "*" => assert!(
                permission["FunctionUrlAuthType"] == "NONE"
                    || permission["InvokedViaFunctionUrl"] == true,
                "{name}"
            ),
            other => panic!("{name}: {other}"),
        }
        doors.insert((function, principal.to_owned(), action.to_owned()));
    }
    let door = |f: &str, p: &str, a: &str| (f.to_owned(), p.to_owned(), a.to_owned());
    let gateway = "apigateway.amazonaws.com";
    assert_eq!(
        doors,
        BTreeSet::from([
            door("CheckoutFunction.Alias", gateway, "lambda:InvokeFunction"),
            door(
                "ManagedCheckoutFunction.Alias",
                gateway,
                "lambda:InvokeFunction"
            ),
            door("AdminFunction.Alias", gateway, "lambda:InvokeFunction"),
            door("ConsoleFunction.Alias", "*", "lambda:InvokeFunctionUrl"),
            door("ConsoleFunction.Alias", "*", "lambda:InvokeFunction"),
            door("WebhookFunction.Alias", "*", "lambda:InvokeFunctionUrl"),
            door("WebhookFunction.Alias", "*", "lambda:InvokeFunction"),
        ])
    );
    // Events that SAM declares would come with permissions that appear nowhere.
    for (name, function) in template.functions() {
        assert!(function.get("FunctionUrlConfig").is_none(), "{name}");
        let events = function["Events"].as_object().into_iter().flatten();
        let kinds: Vec<&str> = events.map(|(_, e)| e["Type"].as_str().unwrap()).collect();
        let expected: &[&str] = match name {
            "Payments" => &["SQS"],
            "Sweeper" => &["ScheduleV2"],
            _ => &[],
        };
        assert_eq!(kinds, expected, "{name}");
    }
}

fn dead_letter_queue_of(queue: &Value) -> Option<String> {
    let target = queue.get("RedrivePolicy")?.get("deadLetterTargetArn")?;
    Some(
        text(target)
            .remove(0)
            .strip_suffix(".Arn")
            .unwrap()
            .to_owned(),
    )
}

#[test]
fn no_queued_message_is_lost_unseen() {
    let template = Template::read();
    let queues: BTreeMap<&str, &Value> = template.of_type("AWS::SQS::Queue").into_iter().collect();
    let mut dead = BTreeSet::new();
    for (name, queue) in &queues {
        assert_eq!(
            template.resource(name)["DeletionPolicy"],
            "RetainExceptOnCreate",
            "{name}"
        );
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{name}");
        // The longest retention of SQS: nobody may look for days.
        assert_eq!(queue["MessageRetentionPeriod"], 1_209_600, "{name}");
        if let Some(other) = dead_letter_queue_of(queue) {
            let other = queues[other.as_str()];
            for same in ["FifoQueue", "MaximumMessageSize"] {
                assert_eq!(queue.get(same), other.get(same), "{name}");
            }
            dead.extend(dead_letter_queue_of(queue));
        } else {
            assert!(name.ends_with("DeadLetterQueue"), "{name}");
        }
    }
    for (name, function) in template.functions() {
        for (_, event) in function["Events"].as_object().into_iter().flatten() {
            let properties = &event["Properties"];
            if event["Type"] == "SQS" {
                let queue = text(&properties["Queue"]).remove(0);
                let queue = queues[queue.strip_suffix(".Arn").unwrap()];
                let hidden_s = function["Timeout"].as_u64().unwrap() * 6;
                assert_eq!(queue["VisibilityTimeout"], hidden_s, "{name}");
                let partly = json!(["ReportBatchItemFailures"]);
                assert_eq!(properties["FunctionResponseTypes"], partly, "{name}");
                assert!(properties["ScalingConfig"]["MaximumConcurrency"].is_object());
            } else {
                dead.extend(text(&properties["DeadLetterConfig"]["Arn"]));
                // Otherwise what Lambda throttled would come in a flood.
                assert_eq!(properties["RetryPolicy"]["MaximumEventAgeInSeconds"], 60);
            }
        }
        if let Some(called) = function.get("EventInvokeConfig") {
            assert_eq!(called["MaximumEventAgeInSeconds"], 60, "{name}");
            dead.extend(text(
                &called["DestinationConfig"]["OnFailure"]["Destination"],
            ));
        }
    }
    let migrate = &template.resource("MigrateInvokeConfig")["Properties"];
    dead.extend(text(
        &migrate["DestinationConfig"]["OnFailure"]["Destination"],
    ));
    let dead: BTreeSet<&str> = dead
        .iter()
        .map(|name| name.trim_end_matches(".Arn"))
        .collect();
    let named = queues
        .keys()
        .filter(|name| name.ends_with("DeadLetterQueue"));
    assert_eq!(dead, named.copied().collect());
    // Functions that are called asynchronously have one.
    let sweeper = &template.resource("SweeperFunction")["Properties"];
    assert!(sweeper["EventInvokeConfig"].is_object());
    // CloudFormation invokes it without a version, so a configuration of the alias would not count.
    assert_eq!(migrate["Qualifier"], "$LATEST");
    assert_eq!(migrate["MaximumRetryAttempts"], 0);
    assert_eq!(
        template.resource("Migration")["DependsOn"],
        "MigrateInvokeConfig"
    );
}

#[test]
fn a_release_migrates_before_anything_else() {
    let template = Template::read();
    let migration = &template.resource("Migration")["Properties"];
    assert_eq!(text(&migration["ServiceToken"]), ["MigrateFunction.Arn"]);
    // A new value with each release, so that each release migrates.
    assert_eq!(text(&migration["Release"]), ["MigrateFunction.Version"]);
    let timeout_s = template.resource("MigrateFunction")["Properties"]["Timeout"].as_u64();
    assert!(migration["ServiceTimeout"].as_u64() > timeout_s);
    for (name, function) in template.functions() {
        let resource = template.resource(&format!("{name}Function"));
        match name {
            "Migrate" => assert!(resource.get("DependsOn").is_none()),
            _ => assert_eq!(resource["DependsOn"], "Migration", "{name}"),
        }
        // Otherwise a changed parameter would not reach the callers.
        assert_eq!(function["AutoPublishAliasAllProperties"], true, "{name}");
        let release = function.get("DeploymentPreference");
        assert_eq!(release.is_none(), name == "Migrate", "{name}");
        let Some(release) = release else { continue };
        assert_eq!(release["Type"], json!({ "Ref": "ReleaseType" }), "{name}");
        assert_eq!(text(&release["Role"]), ["ReleaseRole.Arn"], "{name}");
        let choice = &release["Alarms"]["Fn::If"];
        assert_eq!(choice[0], "GuardsRelease", "{name}");
        let guards = text(&choice[1]);
        assert!(!guards.is_empty(), "{name}");
        for alarm in guards {
            guards_a_release(&template, &alarm);
        }
        // CodeDeploy refuses an empty list.
        assert_eq!(text(&choice[2]), ["ReleaseUnguardedAlarm"], "{name}");
    }
    let all = &template.section("Globals")["Function"];
    assert_eq!(all["AutoPublishAlias"], "live");
}

/// An alarm that sees a bad release: of one metric, with minutes to wait for late data. An
/// expression with FILL would read the newest minute as a zero until its data come.
fn guards_a_release(template: &Template, name: &str) {
    let alarm = template.resource(name);
    assert_eq!(alarm["Type"], "AWS::CloudWatch::Alarm", "{name}");
    let of = &alarm["Properties"];
    assert!(of.get("Metrics").is_none(), "{name}");
    assert_eq!(of["Period"], 60, "{name}");
    let periods = of["EvaluationPeriods"].as_u64().unwrap();
    assert!((3..=5).contains(&periods), "{name}");
    assert!(
        of["DatapointsToAlarm"].as_u64().unwrap() < periods,
        "{name}"
    );
    assert_eq!(of["TreatMissingData"], "notBreaching", "{name}");
}

#[test]
fn each_log_group_has_a_retention_and_one_writing_function() {
    let template = Template::read();
    for (name, group) in template.of_type("AWS::Logs::LogGroup") {
        assert_eq!(
            group["RetentionInDays"],
            json!({ "Ref": "LogRetentionDays" }),
            "{name}"
        );
    }
    for (name, function) in template.functions() {
        let group = format!("{name}LogGroup");
        assert_eq!(
            text(&function["LoggingConfig"]["LogGroup"]),
            [group.as_str()]
        );
        for (owner, statement) in policies(&template) {
            if actions(statement)
                .iter()
                .any(|action| action.starts_with("logs:"))
            {
                let own = owner.replace("Role", "LogGroup.Arn");
                assert_eq!(text(&statement["Resource"]), [own], "{owner}");
            }
        }
    }
    // A reader of the request log learns no checkout's id, which is a capability.
    let format = template.resource("ApiStage")["Properties"]["AccessLogSettings"]["Format"].clone();
    let format = format.as_str().unwrap();
    serde_json::from_str::<Value>(format).unwrap();
    for private in [
        "$context.path",
        "sourceIp",
        "userAgent",
        "claims",
        "$context.identity",
    ] {
        assert!(!format.contains(private), "{private}");
    }
}

#[test]
fn every_parameter_is_described_bounded_and_in_a_group() {
    let template = Template::read();
    let interface = &template.section("Metadata")["AWS::CloudFormation::Interface"];
    let groups = interface["ParameterGroups"].as_array().unwrap();
    let grouped: Vec<&str> = groups
        .iter()
        .flat_map(|group| group["Parameters"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    let parameters = template.section("Parameters");
    let names: BTreeSet<&str> = parameters.keys().map(String::as_str).collect();
    assert_eq!(grouped.len(), names.len());
    assert_eq!(grouped.into_iter().collect::<BTreeSet<_>>(), names);
    for (name, parameter) in parameters {
        assert!(parameter["Description"].as_str().is_some(), "{name}");
        let bounds = ["AllowedValues", "AllowedPattern", "MaxValue"];
        assert!(
            bounds.iter().any(|bound| parameter.get(bound).is_some()),
            "{name}"
        );
        let explained = parameter.get("AllowedPattern").is_none()
            || parameter["ConstraintDescription"].is_string();
        assert!(explained, "{name}: a refusal would show a pattern");
    }
    let source = fs::read_to_string(root().join("docs/deploy.md")).unwrap();
    for name in names {
        assert!(
            source.contains(&format!("`{name}`")),
            "the guide lacks {name}"
        );
    }
}
