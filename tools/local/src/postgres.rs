//! A throw-away PostgreSQL in a folder of its own, which ends with our process.
//!
//! The code blocks: a test can hold a cluster in a `OnceLock`, and async code starts one on a
//! blocking thread. The socket's folder has mode 0700, so the server trusts every caller there,
//! unless `passwords` is set. TCP is off by default, and always needs a password.

mod binaries;
mod client;
mod os_user;
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

use self::os_user::OsUser;
use self::pooler::Pooler;
use crate::reaper::{Ending, Reaper};
use crate::{Error, project};

pub use self::os_user::SUPERUSER;

/// A crash recovery of a loaded demo takes well under a second; a slow machine needs more.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const PORT_DEFAULT: u16 = 5432;
const LOG_TAIL_LINES: usize = 3;

/// For many functions, tests or bench clients at the same time, on a laptop.
const SETTINGS: [(&str, &str); 5] = [
    ("max_connections", "300"),
    ("shared_buffers", "256MB"),
    ("fsync", "on"),
    ("max_wal_size", "2GB"),
    ("log_min_messages", "warning"),
];

/// What a node of Citus needs. A transaction over two nodes is prepared on both.
const CITUS_SETTINGS: [(&str, &str); 3] = [
    ("shared_preload_libraries", "citus"),
    ("wal_level", "logical"),
    ("max_prepared_transactions", CITUS_WORKER_SESSIONS),
];
/// Nodes reach each other as the superuser and the owner, without passwords. So could everybody on
/// this machine, for whom the data is worth nothing.
const CITUS_ACCESS_RULES: &str = "host all postgres,holdfast_owner 127.0.0.1/32 trust\n";
/// Each session of a coordinator may open its own to each worker.
const CITUS_WORKER_SESSIONS: &str = "600";

/// How a cluster differs from a plain private one.
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
    /// A PgBouncer in front, with this many sessions for each role: see [`Cluster::pooled_url`].
    pub pooler: Option<u32>,
    /// The pooler's passwords, by role.
    pub pooler_passwords: BTreeMap<String, String>,
    /// Run Citus, with so many workers beside this server; with 0 it is the only node. The
    /// settings and the environment are for all of them, the other options for this server alone.
    /// See [`Cluster::create_database`].
    pub citus_workers: Option<u16>,
}

impl ClusterOptions {
    fn with_citus(mut self) -> Self {
        if self.citus_workers.is_some() {
            let own = CITUS_SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
            self.settings.extend(own);
            self.tcp_port.get_or_insert(0);
        }
        self
    }
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
    reaper: Reaper,
    folder: PathBuf,
    bin: PathBuf,
    os_user: OsUser,
    options: ClusterOptions,
    port: u16,
    postmaster: Mutex<Option<Child>>,
    pooler: Option<Pooler>,
    workers: Vec<Cluster>,
}

impl Cluster {
    /// Makes a database cluster and starts its server; returns when it accepts connections.
    pub fn start(options: ClusterOptions) -> Result<Self, Error> {
        let options = options.with_citus();
        let installed = binaries::find()?;
        let os_user = OsUser::choose()?;
        let folder = run_folder(&os_user)?;
        let reaper = Reaper::start(&folder)?;
        let bin = if os_user.can_run(&installed.join("postgres"), &folder) {
            installed
        } else {
            binaries::copy_for_another_user(&installed, &folder)?
        };
        let port = match options.tcp_port {
            Some(0) => free_port()?,
            Some(port) => port,
            None => PORT_DEFAULT,
        };
        let mut cluster = Self {
            reaper,
            folder,
            bin,
            os_user,
            options,
            port,
            postmaster: Mutex::new(None),
            pooler: None,
            workers: Vec::new(),
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
                &cluster.os_user,
                &cluster.reaper,
            )?);
        }
        cluster.workers = cluster.start_workers()?;
        Ok(cluster)
    }

    /// The folder of the Unix socket; libpq takes it as `host`.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// The port, of the socket's name and of TCP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The cluster's folder; callers may add files of their own.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the server's binaries; most packages have psql and pgbench there.
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
        format!("postgresql://{user}@{host}:{}/{database}", self.port)
    }

    /// A connection URL over TCP; `host` is `localhost`, `127.0.0.1` or what a certificate says.
    #[must_use]
    pub fn tcp_url(&self, host: &str, user: &str, password: &str, database: &str) -> String {
        let port = self.port;
        format!("postgresql://{user}:{password}@{host}:{port}/{database}")
    }

    /// The server's process, as long as it runs.
    #[must_use]
    pub fn postmaster_pid(&self) -> Option<u32> {
        self.lock().as_ref().map(Child::id)
    }

    /// The server's whole log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The workers of Citus, if it runs.
    #[must_use]
    pub fn workers(&self) -> &[Self] {
        &self.workers
    }

    /// Whether this server is a node of Citus.
    #[must_use]
    pub fn has_citus(&self) -> bool {
        self.options.citus_workers.is_some()
    }

    /// Runs SQL as the superuser, and waits. Several statements are one transaction.
    pub fn execute(&self, database: &str, sql: &str) -> Result<(), Error> {
        client::execute(&self.url(SUPERUSER, database), sql)
    }

    /// Waits until the server accepts connections: after its start, or after a backend died.
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

    /// Ends the server and all connections at once; its data stays.
    pub fn interrupt(&self) {
        self.end_server(Signal::SIGQUIT);
    }

    /// Starts the server on its data after [`Self::interrupt`]; one that runs is left alone.
    pub fn start_again(&self) -> Result<(), Error> {
        if !self.has_exited() {
            return Ok(());
        }
        let deadline = Instant::now() + READY_TIMEOUT;
        // The data is in use until the last orphaned backend has noticed and ended.
        loop {
            match self.start_server() {
                Err(_) if Instant::now() < deadline => std::thread::sleep(POLL),
                done => return done,
            }
        }
    }

    /// Stops the server at once and removes everything, as dropping it does.
    pub fn stop(self) {
        drop(self);
    }

    /// A worker is a node without workers.
    fn start_workers(&self) -> Result<Vec<Self>, Error> {
        let more = (
            "max_connections".to_owned(),
            CITUS_WORKER_SESSIONS.to_owned(),
        );
        let worker = |_| {
            Self::start(ClusterOptions {
                settings: [&self.options.settings[..], std::slice::from_ref(&more)].concat(),
                environment: self.options.environment.clone(),
                citus_workers: Some(0),
                ..ClusterOptions::default()
            })
        };
        let workers = self.options.citus_workers.unwrap_or(0);
        (0..workers).map(worker).collect()
    }

    fn initdb(&self) -> Result<(), Error> {
        let output = self
            .os_user
            .command(&self.bin.join("initdb"), &self.folder)
            // A throw-away cluster need not survive a power cut during initdb.
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"])
            .arg(format!("--username={SUPERUSER}"))
            .arg("-D")
            .arg(self.data())
            .output()
            .map_err(Error::io("run initdb"))?;
        if output.status.success() {
            return Ok(());
        }
        let message = String::from_utf8_lossy(&output.stderr);
        let last = message.lines().last().unwrap_or("no message");
        Err(Error::postgres("initdb", last))
    }

    fn write_access_rules(&self) -> Result<(), Error> {
        let others = match self.options.passwords {
            true => "scram-sha-256",
            false => "trust",
        };
        let tcp = match self.options.tls {
            Some(_) => "hostssl",
            None => "host",
        };
        let nodes = match self.options.citus_workers {
            Some(_) => CITUS_ACCESS_RULES,
            None => "",
        };
        let rules = format!(
            "local all {SUPERUSER} trust\nlocal all all {others}\n{nodes}\
             {tcp} all all 127.0.0.1/32 scram-sha-256\n"
        );
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
            self.os_user.give(&to)?;
        }
        Ok(())
    }

    fn start_server(&self) -> Result<(), Error> {
        let mut command = self.server_command()?;
        let child = command.spawn().map_err(Error::io("start postgres"))?;
        self.reaper.watch(child.id(), Ending::Quit);
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
        let on_off = |on| if on { "on" } else { "off" };
        let tcp = self.options.tcp_port.is_some();
        let own = [
            (
                "unix_socket_directories",
                self.socket().display().to_string(),
            ),
            ("port", self.port.to_string()),
            (
                "listen_addresses",
                if tcp { "127.0.0.1" } else { "" }.to_owned(),
            ),
            ("ssl", on_off(self.options.tls.is_some()).to_owned()),
        ];
        let mut command = self
            .os_user
            .command(&self.bin.join("postgres"), &self.folder);
        command.arg("-D").arg(self.data());
        let usual = SETTINGS
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let own = own.iter().map(|(name, value)| format!("{name}={value}"));
        let more = self.options.settings.iter();
        let more = more.map(|(name, value)| format!("{name}={value}"));
        for setting in usual.chain(own).chain(more) {
            command.arg("-c").arg(setting);
        }
        command
            .envs(self.options.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C is for us: we stop the server after its callers.
            .process_group(0);
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
        self.reaper.forget(child.id());
    }

    fn has_exited(&self) -> bool {
        self.lock()
            .as_mut()
            .is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let mut lines: Vec<&str> = log.lines().rev().take(LOG_TAIL_LINES).collect();
        lines.reverse();
        lines.join(" | ")
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    fn lock(&self) -> MutexGuard<'_, Option<Child>> {
        let postmaster = self.postmaster.lock();
        postmaster.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(pooler) = self.pooler.take() {
            pooler.end(&self.reaper);
        }
        self.end_server(Signal::SIGQUIT);
        self.reaper.clean_up();
    }
}

fn run_folder(os_user: &OsUser) -> Result<PathBuf, Error> {
    let folder = project::run_folder()?;
    let socket = folder.join("socket");
    fs::create_dir(&socket).map_err(Error::io("make the socket's folder"))?;
    for path in [&folder, &socket] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(Error::io(format!("protect {}", path.display())))?;
        os_user.give(path)?;
    }
    Ok(folder)
}

pub(crate) fn free_port() -> Result<u16, Error> {
    let address = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(address.map_err(Error::io("find a free port"))?.port())
}

#[cfg(test)]
mod tests;
