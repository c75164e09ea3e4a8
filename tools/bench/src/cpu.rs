//! Processor time of a server's processes, and of its clients.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::server::Failed;

/// Linux counts in hundredths of a second, whatever its own tick is.
const TICK: Duration = Duration::from_millis(10);

/// A measurement that has begun.
pub(crate) struct Meter {
    servers: Vec<u32>,
    began: Instant,
    server: Duration,
    clients: Duration,
}

/// What a measurement used.
pub(crate) struct Used {
    pub(crate) seconds: f64,
    pub(crate) server: Duration,
    pub(crate) clients: Duration,
}

impl Meter {
    /// Begins, for the servers of these processes and their children.
    pub(crate) fn start(servers: &[u32]) -> Result<Self, Failed> {
        Ok(Self {
            servers: servers.to_vec(),
            server: of_servers(servers)?,
            clients: of_clients()?,
            began: Instant::now(),
        })
    }

    pub(crate) fn stop(&self) -> Result<Used, Failed> {
        Ok(Used {
            seconds: self.began.elapsed().as_secs_f64(),
            server: of_servers(&self.servers)?.saturating_sub(self.server),
            clients: of_clients()?.saturating_sub(self.clients),
        })
    }
}

fn of_servers(pids: &[u32]) -> Result<Duration, Failed> {
    pids.iter().map(|pid| of_server(*pid)).sum()
}

/// The process, its children, and those of them that have ended. Zero where there is no /proc.
fn of_server(pid: u32) -> Result<Duration, Failed> {
    let mut ticks = 0;
    if !cfg!(target_os = "linux") {
        return Ok(Duration::ZERO);
    }
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // a process may end meanwhile
        let Ok(stat) = fs::read_to_string(format!("/proc/{number}/stat")) else {
            continue;
        };
        let Some((_, fields)) = stat.rsplit_once(')') else {
            continue;
        };
        let fields: Vec<u32> = fields
            .split_whitespace()
            .skip(1)
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        let of = |fields: &[u32]| u32::saturating_add(fields[0], fields[1]);
        match fields.get(..14) {
            Some(own) if number == pid => ticks += of(&own[10..12]) + of(&own[12..14]),
            Some(own) if own[0] == pid => ticks += of(&own[10..12]),
            _ => {}
        }
    }
    Ok(TICK * ticks)
}

/// This process, and its children that have ended: pgbench and the like.
fn of_clients() -> Result<Duration, Failed> {
    let mut all = Duration::ZERO;
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        let usage = getrusage(who)?;
        for time in [usage.user_time(), usage.system_time()] {
            let whole = Duration::from_secs(time.tv_sec().try_into()?);
            all += whole + Duration::from_micros(time.tv_usec().try_into()?);
        }
    }
    Ok(all)
}
