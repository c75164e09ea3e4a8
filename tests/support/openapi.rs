//! The contract that the code declares: openapi.yaml is what this module writes.
//!
//! The routes of the HTTP functions say everything about their operations. What concerns the API as
//! a whole, and the examples, stand in YAML beside the code.

use std::collections::BTreeMap;

use axum::http::Method;
use holdfast_http::contract::{AnswerBody, Description};
use operations::refusal::Declared;
use serde::Serialize;
use serde_json::json;
use serde_norway::{Mapping, Value};

use crate::openapi_example::{Examples, sample};
use crate::stack::root;

/// One operation: its function, its method and path, and what its types say.
struct Operation {
    function: &'static str,
    method: Method,
    path: String,
    description: Description,
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
        item.as_mapping_mut()
            .unwrap()
            .insert(method.into(), written);
    }
    document.insert("paths".into(), paths.into());
    document.insert("components".into(), components.written());
    let mut document = Value::from(document);
    share(&mut document, "responses");
    share(&mut document, "parameters");
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
    fixed: Value,
    schemas: BTreeMap<String, Value>,
    examples: BTreeMap<String, Value>,
    of_function: BTreeMap<&'static str, Examples>,
}

impl Components {
    fn new(fixed: &Value) -> Self {
        let read = |function| {
            let path = format!("functions/{function}/examples.yaml");
            (function, Examples::new(read(&path)))
        };
        Self {
            schemas: BTreeMap::new(),
            examples: BTreeMap::new(),
            of_function: ["checkout", "webhook", "admin"].map(read).into(),
            fixed: fixed.clone(),
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
        let components: [(&str, Value); 4] = [
            ("securitySchemes", self.fixed["securitySchemes"].clone()),
            ("headers", value(&headers)),
            ("schemas", value(&self.schemas)),
            ("examples", value(&self.examples)),
        ];
        map(components)
    }

    fn operation(&mut self, operation: &Operation) -> Value {
        let said = &operation.description;
        for (name, schema) in &said.schemas {
            let schema = flat(value(schema), &|name| {
                let found = said.schemas.iter().find(|(known, _)| known == name);
                value(&found.unwrap_or_else(|| panic!("no schema {name}")).1)
            });
            let before = self.schemas.insert(name.clone(), schema.clone());
            let same = before.is_none_or(|before| before == schema);
            assert!(same, "two different schemas have the name {name}");
        }
        let words = &said.operation;
        let id = words.operation_id.clone().unwrap();
        let tags = words.tags.clone().unwrap();
        let mut written = Mapping::new();
        let mut put = |name: &str, value: Value| written.insert(name.into(), value);
        put("operationId", id.clone().into());
        put("tags", value(&tags));
        put("summary", value(&words.summary));
        put("description", value(&words.description));
        if let Some(servers) = &words.servers {
            put("servers", value(servers));
        }
        if let Some(security) = &words.security {
            put("security", value(security));
        }
        let parameters: Vec<Value> = said.parameters.iter().map(|p| self.parameter(p)).collect();
        if !parameters.is_empty() {
            put("parameters", parameters.into());
        }
        if let Some((required, content)) = &said.body {
            let content = content.iter().map(|(kind, schema)| {
                let examples = self.examples_of(operation.function, &id, "request", kind, schema);
                (
                    *kind,
                    map([("schema", value(schema)), ("examples", examples)]),
                )
            });
            let content = map(content.collect::<Vec<_>>());
            let mut body = Mapping::new();
            if let Some(about) = said.body_about {
                body.insert("description".into(), about.into());
            }
            body.insert("required".into(), (*required).into());
            body.insert("content".into(), content);
            put("requestBody", body.into());
        }
        put("responses", self.responses(operation, &id));
        written.into()
    }

    fn parameter(&self, parameter: &impl Serialize) -> Value {
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

    /// By content type: the examples that were written for it, or one that its schema makes.
    fn examples_of(
        &mut self,
        function: &str,
        id: &str,
        part: &str,
        kind: &str,
        schema: &impl Serialize,
    ) -> Value {
        let (examples, named) = self.of_function[function].of(id, part, kind);
        self.examples.extend(named);
        examples.unwrap_or_else(|| {
            let made = sample(&value(schema), &self.schemas);
            map([("example", map([("value", made)]))])
        })
    }

    fn responses(&mut self, operation: &Operation, id: &str) -> Value {
        let said = &operation.description;
        let statuses: std::collections::BTreeSet<u16> = said
            .answers
            .keys()
            .copied()
            .chain(said.problems.iter().map(|problem| problem.kind.status))
            .collect();
        let responses = statuses.into_iter().map(|status| {
            let answer = said.answers.get(&status);
            let problems = said.problems.iter();
            let problems: Vec<_> = problems.filter(|p| p.kind.status == status).collect();
            let description = if problems.is_empty() {
                described(said, status)
            } else {
                let lines: Vec<String> = problems.iter().map(|problem| meaning(problem)).collect();
                lines.join("\n")
            };
            let mut content = Mapping::new();
            for (kind, schema) in answer.iter().flat_map(|answer| &answer.content) {
                let part = status.to_string();
                let examples = self.examples_of(operation.function, id, &part, kind, schema);
                let media = map([("schema", value(schema)), ("examples", examples)]);
                content.insert((*kind).into(), media);
            }
            if !problems.is_empty() {
                let mut media = self.problems(&problems);
                let (part, kind) = (status.to_string(), "application/problem+json");
                let (more, named) = self.of_function[operation.function].of(id, &part, kind);
                self.examples.extend(named);
                if let Some(Value::Mapping(more)) = more {
                    media["examples"].as_mapping_mut().unwrap().extend(more);
                }
                content.insert(kind.into(), media);
            }
            let response = map([
                ("description", description.into()),
                ("headers", self.headers(status, answer)),
                ("content", content.into()),
            ]);
            (status.to_string(), response)
        });
        let responses: Vec<_> = responses.collect();
        map(responses
            .iter()
            .map(|(status, response)| (status.as_str(), response.clone())))
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
            let mut header = self.parameter(header);
            header["required"] = (*always).into();
            headers.insert((*name).into(), header);
        }
        headers.into()
    }

    /// The media type of these problems.
    fn problems(&mut self, problems: &[&Declared]) -> Value {
        let mut variants = Vec::new();
        let mut mapping = Mapping::new();
        let mut examples = Mapping::new();
        for problem in problems {
            let code = problem.kind.code;
            let name = pascal(code);
            self.problem(problem, &name);
            let schema = format!("#/components/schemas/{name}Problem");
            variants.push(map([("$ref", schema.clone().into())]));
            mapping.insert(code.into(), schema.into());
            let example = format!("#/components/examples/{name}");
            examples.insert(code.into(), map([("$ref", example.into())]));
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

    /// The schema and the example of a problem.
    fn problem(&mut self, problem: &Declared, name: &str) {
        let kind = problem.kind;
        let kind_of = format!("urn:holdfast:problem:{}", kind.code);
        let carried = flat(value(&problem.members), &|name| self.schemas[name].clone());
        let mut properties = Mapping::new();
        properties.insert("type".into(), value(&json!({ "const": kind_of })));
        properties.insert("status".into(), value(&json!({ "const": kind.status })));
        properties.insert("code".into(), value(&json!({ "const": kind.code })));
        let (members, required) = members(&carried, &self.schemas);
        properties.extend(members.clone());
        let mut own = Mapping::new();
        own.insert("type".into(), "object".into());
        if !required.is_empty() {
            own.insert("required".into(), required.into());
        }
        own.insert("properties".into(), properties.into());
        let base = map([("$ref", "#/components/schemas/Problem".into())]);
        let schema = map([("allOf", vec![base, own.into()].into())]);
        let before = self
            .schemas
            .insert(format!("{name}Problem"), schema.clone());
        let same = before.is_none_or(|before| before == schema);
        assert!(same, "{} carries different values", kind.code);

        let mut example = Mapping::new();
        for (name, value) in [
            ("type", Value::from(kind_of)),
            ("title", kind.title.into()),
            ("status", kind.status.into()),
            ("detail", kind.detail.into()),
            ("code", kind.code.into()),
            ("request_id", "6b1d7a52-0c1e-4c55-9a3f-6f1d2a1c9e07".into()),
        ] {
            example.insert(name.into(), value);
        }
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

/// The description of an answer that is no problem.
fn described(said: &Description, status: u16) -> String {
    if status == 401 {
        return "Only with a JWT authorizer: API Gateway refused the token, or there was none. \
                Holdfast did not see the request."
            .to_owned();
    }
    let words = value(&said.operation.responses);
    let text = words[status.to_string()]["description"].as_str();
    let id = &said.operation.operation_id;
    text.unwrap_or_else(|| panic!("{id:?} does not describe its answer {status}"))
        .to_owned()
}

/// What a problem means, as a line of a list.
fn meaning(problem: &Declared) -> String {
    let text = match problem.meaning.as_str() {
        "" => problem.kind.detail,
        said => said,
    };
    let text: Vec<&str> = text.lines().map(str::trim).collect();
    format!("- `{}`: {}", problem.kind.code, text.join("\n  "))
}

/// The members that a problem carries. The fields of a value under the name `all` are its own.
fn members(carried: &Value, schemas: &BTreeMap<String, Value>) -> (Mapping, Vec<Value>) {
    let mut properties = carried["properties"]
        .as_mapping()
        .cloned()
        .unwrap_or_default();
    let mut required = carried["required"]
        .as_sequence()
        .cloned()
        .unwrap_or_default();
    if let Some(all) = properties.remove(operations::refusal::ALL) {
        let name = all["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let (fields, of_fields) = members(&schemas[name], schemas);
        properties.extend(fields);
        required.retain(|name| name != operations::refusal::ALL);
        required.extend(of_fields);
    }
    (properties, required)
}

/// A struct with flattened fields as one object: utoipa writes `allOf`.
fn flat(schema: Value, find: &dyn Fn(&str) -> Value) -> Value {
    let Some(parts) = schema["allOf"].as_sequence().cloned() else {
        return schema;
    };
    let mut whole = Mapping::new();
    for part in parts {
        let part = match part["$ref"].as_str() {
            Some(reference) => flat(find(reference.rsplit('/').next().unwrap()), find),
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

/// Moves what several operations say in the same words to the components.
fn share(document: &mut Value, what: &str) {
    let mut counted: Vec<(Value, usize)> = Vec::new();
    let each = |document: &mut Value, act: &mut dyn FnMut(&mut Value)| {
        let paths = document["paths"].as_mapping_mut().unwrap();
        for operation in paths
            .values_mut()
            .flat_map(|item| item.as_mapping_mut().unwrap().values_mut())
        {
            match operation.get_mut(what) {
                Some(Value::Mapping(all)) => all.values_mut().for_each(&mut *act),
                Some(Value::Sequence(all)) => all.iter_mut().for_each(&mut *act),
                _ => {}
            }
        }
    };
    each(
        document,
        &mut |said| match counted.iter_mut().find(|(known, _)| known == said) {
            Some((_, times)) => *times += 1,
            None => counted.push((said.clone(), 1)),
        },
    );
    counted.retain(|(said, times)| *times > 2 && shared_name(said).is_some());
    counted.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let mut shared = Mapping::new();
    for (said, _) in counted {
        let name = Value::from(shared_name(&said).unwrap());
        shared.entry(name).or_insert(said);
    }
    each(document, &mut |said| {
        let name = shared_name(said).unwrap_or_default();
        if shared.get(name.as_str()) == Some(said) {
            *said = map([("$ref", format!("#/components/{what}/{name}").into())]);
        }
    });
    document["components"][what] = shared.into();
}

/// The name under which a parameter, or the response of one problem, may be shared.
fn shared_name(said: &Value) -> Option<String> {
    if let Some(name) = said["name"].as_str() {
        return Some(pascal(&name.replace('-', "_")));
    }
    let problem = &said["content"]["application/problem+json"]["schema"]["$ref"];
    match problem.as_str() {
        Some(problem) => {
            let name = problem.rsplit('/').next()?;
            Some(name.strip_suffix("Problem")?.to_owned())
        }
        None if said["content"]["application/json"]["schema"]["$ref"]
            == "#/components/schemas/ApiGatewayMessage" =>
        {
            Some("TokenRefused".to_owned())
        }
        None => None,
    }
}

/// Removes the schemas to which nothing refers, such as those that are flattened into others.
fn remove_unused(document: &mut Value) {
    loop {
        let text = serde_norway::to_string(document).unwrap();
        let schemas = document["components"]["schemas"].as_mapping_mut().unwrap();
        let before = schemas.len();
        schemas.retain(|name, _| {
            let name = name.as_str().unwrap();
            let reference = format!("#/components/schemas/{name}");
            let ends = |at: usize| !text[at..].starts_with(|c: char| c.is_ascii_alphanumeric());
            let mut found = text.match_indices(&reference);
            found.any(|(at, _)| ends(at + reference.len()))
        });
        if schemas.len() == before {
            return;
        }
    }
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

/// `stock_stale` as `StockStale`.
fn pascal(code: &str) -> String {
    code.split('_')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let entries = entries.into_iter();
    Value::from(
        entries
            .map(|(name, value)| (name.into(), value))
            .collect::<Mapping>(),
    )
}

fn value<T: Serialize + ?Sized>(of: &T) -> Value {
    serde_norway::to_value(of).unwrap()
}
