//! A shell command that runs beside a stack or a database, and the signals that end both.

use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::Error;

/// A command that got a signal has this long to end.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// A shell command that finds the binaries beside this program.
pub(crate) fn shell(text: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", text]);
    let own = std::env::current_exe().unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = own.parent().map(Path::to_path_buf).into_iter();
    if let Ok(path) = std::env::join_paths(folders.chain(std::env::split_paths(&path))) {
        shell.env("PATH", path);
    }
    shell
}

/// Runs it to its end, or ends it when a signal ends us.
pub(crate) async fn run_to_its_end(
    mut command: Command,
    name: &str,
    signals: &mut Signals,
) -> Result<ExitCode, Error> {
    let failed = |source| Error::Io {
        action: format!("run {name}"),
        source,
    };
    let mut child = command.kill_on_drop(true).spawn().map_err(failed)?;
    let caught = tokio::select! {
        ended = child.wait() => return ended.map(exit_code).map_err(failed),
        caught = signals.next() => caught,
    };
    // The terminal sends Ctrl-C to the command itself; only we get SIGTERM.
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    if let (Signal::SIGTERM, Some(pid)) = (caught, pid) {
        // It may have ended just now.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    match tokio::time::timeout(END_TIMEOUT, child.wait()).await {
        Ok(ended) => ended.map(exit_code).map_err(failed),
        Err(_) => Ok(ExitCode::FAILURE),
    }
}

/// As a shell reports it: 128 and the signal's number for a command that was killed.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// The signals that end us: Ctrl-C, SIGTERM, the end of the terminal.
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    pub(crate) fn new() -> Result<Self, Error> {
        let on = |kind| {
            signal(kind).map_err(|source| Error::Io {
                action: "catch signals".into(),
                source,
            })
        };
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hangup.recv() => Signal::SIGTERM,
        }
    }
}
