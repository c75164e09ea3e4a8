//! The server under test, and pgbench against it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::contestant::{Contestant, RESET};

/// The role of the function that places holds.
const APP: &str = local::roles::CHECKOUT;
const DATABASE: &str = "postgres";
/// The library that makes commits slow.
const LIBRARY: &str = "slow_commit.so";
/// A call that waits long is slow, and does not end the run.
const NO_TIMEOUTS: &str = "-c lock_timeout=0 -c statement_timeout=0";

pub(crate) type Failed = Box<dyn std::error::Error>;

/// A throw-away PostgreSQL with the schema, and a folder of scripts.
pub(crate) struct Server {
    pub(crate) cluster: Cluster,
    folder: TempDir,
    runs: std::cell::Cell<u32>,
}

/// What pgbench measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) latency_ms: f64,
}

impl Server {
    /// Starts one. With `slow_commits` every flush of its log takes 2 ms longer; with `sessions` a
    /// pooler with this many sessions stands in front of it.
    pub(crate) async fn start(slow_commits: bool, sessions: Option<u32>) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        // The server may run as another user, who must be able to load the library.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let mut environment = Vec::new();
        if slow_commits {
            environment.push(("LD_PRELOAD".to_owned(), slow_commit_library(folder.path())?));
        }
        let settings = [
            ("max_connections", "800"),
            ("max_wal_size", "8GB"),
            // A shorter round has only the checkpoint that it starts with.
            ("checkpoint_timeout", "30min"),
        ];
        let cluster = Cluster::start(ClusterOptions {
            settings: settings
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            environment,
            pooler: sessions,
            ..ClusterOptions::default()
        })?;
        let mut client = connect(&cluster).await?;
        holdfast_migrate::run(&mut client).await?;
        cluster.execute(DATABASE, include_str!("../classic.sql"))?;
        cluster.execute(DATABASE, include_str!("../prototype.sql"))?;
        // As autovacuum does within a minute of a catalogue's import.
        cluster.execute(DATABASE, "analyze")?;
        Ok(Self {
            cluster,
            folder,
            runs: std::cell::Cell::new(0),
        })
    }

    /// One round, from the same start as every round.
    pub(crate) async fn round(
        &self,
        contestant: Contestant,
        connections: u32,
        seconds: u32,
    ) -> Result<Measured, Failed> {
        self.begin_round()?;
        let options = contestant.session_options();
        let measured = self.measure(&contestant.script(), options, connections, seconds)?;
        self.assert_promises_kept().await?;
        Ok(measured)
    }

    /// Makes every round begin alike.
    pub(crate) fn begin_round(&self) -> Result<(), Failed> {
        for statement in RESET
            .split_inclusive(';')
            .filter(|text| !text.trim().is_empty())
        {
            self.cluster.execute(DATABASE, statement)?;
        }
        Ok(())
    }

    /// Runs a script on these connections for these seconds.
    pub(crate) fn measure(
        &self,
        script: &str,
        session_options: &str,
        connections: u32,
        seconds: u32,
    ) -> Result<Measured, Failed> {
        self.measure_in(DATABASE, script, session_options, connections, seconds)
    }

    /// The same in another database of the server.
    pub(crate) fn measure_in(
        &self,
        database: &str,
        script: &str,
        session_options: &str,
        connections: u32,
        seconds: u32,
    ) -> Result<Measured, Failed> {
        let said = self.run(
            self.pgbench_in(database, script, &self.cluster.socket(), connections)?
                .env("PGOPTIONS", format!("{NO_TIMEOUTS} {session_options}"))
                .arg(format!("--time={seconds}")),
        )?;
        let number = |before: &str| -> Result<f64, Failed> {
            let mut lines = said.lines();
            let line = lines.find_map(|line| line.strip_prefix(before));
            let number = line.and_then(|rest| rest.split(' ').next()?.parse().ok());
            Ok(number.ok_or_else(|| format!("pgbench did not say {before}: {said}"))?)
        };
        Ok(Measured {
            per_second: number("tps = ")?,
            latency_ms: number("latency average = ")?,
        })
    }

    /// pgbench with a script, on these connections by this socket.
    pub(crate) fn pgbench(
        &self,
        script: &str,
        socket: &Path,
        connections: u32,
    ) -> Result<Command, Failed> {
        self.pgbench_in(DATABASE, script, socket, connections)
    }

    /// The same in another database of the server.
    pub(crate) fn pgbench_in(
        &self,
        database: &str,
        script: &str,
        socket: &Path,
        connections: u32,
    ) -> Result<Command, Failed> {
        let file = self.folder().join("script.sql");
        fs::write(&file, script)?;
        // Every run has its own ids.
        self.runs.set(self.runs.get() + 1);
        let first = u64::from(self.runs.get()) * 1_000_000;
        let mut command = Command::new(self.cluster.bin().join("pgbench"));
        command
            .args(["--no-vacuum", "--protocol=extended", "--jobs=2"])
            .arg(format!("--host={}", socket.display()))
            .arg(format!("--port={}", self.cluster.port()))
            .arg(format!("--username={APP}"))
            .arg(format!("--client={connections}"))
            .arg(format!("--define=n={first}"))
            .arg(format!("--file={}", file.display()))
            .arg(database);
        Ok(command)
    }

    /// Runs pgbench and returns its output.
    pub(crate) fn run(&self, pgbench: &mut Command) -> Result<String, Failed> {
        let output = pgbench.output().map_err(|error| {
            format!("pgbench, one of PostgreSQL's programs, did not start: {error}")
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        // Every client says the same.
        let said = String::from_utf8_lossy(&output.stderr);
        Err(said.lines().next().unwrap_or("pgbench failed").into())
    }

    /// The folder of scripts and logs, which goes with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Held units of a sku.
    pub(crate) async fn held_of(&self, sku: &str) -> Result<u32, Failed> {
        let client = connect(&self.cluster).await?;
        let query = "select held from holdfast.stock_levels where sku = $1";
        let held: i32 = client.query_one(query, &[&sku]).await?.get(0);
        Ok(u32::try_from(held)?)
    }

    /// The process of the server itself.
    pub(crate) fn pid(&self) -> Result<u32, Failed> {
        Ok(self
            .cluster
            .postmaster_pid()
            .ok_or("the server does not run")?)
    }

    /// The library that makes its commits slow, if they are.
    pub(crate) fn slow_commits(&self) -> Option<PathBuf> {
        let library = self.folder().join(LIBRARY);
        library.exists().then_some(library)
    }

    /// What the server says it is.
    pub(crate) async fn version(&self) -> Result<String, Failed> {
        let client = connect(&self.cluster).await?;
        Ok(client.query_one("show server_version", &[]).await?.get(0))
    }

    /// A session that holds the lock of the sold-out row until it is dropped.
    pub(crate) async fn lock_sold_out(&self) -> Result<Client, Failed> {
        let client = connect(&self.cluster).await?;
        client
            .batch_execute(
                "begin; select from holdfast.stock_levels where sku = 'SOLD-OUT' for update",
            )
            .await?;
        Ok(client)
    }

    pub(crate) async fn assert_promises_kept(&self) -> Result<(), Failed> {
        let client = connect(&self.cluster).await?;
        let check = "select promise from holdfast.promises_check(null) limit 1";
        let Some(row) = client.query_opt(check, &[]).await? else {
            return Ok(());
        };
        Err(format!("a promise is broken: {}", row.get::<_, String>(0)).into())
    }
}

async fn connect(cluster: &Cluster) -> Result<Client, Failed> {
    let url = cluster.url(SUPERUSER, DATABASE);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub(crate) fn slow_commit_library(folder: &Path) -> Result<String, Failed> {
    let source = folder.join("slow_commit.c");
    let library = folder.join(LIBRARY);
    fs::write(&source, include_str!("../slow_commit.c"))?;
    let compiled = Command::new("cc")
        .args(["-O2", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status()
        .map_err(|error| format!("cc, the C compiler, did not start: {error}"))?;
    if compiled.success() {
        Ok(library.display().to_string())
    } else {
        Err("cc could not build slow_commit.c".into())
    }
}
