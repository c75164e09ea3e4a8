//! The contract that the code declares: openapi.yaml is what this module writes.
//!
//! The routes of the HTTP functions say everything about their operations. What concerns the API as
//! a whole, and the examples, stand in YAML beside the code.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use holdfast_http::contract::{AnswerBody, Content, Description};
use operations::refusal::{ALL, Declared};
use serde::Serialize;
use serde_norway::{Mapping, Value};

use utoipa::openapi::path::ParameterIn;

use crate::openapi_example::{Examples, sample};
use crate::openapi_shared::{move_repeated_to_components, remove_unused};
use crate::stack::root;

pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// One operation: its function, its method and path, and what its types say.
struct Operation {
    function: &'static str,
    method: Method,
    path: String,
    description: Description,
}

impl Operation {
    fn id(&self) -> &str {
        self.description.operation.operation_id.as_deref().unwrap()
    }
}

/// Writes the contract.
pub fn document() -> Value {
    let fixed = read("shared/http/contract.yaml");
    let mut document = Mapping::new();
    for name in ["openapi", "info", "servers", "security", "tags"] {
        document.insert(name.into(), fixed[name].clone());
    }
    let mut paths = Mapping::new();
    let mut components = Components::new(&fixed);
    for operation in operations() {
        let written = components.operation(&operation);
        let path = paths.entry(operation.path.into());
        let item = path.or_insert_with(|| Mapping::new().into());
        let method = operation.method.as_str().to_lowercase();
        item[method] = written;
    }
    document.insert("paths".into(), paths.into());
    document.insert("components".into(), components.written());
    let mut document = Value::from(document);
    move_repeated_to_components(&mut document, "responses");
    move_repeated_to_components(&mut document, "parameters");
    remove_unused(&mut document);
    document
}

/// openapi.yaml's text.
pub fn text() -> String {
    let text = serde_norway::to_string(&document()).unwrap();
    // A date without quotes is a text in YAML 1.2, but a time in YAML 1.1, which many tools read.
    let quoted = text.lines().map(|line| match line.rsplit_once(' ') {
        Some((before, value)) if is_date(value) && is_key(before) => format!("{before} '{value}'"),
        _ => line.to_owned(),
    });
    let head = "# Made from the code by `make openapi`. Do not edit it: docs/architecture.md says \
                where its words stand.\n";
    head.to_owned() + &quoted.map(|line| line + "\n").collect::<String>()
}

fn is_date(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[0].is_ascii_digit()
}

/// Whether a line up to its last value is a key, or the dash of a list.
fn is_key(before: &str) -> bool {
    before.ends_with(':') || before.trim() == "-"
}

fn operations() -> Vec<Operation> {
    fn of<S: Clone + Send + Sync + 'static>(
        function: &'static str,
        routes: Vec<holdfast_http::Route<S>>,
    ) -> Vec<Operation> {
        let operation = |route: holdfast_http::Route<S>| Operation {
            function,
            description: route.description(),
            method: route.method,
            path: route.path,
        };
        routes.into_iter().map(operation).collect()
    }
    [
        of("checkout", holdfast_checkout::routes()),
        of("webhook", holdfast_webhook::routes()),
        of("admin", holdfast_admin::routes()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The components of the document, and what makes them.
struct Components {
    /// shared/http/contract.yaml.
    fixed: Value,
    /// functions/<function>/examples.yaml.
    written_examples: BTreeMap<&'static str, Examples>,
    schemas: BTreeMap<String, Value>,
    examples: BTreeMap<String, Value>,
}

impl Components {
    fn new(fixed: &Value) -> Self {
        let read = |function| {
            let path = format!("functions/{function}/examples.yaml");
            (function, Examples::new(read(&path)))
        };
        Self {
            fixed: fixed.clone(),
            written_examples: ["checkout", "webhook", "admin"].map(read).into(),
            schemas: BTreeMap::new(),
            examples: BTreeMap::new(),
        }
    }

    fn written(mut self) -> Value {
        for (name, more) in entries(&self.fixed["schemas"]) {
            let schema = self
                .schemas
                .entry(name)
                .or_insert_with(|| Mapping::new().into());
            let more = more.as_mapping().unwrap().clone();
            schema.as_mapping_mut().unwrap().extend(more);
        }
        let headers = entries(&self.fixed["headers"]);
        map([
            ("securitySchemes", self.fixed["securitySchemes"].clone()),
            ("headers", value(&headers)),
            ("schemas", value(&self.schemas)),
            ("examples", value(&self.examples)),
        ])
    }

    fn operation(&mut self, operation: &Operation) -> Value {
        assert_path_parameters(operation);
        let description = &operation.description;
        self.add_schemas(&description.schemas);
        let words = &description.operation;
        let tags = words.tags.as_deref().unwrap();
        let mut written = Mapping::new();
        let mut put = |name: &str, value: Value| written.insert(name.into(), value);
        put("operationId", operation.id().into());
        put("tags", value(tags));
        put("summary", value(&words.summary));
        put("description", value(&words.description));
        if let Some(servers) = &words.servers {
            put("servers", value(servers));
        }
        if let Some(security) = &words.security {
            put("security", value(security));
        }
        let parameters = description.parameters.iter();
        let parameters: Vec<Value> = parameters.map(|it| self.with_example(it)).collect();
        if !parameters.is_empty() {
            put("parameters", parameters.into());
        }
        if let Some((required, content)) = &description.body {
            let mut body = Mapping::new();
            if let Some(about) = description.body_about {
                body.insert("description".into(), about.into());
            }
            body.insert("required".into(), (*required).into());
            let content = self.content(operation, "request", content);
            body.insert("content".into(), content.into());
            put("requestBody", body.into());
        }
        let answers = description.answers.keys().copied();
        let problems = description.problems.iter().map(|it| it.kind.status);
        let statuses: BTreeSet<u16> = answers.chain(problems).collect();
        let responses = statuses.into_iter();
        let responses = responses.map(|it| (it.to_string(), self.response(operation, it)));
        put("responses", map(responses));
        written.into()
    }

    fn add_schemas(&mut self, schemas: &[(String, impl Serialize)]) {
        let find = |name: &str| {
            let found = schemas.iter().find(|(known, _)| known == name);
            value(&found.unwrap_or_else(|| panic!("no schema {name}")).1)
        };
        for (name, schema) in schemas {
            self.add_schema(name.clone(), merged(value(schema), &find));
        }
    }

    fn add_schema(&mut self, name: String, schema: Value) {
        if let Some(before) = self.schemas.insert(name.clone(), schema) {
            let same = before == self.schemas[&name];
            assert!(same, "two different schemas have the name {name}");
        }
    }

    /// A parameter or a header with an example, which its schema makes.
    fn with_example(&self, parameter: &impl Serialize) -> Value {
        let mut parameter = value(parameter);
        // Only an answer has a cursor: a made-up one is refused.
        if parameter["schema"]["$ref"] == "#/components/schemas/Cursor" {
            return parameter;
        }
        let example = sample(&parameter["schema"], &self.schemas);
        let fields = parameter.as_mapping_mut().unwrap();
        fields.entry("example".into()).or_insert(example);
        parameter
    }

    /// The content of a request or of an answer (`part`). Each content type has the examples that
    /// were written for it, or one that its schema makes.
    fn content(&mut self, operation: &Operation, part: &str, content: &Content) -> Mapping {
        let written = &self.written_examples[operation.function];
        let mut media_types = Mapping::new();
        for (kind, schema) in content {
            let schema = value(schema);
            let (examples, named) = written.of(operation.id(), part, kind);
            self.examples.extend(named);
            let examples = examples.unwrap_or_else(|| {
                let made = sample(&schema, &self.schemas);
                map([("example", map([("value", made)]))])
            });
            let media_type = map([("schema", schema), ("examples", examples)]);
            media_types.insert((*kind).into(), media_type);
        }
        media_types
    }

    fn response(&mut self, operation: &Operation, status: u16) -> Value {
        let description = &operation.description;
        let answer = description.answers.get(&status);
        let problems = description.problems.iter();
        let problems: Vec<_> = problems.filter(|it| it.kind.status == status).collect();
        let mut content = Mapping::new();
        if let Some(answer) = answer {
            content = self.content(operation, &status.to_string(), &answer.content);
        }
        let words = if problems.is_empty() {
            words_of_answer(operation, status)
        } else {
            let media_type = self.problems(operation, status, &problems);
            content.insert(PROBLEM_JSON.into(), media_type);
            let lines: Vec<String> = problems.iter().map(|it| line_of(it)).collect();
            lines.join("\n")
        };
        map([
            ("description", words.into()),
            ("headers", self.headers(status, answer)),
            ("content", content.into()),
        ])
    }

    fn headers(&self, status: u16, answer: Option<&AnswerBody>) -> Value {
        let shared = |name: &str| map([("$ref", format!("#/components/headers/{name}").into())]);
        let mut headers = Mapping::new();
        if status == 401 {
            // API Gateway's own answer has no such header.
            let mut own = self.fixed["headers"]["x-request-id"].clone();
            own["required"] = false.into();
            headers.insert("x-request-id".into(), own);
        } else {
            headers.insert("x-request-id".into(), shared("x-request-id"));
        }
        if status == 503 {
            headers.insert("Retry-After".into(), shared("Retry-After"));
        }
        for (name, always, header) in answer.iter().flat_map(|answer| &answer.headers) {
            let mut header = self.with_example(header);
            header["required"] = (*always).into();
            headers.insert((*name).into(), header);
        }
        headers.into()
    }

    /// The media type of the problems with one status.
    fn problems(&mut self, operation: &Operation, status: u16, problems: &[&Declared]) -> Value {
        let mut variants = Vec::new();
        let mut mapping = Mapping::new();
        let mut examples = Mapping::new();
        for problem in problems {
            let code = problem.kind.code;
            let name = pascal(code);
            self.add_problem(problem, &name);
            let schema = format!("#/components/schemas/{name}Problem");
            variants.push(map([("$ref", schema.clone().into())]));
            mapping.insert(code.into(), schema.into());
            let example = format!("#/components/examples/{name}");
            examples.insert(code.into(), map([("$ref", example.into())]));
        }
        let written = &self.written_examples[operation.function];
        let (more, named) = written.of(operation.id(), &status.to_string(), PROBLEM_JSON);
        self.examples.extend(named);
        if let Some(Value::Mapping(more)) = more {
            examples.extend(more);
        }
        let schema = match variants.as_slice() {
            [only] => only.clone(),
            _ => map([
                ("oneOf", variants.into()),
                (
                    "discriminator",
                    map([("propertyName", "code".into()), ("mapping", mapping.into())]),
                ),
            ]),
        };
        map([("schema", schema), ("examples", examples.into())])
    }

    /// Adds the schema and the example of a problem.
    fn add_problem(&mut self, problem: &Declared, name: &str) {
        let kind = problem.kind;
        let urn = format!("urn:holdfast:problem:{}", kind.code);
        let carried = merged(value(&problem.members), &|name| self.schemas[name].clone());
        let (members, required) = members(&carried, &self.schemas);
        let constant = |value: Value| map([("const", value)]);
        let mut properties = mapping([
            ("type", constant(urn.as_str().into())),
            ("status", constant(kind.status.into())),
            ("code", constant(kind.code.into())),
        ]);
        properties.extend(members.clone());
        let mut own = mapping([("type", "object".into())]);
        if !required.is_empty() {
            own.insert("required".into(), required.into());
        }
        own.insert("properties".into(), properties.into());
        let base = map([("$ref", "#/components/schemas/Problem".into())]);
        let schema = map([("allOf", vec![base, own.into()].into())]);
        self.add_schema(format!("{name}Problem"), schema);

        let mut example = mapping([
            ("type", urn.into()),
            ("title", kind.title.into()),
            ("status", kind.status.into()),
            ("detail", kind.detail.into()),
            ("code", kind.code.into()),
            ("request_id", "6b1d7a52-0c1e-4c55-9a3f-6f1d2a1c9e07".into()),
        ]);
        match &self.fixed["problems"][kind.code] {
            Value::Mapping(written) => example.extend(written.clone()),
            _ => {
                for (name, schema) in members {
                    example.insert(name, sample(&schema, &self.schemas));
                }
            }
        }
        let example = map([("value", example.into())]);
        self.examples.entry(name.to_owned()).or_insert(example);
    }
}

/// The handler takes every parameter of its path, and no other.
fn assert_path_parameters(operation: &Operation) {
    let names = operation.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(name.to_owned())
    });
    let taken = operation.description.parameters.iter();
    let taken = taken.filter(|parameter| parameter.parameter_in == ParameterIn::Path);
    assert_eq!(
        taken
            .map(|parameter| parameter.name.clone())
            .collect::<BTreeSet<_>>(),
        names.collect::<BTreeSet<_>>(),
        "{}",
        operation.path
    );
}

/// The description of an answer that is no problem.
fn words_of_answer(operation: &Operation, status: u16) -> String {
    if status == 401 {
        return "Only with a JWT authorizer: API Gateway refused the token, or there was none. \
                Holdfast did not see the request."
            .to_owned();
    }
    let responses = value(&operation.description.operation.responses);
    let words = responses[status.to_string()]["description"].as_str();
    let id = operation.id();
    words
        .unwrap_or_else(|| panic!("{id} does not describe its answer {status}"))
        .to_owned()
}

/// A problem as a line of a list: its code and what it means.
fn line_of(problem: &Declared) -> String {
    let meaning = match problem.meaning.as_str() {
        "" => problem.kind.detail,
        own => own,
    };
    let lines: Vec<&str> = meaning.lines().map(str::trim).collect();
    format!("- `{}`: {}", problem.kind.code, lines.join("\n  "))
}

/// The members that a problem carries, and the names of those that it always has. The fields of a
/// value under the name `all` are members themselves.
fn members(carried: &Value, schemas: &BTreeMap<String, Value>) -> (Mapping, Vec<Value>) {
    let properties = carried["properties"].as_mapping().cloned();
    let required = carried["required"].as_sequence().cloned();
    let (mut properties, mut required) =
        (properties.unwrap_or_default(), required.unwrap_or_default());
    if let Some(all) = properties.remove(ALL) {
        let (fields, of_fields) = members(&schemas[referred(&all).unwrap()], schemas);
        properties.extend(fields);
        required.retain(|name| name != ALL);
        required.extend(of_fields);
    }
    (properties, required)
}

/// A struct with flattened fields as one object: utoipa writes `allOf`.
fn merged(schema: Value, find: &dyn Fn(&str) -> Value) -> Value {
    let Some(parts) = schema["allOf"].as_sequence().cloned() else {
        return schema;
    };
    let mut whole = Mapping::new();
    for part in parts {
        let part = match referred(&part) {
            Some(name) => merged(find(name), find),
            None => part,
        };
        for (name, value) in part.as_mapping().cloned().unwrap_or_default() {
            match (whole.get_mut(&name), value) {
                (Some(Value::Mapping(known)), Value::Mapping(more)) => known.extend(more),
                (Some(Value::Sequence(known)), Value::Sequence(more)) => known.extend(more),
                (Some(_), _) => {}
                (None, value) => {
                    whole.insert(name, value);
                }
            }
        }
    }
    if let Value::String(about) = &schema["description"] {
        whole.insert("description".into(), about.clone().into());
    }
    whole.into()
}

fn read(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    serde_norway::from_str(&text).unwrap()
}

fn entries(mapping: &Value) -> BTreeMap<String, Value> {
    let entries = mapping.as_mapping().unwrap().iter();
    entries
        .map(|(name, value)| (name.as_str().unwrap().to_owned(), value.clone()))
        .collect()
}

/// The name of the component to which a value refers.
pub(crate) fn referred(value: &Value) -> Option<&str> {
    value["$ref"].as_str()?.rsplit('/').next()
}

/// `stock_stale` as `StockStale`.
pub(crate) fn pascal(code: &str) -> String {
    code.split('_')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

fn mapping<K: Into<Value>>(entries: impl IntoIterator<Item = (K, Value)>) -> Mapping {
    let entries = entries.into_iter();
    entries.map(|(name, value)| (name.into(), value)).collect()
}

pub(crate) fn map<K: Into<Value>>(entries: impl IntoIterator<Item = (K, Value)>) -> Value {
    mapping(entries).into()
}

fn value<T: Serialize + ?Sized>(of: &T) -> Value {
    serde_norway::to_value(of).unwrap()
}
