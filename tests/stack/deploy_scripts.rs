//! The scripts of tools/deploy that a person runs against a deployment, against the local stack.

use std::process::Command;

use tests::stack::{STACK, owner, put_sku, root};

const SKU: &str = "SOLD-BY-SCRIPT";

/// `tools/deploy/sell`, with this webhook secret.
fn sell(secret: &str) -> (bool, String, String) {
    let ended = Command::new(root().join("tools/deploy/sell"))
        .arg(secret)
        .env("API_URL", &STACK.api_url)
        .env("WEBHOOK_URL", format!("{}/", STACK.webhook_url))
        .env("HOLDFAST_SHOP", "dress")
        .env("HOLDFAST_SKU", SKU)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        ended.status.success(),
        text(ended.stdout),
        text(ended.stderr),
    )
}

#[tokio::test]
async fn the_guides_script_sells_a_unit() {
    let owner = owner(&STACK).await;
    put_sku(&owner, "dress", SKU, 2).await;
    let (done, told, error) = sell("local-demo-secret-dress");
    assert!(done, "{told}{error}");
    assert!(
        told.contains("held: ") && told.ends_with("paid\n"),
        "{told}"
    );
    // A wrong secret is a webhook that nobody believes.
    let (done, told, error) = sell("not-the-secret");
    assert!(!done && !told.contains("paid\n"), "{told}{error}");
    assert!(error.contains("401"), "{error}");
}

#[test]
fn a_call_to_aws_needs_credentials() {
    let url = "https://a1b2.execute-api.eu-west-1.amazonaws.com/v1/shops/dress";
    let ended = Command::new(root().join("tools/deploy/call"))
        .args(["GET", url])
        .env_remove("AWS_ACCESS_KEY_ID")
        .output()
        .unwrap();
    assert!(!ended.status.success());
    let error = String::from_utf8(ended.stderr).unwrap();
    assert!(error.contains("export-credentials"), "{error}");
}
