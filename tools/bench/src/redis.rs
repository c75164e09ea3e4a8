//! Redis as a rival: a Lua hold that keeps an expiry index and gives stock back when it is due.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::cpu::Meter;
use crate::report::Round;
use crate::server::Failed;

/// The hold. It is atomic, because a Redis runs one script at a time.
const HOLD: &str = include_str!("../hold.lua");
/// Holds of a round for each second that it shall take, by appendfsync. A round takes longer on a
/// slower machine.
const PER_SECOND: [(&str, u32); 2] = [("everysec", 25_000), ("always", 10_000)];
/// A server that nobody stops ends by itself.
const SECONDS_MAX: &str = "1200";

/// A Redis on a socket of its own.
pub(crate) struct Redis {
    child: Child,
    folder: TempDir,
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.cli(&["shutdown", "nosave"]));
        drop(self.child.wait());
    }
}

/// The version of the installed Redis, if there is one.
pub(crate) fn version() -> Option<String> {
    let said = Command::new("redis-server")
        .arg("--version")
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = said
        .split_whitespace()
        .find_map(|word| word.strip_prefix("v="));
    version.map(str::to_owned)
}

impl Redis {
    /// Starts one. Its commits are as slow as those of PostgreSQL: the same library slows them.
    pub(crate) fn start(fsync: &str, slow_commits: Option<&Path>) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new("timeout");
        command
            .args([SECONDS_MAX, "redis-server", "--port", "0", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", fsync])
            .arg("--dir")
            .arg(folder.path())
            .arg("--unixsocket")
            .arg(folder.path().join("redis.sock"))
            .stdout(Stdio::null());
        if let Some(library) = slow_commits {
            command.env("LD_PRELOAD", library);
        }
        let child = command.spawn()?;
        let redis = Self { child, folder };
        for _ in 0..200 {
            if redis.cli(&["ping"]).is_ok_and(|said| said == "PONG") {
                return Ok(redis);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("Redis did not start".into())
    }

    /// One round: so many clients hold one unit each, again and again.
    pub(crate) fn round(&self, fsync: &str, clients: u32, seconds: u32) -> Result<Round, Failed> {
        self.cli(&["flushall"])?;
        self.cli(&["set", "stock:HOT", "900000000"])?;
        let script = self.cli(&["script", "load", HOLD])?;
        let per_second = PER_SECOND.iter().find(|(name, _)| *name == fsync);
        let holds = per_second.map_or(10_000, |(_, holds)| *holds) * seconds;
        let meter = Meter::start(&[self.child.id()])?;
        let said = run(Command::new("redis-benchmark")
            .arg("-s")
            .arg(self.socket())
            .args(["-c", &clients.to_string(), "-n", &holds.to_string()])
            .args(["-r", "2000000000", "--csv"])
            .args([
                "evalsha",
                &script,
                "3",
                "stock:HOT",
                "holds",
                "holds:by_end",
            ])
            .args(["__rand_int__", "1", "1200"]))?;
        let used = meter.stop()?;
        // "test","rps","avg_latency_ms","min_latency_ms","p50…","p95…","p99…","max…"
        let last = said.lines().last().unwrap_or_default();
        let figures: Vec<f64> = last
            .split("\",\"")
            .filter_map(|field| field.trim_matches('"').parse().ok())
            .collect();
        let [per_second, _, _, p50_ms, _, p99_ms, ..] = figures[..] else {
            return Err(format!("redis-benchmark said {said}").into());
        };
        let held: u32 = self.cli(&["hlen", "holds"])?.parse()?;
        if held < holds - holds / 1000 {
            return Err(format!("Redis has {held} holds of {holds}").into());
        }
        Ok(Round::of(f64::from(holds), per_second, &used).with_waits(p50_ms, p99_ms))
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    fn cli(&self, arguments: &[&str]) -> Result<String, Failed> {
        run(Command::new("redis-cli")
            .arg("-s")
            .arg(self.socket())
            .args(arguments))
    }
}

fn run(command: &mut Command) -> Result<String, Failed> {
    let output = command.stderr(Stdio::null()).output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!("{command:?} failed").into())
    }
}
