//! PgBouncer in front of a cluster, in transaction mode, as on many deployments.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::os_user::{OsUser, SUPERUSER};
use crate::reaper::{Ending, Reaper};
use crate::{Error, roles};

const BINARIES: [&str; 3] = [
    "/usr/sbin/pgbouncer",
    "/usr/bin/pgbouncer",
    "/usr/local/bin/pgbouncer",
];
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// A running PgBouncer.
#[derive(Debug)]
pub(super) struct Pooler {
    child: Child,
}

impl Pooler {
    /// Starts it; its socket is in `<folder>/pooler`. It logs in with these passwords, by role.
    pub(super) fn start(
        folder: &Path,
        port: u16,
        sessions: u32,
        passwords: &BTreeMap<String, String>,
        os_user: &OsUser,
        reaper: &Reaper,
    ) -> Result<Self, Error> {
        let failed = |detail: String| Error::postgres("starting PgBouncer", detail);
        let missing = "it is not installed (on Debian: apt install pgbouncer)";
        let binary = BINARIES.iter().map(Path::new).find(|path| path.exists());
        let binary = binary.ok_or_else(|| failed(missing.to_owned()))?;
        let socket = socket(folder);
        fs::create_dir(&socket).map_err(Error::io("make the pooler's folder"))?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o700))
            .map_err(Error::io("protect the pooler's folder"))?;
        os_user.give(&socket)?;
        let settings = folder.join("pgbouncer.ini");
        // It trusts its callers, as the cluster's own socket does, but needs a list of them.
        let user = |role: &str| {
            let password = passwords.get(role).map_or("", String::as_str);
            format!("\"{role}\" \"{password}\"\n")
        };
        let users: String = [SUPERUSER, roles::MASTER]
            .into_iter()
            .chain(roles::MIGRATED)
            .map(user)
            .collect();
        for (path, text) in [
            (&settings, settings_of(folder, port, sessions)),
            (&folder.join("users.txt"), users),
        ] {
            fs::write(path, text).map_err(Error::io("write the pooler's settings"))?;
            os_user.give(path)?;
        }
        let log = folder.join("pgbouncer.log");
        let output = fs::File::create(&log).map_err(Error::io("write the pooler's log"))?;
        let child = os_user
            .command(binary, folder)
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .process_group(0)
            .spawn()
            .map_err(Error::io("start pgbouncer"))?;
        reaper.watch(child.id(), Ending::Terminate);
        let mut started = Self { child };
        let deadline = Instant::now() + READY_TIMEOUT;
        while UnixStream::connect(socket.join(format!(".s.PGSQL.{port}"))).is_err() {
            let has_exited = !matches!(started.child.try_wait(), Ok(None));
            if has_exited || Instant::now() > deadline {
                return Err(failed(fs::read_to_string(&log).unwrap_or_default()));
            }
            std::thread::sleep(POLL);
        }
        Ok(started)
    }

    pub(super) fn end(mut self, reaper: &Reaper) {
        // Either fails only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        reaper.forget(self.child.id());
    }
}

pub(super) fn socket(folder: &Path) -> PathBuf {
    folder.join("pooler")
}

/// Any number of clients, and this many sessions for each role.
fn settings_of(folder: &Path, port: u16, sessions: u32) -> String {
    let folder = folder.display();
    format!(
        "[databases]\n\
         * = host={folder}/socket port={port}\n\
         [pgbouncer]\n\
         listen_addr =\n\
         listen_port = {port}\n\
         unix_socket_dir = {folder}/pooler\n\
         auth_type = trust\n\
         auth_file = {folder}/users.txt\n\
         pool_mode = transaction\n\
         max_client_conn = 20000\n\
         default_pool_size = {sessions}\n\
         server_idle_timeout = 1\n\
         server_login_retry = 1\n\
         ignore_startup_parameters = extra_float_digits\n\
         log_connections = 0\n\
         log_disconnections = 0\n"
    )
}
