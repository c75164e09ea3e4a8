//! Negative controls of the drill: the local stack with routines that break a promise. The drill
//! must fail and name the promise. It runs without `--database`, so it judges by answers alone.

use std::collections::BTreeSet;

use local::{Stack, StackOptions};
use serde_json::Value;
use tests::Routine;
use tests::stack::{holdfast, owner, put_sku, start, stop};
use tokio::process::Command;

/// So many that some of the shoppers who get a unit let it lapse, and some try forbidden requests.
const UNITS: i32 = 80;

/// Routines with changed text, and the promises that they break.
struct Fault {
    changes: &'static [(&'static str, &'static str, &'static str)],
    breaks: &'static [&'static str],
    /// Staff work beside the shoppers.
    mixed: bool,
}

const FAULTS: [Fault; 6] = [
    // Begin does not look at the stock.
    Fault {
        changes: &[(
            "checkout_hold_cart",
            "l.on_hand - l.held >= p_quantities[i]",
            "true",
        )],
        breaks: &["never_oversold"],
        mixed: false,
    },
    // A paid order leaves the shelf twice.
    Fault {
        changes: &[(
            "order_complete",
            "on_hand = l.on_hand - v_lines.quantities[i]",
            "on_hand = l.on_hand - 2 * v_lines.quantities[i]",
        )],
        breaks: &["a_payment_only_rises"],
        mixed: false,
    },
    // Payments are recorded and have no effect.
    Fault {
        changes: &[(
            "payment_apply_paid",
            "if v_answer.o_outcome <> 'enough' then",
            "v_answer.o_outcome := 'no_effect'; if true then",
        )],
        breaks: &["no_payment_is_lost"],
        mixed: false,
    },
    // Holds never expire.
    Fault {
        changes: &[(
            "checkout_expire",
            "o_expired := checkout_give_back(p_shop, v_part, 'expired')",
            "o_expired := 0",
        )],
        breaks: &["the_databases_clock_decides", "stock_came_back"],
        mixed: false,
    },
    // A checkout is shown to every customer, and half of the checkouts are gone for the shop.
    Fault {
        changes: &[(
            "checkout_read",
            "checkout_describe(p_shop, p_checkout_id, p_customer)",
            "checkout_describe(p_shop, p_checkout_id, null)
                where p_customer is not null or p_checkout_id::text < '8'",
        )],
        breaks: &["a_shop_sees_only_itself", "what_was_acknowledged_survives"],
        mixed: false,
    },
    // Stale edits go through, reports of imports count wrong, and the oldest holds break first.
    Fault {
        changes: &[
            (
                "stock_move",
                "when v_answer.o_version <> p_expected_version then",
                "when false then",
            ),
            ("import_report", "i.changed,", "i.changed + 1,"),
            (
                "stock_shrink_plan",
                "h.created_at desc, h.checkout_id desc",
                "h.created_at, h.checkout_id",
            ),
        ],
        breaks: &[
            "a_stale_edit_is_refused",
            "imports_end_as_reported",
            "the_newest_holds_break_first",
        ],
        mixed: true,
    },
];

/// The promises that a drill of two hundred shoppers finds broken, and its summary. Each drill
/// sells its own sku.
async fn failed(stack: &Stack, number: usize, mixed: bool) -> (BTreeSet<String>, String) {
    let (hot, other) = (format!("HOT-{number}"), format!("OTHER-{number}"));
    let owner = owner(stack).await;
    put_sku(&owner, "dress", &hot, UNITS).await;
    put_sku(&owner, "dress", &other, 100).await;
    let out = tempfile::tempdir().unwrap();
    let mut drill = Command::from(holdfast("drill"));
    drill
        .args(["--api", &stack.api_url, "--webhook", &stack.webhook_url])
        .args(["--webhook-secret", &stack.secrets["dress"]])
        .args(["--hot-sku", &hot, "--skus", &other, "--other-shop", "tour"])
        .args(["--shoppers", "200", "--units", &UNITS.to_string()])
        .args(["--hold-s", "1", "--settle-s", "3", "--timeout", "120"])
        .args(["--rush-s", if mixed { "6" } else { "2" }, "--quiet"]);
    if mixed {
        drill.args(["--mixed", "--admin-token", &stack.admin_token]);
    }
    let ended = drill.arg("--out").arg(out.path()).output().await.unwrap();
    let summary = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(1), "{summary}");
    let report = std::fs::read_to_string(out.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["passed"], false);
    let promises = report["promises"].as_array().unwrap().iter();
    let failed = promises.filter(|promise| promise["state"] == "failed");
    let names = failed.map(|promise| promise["name"].as_str().unwrap().to_owned());
    (names.collect(), summary.into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drill_finds_each_broken_promise() {
    let stack = start(StackOptions {
        concurrency: 6,
        sweep_every: Some(std::time::Duration::from_secs(1)),
        ..StackOptions::default()
    });
    let owner = owner(&stack).await;
    // The schema's own guards would refuse what these routines do.
    let unguarded = "alter table holdfast.stock_levels drop constraint stock_never_oversold;
        alter table holdfast.stock_levels disable trigger user;
        alter table holdfast.payment_events disable trigger user";
    owner.batch_execute(unguarded).await.unwrap();
    for (number, fault) in FAULTS.iter().enumerate() {
        for (routine, from, to) in fault.changes {
            let changed = Routine::named(routine).changed(from, to);
            changed.put(&owner).await;
        }
        let (failed, summary) = failed(&stack, number, fault.mixed).await;
        for promise in fault.breaks {
            assert!(failed.contains(*promise), "{promise}:\n{summary}");
        }
        for (routine, ..) in fault.changes {
            Routine::named(routine).put(&owner).await;
        }
    }
    stop(stack).await;
}
