//! A rush through the whole stack, with several requests in each process: `make rush`, but small.

use std::process::Output;

use local::StackOptions;
use local::functions::CHECKOUT;
use tests::stack::{calls_that_held, holdfast, owner, start, stop, waiting_in};
use tests::until;

const SHOPPERS: u32 = 300;
const PIECES: u32 = 20;
/// The sku that `holdfast rush` wants.
const SKU: &str = "LEHENGA-RED-M";
/// Connections of both processes.
const CONNECTIONS: usize = 4;

async fn rush(stack: &local::Stack) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::from(holdfast("rush"));
    command
        .args(["--api", &stack.api_url, "--database", &stack.database_url()])
        .args(["--shoppers", &SHOPPERS.to_string()])
        .kill_on_drop(true);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().await.unwrap();
    let told = [stdout, stderr].concat();
    (status.code(), String::from_utf8(told).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_shoppers_at_once_hold_exactly_the_pieces_and_all_are_answered() {
    let stack = start(StackOptions {
        concurrency: 2,
        requests_per_process: 50,
        pool_size: Some(CONNECTIONS / 2),
        log_level: Some("info,operations::checkout=debug".to_owned()),
        hot_units: Some(PIECES),
        sweep_every: None,
        ..StackOptions::default()
    });
    // Nobody is held before so many wait that they must go together.
    let mut blocker = owner(&stack).await;
    let lock = blocker.transaction().await.unwrap();
    let row = "select from holdfast.stock_levels where shop = 'dress' and sku = $1 for update";
    lock.execute(row, &[&SKU]).await.unwrap();
    let ((code, told), ()) = tokio::join!(rush(&stack), async {
        until("requests wait for a connection", async || {
            waiting_in(&stack, CHECKOUT) >= CONNECTIONS
        })
        .await;
        lock.rollback().await.unwrap();
    });
    assert_eq!(code, Some(0), "{told}");
    let calls = calls_that_held(&blocker, SKU).await;
    assert!(calls < i64::from(PIECES), "{calls} calls");
    let held = format!("{PIECES} held, {} got none", SHOPPERS - PIECES);
    assert!(told.contains(&held), "{told}");
    // The control: nothing is left, so a second rush cannot run.
    let (code, told) = rush(&stack).await;
    assert_eq!(code, Some(2), "{told}");
    stop(stack).await;
}
