//! A process of a function, with the environment variables that AWS sets.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

use super::function::{Function, REGION};

const LAST_LINES_MAX: usize = 3;
const LINE_CHARS_MAX: usize = 300;
/// A grandchild may hold standard error open after the process is gone.
const LAST_LINES_TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    child: Child,
    last_lines: JoinHandle<String>,
}

impl Process {
    pub(super) fn spawn(function: &Function, api: SocketAddr) -> io::Result<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&function.log)?;
        // Many processes append whole lines to one file. Only standard error passes through us: it
        // has panics, and the reason why a function does not start.
        let mut child = command(function, api)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(Stdio::piped())
            // Ctrl-C is for us: a function ends after its callers.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (Some(pid), Some(stderr)) = (child.id(), child.stderr.take()) else {
            return Err(io::Error::other("it ended at once"));
        };
        let last_lines = tokio::spawn(follow(stderr, log));
        Ok(Self {
            pid,
            child,
            last_lines,
        })
    }

    /// Waits for its end, and says in one line how it ended.
    pub(super) async fn wait(&mut self) -> String {
        let status = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let last_lines = tokio::time::timeout(LAST_LINES_TIMEOUT, &mut self.last_lines).await;
        match last_lines {
            Ok(Ok(lines)) if !lines.is_empty() => format!("{status}; it said: {lines}"),
            _ => status,
        }
    }

    pub(super) async fn kill(&mut self) -> String {
        // It may have ended by itself just now.
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
    let log_group = format!("/aws/lambda/{}", options.name);
    command
        .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", &options.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", log_group)
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
        .env("TZ", ":UTC");
    if options.requests_per_process > 1 {
        let requests = options.requests_per_process.to_string();
        command
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances")
            .env("AWS_LAMBDA_MAX_CONCURRENCY", requests);
    } else {
        command.env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    }
    command.envs(options.environment.iter().cloned());
    command
}

/// Copies standard error into the function's log, and returns its last lines.
async fn follow(stderr: ChildStderr, mut log: File) -> String {
    let mut lines = BufReader::new(stderr).lines();
    let mut last = VecDeque::new();
    while let Ok(Some(line)) = lines.next_line().await {
        // A full disk must not stop the function.
        let _ = writeln!(log, "{line}");
        if last.len() == LAST_LINES_MAX {
            last.pop_front();
        }
        last.push_back(line.chars().take(LINE_CHARS_MAX).collect::<String>());
    }
    Vec::from(last).join(" | ")
}
