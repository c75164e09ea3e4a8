//! template.yaml as data: each `!Tag x` of CloudFormation's becomes `{"Fn::Tag": x}`.

use serde_json::{Map, Value, json};
use serde_norway::Value as Yaml;

use crate::stack::root;

/// The template of this tree.
pub struct Template(Value);

impl Template {
    pub fn read() -> Self {
        let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
        Self(plain(serde_norway::from_str(&text).unwrap()))
    }

    pub fn section(&self, name: &str) -> &Map<String, Value> {
        self.0[name].as_object().unwrap()
    }

    pub fn resource(&self, name: &str) -> &Value {
        let found = self.section("Resources").get(name);
        found.unwrap_or_else(|| panic!("there is no resource {name}"))
    }

    /// The resources of a type, by name.
    pub fn of_type(&self, kind: &str) -> Vec<(&str, &Value)> {
        let resources = self.section("Resources").iter();
        let found: Vec<_> = resources
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
            .collect();
        assert!(!found.is_empty(), "no {kind}");
        found
    }

    /// The functions that every deployment has: the name (`Checkout`) and its properties.
    pub fn functions(&self) -> Vec<(&str, &Value)> {
        self.of_type("AWS::Serverless::Function")
            .into_iter()
            .filter(|(name, _)| self.resource(name).get("Condition").is_none())
            .map(|(name, function)| (name.strip_suffix("Function").unwrap(), function))
            .collect()
    }
}

fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                plain @ ("Ref" | "Condition") => plain.to_owned(),
                function => format!("Fn::{function}"),
            };
            json!({ name: plain(tagged.value) })
        }
        Yaml::Mapping(mapping) => mapping
            .into_iter()
            .map(|(key, value)| (key.as_str().unwrap().to_owned(), plain(value)))
            .collect::<Map<_, _>>()
            .into(),
        Yaml::Sequence(items) => items.into_iter().map(plain).collect::<Vec<_>>().into(),
        other => serde_json::to_value(other).unwrap(),
    }
}

/// The resources that a value refers to, as people write them: `Queue.Arn`, `DatabaseSecretArn`, an
/// ARN without account and region. A choice gives each possibility in turn.
pub fn text(value: &Value) -> Vec<String> {
    let short = |arn: &str| {
        arn.replace("arn:${AWS::Partition}:", "")
            .replace("${AWS::Region}:${AWS::AccountId}:", "")
    };
    match value {
        Value::String(text) => vec![short(text)],
        Value::Array(items) => items.iter().flat_map(text).collect(),
        Value::Object(map) => match map.iter().next() {
            Some((function, of)) => match function.as_str() {
                "Ref" if of == "AWS::NoValue" => Vec::new(),
                "Ref" | "Fn::GetAtt" => text(of),
                "Fn::If" => text(&of[1]).into_iter().chain(text(&of[2])).collect(),
                "Fn::Sub" if of.is_array() => text(&of[0]),
                "Fn::Sub" => text(of),
                other => panic!("{other} in {value}"),
            },
            None => Vec::new(),
        },
        other => panic!("{other}"),
    }
}

/// The statements of a policy, including those of choices.
pub fn statements(document: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    let mut open: Vec<&Value> = document["Statement"].as_array().unwrap().iter().collect();
    while let Some(statement) = open.pop() {
        match statement.get("Fn::If") {
            Some(choice) => open.extend(&choice.as_array().unwrap()[1..]),
            None if statement.get("Ref").is_some() => {}
            None => found.push(statement),
        }
    }
    found
}
