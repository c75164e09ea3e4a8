//! `holdfast`: every tool of Holdfast in one command. Each tool is a crate beside this one; this
//! one only reads the command line.

mod distribute;
mod migrate;
mod rebalance;

use std::process::ExitCode;

use anstream::eprintln;
use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// It could not run; the message says why. The same code as clap's for wrong usage.
const COULD_NOT_RUN: u8 = 2;

const EXIT_CODES: &str = "Exit codes:
  0  done, and every check passed
  1  done, but a check failed: drill, rush or stock check found a broken promise, stock import
     refused rows, bench --require missed a bar
  2  wrong usage, or it could not run; the message says why
`up --run` and `database --run` end with the exit code of the command that they run.";

/// Holdfast's tools: run it, rehearse a sale, measure it, migrate a database, import stock
#[derive(Parser)]
#[command(name = "holdfast", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole stack on this machine, until Ctrl-C
    Up(local::up::Up),
    /// Rehearse a flash sale against a running deployment, and check every promise
    Drill(Box<drill::Args>),
    /// Send thousands of shoppers at once for a few pieces, and check that the end is exact
    Rush(drill::rush::Args),
    /// Measure how fast one sku can be held, and compare
    Bench(bench::Args),
    /// Simulate Cashfree, Stripe and Razorpay on this machine, until Ctrl-C
    Gateways(simulator::command::Args),
    /// Import a file of skus and stock into a shop, export one, or check a shop's promises
    #[command(subcommand)]
    Stock(stock::Command),
    /// Process payment events once more; safe to repeat
    #[command(subcommand)]
    Replay(replay::Command),
    /// Bring a database to this release: its tables, routines and rights
    Migrate(migrate::Args),
    /// Distribute a database over the nodes of a Citus cluster, by shop; safe to repeat
    Distribute(distribute::Args),
    /// Move shops between the nodes of a Citus cluster while they sell; safe to repeat
    Rebalance(rebalance::Args),
    /// Run a command beside a PostgreSQL that is set up as in a cloud
    Database(local::database::Database),
    /// Deploy two releases while a command runs (see tools/release/rehearse)
    #[command(hide = true)]
    Upgrade(local::upgrade::Upgrade),
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("HOLDFAST_LOG")
                .unwrap_or_else(|_| "error,local=info".into()),
        )
        .without_time()
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
    allow_open_files();
    let done = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let done = runtime.block_on(run(command));
            // A start that Ctrl-C interrupted is not waited for.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(format!("cannot start threads: {error}")),
    };
    done.unwrap_or_else(|error| {
        eprintln!("holdfast: {error}");
        ExitCode::from(COULD_NOT_RUN)
    })
}

/// Raises the limit of open files as far as it goes, for this process and its children: each
/// shopper of a rush is a socket, here, in the stack, and in PgBouncer.
fn allow_open_files() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // A lower limit is enough for everything else, and the rush says what it needs.
        setrlimit(Resource::RLIMIT_NOFILE, most, most).ok();
    }
}

async fn run(command: Command) -> Result<ExitCode, String> {
    let passed = |passed: bool| match passed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    };
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Up(args) => local::up::run(&args).await.map_err(text),
        Command::Drill(args) => drill::run(&args).await.map(passed),
        Command::Rush(args) => drill::rush::run(&args).await.map(passed),
        Command::Bench(args) => bench::run(&args).await.map(passed).map_err(text),
        Command::Gateways(args) => simulator::command::run(&args).await.map(done),
        Command::Stock(command) => stock::run(&command).await.map(passed),
        Command::Replay(command) => replay::run(&command).await.map(done),
        Command::Migrate(args) => migrate::run(&args).await.map(done),
        Command::Distribute(args) => distribute::run(&args).await.map(done),
        Command::Rebalance(args) => rebalance::run(&args).await.map(done),
        Command::Database(args) => local::database::run(args).await.map_err(text),
        Command::Upgrade(args) => args.run().await.map_err(text),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
