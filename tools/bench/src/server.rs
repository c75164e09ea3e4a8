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
    /// Starts one; with `slow_commits` every flush of its log takes 2 ms longer.
    pub(crate) async fn start(slow_commits: bool) -> Result<Self, Failed> {
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
            ..ClusterOptions::default()
        })?;
        let url = cluster.url(SUPERUSER, DATABASE);
        let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        shared::migrate::run(&mut client).await?;
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
        for statement in RESET
            .split_inclusive(';')
            .filter(|text| !text.trim().is_empty())
        {
            self.cluster.execute(DATABASE, statement)?;
        }
        let options = contestant.session_options();
        let measured = self.pgbench(&contestant.script(), options, connections, seconds)?;
        self.assert_promises_kept().await?;
        Ok(measured)
    }

    /// Runs a script on so many connections for so many seconds.
    pub(crate) fn pgbench(
        &self,
        script: &str,
        session_options: &str,
        connections: u32,
        seconds: u32,
    ) -> Result<Measured, Failed> {
        let file = self.folder.path().join("script.sql");
        fs::write(&file, script)?;
        // every run has ids of its own
        self.runs.set(self.runs.get() + 1);
        let first = u64::from(self.runs.get()) * 1_000_000;
        let output = Command::new(self.cluster.bin().join("pgbench"))
            .env("PGOPTIONS", session_options)
            .args(["--no-vacuum", "--protocol=extended", "--jobs=2"])
            .arg(format!("--host={}", self.cluster.socket().display()))
            .arg(format!("--port={}", self.cluster.port()))
            .arg(format!("--username={APP}"))
            .arg(format!("--client={connections}"))
            .arg(format!("--time={seconds}"))
            .arg(format!("--define=n={first}"))
            .arg(format!("--file={}", file.display()))
            .arg(DATABASE)
            .output()
            .map_err(|error| {
                format!("pgbench, of PostgreSQL's programs, did not start: {error}")
            })?;
        let said = String::from_utf8_lossy(&output.stdout);
        let number = |before: &str| -> Option<f64> {
            said.lines()
                .find_map(|line| line.strip_prefix(before))?
                .split(' ')
                .next()?
                .parse()
                .ok()
        };
        match (
            output.status.success(),
            number("tps = "),
            number("latency average = "),
        ) {
            (true, Some(per_second), Some(latency_ms)) => Ok(Measured {
                per_second,
                latency_ms,
            }),
            _ => Err(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)).into()),
        }
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

    async fn assert_promises_kept(&self) -> Result<(), Failed> {
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
