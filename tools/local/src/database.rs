//! `holdfast database`: a PostgreSQL as a cloud has it: TLS, passwords, and a master user that is
//! no superuser.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Error;
use crate::command::{Signals, run_to_its_end, shell};
use crate::postgres::{Cluster, ClusterOptions, SUPERUSER, TlsFiles};
use crate::roles::MASTER;
use crate::stack::DATABASE;

/// The options of `holdfast database`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  holdfast database --certificate server.pem --key server.key --run 'make -C mine check'")]
pub struct Database {
    /// PEM file of the server's certificate, for the name that clients use
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// PEM file of the certificate's key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Run this shell command beside the server, then stop with its exit code
    ///
    /// The command gets HOLDFAST_DATABASE_PORT (on 127.0.0.1, with TLS and passwords),
    /// HOLDFAST_DATABASE_NAME, HOLDFAST_DATABASE_MASTER (a role without a password), and
    /// HOLDFAST_DATABASE_SUPERUSER, the URL of the private socket.
    #[arg(long, value_name = "COMMAND")]
    run: String,
}

/// Starts a PostgreSQL, and returns the exit code of the command beside it.
///
/// # Errors
/// When the server does not start, or the command can't be run.
pub async fn run(options: Database) -> Result<ExitCode, Error> {
    let mut signals = Signals::new()?;
    let cluster = ClusterOptions {
        tcp_port: Some(0),
        tls: Some(TlsFiles {
            certificate: options.certificate,
            key: options.key,
        }),
        ..ClusterOptions::default()
    };
    let started = tokio::task::spawn_blocking(move || start(cluster)).await;
    let cluster = started.map_err(|error| Error::Io {
        action: "start PostgreSQL".into(),
        source: std::io::Error::other(error),
    })??;
    let mut command = shell(&options.run);
    command
        .env("HOLDFAST_DATABASE_PORT", cluster.port().to_string())
        .env("HOLDFAST_DATABASE_NAME", DATABASE)
        .env("HOLDFAST_DATABASE_MASTER", MASTER)
        .env(
            "HOLDFAST_DATABASE_SUPERUSER",
            cluster.url(SUPERUSER, DATABASE),
        );
    let code = run_to_its_end(command, &options.run, &mut signals).await;
    // It blocks, and only panics if a lock is poisoned.
    drop(tokio::task::spawn_blocking(move || cluster.stop()).await);
    code
}

fn start(options: ClusterOptions) -> Result<Cluster, Error> {
    let cluster = Cluster::start(options)?;
    let create = format!("create role {MASTER} login createrole");
    cluster.execute("postgres", &create)?;
    let create = format!("create database {DATABASE} owner {MASTER}");
    cluster.execute("postgres", &create)?;
    Ok(cluster)
}
