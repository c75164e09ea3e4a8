//! `holdfast migrate`: a database without a Lambda host, brought to this release.

use anstream::{eprintln, println};
use holdfast_migrate::{EarlyRelease, Options, Release, iam_login, run_release};
use operations::cause::causes;
use operations::config::ConfigError;
use operations::db::{self, DatabaseConfig};

const APPLICATION: &str = "holdfast-migrate";

const HELP: &str =
    "The database comes from the variables that the functions read, above all DATABASE_URL.
A server on another machine is called with TLS, and needs DATABASE_CA_FILE or DATABASE_CA=rds.
A server on this machine is called without TLS, unless DATABASE_TLS=verify asks for it.
The first migration needs a role that owns the database and may create roles; later ones need only
holdfast_migrator. The roles of the functions have no passwords at first (docs/operations.md).

Example:
  DATABASE_URL=postgresql://postgres@localhost/shop holdfast migrate";

/// The options of `holdfast migrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Write this release's routines over those of a newer release; tables stay as they are
    #[arg(long)]
    put_back_routines: bool,
    /// Let the functions log in by IAM (RDS and Aurora)
    #[arg(long)]
    grant_iam_login: bool,
    /// How operations flush after early lock release: `auto`, `message`, `row-lock` or `off`;
    /// without it, as is chosen already
    #[arg(long)]
    early_release: Option<EarlyRelease>,
}

pub(crate) async fn run(args: &Args) -> Result<(), String> {
    let config = config(APPLICATION).map_err(|error| error.to_string())?;
    let mut client = db::connect(&config).await.map_err(|error| causes(&error))?;
    let release = Release::this();
    let options = Options {
        put_back_routines: args.put_back_routines,
        early_release: args.early_release,
        ..Options::default()
    };
    eprintln!("migrating to release {}", release.number);
    let report = run_release(&mut client, &release, options)
        .await
        .map_err(|error| causes(&error))?;
    if args.grant_iam_login {
        let granted = iam_login::grant(&client).await;
        granted.map_err(|error| causes(&error))?;
    }
    for file in &report.applied {
        println!("applied {file}");
    }
    if let Some(newer) = &report.left_to {
        println!("a newer release, {newer}, was here before: its tables and rights stay");
    }
    for role in &report.roles {
        println!("to mend by a user that may: {role}");
    }
    if let Some(choice) = &report.early_release {
        println!("early lock release: {choice}");
    }
    println!(
        "{} migrations applied, {} routines written",
        report.applied.len(),
        report.routines
    );
    Ok(())
}

/// From the environment. TLS is the default, and needs authorities to check the server's
/// certificate against; without any, the server must be on this machine.
pub(crate) fn config(application: &str) -> Result<DatabaseConfig, ConfigError> {
    let missing = match aws::database_config(application) {
        Err(missing @ ConfigError::Missing("DATABASE_CA_FILE", _)) => missing,
        other => return other,
    };
    let without_tls = |name: &str| match name {
        "DATABASE_TLS" => Some("off".to_owned()),
        _ => std::env::var(name).ok(),
    };
    DatabaseConfig::parse(application, without_tls).map_err(|_| missing)
}
