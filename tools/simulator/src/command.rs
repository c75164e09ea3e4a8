//! `holdfast gateways`: the simulated gateways as a process of their own, until Ctrl-C.

use std::path::PathBuf;

use crate::account::Account;
use crate::simulator::Simulator;

/// The options of `holdfast gateways`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, with accounts.json as in tools/simulator/README.md:
  holdfast gateways --accounts accounts.json --port 4010"
)]
pub struct Args {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// JSON file: a list of merchant accounts with gateway, `key_id`, `key_secret`,
    /// `webhook_secret` and `webhook_url`
    #[arg(long, value_name = "FILE")]
    accounts: PathBuf,
    /// The same seed gives the same ids, and loses the same webhooks
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Starts the simulator, prints its URL, and answers until Ctrl-C.
///
/// # Errors
/// The accounts are unreadable, the port is taken, or the listener ended.
pub async fn run(args: &Args) -> Result<(), String> {
    let file = args.accounts.display();
    let text = std::fs::read(&args.accounts).map_err(|error| format!("read {file}: {error}"))?;
    let accounts: Vec<Account> =
        serde_json::from_slice(&text).map_err(|error| format!("{file}: {error}"))?;
    let mut simulator = Simulator::start(args.port, accounts, args.seed)
        .await
        .map_err(|error| format!("listen on 127.0.0.1:{}: {error}", args.port))?;
    println!("{}", simulator.url());
    tokio::select! {
        () = simulator.wait() => Err("the listener ended".to_owned()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
