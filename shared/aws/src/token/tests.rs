use serde_json::Value;

use super::*;

/// Tokens that botocore, AWS's own library, has made.
const GOLDEN: &str = include_str!("../../../../tests/fixtures/rds_tokens.json");

/// The part before `?`, and the parameters, sorted, because their order means nothing.
fn parts(token: &str) -> (&str, Vec<&str>) {
    let (server, query) = token.split_once('?').unwrap();
    let mut parameters: Vec<&str> = query.split('&').collect();
    parameters.sort_unstable();
    (server, parameters)
}

#[test]
fn a_token_is_the_one_that_botocore_makes() {
    let golden: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(golden.len(), 3);
    for case in golden {
        let text = |member: &str| case[member].as_str().unwrap();
        let session_token = case["session_token"].as_str().map(ToOwned::to_owned);
        let secret = "wJalrXUtnFEMI/K7MDENG";
        let credentials = Credentials::new("AKIDEXAMPLE", secret, session_token, None, "test");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(case["at_unix_s"].as_u64().unwrap());
        let server = format!("{}:{}", text("host"), case["port"]);
        let token = sign(&server, text("user"), text("region"), credentials, at).unwrap();
        assert_eq!(parts(&token), parts(text("token")));
        assert!(!token.contains(secret));
    }
}

#[test]
fn a_server_that_is_no_name_is_refused() {
    let credentials = Credentials::new("a", "hunter2", None, None, "test");
    let error = sign("a b:1", "u", "r", credentials, SystemTime::UNIX_EPOCH).unwrap_err();
    assert!(!error.to_string().contains("hunter2"));
}
