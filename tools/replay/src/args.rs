//! The command line.

use clap::{Args, Subcommand};

/// `holdfast replay …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Move the messages of the dead-letter queue back to the queue of payment events
    DeadLetters(DeadLetters),
    /// Have this release read a stored payment event once more
    Event(Event),
}

/// Region, credentials and endpoint come from the environment, as for every AWS program.
#[derive(Debug, Args)]
pub struct DeadLetters {
    /// URL of the dead-letter queue
    #[arg(long, value_name = "URL")]
    pub(crate) from: String,
    /// URL of the queue of payment events
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Messages to move at most
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) max: usize,
    /// Only say what there is; nothing is moved
    #[arg(long)]
    pub(crate) look: bool,
}

#[derive(Debug, Args)]
pub struct Event {
    /// URL of the admin API, without /v1
    #[arg(long, env = "HOLDFAST_API", value_name = "URL", value_parser = parse_url)]
    pub(crate) api: String,
    /// The shop
    #[arg(long, env = "HOLDFAST_SHOP")]
    pub(crate) shop: String,
    /// The token of the admin API
    #[arg(
        long,
        env = "HOLDFAST_ADMIN_TOKEN",
        hide_env_values = true,
        value_name = "T"
    )]
    pub(crate) token: Option<String>,
    /// Who sent it: cashfree, stripe or razorpay
    #[arg(long)]
    pub(crate) gateway: String,
    /// Its key, as a search shows it
    #[arg(long, value_name = "KEY")]
    pub(crate) event_key: String,
}

fn parse_url(text: &str) -> Result<String, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        Ok(text.to_owned())
    } else {
        Err("must start with http:// or https://".to_owned())
    }
}
