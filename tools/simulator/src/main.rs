//! Cashfree, Stripe and Razorpay on loopback, until Ctrl-C.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use simulator::{Account, Simulator};

/// Simulates Cashfree, Stripe and Razorpay on this machine.
#[derive(Parser)]
struct Args {
    /// The port; 0 is any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A JSON file: a list of accounts with gateway, `key_id`, `key_secret`, `webhook_secret`
    /// and `webhook_url`.
    #[arg(long)]
    accounts: PathBuf,
    /// The same seed gives the same ids, and loses the same webhooks.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("holdfast-gateways: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), String> {
    let file = args.accounts.display();
    let text = std::fs::read(&args.accounts).map_err(|error| format!("read {file}: {error}"))?;
    let accounts: Vec<Account> =
        serde_json::from_slice(&text).map_err(|error| format!("{file}: {error}"))?;
    let simulator = Simulator::start(args.port, accounts, args.seed)
        .await
        .map_err(|error| format!("listen on 127.0.0.1:{}: {error}", args.port))?;
    println!("{}", simulator.url());
    tokio::select! {
        () = simulator.wait() => Err("the listener ended".to_owned()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
