//! A child process that lives a moment longer than ours, and cleans up after it.
//!
//! `Drop` does not run when SIGKILL ends our process, nor for the statics of a test binary. The
//! reaper reads a pipe from us. The operating system closes the pipe however we end; then the
//! reaper ends the processes that it watches, and removes the run folder.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::Error;

/// Reads lines `watch PID SIGNAL` and `forget PID`; their end means that we are gone. A zombie
/// without a parent answers `kill -0`, so the wait has a bound.
const SCRIPT: &str = r#"
watched=
while read -r verb pid signal; do
  others=
  for one in $watched; do [ "${one%%:*}" = "$pid" ] || others="$others $one"; done
  watched=$others
  [ "$verb" = watch ] && watched="$watched $pid:$signal"
done
for one in $watched; do kill "-${one##*:}" "${one%%:*}" 2>/dev/null; done
tries=0
for one in $watched; do
  while kill -0 "${one%%:*}" 2>/dev/null && [ "$tries" -lt 100 ]; do
    sleep 0.05
    tries=$((tries + 1))
  done
done
rm -rf -- "$1"
"#;

/// How the reaper ends a watched process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    /// SIGQUIT: PostgreSQL's immediate shutdown, which also ends its backends.
    Quit,
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// Ends watched processes and removes one folder as soon as our process is gone, or on drop.
#[derive(Debug)]
pub(crate) struct Reaper {
    child: Mutex<Option<(Child, ChildStdin)>>,
}

impl Reaper {
    /// Starts it in a process group of its own: Ctrl-C must not reach it.
    pub(crate) fn start(folder: &Path) -> Result<Self, Error> {
        let action = "start /bin/sh";
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "holdfast-reaper"])
            .arg(folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::io(action))?;
        let input = child
            .stdin
            .take()
            .ok_or_else(|| Error::io(action)(std::io::Error::other("no standard input")))?;
        Ok(Self {
            child: Mutex::new(Some((child, input))),
        })
    }

    /// Ends `pid` in this way when our process is gone.
    pub(crate) fn watch(&self, pid: u32, ending: Ending) {
        let signal = match ending {
            Ending::Quit => "QUIT",
            Ending::Terminate => "TERM",
            Ending::Kill => "KILL",
        };
        self.tell(&format!("watch {pid} {signal}\n"));
    }

    /// `pid` has ended: another process may soon get its number.
    pub(crate) fn forget(&self, pid: u32) {
        self.tell(&format!("forget {pid}\n"));
    }

    /// Cleans up now, and waits for it.
    pub(crate) fn clean_up(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((mut child, input)) = child.take() {
            drop(input);
            // It ends by itself; how it ended changes nothing for us.
            let _ = child.wait();
        }
    }

    fn tell(&self, line: &str) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, input)) = child.as_mut() {
            // If somebody killed the reaper, only Drop cleans up.
            let _ = input.write_all(line.as_bytes());
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.clean_up();
    }
}
