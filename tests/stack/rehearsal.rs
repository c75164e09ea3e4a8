//! A small flash sale with staff at work, while processes and database backends are killed: every
//! promise holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use local::{Stack, StackOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tests::stack::{assert_promises_hold, holdfast, hurried_queue, owner, start, stop};
use tests::until;
use tokio::process::{Child, Command};
use tokio_postgres::NoTls;

const HOT: &str = "LEHENGA-RED-M";
/// The longest duration of the rehearsal.
const CALL_TIMEOUT: Duration = Duration::from_secs(170);
/// The pause between two kills.
const PAUSE: Duration = Duration::from_millis(400);
/// The processes of each function in turn, and every fifth time a backend of the database.
const VICTIMS: [&str; 5] = [
    "holdfast-checkout",
    "holdfast-payments",
    "holdfast-webhook",
    "holdfast-sweeper",
    "",
];
const KILLS: usize = 30;

fn processes(stack: &Stack) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for process in stack.host.processes() {
        *counts.entry(process.function).or_default() += 1;
    }
    counts
}

fn sigkill(pid: u32) {
    // The last kill may have ended it just now.
    let _ = kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL);
}

async fn kill_a_backend(stack: &Stack) -> bool {
    // The server may still be recovering from the last kill.
    let url = stack.cluster.url("postgres", "postgres");
    let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await else {
        return false;
    };
    tokio::spawn(connection);
    let query = "select pid from pg_stat_activity where usename like 'holdfast%' limit 1";
    let Ok(Some(row)) = client.query_opt(query, &[]).await else {
        return false;
    };
    sigkill(u32::try_from(row.get::<_, i32>(0)).unwrap());
    true
}

/// Kills until the drill is over, or until enough is killed. Returns the number of each victim.
async fn make_trouble(stack: &Stack, drill: &mut Child) -> [usize; VICTIMS.len()] {
    let mut killed = [0; VICTIMS.len()];
    for round in 0..KILLS {
        tokio::time::sleep(PAUSE).await;
        if drill.try_wait().unwrap().is_some() {
            break;
        }
        let (place, victim) = (round % VICTIMS.len(), VICTIMS[round % VICTIMS.len()]);
        if victim.is_empty() {
            killed[place] += usize::from(kill_a_backend(stack).await);
        } else if let Some(process) = stack
            .host
            .processes()
            .into_iter()
            .find(|process| process.function == victim)
        {
            sigkill(process.pid);
            killed[place] += 1;
        }
    }
    killed
}

/// The drill: sixty shoppers and their staff.
fn rehearse(stack: &Stack, out: &Path) -> Child {
    Command::from(holdfast("drill"))
        .args(["--api", &stack.api_url, "--webhook", &stack.webhook_url])
        .args([
            "--webhook-secret",
            &stack.secrets["dress"],
            "--database",
            &stack.database_url(),
        ])
        .args([
            "--hot-sku",
            HOT,
            "--shoppers",
            "60",
            "--units",
            "20",
            "--rush-s",
            "6",
            "--quiet",
        ])
        .args(["--mixed", "--admin-token", &stack.admin_token])
        .args(["--settle-s", "60", "--timeout", "150", "--out"])
        .arg(out)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_holds_while_processes_and_backends_are_killed() {
    let stack = start(StackOptions {
        concurrency: 6,
        sweep_every: Some(Duration::from_secs(2)),
        hot_units: Some(20),
        queue: hurried_queue(),
        ..StackOptions::default()
    });
    let before = processes(&stack);
    let out = tempfile::tempdir().unwrap();
    let mut drill = rehearse(&stack, out.path());
    let started = Instant::now();
    let killed = make_trouble(&stack, &mut drill).await;
    let rest = CALL_TIMEOUT.saturating_sub(started.elapsed());
    let ended = tokio::time::timeout(rest, drill.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    assert_eq!(ended.status.code(), Some(0), "killed {killed:?}\n{told}");
    assert!(
        killed.iter().all(|times| *times >= 1),
        "{killed:?} in {:?}",
        started.elapsed()
    );
    let report = std::fs::read_to_string(out.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["passed"], true);
    assert!(
        report["counts"]["orders_paid"].as_u64().unwrap() > 0,
        "{}",
        report["counts"]
    );
    let staff = &report["staff"];
    for what in ["bookings", "restocks", "imports", "shrinkages"] {
        assert!(staff[what].as_u64().unwrap() > 0, "{what}: {staff}");
    }
    until(
        "every process that was killed has a successor",
        async || processes(&stack) == before,
    )
    .await;
    assert_promises_hold(&owner(&stack).await).await;
    stop(stack).await;
}
