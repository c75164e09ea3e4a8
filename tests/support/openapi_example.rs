//! The examples of openapi.yaml: those that stand in a file, and those that a schema makes.

use std::collections::BTreeMap;

use serde_norway::{Mapping, Value};

use crate::openapi::{map, referred};

/// The examples of one function's operations.
pub(crate) struct Examples(Value);

impl Examples {
    /// A file with the examples by operation, and with the named ones.
    pub(crate) fn new(file: Value) -> Self {
        Self(file)
    }

    /// The examples of a part of an operation (`request`, or a status) in a content type, if there
    /// are any; and the named examples among them.
    pub(crate) fn of(
        &self,
        id: &str,
        part: &str,
        kind: &str,
    ) -> (Option<Value>, Vec<(String, Value)>) {
        let part = &self.0["operations"][id][part];
        let of_kind = match &part[kind] {
            Value::Null if kind == "application/json" => part,
            of_kind => of_kind,
        };
        let Some(examples) = of_kind.as_mapping() else {
            return (None, Vec::new());
        };
        let mut named = Vec::new();
        let mut written = Mapping::new();
        for (key, example) in examples {
            let example = match example.as_str() {
                Some(name) => {
                    named.push((name.to_owned(), self.0["named"][name].clone()));
                    let reference = format!("#/components/examples/{name}");
                    map([("$ref", reference.into())])
                }
                None => example.clone(),
            };
            written.insert(key.clone(), example);
        }
        (Some(written.into()), named)
    }
}

/// A value that fits a schema: its own example, or one made of its fields' examples.
pub(crate) fn sample(schema: &Value, schemas: &BTreeMap<String, Value>) -> Value {
    if let Some(name) = referred(schema) {
        let schema = schemas
            .get(name)
            .unwrap_or_else(|| panic!("no schema {name}"));
        return sample(schema, schemas);
    }
    for own in [
        &schema["example"],
        &schema["examples"][0],
        &schema["default"],
        &schema["enum"][0],
    ] {
        if !own.is_null() {
            return own.clone();
        }
    }
    if let Some(first) = schema["oneOf"].as_sequence().and_then(|all| all.first()) {
        return sample(first, schemas);
    }
    let types = &schema["type"];
    let of_type = types
        .as_str()
        .or_else(|| types[0].as_str())
        .unwrap_or("object");
    match of_type {
        "array" => Value::Sequence(vec![sample(&schema["items"], schemas)]),
        "boolean" => false.into(),
        "integer" => 1.into(),
        "string" if schema["format"] == "uuid" => "0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4".into(),
        "string" if schema["format"] == "date-time" => "2026-11-21T04:30:00Z".into(),
        "string" => "text".into(),
        _ => {
            let properties = schema["properties"].as_mapping().into_iter().flatten();
            let fields = properties.map(|(name, schema)| (name.clone(), sample(schema, schemas)));
            Value::Mapping(fields.collect())
        }
    }
}
