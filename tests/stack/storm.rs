//! A small bad day: three gateways lose, double and shuffle their webhooks and fail in turn, and
//! PostgreSQL stops in the middle. Every payment ends in one paid order, or goes back.

use std::process::Stdio;
use std::time::Duration;

use local::{Stack, StackOptions};
use serde_json::Value;
use tests::stack::{assert_promises_hold, holdfast, hurried_queue, owner, start, stop};
use tokio::process::Command;

const SHOPPERS: &str = "60";
/// Enough for nearly all shoppers to pay.
const UNITS: u32 = 60;
/// The length of the database's stop.
const DOWN_S: &str = "3";
/// The longest duration of the drill.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// `LOOKUP_…` for a rehearsal of a minute.
fn hurried_lookups() -> Vec<(String, String)> {
    [
        ("LOOKUP_BEFORE_S", "3600"),
        ("LOOKUP_AGAIN_S", "2"),
        ("LOOKUP_PENDING_S", "8"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn drill(stack: &Stack, out: &std::path::Path) -> Command {
    let mut drill = Command::from(holdfast("drill"));
    drill
        .args(["--api", &stack.api_url, "--webhook", &stack.webhook_url])
        .args(["--webhook-secret", &stack.secrets["dress"]])
        .args(["--database", &stack.database_url()])
        .args(["--gateways", &stack.gateways_url])
        .args(["--local", &stack.control_url])
        .args(["--database-down-s", DOWN_S, "--gateway-down-s", "1"])
        .args(["--lost-percent", "20", "--duplicates", "2"])
        .args(["--hot-sku", "LEHENGA-RED-M", "--shoppers", SHOPPERS])
        .args(["--units", &UNITS.to_string(), "--rush-s", "6", "--quiet"])
        .args(["--settle-s", "60", "--timeout", "110", "--out"])
        .arg(out)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    drill
}

/// Scenario 26, at all gateways, with lost webhooks.
#[tokio::test(flavor = "multi_thread")]
async fn every_payment_is_completed_or_refunded_on_a_bad_day() {
    let stack = start(StackOptions {
        concurrency: 6,
        sweep_every: Some(Duration::from_secs(1)),
        hot_units: Some(UNITS),
        sweeper_environment: hurried_lookups(),
        queue: hurried_queue(),
        ..StackOptions::default()
    });
    let out = tempfile::tempdir().unwrap();
    let ended = tokio::time::timeout(CALL_TIMEOUT, drill(&stack, out.path()).output())
        .await
        .unwrap()
        .unwrap();
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    assert_eq!(ended.status.code(), Some(0), "{told}");
    let report = std::fs::read_to_string(out.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["passed"], true);
    let gateways = &report["gateways"];
    assert!(gateways["outage_s"].as_f64().unwrap() >= 3.0, "{gateways}");
    let at = gateways["at"].as_array().unwrap();
    let sum = |what: &str| {
        at.iter()
            .map(|one| one.pointer(what).unwrap().as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(at.len(), 3);
    for one in at {
        assert!(one["paid"].as_u64().unwrap() > 0, "{one}");
        assert_eq!(one["unresolved"], 0, "{one}");
    }
    // the day was bad
    for what in ["/webhooks/lost", "/webhooks/copies", "/refunds"] {
        assert!(sum(what) > 0, "{what}: {gateways}");
    }
    assert_promises_hold(&owner(&stack).await).await;
    stop(stack).await;
}
