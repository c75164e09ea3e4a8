//! openapi.yaml, for checking answers against it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::stack::root;

/// The contract of this tree.
pub static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let text = std::fs::read_to_string(root().join("openapi.yaml")).unwrap();
    Contract {
        document: serde_norway::from_str(&text).unwrap(),
        validators: Mutex::default(),
    }
});

/// Methods that a path item may have, in openapi's spelling.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// An OpenAPI 3.1 document.
pub struct Contract {
    document: Value,
    /// By the JSON of the schema.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    /// Paths with their methods in capitals.
    pub fn routes(&self) -> BTreeMap<String, BTreeSet<String>> {
        let paths = self.document["paths"].as_object().unwrap();
        paths
            .iter()
            .map(|(path, item)| {
                let has = |method: &&str| item.get(method).is_some();
                let methods = METHODS.into_iter().filter(has);
                (path.clone(), methods.map(str::to_uppercase).collect())
            })
            .collect()
    }

    /// Every operation, as (method in capitals, path, operationId), in the contract's order.
    pub fn operations(&self) -> Vec<(String, String, String)> {
        let paths = self.document["paths"].as_object().unwrap();
        let mut found = Vec::new();
        for (path, item) in paths {
            for method in METHODS {
                if let Some(operation) = item[method]["operationId"].as_str() {
                    found.push((method.to_uppercase(), path.clone(), operation.to_owned()));
                }
            }
        }
        found
    }

    /// The paths of the lists: the operations whose 200 answer may say where the next page begins.
    pub fn lists(&self) -> BTreeSet<String> {
        let operations = self.operations().into_iter();
        let lists = operations.filter(|(method, path, _)| self.has_next(method, path));
        lists.map(|(_, path, _)| path).collect()
    }

    /// Whether the 200 answer has `next`, in its body or as a header.
    pub fn has_next(&self, method: &str, path: &str) -> bool {
        let response = &self.operation(method, path)["responses"]["200"];
        let response = self.resolved(response);
        let body = self.resolved(&response["content"]["application/json"]["schema"]);
        let is_next = |name: &String| name.eq_ignore_ascii_case("x-holdfast-next");
        let headers = response["headers"].as_object();
        headers.is_some_and(|headers| headers.keys().any(is_next))
            || body["properties"].get("next").is_some()
    }

    /// The parameters of an operation: each name, and its example.
    pub fn parameters(&self, method: &str, path: &str) -> BTreeMap<String, Value> {
        let operation = self.operation(method, path)["parameters"].as_array();
        let mut parameters = BTreeMap::new();
        for parameter in operation.into_iter().flatten() {
            let parameter = self.resolved(parameter);
            let name = parameter["name"].as_str().unwrap();
            parameters.insert(name.to_owned(), parameter["example"].clone());
        }
        parameters
    }

    /// The names of an operation's parameters of the query.
    pub fn query(&self, method: &str, path: &str) -> Vec<String> {
        self.parameters_in("query", method, path)
    }

    /// The names of an operation's parameters of this place: `query`, `path`, `header`.
    pub fn parameters_in(&self, place: &str, method: &str, path: &str) -> Vec<String> {
        let parameters = self.operation(method, path)["parameters"].as_array();
        let parameters = parameters.into_iter().flatten();
        let parameters = parameters.map(|parameter| self.resolved(parameter));
        let there = parameters.filter(|parameter| parameter["in"] == place);
        there
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The schema of an operation's parameter.
    pub fn parameter_schema(&self, method: &str, path: &str, name: &str) -> &Value {
        let parameters = self.operation(method, path)["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten().map(|it| self.resolved(it));
        let is_it = |parameter: &&Value| parameter["name"] == name;
        &parameters.find(is_it).unwrap()["schema"]
    }

    /// What an operation takes as a body of JSON: its schema, and examples.
    pub fn json_body(&self, method: &str, path: &str) -> Option<(&Value, Vec<&Value>)> {
        let body = self.resolved(&self.operation(method, path)["requestBody"]);
        let json = &body["content"]["application/json"];
        let examples = json["examples"].as_object().into_iter().flatten();
        let examples = examples.map(|(_, example)| &self.resolved(example)["value"]);
        let only = json.get("example");
        (!json.is_null()).then(|| (&json["schema"], examples.chain(only).collect()))
    }

    /// Whether an operation takes a body of JSON.
    pub fn takes_json(&self, method: &str, path: &str) -> bool {
        self.json_body(method, path).is_some()
    }

    /// Whether a schema allows a value.
    pub fn allows(&self, schema: &Value, value: &Value) -> bool {
        self.validator(schema).is_valid(value)
    }

    /// The path of an operation with the examples of its parameters.
    pub fn example(&self, method: &str, template: &str) -> String {
        let parameters = self.parameters(method, template).into_iter();
        parameters.fold(template.to_owned(), |path, (name, example)| {
            let text = example.as_str().map(str::to_owned);
            let text = text.unwrap_or_else(|| example.to_string());
            path.replace(&format!("{{{name}}}"), &text)
        })
    }

    /// The template of a path, such as `/v1/shops/{shop}/availability`.
    pub fn template(&self, path: &str) -> Option<&str> {
        self.path_item(path).map(|(template, _)| template)
    }

    fn operation(&self, method: &str, path: &str) -> &Value {
        &self.document["paths"][path][method.to_lowercase()]
    }

    /// The headers that callers of these paths send, and those that they get, in lower case.
    pub fn headers(&self, these: impl Fn(&str) -> bool) -> (BTreeSet<String>, BTreeSet<String>) {
        let paths = self.document["paths"].as_object().unwrap().iter();
        let (mut sent, mut got) = (BTreeSet::new(), BTreeSet::new());
        for (_, item) in paths.filter(|(path, _)| these(path)) {
            for operation in METHODS.map(|method| &item[method]) {
                let lists = [&item["parameters"], &operation["parameters"]];
                for parameter in lists.into_iter().filter_map(Value::as_array).flatten() {
                    let parameter = self.resolved(parameter);
                    if parameter["in"] == "header" {
                        sent.insert(parameter["name"].as_str().unwrap().to_lowercase());
                    }
                }
                for (_, response) in operation["responses"].as_object().into_iter().flatten() {
                    let headers = self.resolved(response)["headers"].as_object();
                    got.extend(
                        headers
                            .into_iter()
                            .flatten()
                            .map(|(name, _)| name.to_lowercase()),
                    );
                }
            }
        }
        (sent, got)
    }

    /// The `code` of every problem, with its status.
    pub fn problems(&self) -> BTreeMap<String, u16> {
        let schemas = self.document["components"]["schemas"].as_object().unwrap();
        schemas
            .values()
            .filter_map(|schema| {
                let own = &schema["allOf"][1]["properties"];
                let status = own["status"]["const"].as_u64()?;
                let code = own["code"]["const"].as_str()?;
                Some((code.to_owned(), u16::try_from(status).unwrap()))
            })
            .collect()
    }

    /// Whether a request body is one that the contract allows.
    pub fn allows_request(&self, operation: &str, body: &Value) -> bool {
        let paths = self.document["paths"].as_object().unwrap();
        let found = paths
            .values()
            .flat_map(|item| METHODS.map(|method| &item[method]))
            .find(|candidate| candidate["operationId"] == operation)
            .unwrap();
        let schema = &found["requestBody"]["content"]["application/json"]["schema"];
        self.validator(schema).is_valid(body)
    }

    /// Panics unless the contract promises this answer for this request.
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let Answer {
            status, headers, ..
        } = answer;
        let where_ = format!("{method} {path}: {status}");
        let response = self
            .response(method, path, *status)
            .unwrap_or_else(|| panic!("{where_} is not in openapi.yaml: {answer:#?}"));
        let content_type = headers.get("content-type").map_or("", String::as_str);
        let schema = &response["content"][content_type]["schema"];
        assert!(
            !schema.is_null(),
            "{where_}: no {content_type:?} there: {answer:#?}"
        );
        let validator = self.validator(schema);
        let wrong: Vec<String> = validator
            .iter_errors(&answer.body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            wrong.is_empty(),
            "{where_}: {wrong:#?} in {:#}",
            answer.body
        );
        let promised = response["headers"].as_object().into_iter().flatten();
        for (name, header) in promised {
            let header = self.resolved(header);
            let name = name.to_lowercase();
            let Some(text) = headers.get(&name) else {
                assert!(header["required"] != true, "{where_}: no header {name}");
                continue;
            };
            let value = text
                .parse::<i64>()
                .map_or(json!(text), |number| json!(number));
            let schema = self.validator(&header["schema"]);
            let fits = schema.is_valid(&value) || schema.is_valid(&json!(text));
            assert!(fits, "{where_}: {name}: {text}");
        }
        if content_type == "application/problem+json" {
            assert_eq!(answer.body["status"], *status, "{where_}");
            assert_eq!(
                answer.body["request_id"],
                headers["x-request-id"].as_str(),
                "{where_}"
            );
            let code = answer.code();
            assert_eq!(
                answer.body["type"],
                format!("urn:holdfast:problem:{code}"),
                "{where_}"
            );
        }
    }

    /// The contract's response for a status. A path that the contract lacks is answered like one
    /// beside it, and a method that a path lacks like the path's others.
    fn response(&self, method: &str, path: &str, status: u16) -> Option<&Value> {
        let Some((_, item)) = self.path_item(path) else {
            let any = match path {
                office if office.starts_with("/v1/admin/") => {
                    self.operation("GET", "/v1/admin/shops/{shop}")
                }
                webhook if webhook.contains("/webhooks/") => {
                    self.operation("POST", "/v1/shops/{shop}/webhooks/stripe")
                }
                _ => self.operation("GET", "/v1/shops/{shop}/availability"),
            };
            let response = &any["responses"][status.to_string()];
            let is_known = [401, 404, 405].contains(&status) && !response.is_null();
            return is_known.then(|| self.resolved(response));
        };
        let own = &item[method.to_lowercase()];
        let operations = if own.is_null() {
            METHODS.map(|other| &item[other]).to_vec()
        } else {
            vec![own]
        };
        operations
            .into_iter()
            .map(|operation| &operation["responses"][status.to_string()])
            .find(|response| !response.is_null())
            .map(|response| self.resolved(response))
    }

    fn path_item(&self, path: &str) -> Option<(&str, &Value)> {
        let decoded = |segment| percent_decode_str(segment).decode_utf8_lossy();
        let segments: Vec<Cow<'_, str>> = path.split('/').map(decoded).collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            template.len() == segments.len()
                && template
                    .iter()
                    .zip(&segments)
                    .all(|(wanted, got)| wanted.starts_with('{') || *wanted == got)
        };
        let paths = self.document["paths"].as_object().unwrap();
        paths
            .iter()
            .find(|(template, _)| fits(template))
            .map(|(template, item)| (template.as_str(), item))
    }

    /// The value that a reference means.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            None => value,
            Some(reference) => {
                let pointer = reference.strip_prefix('#').unwrap();
                self.document.pointer(pointer).unwrap()
            }
        }
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let build = || {
            // The references point to #/components of their own document.
            let whole = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": self.document["components"],
                "allOf": [schema],
            });
            let validator = jsonschema::options()
                .should_validate_formats(true)
                .build(&whole);
            Arc::new(validator.unwrap())
        };
        Arc::clone(validators.entry(schema.to_string()).or_insert_with(build))
    }
}
