//! Servers of this machine that are Python packages: `tools/setup` installs them.

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

/// A package that serves.
pub(crate) struct Package {
    /// Its module.
    pub(crate) module: &'static str,
    /// What it is, for errors.
    pub(crate) what: &'static str,
    /// Its log's file name.
    pub(crate) log: &'static str,
}

/// A running server; dropping it, or ending the process in any way, ends it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    port: u16,
    reaper: Arc<Reaper>,
}

impl Server {
    /// Starts a package on a free port, which `set` tells it. Its own files go to `folder`, its log
    /// to `logs`.
    pub(crate) async fn start(
        package: &Package,
        folder: &Path,
        logs: &Path,
        reaper: Arc<Reaper>,
        set: impl FnOnce(&mut Command, u16),
    ) -> Result<Self, Error> {
        let python = python(package)?;
        let port = crate::postgres::free_port()?;
        let log_path = logs.join(package.log);
        let write = || format!("write the log of {}", package.what);
        let log = std::fs::File::create(&log_path).map_err(Error::io(write()))?;
        let errors = log.try_clone().map_err(Error::io(write()))?;
        let mut command = Command::new(python);
        command
            .args(["-m", package.module])
            .env("TMPDIR", folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0);
        set(&mut command, port);
        let start = format!("start {}", package.what);
        let child = command.spawn().map_err(Error::io(start))?;
        reaper.watch(child.id(), Ending::Kill);
        let mut started = Self {
            child,
            port,
            reaper,
        };
        started.wait_until_ready(package, log_path).await?;
        Ok(started)
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn wait_until_ready(&mut self, package: &Package, log: PathBuf) -> Result<(), Error> {
        let deadline = Instant::now() + READY_TIMEOUT;
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let has_exited = !matches!(self.child.try_wait(), Ok(None));
            if has_exited || Instant::now() > deadline {
                let what = package.what;
                return Err(Error::PythonStart { what, log });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing to save. Either call fails only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reaper.forget(self.child.id());
    }
}

fn python(package: &Package) -> Result<PathBuf, Error> {
    let python = project::tools().join("venv-local/bin/python");
    let module = package.module;
    let find = format!("import importlib.util as u, sys; sys.exit(not u.find_spec('{module}'))");
    let output = Command::new(&python).args(["-c", &find]).output();
    let installed = output.is_ok_and(|output| output.status.success());
    let what = package.what;
    installed
        .then_some(python)
        .ok_or(Error::PythonMissing { what })
}
