//! SQS on this machine: MiniStack, a Python package that `tools/setup` installs.
//!
//! The real SDK talks the real protocol to it, redrive to a dead-letter queue included.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::guardian::{Farewell, Guardian};
use crate::{Error, project};

/// A cold Python on a busy machine takes seconds.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// A running MiniStack; dropping it, or ending the process in any way, ends it.
#[derive(Debug)]
pub(crate) struct MiniStack {
    child: Child,
    port: u16,
    guardian: Arc<Guardian>,
}

impl MiniStack {
    /// Its own files go to `folder`, its log to `logs`.
    pub(crate) async fn start(
        folder: &Path,
        logs: &Path,
        guardian: Arc<Guardian>,
    ) -> Result<Self, Error> {
        let python = python()?;
        let port = crate::postgres::free_port()?;
        let log_path = logs.join("sqs.log");
        let log = std::fs::File::create(&log_path).map_err(Error::io("write the log of SQS"))?;
        let errors = log.try_clone().map_err(Error::io("write the log of SQS"))?;
        let child = Command::new(python)
            .args(["-m", "ministack"])
            // Its default is to listen on every address of the machine.
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            // In queue URLs; `localhost` may mean ::1, where nobody listens.
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
        guardian.watch(child.id(), Farewell::Kill);
        let mut started = Self {
            child,
            port,
            guardian,
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
        // Nothing in it is worth a slow goodbye. Either call fails only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.guardian.forget(self.child.id());
    }
}

fn python() -> Result<PathBuf, Error> {
    let python = project::tools().join("venv-local/bin/python");
    let installed = Command::new(&python)
        .args([
            "-c",
            "import importlib.util as u, sys; sys.exit(not u.find_spec('ministack'))",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if installed {
        Ok(python)
    } else {
        Err(Error::SqsMissing)
    }
}
