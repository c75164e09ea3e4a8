//! A child process that outlives ours for a moment, to clean up after it.
//!
//! `Drop` does not run when a process is killed with SIGKILL, nor for the statics of a test
//! binary. The guardian holds the reading end of a pipe; the operating system closes the other
//! end whenever and however we end, and then the guardian stops what it watches and removes
//! the run folder.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::Error;

/// Lines on its standard input: `watch PID SIGNAL` and `forget PID`; the end of the input means
/// that we are gone. A zombie that nobody reaps answers `kill -0`, hence the bound on the wait.
const SCRIPT: &str = r#"
watched=
while read -r verb pid signal; do
  kept=
  for one in $watched; do [ "${one%%:*}" = "$pid" ] || kept="$kept $one"; done
  watched=$kept
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

/// What the guardian does to a watched process.
#[derive(Debug, Clone, Copy)]
pub enum Farewell {
    /// SIGQUIT: PostgreSQL's immediate shutdown, which also ends its backends.
    Quit,
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// Ends watched processes and removes one folder as soon as our process is gone, or on drop.
#[derive(Debug)]
pub struct Guardian {
    child: Mutex<Option<(Child, ChildStdin)>>,
}

impl Guardian {
    /// Starts the guardian of `folder`, in a process group of its own: Ctrl-C must not reach it.
    pub fn start(folder: &Path) -> Result<Self, Error> {
        let action = "start /bin/sh";
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "holdfast-guardian"])
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

    /// Says goodbye to `pid` in this way when our process is gone.
    pub fn watch(&self, pid: u32, farewell: Farewell) {
        let signal = match farewell {
            Farewell::Quit => "QUIT",
            Farewell::Terminate => "TERM",
            Farewell::Kill => "KILL",
        };
        self.tell(&format!("watch {pid} {signal}\n"));
    }

    /// `pid` has ended: its number may soon be somebody else's.
    pub fn forget(&self, pid: u32) {
        self.tell(&format!("forget {pid}\n"));
    }

    /// Lets the guardian do its work now, and waits for it.
    pub fn dismiss(&self) {
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
            // A guardian that somebody killed leaves us with what Drop can do.
            let _ = input.write_all(line.as_bytes());
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        self.dismiss();
    }
}
