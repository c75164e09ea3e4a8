//! SQS on this machine: MiniStack, a Python package that `tools/setup` installs.
//!
//! The functions' AWS SDK speaks the real protocol to it, including the move to a dead-letter
//! queue.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::reaper::{Ending, Reaper};
use crate::{Error, project};

/// A cold Python on a busy machine takes seconds.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// A running MiniStack; dropping it, or ending the process in any way, ends it.
#[derive(Debug)]
pub(crate) struct MiniStack {
    child: Child,
    port: u16,
    reaper: Arc<Reaper>,
}

impl MiniStack {
    /// Its own files go to `folder`, its log to `logs`.
    pub(crate) async fn start(
        folder: &Path,
        logs: &Path,
        reaper: Arc<Reaper>,
    ) -> Result<Self, Error> {
        let python = python()?;
        let port = crate::postgres::free_port()?;
        let log_path = logs.join("sqs.log");
        let log = std::fs::File::create(&log_path).map_err(Error::io("write the log of SQS"))?;
        let errors = log.try_clone().map_err(Error::io("write the log of SQS"))?;
        let child = Command::new(python)
            .args(["-m", "ministack"])
            // By default it listens on every address of the machine.
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            // For queue URLs; `localhost` may mean ::1, where it does not listen.
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("LOG_LEVEL", "WARNING")
            .env("TMPDIR", folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(Error::io("start MiniStack"))?;
        reaper.watch(child.id(), Ending::Kill);
        let mut started = Self {
            child,
            port,
            reaper,
        };
        started.wait_until_ready(&log_path).await?;
        Ok(started)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn wait_until_ready(&mut self, log: &Path) -> Result<(), Error> {
        let deadline = Instant::now() + READY_TIMEOUT;
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let has_exited = !matches!(self.child.try_wait(), Ok(None));
            if has_exited || Instant::now() > deadline {
                return Err(Error::SqsStart {
                    log: log.to_path_buf(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        // It has nothing to save. Either call fails only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reaper.forget(self.child.id());
    }
}

fn python() -> Result<PathBuf, Error> {
    let python = project::tools().join("venv-local/bin/python");
    let find = "import importlib.util as u, sys; sys.exit(not u.find_spec('ministack'))";
    let output = Command::new(&python).args(["-c", find]).output();
    let installed = output.is_ok_and(|output| output.status.success());
    installed.then_some(python).ok_or(Error::SqsMissing)
}
