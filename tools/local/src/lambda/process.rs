//! The process of one execution environment, with the environment variables that AWS sets.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

use super::{Function, REGION};

const TAIL_LINES: usize = 3;
const TAIL_LINE_CHARS_MAX: usize = 300;
/// A grandchild may hold standard error open after the process is gone.
const TAIL_WAIT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: u32,
    tail: Option<JoinHandle<VecDeque<String>>>,
}

/// How a process ended, as one line.
#[derive(Debug)]
pub(super) struct Ended {
    status: String,
    tail: String,
}

impl Ended {
    pub(super) fn not_started(error: &std::io::Error) -> Self {
        Self {
            status: format!("it could not be started: {error}"),
            tail: String::new(),
        }
    }

    pub(super) fn overdue(mut self) -> Self {
        self.status = String::from("killed: it missed its deadline");
        self
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.status)?;
        if self.tail.is_empty() {
            Ok(())
        } else {
            write!(f, "; it said: {}", self.tail)
        }
    }
}

impl Process {
    pub(super) fn spawn(function: &Function, api: SocketAddr) -> std::io::Result<Self> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&function.log)?;
        let mut command = command(function, api);
        // Many processes append whole lines to one file; only standard error, where panics and
        // last words go, passes through us.
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(Stdio::piped());
        // Ctrl-C is for us: a function ends after what calls it.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        let pid = child
            .id()
            .ok_or_else(|| std::io::Error::other("it ended at once"))?;
        let tail = child
            .stderr
            .take()
            .map(|stderr| tokio::spawn(follow(stderr, log)));
        Ok(Self { child, pid, tail })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) async fn wait(&mut self) -> Ended {
        let status = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let tail = match self.tail.take() {
            Some(tail) => tokio::time::timeout(TAIL_WAIT, tail).await,
            None => {
                return Ended {
                    status,
                    tail: String::new(),
                };
            }
        };
        let lines = tail.ok().and_then(Result::ok).unwrap_or_default();
        Ended {
            status,
            tail: Vec::from(lines).join(" | "),
        }
    }

    pub(super) async fn kill(&mut self) -> Ended {
        // It may have ended by itself in this moment.
        let _ = self.child.start_kill();
        self.wait().await
    }
}

fn command(function: &Function, api: SocketAddr) -> Command {
    let options = &function.options;
    let folder = options.binary.parent().unwrap_or(Path::new("/"));
    let mut command = Command::new(&options.binary);
    // As on AWS, nothing of the developer's own environment: no credentials, no DATABASE_URL.
    command.env_clear();
    for name in ["PATH", "LD_LIBRARY_PATH", "RUST_BACKTRACE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", &options.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env(
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", options.name),
        )
        .env(
            "AWS_LAMBDA_LOG_STREAM_NAME",
            format!("local/[$LATEST]{api}"),
        )
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("LAMBDA_TASK_ROOT", folder)
        .env("_HANDLER", "bootstrap")
        .env("TZ", ":UTC")
        .envs(
            options
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
    command
}

/// Copies standard error into the function's log, and keeps its last lines.
async fn follow(stderr: ChildStderr, mut log: std::fs::File) -> VecDeque<String> {
    let mut lines = BufReader::new(stderr).lines();
    let mut tail = VecDeque::new();
    while let Ok(Some(line)) = lines.next_line().await {
        // A full disk must not stop the function.
        let _ = writeln!(log, "{line}");
        if tail.len() == TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(line.chars().take(TAIL_LINE_CHARS_MAX).collect());
    }
    tail
}
