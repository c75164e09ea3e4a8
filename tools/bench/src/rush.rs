//! The rush: many shoppers ask for one of a hundred pieces at the same time.

use std::fs;
use std::time::Duration;

use crate::contestant::{RUSH_UNITS, rush_script};
use crate::server::{Failed, Server};

/// Runs it and prints the result. Fails unless exactly the existing pieces are held, and every
/// shopper got an answer.
pub(crate) async fn run(shoppers: u32, sessions: u32) -> Result<(), Failed> {
    // LD_PRELOAD loads the library that makes flushes slow.
    let slow = cfg!(target_os = "linux");
    let server = Server::start(slow, Some(sessions)).await?;
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
    let held = server.held_of("RUSH").await?;
    let mut answers = Vec::new();
    // Each thread of pgbench has a log.
    for entry in fs::read_dir(server.folder())? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("latency.") {
            for line in fs::read_to_string(entry.path())?.lines() {
                answers.push(Answer::parse(line).ok_or("pgbench's log has a call that failed")?);
            }
        }
    }
    let answered = answers.len();
    if held != RUSH_UNITS || answered != shoppers as usize {
        return Err(format!(
            "{answered} of {shoppers} shoppers were answered, {held} of {RUSH_UNITS} pieces held"
        )
        .into());
    }
    // The rush begins with the first request: pgbench starts one client after the other.
    let began = answers.iter().map(Answer::asked_us).min().unwrap_or(0);
    let mut after_us: Vec<_> = answers.iter().map(|one| one.came_us - began).collect();
    after_us.sort_unstable();
    let after = |percent: usize| {
        Duration::from_micros(after_us[(answered - 1) * percent / 100]).as_secs_f64()
    };
    let commits = if slow {
        "2 ms slower"
    } else {
        "as fast as this disk"
    };
    println!(
        "{shoppers} shoppers at once, {RUSH_UNITS} pieces, commits {commits}, through PgBouncer \
         with {sessions} sessions:\n  {held} held, {} got none; since the first asked, half were \
         answered after {:.2} s, 99 % after {:.2} s, all after {:.2} s",
        answered - held as usize,
        after(50),
        after(99),
        after(100)
    );
    Ok(())
}

/// A shopper's answer, from pgbench's log.
struct Answer {
    waited_us: u64,
    came_us: u64,
}

impl Answer {
    /// `client transaction microseconds script seconds microseconds`. The last two are the time of
    /// the answer. A failed call has a word as its third field.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ').skip(2);
        let waited_us = fields.next()?.parse().ok()?;
        let mut answered_at = fields.skip(1);
        let seconds: u64 = answered_at.next()?.parse().ok()?;
        let micros: u64 = answered_at.next()?.parse().ok()?;
        Some(Self {
            waited_us,
            came_us: seconds * 1_000_000 + micros,
        })
    }

    fn asked_us(&self) -> u64 {
        self.came_us - self.waited_us
    }
}
