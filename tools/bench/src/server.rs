//! The server under test, and pgbench against it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::contestant::{Contestant, RESET};

/// The role of the function that places holds.
const APP: &str = local::roles::CHECKOUT;
const DATABASE: &str = "postgres";
/// Whoever waits long is slow, and does not end the run.
const PATIENT: &str = "-c lock_timeout=0 -c statement_timeout=0";

pub(crate) type Failed = Box<dyn std::error::Error>;

/// A throw-away PostgreSQL with the schema, and the scripts' folder.
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
    /// Starts one; with `slow_commits` every flush of its log takes 2 ms longer, and a pooler with
    /// so many `sessions` stands before it.
    pub(crate) async fn start(slow_commits: bool, sessions: Option<u32>) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        // the server may run as another user, and must be able to load what lies here
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let mut environment = Vec::new();
        if slow_commits {
            environment.push(("LD_PRELOAD".to_owned(), slow_commit_library(folder.path())?));
        }
        let settings = [
            ("max_connections", "600"),
            ("max_wal_size", "8GB"),
            // a round shorter than this sees no checkpoint but the one that it starts with
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
        let url = cluster.url(SUPERUSER, DATABASE);
        let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        holdfast_migrate::run(&mut client).await?;
        cluster.execute(DATABASE, include_str!("../classic.sql"))?;
        cluster.execute(DATABASE, include_str!("../prototype.sql"))?;
        // as autovacuum does within a minute of a catalogue's import
        cluster.execute(DATABASE, "analyze")?;
        Ok(Self {
            cluster,
            folder,
            runs: std::cell::Cell::new(0),
        })
    }

    /// One round: from the same start, for so many seconds.
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

    /// Runs a script on so many connections for so many seconds.
    pub(crate) fn measure(
        &self,
        script: &str,
        session_options: &str,
        connections: u32,
        seconds: u32,
    ) -> Result<Measured, Failed> {
        let said = self.run(
            self.pgbench(script, &self.cluster.socket(), connections)?
                .env("PGOPTIONS", format!("{PATIENT} {session_options}"))
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

    /// pgbench with a script, on so many connections by this socket.
    pub(crate) fn pgbench(
        &self,
        script: &str,
        socket: &Path,
        connections: u32,
    ) -> Result<Command, Failed> {
        let file = self.folder().join("script.sql");
        fs::write(&file, script)?;
        // every run has ids of its own
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
            .arg(DATABASE);
        Ok(command)
    }

    /// What a run of pgbench said, where it went well.
    pub(crate) fn run(&self, pgbench: &mut Command) -> Result<String, Failed> {
        let output = pgbench.output().map_err(|error| {
            format!("pgbench, of PostgreSQL's programs, did not start: {error}")
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        // each client says the same
        let said = String::from_utf8_lossy(&output.stderr);
        Err(said.lines().next().unwrap_or("pgbench failed").into())
    }

    /// A folder of its own, which goes with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Units of the rush's sku that are held.
    pub(crate) async fn held_of_rush(&self) -> Result<u32, Failed> {
        let url = self.cluster.url(SUPERUSER, DATABASE);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        let query = "select held from holdfast.stock_levels where sku = 'RUSH'";
        let held: i32 = client.query_one(query, &[]).await?.get(0);
        Ok(u32::try_from(held)?)
    }

    /// A session that holds the lock of the sold-out row until it is dropped.
    pub(crate) async fn lock_sold_out(&self) -> Result<tokio_postgres::Client, Failed> {
        let url = self.cluster.url(SUPERUSER, DATABASE);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        client
            .batch_execute(
                "begin; select from holdfast.stock_levels where sku = 'SOLD-OUT' for update",
            )
            .await?;
        Ok(client)
    }

    pub(crate) async fn assert_promises_kept(&self) -> Result<(), Failed> {
        let url = self.cluster.url(SUPERUSER, DATABASE);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        let broken = client
            .query("select promise from holdfast.promises_check(null)", &[])
            .await?;
        match broken.first() {
            None => Ok(()),
            Some(row) => Err(format!("a promise is broken: {}", row.get::<_, String>(0)).into()),
        }
    }
}

fn slow_commit_library(folder: &Path) -> Result<String, Failed> {
    let source = folder.join("slow_commit.c");
    let library = folder.join("slow_commit.so");
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
