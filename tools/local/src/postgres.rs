//! A throw-away PostgreSQL: its own folder, its own private socket, gone with our process.
//!
//! Plain blocking code, so that a test can keep one in a `OnceLock` and async code can start one
//! as well (on a blocking thread). The private socket's folder has mode 0700, and only there the
//! server trusts whoever connects, unless passwords are asked for; over TCP, which is off unless
//! asked for, a password is needed.

mod account;
mod binaries;
mod client;
mod pooler;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use self::account::Account;
use self::pooler::Pooler;
use crate::Error;
use crate::guardian::{Farewell, Guardian};

/// The superuser that initdb makes.
pub const SUPERUSER: &str = "postgres";

/// A crash recovery of a loaded demo takes well under a second; a slow machine gets more.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const PORT_DEFAULT: u16 = 5432;
const LOG_TAIL_LINES: usize = 3;

/// For many functions, tests or bench clients at once, on a laptop.
const SETTINGS: [(&str, &str); 5] = [
    ("max_connections", "300"),
    ("shared_buffers", "256MB"),
    ("fsync", "on"),
    ("max_wal_size", "2GB"),
    ("log_min_messages", "warning"),
];

/// What differs from a plain private cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    /// Server settings (`-c name=value`) that add to, or override, the usual ones.
    pub settings: Vec<(String, String)>,
    /// Over the private socket too, every role but the superuser needs a password.
    pub passwords: bool,
    /// Listen on 127.0.0.1 too: `Some(0)` takes a free port. Roles need a password there.
    pub tcp_port: Option<u16>,
    /// TLS for TCP; plain TCP is then refused.
    pub tls: Option<TlsFiles>,
    /// Environment of the server process, such as LD_PRELOAD.
    pub environment: Vec<(String, String)>,
    /// A PgBouncer in front, with so many sessions for each role, for whoever comes by
    /// [`Cluster::pooled_url`].
    pub pooler: Option<u32>,
    /// What the pooler logs in with, by role, where the server wants passwords.
    pub pooler_passwords: BTreeMap<String, String>,
}

/// PEM files of the server's certificate (chain) and key; they are copied.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A running server. Dropping it, or ending the process in any way, stops it and removes it.
#[derive(Debug)]
pub struct Cluster {
    guardian: Guardian,
    folder: PathBuf,
    bin: PathBuf,
    account: Account,
    options: ClusterOptions,
    port: u16,
    postmaster: Mutex<Option<Child>>,
    pooler: Option<Pooler>,
}

impl Cluster {
    /// Makes a database cluster and starts its server; returns when it accepts connections.
    pub fn start(options: ClusterOptions) -> Result<Self, Error> {
        let installed = binaries::find()?;
        let account = Account::choose()?;
        let folder = run_folder(&account)?;
        let guardian = Guardian::start(&folder)?;
        let bin = if account.can_run(&installed.join("postgres"), &folder) {
            installed
        } else {
            binaries::copy_for_another_account(&installed, &folder)?
        };
        let port = match options.tcp_port {
            Some(0) => free_port()?,
            Some(port) => port,
            None => PORT_DEFAULT,
        };
        let postmaster = Mutex::new(None);
        let mut cluster = Self {
            guardian,
            folder,
            bin,
            account,
            options,
            port,
            postmaster,
            pooler: None,
        };
        cluster.initdb()?;
        cluster.write_access_rules()?;
        cluster.copy_tls_files()?;
        cluster.start_server()?;
        if let Some(sessions) = cluster.options.pooler {
            cluster.pooler = Some(Pooler::start(
                &cluster.folder,
                port,
                sessions,
                &cluster.options.pooler_passwords,
                &cluster.account,
                &cluster.guardian,
            )?);
        }
        Ok(cluster)
    }

    /// The folder of the unix socket: what libpq calls `host`.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// The port of the socket's name and, when asked for, of TCP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of everything this cluster has; callers may put their own files beside.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the server's binaries; psql and pgbench are there with most packages.
    #[must_use]
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The server's major version.
    #[must_use]
    pub fn major_version(&self) -> Option<u32> {
        binaries::major_version(&self.bin)
    }

    /// A connection URL over the private socket, for libpq and tokio-postgres alike. Where a
    /// password is needed, `user` is `name:password`.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        self.url_by(&self.socket(), user, database)
    }

    /// The folder of the pooler's socket where there is one, and else that of the server's.
    #[must_use]
    pub fn pooled_socket(&self) -> PathBuf {
        match self.pooler {
            Some(_) => pooler::socket(&self.folder),
            None => self.socket(),
        }
    }

    /// As [`Self::url`], through the pooler where there is one.
    #[must_use]
    pub fn pooled_url(&self, user: &str, database: &str) -> String {
        self.url_by(&self.pooled_socket(), user, database)
    }

    fn url_by(&self, socket: &Path, user: &str, database: &str) -> String {
        let host = socket.display().to_string().replace('/', "%2F");
        format!(
            "postgresql://{user}@{host}{}/{database}",
            self.port_suffix()
        )
    }

    /// A connection URL over TCP; `host` is `localhost`, `127.0.0.1` or what a certificate says.
    #[must_use]
    pub fn tcp_url(&self, host: &str, user: &str, password: &str, database: &str) -> String {
        format!(
            "postgresql://{user}:{password}@{host}:{}/{database}",
            self.port
        )
    }

    /// The server's process, as long as it runs.
    #[must_use]
    pub fn postmaster_pid(&self) -> Option<u32> {
        self.lock().as_ref().map(Child::id)
    }

    /// The server's log; whole, because a test may look for a line.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Runs SQL (several statements are one transaction) as the superuser, and waits.
    pub fn execute(&self, database: &str, sql: &str) -> Result<(), Error> {
        client::execute(&self.url(SUPERUSER, database), sql)
    }

    /// Waits until the server accepts connections: after its start, or while it recovers from
    /// the death of a backend.
    pub fn wait_until_ready(&self) -> Result<(), Error> {
        let deadline = Instant::now() + READY_TIMEOUT;
        loop {
            let refused = match client::probe(&self.url(SUPERUSER, "postgres")) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            if self.has_exited() {
                return Err(Error::postgres("starting the server", self.log_tail()));
            }
            if Instant::now() > deadline {
                return Err(Error::postgres("waiting for the server", refused));
            }
            std::thread::sleep(POLL);
        }
    }

    /// Kills the server with SIGKILL, as a power cut would, and starts it on the same data.
    pub fn crash_and_restart(&self) -> Result<(), Error> {
        self.end_server(Signal::SIGKILL);
        self.start_again()
    }

    /// Ends the server at once, with all connections and whatever they are at; its data stays.
    pub fn interrupt(&self) {
        self.end_server(Signal::SIGQUIT);
    }

    /// Starts the server on its data after [`Self::interrupt`]; one that runs is left alone.
    pub fn start_again(&self) -> Result<(), Error> {
        if !self.has_exited() {
            return Ok(());
        }
        let deadline = Instant::now() + READY_TIMEOUT;
        // Orphaned backends notice within moments; until they are gone the data is still in use.
        loop {
            match self.start_server() {
                Err(_) if Instant::now() < deadline => std::thread::sleep(POLL),
                done => return done,
            }
        }
    }

    /// Stops the server at once and removes everything; the same as dropping it.
    pub fn stop(self) {
        drop(self);
    }

    fn initdb(&self) -> Result<(), Error> {
        let mut command = self.account.command(&self.bin.join("initdb"), &self.folder);
        // A throw-away cluster need not survive a power cut during initdb.
        command.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        command
            .arg(format!("--username={SUPERUSER}"))
            .arg("-D")
            .arg(self.data());
        let output = command.output().map_err(Error::io("run initdb"))?;
        if output.status.success() {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&output.stderr);
        Err(Error::postgres(
            "initdb",
            told.lines().last().unwrap_or("no message"),
        ))
    }

    fn write_access_rules(&self) -> Result<(), Error> {
        let tcp = match self.options.tls {
            Some(_) => "hostssl all all 127.0.0.1/32 scram-sha-256\n",
            None => "host all all 127.0.0.1/32 scram-sha-256\n",
        };
        let local = if self.options.passwords {
            format!("local all {SUPERUSER} trust\nlocal all all scram-sha-256\n")
        } else {
            "local all all trust\n".to_owned()
        };
        let rules = format!("{local}{tcp}");
        fs::write(self.data().join("pg_hba.conf"), rules).map_err(Error::io("write pg_hba.conf"))
    }

    fn copy_tls_files(&self) -> Result<(), Error> {
        let Some(tls) = &self.options.tls else {
            return Ok(());
        };
        for (from, to) in [(&tls.certificate, "server.crt"), (&tls.key, "server.key")] {
            let to = self.data().join(to);
            fs::copy(from, &to).map_err(Error::io(format!("copy {}", from.display())))?;
            // The server refuses a key that others could read.
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600))
                .map_err(Error::io(format!("protect {}", to.display())))?;
            self.account.give(&to)?;
        }
        Ok(())
    }

    fn start_server(&self) -> Result<(), Error> {
        let mut command = self.server_command()?;
        let child = command.spawn().map_err(Error::io("start postgres"))?;
        self.guardian.watch(child.id(), Farewell::Quit);
        *self.lock() = Some(child);
        let ready = self.wait_until_ready();
        if ready.is_err() {
            self.end_server(Signal::SIGKILL);
        }
        ready
    }

    fn server_command(&self) -> Result<Command, Error> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .map_err(Error::io("write the server's log"))?;
        let mut command = self
            .account
            .command(&self.bin.join("postgres"), &self.folder);
        command.arg("-D").arg(self.data());
        let mut set = |name: &str, value: &str| {
            command.arg("-c").arg(format!("{name}={value}"));
        };
        for (name, value) in SETTINGS {
            set(name, value);
        }
        set(
            "unix_socket_directories",
            &self.socket().display().to_string(),
        );
        set("port", &self.port.to_string());
        let tcp = self.options.tcp_port.is_some();
        set("listen_addresses", if tcp { "127.0.0.1" } else { "" });
        set(
            "ssl",
            if self.options.tls.is_some() {
                "on"
            } else {
                "off"
            },
        );
        for (name, value) in &self.options.settings {
            set(name, value);
        }
        command.envs(
            self.options
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        // Ctrl-C is for us: we stop the server after what uses it.
        command.process_group(0);
        Ok(command)
    }

    fn end_server(&self, signal: Signal) {
        let Some(mut child) = self.lock().take() else {
            return;
        };
        if let Ok(pid) = i32::try_from(child.id()) {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(pid), signal);
        }
        let _ = child.wait();
        self.guardian.forget(child.id());
    }

    fn has_exited(&self) -> bool {
        self.lock()
            .as_mut()
            .is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines
            .get(lines.len().saturating_sub(LOG_TAIL_LINES)..)
            .unwrap_or_default()
            .join(" | ")
    }

    fn port_suffix(&self) -> String {
        if self.port == PORT_DEFAULT {
            String::new()
        } else {
            format!(":{}", self.port)
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    fn lock(&self) -> MutexGuard<'_, Option<Child>> {
        self.postmaster
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(pooler) = self.pooler.take() {
            pooler.end(&self.guardian);
        }
        self.end_server(Signal::SIGQUIT);
        self.guardian.dismiss();
    }
}

/// `/tmp/holdfast-XXXXXX`, not the platform's temporary folder: the path of a unix socket may
/// have 107 bytes only. Removed by the guardian.
fn run_folder(account: &Account) -> Result<PathBuf, Error> {
    let folder = tempfile::Builder::new()
        .prefix("holdfast-")
        .tempdir_in("/tmp")
        .map_err(Error::io("make a folder in /tmp"))?
        .keep();
    let socket = folder.join("socket");
    fs::create_dir(&socket).map_err(Error::io("make the socket's folder"))?;
    for path in [&folder, &socket] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(Error::io(format!("protect {}", path.display())))?;
        account.give(path)?;
    }
    Ok(folder)
}

pub(crate) fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::io("find a free port"))?;
    Ok(listener
        .local_addr()
        .map_err(Error::io("find a free port"))?
        .port())
}

#[cfg(test)]
mod tests;
