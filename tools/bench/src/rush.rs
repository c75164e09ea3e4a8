//! The rush: so many shoppers ask for one of a hundred pieces at the same moment.

use std::fs;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::contestant::{RUSH_UNITS, rush_script};
use crate::server::{Failed, Server};

/// Runs it and prints what became of it. Fails where not exactly the pieces that there are were
/// held, or somebody got no answer.
pub(crate) async fn run(shoppers: u32, sessions: u32) -> Result<(), Failed> {
    allow_open_files()?;
    let server = Server::start(true, Some(sessions)).await?;
    let log = server.folder().join("latency");
    server.begin_round()?;
    server.run(
        server
            .pgbench(&rush_script(), &server.cluster.pooled_socket(), shoppers)?
            .arg("--transactions=1")
            .arg("--log")
            .arg(format!("--log-prefix={}", log.display())),
    )?;
    server.assert_promises_kept().await?;
    let held = server.held_of_rush().await?;
    let mut waited_ms = Vec::new();
    // a log for each thread of pgbench
    for entry in fs::read_dir(server.folder())? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("latency.") {
            waited_ms.extend(latencies(&fs::read_to_string(entry.path())?)?);
        }
    }
    waited_ms.sort_by(f64::total_cmp);
    let answered = waited_ms.len();
    if held != RUSH_UNITS || answered != shoppers as usize {
        return Err(format!(
            "{answered} of {shoppers} shoppers were answered, {held} of {RUSH_UNITS} pieces held"
        )
        .into());
    }
    let at = |share: usize| waited_ms[(answered - 1) * share / 100] / 1000.0;
    println!(
        "{shoppers} shoppers at once, {RUSH_UNITS} pieces, commits 2 ms slower, through PgBouncer \
         with {sessions} sessions:\n  {held} held, {} refused; answered after {:.2} s (median), \
         {:.2} s (99 %), {:.2} s (the last)",
        answered - held as usize,
        at(50),
        at(99),
        at(100)
    );
    Ok(())
}

/// Milliseconds from a log of pgbench: `client transaction microseconds script …`.
fn latencies(log: &str) -> Result<Vec<f64>, Failed> {
    log.lines()
        .map(|line| {
            let field = line.split(' ').nth(2).ok_or("pgbench's log is cut off")?;
            Ok(field.parse::<f64>()? / 1000.0)
        })
        .collect()
}

/// pgbench and PgBouncer, which inherit the limit, open a file for each shopper.
fn allow_open_files() -> Result<(), Failed> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(())
}
