//! `holdfast-local`: the whole of Holdfast on this machine, with one command.

mod command;
mod database;
mod examples;
mod upgrade;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use local::stack::{DATABASE, SHOPS, demo_secret};
use local::{Binaries, Error, Stack, StackOptions, project};
use tokio::process::Command;

use command::{Signals, run_to_its_end};

/// The exit code of every mistake that the user can put right.
const EXIT_USER: u8 = 2;

#[derive(Parser)]
#[command(
    version,
    about = "Holdfast on this machine: PostgreSQL, SQS, functions, triggers"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// Where `make up` has the simulated gateways, as the README says.
const GATEWAYS_PORT: u16 = 8789;

/// What signs what the subscriber `demo` is told.
const DEMO_SUBSCRIBER_SECRET: &str = "whsec_bG9jYWwtZGVtby1zdWJzY3JpYmVyLXNlY3JldA==";

#[derive(Subcommand)]
enum Verb {
    /// Start everything, load the demo catalogue, and stay until Ctrl-C.
    Up(Up),
    /// Start everything, and deploy the next release and the one after it while a command runs.
    Upgrade(upgrade::Upgrade),
    /// Start a PostgreSQL alone, run a command beside it, and stop with its exit code.
    Database(database::Database),
}

#[derive(Args)]
struct Up {
    /// Port of the HTTP API; 0 takes a free one.
    #[arg(long, default_value_t = 8787)]
    api_port: u16,
    /// Port of the webhook's function URL; 0 takes a free one.
    #[arg(long, default_value_t = 8788)]
    webhook_port: u16,
    /// Port of the simulated gateways; 8789, or a free one where --api-port is 0.
    #[arg(long)]
    gateways_port: Option<u16>,
    /// Processes of the checkout function: how many requests at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=200))]
    concurrency: u16,
    /// Seconds between two calls of the sweeper; 0 never calls it.
    #[arg(long, default_value_t = 5)]
    sweep_every_s: u64,
    /// Stock of the catalogue's hot piece, LEHENGA-RED-M.
    #[arg(long, value_parser = clap::value_parser!(u32).range(..=100_000_000))]
    hot_units: Option<u32>,
    /// Folder with the functions' binaries; without it they are built first.
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// An SQS endpoint to use instead of a MiniStack of our own.
    #[arg(long)]
    sqs_endpoint: Option<String>,
    /// A variable of the sweeper, such as LOOKUP_AGAIN_S=5; may be given again and again.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    sweeper_set: Vec<(String, String)>,
    /// Run this shell command against the stack, then stop with its exit code. It gets
    /// HOLDFAST_API, HOLDFAST_ADMIN_TOKEN, HOLDFAST_WEBHOOK, HOLDFAST_WEBHOOK_SECRET,
    /// HOLDFAST_GATEWAYS, HOLDFAST_LOCAL, HOLDFAST_SQS and HOLDFAST_DATABASE.
    #[arg(long)]
    run: Option<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("HOLDFAST_LOG")
                .unwrap_or_else(|_| "error,local=info".into()),
        )
        .without_time()
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("cannot start threads: {error}")),
    };
    let done = match cli.verb {
        Verb::Up(up) => runtime.block_on(run(up)),
        Verb::Upgrade(upgrade) => runtime.block_on(upgrade.run()),
        Verb::Database(database) => runtime.block_on(database::run(database)),
    };
    let code = done.unwrap_or_else(|error| complain(&error.to_string()));
    // A build that Ctrl-C interrupted is not waited for.
    runtime.shutdown_background();
    code
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn complain(line: &str) -> ExitCode {
    eprintln!("holdfast-local: {line}");
    ExitCode::from(EXIT_USER)
}

async fn run(up: Up) -> Result<ExitCode, Error> {
    let mut signals = Signals::new()?;
    let stack = tokio::select! {
        started = Stack::start(options(&up)?) => started?,
        _ = signals.next() => return Ok(ExitCode::FAILURE),
    };
    let code = if let Some(command) = &up.run {
        eprintln!(
            "Holdfast is up at {}; logs: {}",
            stack.api_url,
            stack.logs.folder.display()
        );
        run_command(&stack, command, &mut signals).await
    } else {
        println!("{}", examples::text(&stack));
        signals.next().await;
        eprintln!("\nStopping.");
        Ok(ExitCode::SUCCESS)
    };
    stack.stop().await;
    code
}

fn options(up: &Up) -> Result<StackOptions, Error> {
    let binaries = up.bin_dir.as_deref().map(Binaries::in_folder).transpose()?;
    Ok(StackOptions {
        binaries,
        api_port: up.api_port,
        webhook_port: up.webhook_port,
        gateways_port: up.gateways_port.unwrap_or(match up.api_port {
            0 => 0,
            _ => GATEWAYS_PORT,
        }),
        concurrency: up.concurrency.into(),
        sweep_every: (up.sweep_every_s > 0).then(|| Duration::from_secs(up.sweep_every_s)),
        hot_units: up.hot_units,
        sqs_endpoint: up.sqs_endpoint.clone(),
        sweeper_environment: [demo_subscribers(), up.sweeper_set.clone()].concat(),
        logs: Some(project::root().join(".run/logs")),
        ..StackOptions::default()
    })
}

/// In each shop a subscriber `demo` may be put, at a URL of this machine.
fn demo_subscribers() -> Vec<(String, String)> {
    let secrets: BTreeMap<&str, _> = SHOPS
        .iter()
        .map(|shop| (*shop, BTreeMap::from([("demo", [DEMO_SUBSCRIBER_SECRET])])))
        .collect();
    vec![
        (
            "SUBSCRIBER_SECRETS".to_owned(),
            serde_json::json!(secrets).to_string(),
        ),
        ("SUBSCRIBER_NETWORKS".to_owned(), "any".to_owned()),
    ]
}

/// A shell command that knows where the stack is.
fn shell(stack: &Stack, command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .env("HOLDFAST_API", &stack.api_url)
        .env("HOLDFAST_ADMIN_TOKEN", &stack.admin_token)
        .env("HOLDFAST_WEBHOOK", &stack.webhook_url)
        .env("HOLDFAST_GATEWAYS", &stack.gateways_url)
        .env("HOLDFAST_LOCAL", &stack.control_url)
        .env("HOLDFAST_SQS", &stack.sqs_endpoint)
        .env("HOLDFAST_WEBHOOK_SECRET", demo_secret(SHOPS[0]))
        .env("HOLDFAST_DATABASE", stack.database_url())
        .env(
            "HOLDFAST_DATABASE_SUPERUSER",
            stack.cluster.url("postgres", DATABASE),
        )
        .env("HOLDFAST_LOGS", &stack.logs.folder);
    if let Some(path) = path_with_own_folder() {
        shell.env("PATH", path);
    }
    shell
}

async fn run_command(
    stack: &Stack,
    command: &str,
    signals: &mut Signals,
) -> Result<ExitCode, Error> {
    run_to_its_end(shell(stack, command), command, signals).await
}

/// So that a command finds the binaries that were built with this one.
fn path_with_own_folder() -> Option<std::ffi::OsString> {
    let own = std::env::current_exe().ok()?.parent()?.to_path_buf();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path))).ok()
}
