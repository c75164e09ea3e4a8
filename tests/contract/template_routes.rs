//! The HTTP API of template.yaml has the routes, methods and headers of openapi.yaml. A new admin
//! route needs no change here or in the template, unless it brings a new method or header.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tests::contract::CONTRACT;
use tests::template::{Template, text};

const ADMIN: &str = "/v1/admin/";

/// Paths with their methods.
type Routes = BTreeMap<String, BTreeSet<String>>;

/// Webhooks have a function URL instead.
fn is_of_the_http_api(path: &str) -> bool {
    !path.contains("/webhooks/")
}

/// The contract's routes, as a template must list them: the admin API's as one path.
fn promised() -> Routes {
    let mut routes = Routes::new();
    for (path, methods) in CONTRACT.routes() {
        let path = match path.starts_with(ADMIN) {
            true => format!("{ADMIN}{{proxy+}}"),
            false => path,
        };
        if is_of_the_http_api(&path) {
            routes.entry(path).or_default().extend(methods);
        }
    }
    routes
}

#[test]
fn the_http_api_has_the_routes_of_the_contract() {
    let template = Template::read();
    let mut routed = Routes::new();
    for (name, route) in template.of_type("AWS::ApiGatewayV2::Route") {
        let (method, path) = route["RouteKey"].as_str().unwrap().split_once(' ').unwrap();
        let methods = routed.entry(path.to_owned()).or_default();
        assert!(methods.insert(method.to_owned()), "{name}: a second one");
    }
    assert_eq!(routed, promised());
}

#[test]
fn each_route_has_its_function_and_its_authorizer() {
    let template = Template::read();
    for (name, route) in template.of_type("AWS::ApiGatewayV2::Route") {
        let is_admin = route["RouteKey"].as_str().unwrap().contains(ADMIN);
        let (door, function) = match is_admin {
            true => ("Admin", "Admin"),
            false => ("Storefront", "Checkout"),
        };
        let auth = format!("{door}Auth");
        let kind = json!({ "Fn::FindInMap": ["Authorization", { "Ref": auth }, "Type"] });
        assert_eq!(route["AuthorizationType"], kind, "{name}");
        let authorizer = text(&route["AuthorizerId"]);
        assert_eq!(authorizer, [format!("{door}Authorizer")], "{name}");
        let target = format!("integrations/${{{function}Integration}}");
        assert_eq!(text(&route["Target"]), [target], "{name}");
        let scopes = route.get("AuthorizationScopes").map(text);
        let wanted = is_admin.then(|| vec!["AdminScope".to_owned()]);
        assert_eq!(scopes, wanted, "{name}");
    }
}

/// Otherwise a page could not make a call, or could not read a header of its answer.
#[test]
fn pages_may_use_each_method_and_header_of_the_contract() {
    let template = Template::read();
    let configuration = &template.resource("Api")["Properties"]["CorsConfiguration"]["Fn::If"][1];
    let allowed = |name: &str| text(&configuration[name]).into_iter().collect();
    let methods: BTreeSet<String> = promised().into_values().flatten().collect();
    assert_eq!(methods, allowed("AllowMethods"));
    let (mut sent, got) = CONTRACT.headers(is_of_the_http_api);
    // Headers of each call, which OpenAPI does not list as parameters.
    sent.extend(["authorization".to_owned(), "content-type".to_owned()]);
    assert_eq!(sent, allowed("AllowHeaders"));
    assert_eq!(got, allowed("ExposeHeaders"));
}
