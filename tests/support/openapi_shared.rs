//! The components of openapi.yaml that several operations share.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_norway::Value;

use crate::openapi::{PROBLEM_JSON, map, pascal, referred};

/// With fewer uses, an operation shows the part itself.
const USES_MIN: usize = 3;

/// Moves the `responses` or the `parameters` that several operations repeat to the components, and
/// lets the operations refer to them. If parts with the same name differ, the one with most uses
/// moves.
pub(crate) fn move_repeated_to_components(document: &mut Value, section: &str) {
    let mut by_name: BTreeMap<String, Vec<(Value, usize)>> = BTreeMap::new();
    for_each_part(document, section, |part| {
        let Some(name) = name_of(part) else { return };
        let variants = by_name.entry(name).or_default();
        match variants.iter_mut().find(|(known, _)| known == part) {
            Some((_, uses)) => *uses += 1,
            None => variants.push((part.clone(), 1)),
        }
    });
    let mut shared = BTreeMap::new();
    for (name, mut variants) in by_name {
        variants.sort_by_key(|(_, uses)| Reverse(*uses));
        let (part, uses) = variants.swap_remove(0);
        if uses >= USES_MIN {
            shared.insert(name, part);
        }
    }
    for_each_part(document, section, |part| {
        let name = name_of(part).unwrap_or_default();
        if shared.get(&name) == Some(part) {
            *part = map([("$ref", format!("#/components/{section}/{name}").into())]);
        }
    });
    document["components"][section] = map(shared);
}

fn for_each_part(document: &mut Value, section: &str, mut act: impl FnMut(&mut Value)) {
    let paths = document["paths"].as_mapping_mut().unwrap().values_mut();
    for operation in paths.flat_map(|path| path.as_mapping_mut().unwrap().values_mut()) {
        match operation.get_mut(section) {
            Some(Value::Mapping(parts)) => parts.values_mut().for_each(&mut act),
            Some(Value::Sequence(parts)) => parts.iter_mut().for_each(&mut act),
            _ => {}
        }
    }
}

/// The name under which operations may share a parameter, or a response with one problem.
fn name_of(part: &Value) -> Option<String> {
    if let Some(parameter) = part["name"].as_str() {
        return Some(pascal(&parameter.replace('-', "_")));
    }
    let content = &part["content"];
    match referred(&content[PROBLEM_JSON]["schema"]) {
        Some(problem) => Some(problem.strip_suffix("Problem")?.to_owned()),
        None => (referred(&content["application/json"]["schema"]) == Some("ApiGatewayMessage"))
            .then(|| "TokenRefused".to_owned()),
    }
}

/// Removes the schemas to which nothing refers, such as those that are merged into others.
pub(crate) fn remove_unused(document: &mut Value) {
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
