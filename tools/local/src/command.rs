//! A command that runs beside what was started for it, and what ends us both.

use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::Error;

/// A command that was asked to end gets this long.
const GOODBYE: Duration = Duration::from_secs(10);

/// Runs it, or ends it when we are to end.
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
    // The terminal sends Ctrl-C to the command itself; SIGTERM comes to us alone.
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    if let (Signal::SIGTERM, Some(pid)) = (caught, pid) {
        // It may have ended in this moment.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    match tokio::time::timeout(GOODBYE, child.wait()).await {
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

/// What ends us: Ctrl-C, a polite kill, the end of the terminal.
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
