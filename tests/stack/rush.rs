//! A rush through the whole stack, with several requests in each process: `make rush`, but small.

use std::process::Output;

use local::StackOptions;
use tests::stack::{holdfast, start, stop};

const SHOPPERS: u32 = 300;
const PIECES: u32 = 20;

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
        hot_units: Some(PIECES),
        sweep_every: None,
        ..StackOptions::default()
    });
    let (code, told) = rush(&stack).await;
    assert_eq!(code, Some(0), "{told}");
    let held = format!("{PIECES} held, {} got none", SHOPPERS - PIECES);
    assert!(told.contains(&held), "{told}");
    // The control: nothing is left, so a second rush cannot run.
    let (code, told) = rush(&stack).await;
    assert_eq!(code, Some(2), "{told}");
    stop(stack).await;
}
