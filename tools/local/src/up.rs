//! `holdfast up`: the whole of Holdfast on this machine, with one command.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::command::{self, Signals, run_to_its_end};
use crate::demo::{SHOPS, demo_secret};
use crate::postgres::ClusterOptions;
use crate::queue::SQS_AUTHORIZATION;
use crate::sign_in::PEOPLE;
use crate::stack::DATABASE;
use crate::{Binaries, Error, Stack, StackOptions, project, roles};

/// Signs the announcements to the subscriber `demo`.
const DEMO_SUBSCRIBER_SECRET: &str = "whsec_bG9jYWwtZGVtby1zdWJzY3JpYmVyLXNlY3JldA==";

/// The options of `holdfast up`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast up
  holdfast up --concurrency 2 --requests-per-process 64
  holdfast up --hot-units 100 --run 'holdfast drill --hot-sku LEHENGA-RED-M --units 100'")]
pub struct Up {
    /// Port of the HTTP API; 0 takes a free one [default: 8787, with --run a free one]
    #[arg(long, value_name = "PORT")]
    api_port: Option<u16>,
    /// Port of the console [default: 8786, with --run there is no console]
    #[arg(long, value_name = "PORT")]
    console_port: Option<u16>,
    /// Port of the webhook function's URL [default: 8788, with --run a free one]
    #[arg(long, value_name = "PORT")]
    webhook_port: Option<u16>,
    /// Port of the simulated gateways [default: 8789, with --run a free one]
    #[arg(long, value_name = "PORT")]
    gateways_port: Option<u16>,
    /// Processes of the checkout function
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(1..=200))]
    concurrency: u16,
    /// Requests that each of them handles at the same time: more than 1 runs them as Lambda Managed
    /// Instances do
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=1600))]
    requests_per_process: u16,
    /// Connections of each of them to the database [default: one for each request, at most 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pool_size: Option<u16>,
    /// Seconds between two calls of the sweeper; 0 never calls it
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    sweep_every_s: u64,
    /// Units of the sku that everybody wants, LEHENGA-RED-M [default: as in the demo catalogue]
    #[arg(long, value_name = "UNITS",
          value_parser = clap::value_parser!(u32).range(..=100_000_000))]
    hot_units: Option<u32>,
    /// Run the database on a Citus cluster with so many workers, or on one node with 0:
    /// HOLDFAST_PG_BIN names an installation with Citus
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=8))]
    citus_workers: Option<u16>,
    /// Folder with the functions' binaries [default: the folder of this program]
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Set a variable of the sweeper, such as LOOKUP_AGAIN_S=5; repeat it for several
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    sweeper_set: Vec<(String, String)>,
    /// Run this shell command against the stack, then stop with its exit code
    ///
    /// The command gets HOLDFAST_API, HOLDFAST_ADMIN_TOKEN, HOLDFAST_WEBHOOK,
    /// HOLDFAST_WEBHOOK_SECRET, HOLDFAST_GATEWAYS, HOLDFAST_LOCAL and HOLDFAST_DATABASE; with
    /// --console-port also HOLDFAST_CONSOLE.
    #[arg(long, value_name = "COMMAND")]
    run: Option<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Starts the stack and stays until Ctrl-C, or until the command of `--run` ends, whose exit code
/// it returns.
///
/// # Errors
/// When the stack does not start, or the command can't be run.
pub async fn run(up: &Up) -> Result<ExitCode, Error> {
    let mut signals = Signals::new()?;
    eprintln!("Starting PostgreSQL, SQS, the gateways and the functions.");
    let stack = tokio::select! {
        started = Stack::start(options(up)?) => started?,
        _ = signals.next() => return Ok(ExitCode::FAILURE),
    };
    let code = if let Some(command) = &up.run {
        let logs = stack.logs.folder.display();
        eprintln!("Holdfast is up at {}; logs: {logs}", stack.api_url);
        run_to_its_end(shell(&stack, command), command, &mut signals).await
    } else {
        println!("{}", addresses(&stack));
        signals.next().await;
        eprintln!("\nStopping.");
        Ok(ExitCode::SUCCESS)
    };
    stack.stop().await;
    code
}

fn options(up: &Up) -> Result<StackOptions, Error> {
    let binaries = up.bin_dir.as_deref().map(Binaries::in_folder).transpose()?;
    // A command is told where the stack is; a person reads it in the README.
    let port =
        |wanted: Option<u16>, default| wanted.unwrap_or(if up.run.is_some() { 0 } else { default });
    Ok(StackOptions {
        binaries,
        api_port: port(up.api_port, 8787),
        webhook_port: port(up.webhook_port, 8788),
        gateways_port: port(up.gateways_port, 8789),
        console_port: up.console_port.or_else(|| up.run.is_none().then_some(8786)),
        concurrency: up.concurrency.into(),
        requests_per_process: up.requests_per_process.into(),
        pool_size: up.pool_size.map(usize::from),
        sweep_every: (up.sweep_every_s > 0).then(|| Duration::from_secs(up.sweep_every_s)),
        hot_units: up.hot_units,
        sweeper_environment: [demo_subscribers(), up.sweeper_set.clone()].concat(),
        logs: Some(project::root().join(".run/logs")),
        cluster: ClusterOptions {
            citus_workers: up.citus_workers,
            ..ClusterOptions::default()
        },
        ..StackOptions::default()
    })
}

/// Each shop may have a subscriber `demo`, at a URL of this machine.
fn demo_subscribers() -> Vec<(String, String)> {
    let secrets = json!({ "demo": [DEMO_SUBSCRIBER_SECRET] });
    let of_each: Map<String, Value> = SHOPS
        .map(|shop| (shop.to_owned(), secrets.clone()))
        .into_iter()
        .collect();
    vec![
        (
            "SUBSCRIBER_SECRETS".to_owned(),
            Value::from(of_each).to_string(),
        ),
        ("SUBSCRIBER_NETWORKS".to_owned(), "any".to_owned()),
    ]
}

/// A shell command that gets the stack's addresses by its environment.
pub(crate) fn shell(stack: &Stack, command: &str) -> Command {
    let mut shell = command::shell(command);
    shell
        .env("HOLDFAST_API", &stack.api_url)
        .env("HOLDFAST_ADMIN_TOKEN", &stack.admin_token)
        .env("HOLDFAST_WEBHOOK", &stack.webhook_url)
        .env("HOLDFAST_WEBHOOK_SECRET", demo_secret(SHOPS[0]))
        .env("HOLDFAST_GATEWAYS", &stack.gateways_url)
        .env("HOLDFAST_LOCAL", &stack.control_url)
        .env("HOLDFAST_DATABASE", stack.database_url())
        .envs(
            stack
                .console_url
                .iter()
                .map(|url| ("HOLDFAST_CONSOLE", url)),
        );
    shell
}

fn addresses(stack: &Stack) -> String {
    format!(
        r#"
Holdfast is up, with the shops dress (wedding wear) and tour (seats of departures).

  console   {console} (sign in as {people})
  HTTP API  {api} (pages of localhost may call it)
  webhooks  {webhook}
  gateways  {gateways} (simulated: tools/simulator/README.md)
  database  psql '{database}'
            psql '{readonly}' (read only)
  logs      {logs}

Paste these lines into a second terminal. Then docs/tour.md works from top to bottom.

export HOLDFAST_API={api} HOLDFAST_WEBHOOK={webhook} HOLDFAST_GATEWAYS={gateways}
export HOLDFAST_ADMIN_TOKEN={token}

# Reads announcements from their queue.
curl -s {sqs} -H 'x-amz-target: AmazonSQS.ReceiveMessage' \
  -H 'content-type: application/x-amz-json-1.0' -H 'authorization: {authorization}' \
  -d '{{"QueueUrl":"{outbox}","MaxNumberOfMessages":10,"VisibilityTimeout":0}}'; echo

# Runs the sweeper now. It answers with no violation, because every promise holds.
curl -s -X POST {api}/2015-03-31/functions/holdfast-sweeper/invocations; echo

Ctrl-C stops everything and deletes its data."#,
        console = stack.console_url.as_deref().unwrap_or("none"),
        people = PEOPLE.map(|person| person.sub).join(", "),
        api = stack.api_url,
        webhook = stack.webhook_url,
        gateways = stack.gateways_url,
        database = stack.database_url(),
        readonly = stack.url(roles::READONLY, DATABASE),
        logs = stack.logs.folder.display(),
        token = stack.admin_token,
        sqs = stack.sqs_endpoint,
        authorization = SQS_AUTHORIZATION,
        outbox = stack.outbox_queue_url,
    )
}
