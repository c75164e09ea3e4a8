//! The command line of `holdfast replay`.

use clap::{Args, Subcommand};
use stock::api::Target;

/// `holdfast replay …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Move the messages of the dead-letter queue back to the queue of payment events
    ///
    /// Region, credentials and endpoint come from the environment, as for every AWS program.
    /// Messages that were moved before an error stay moved; run it again for the rest.
    #[command(after_help = "Example:
  holdfast replay dead-letters --from \"$DEAD_LETTER_QUEUE_URL\" --to \"$QUEUE_URL\" --look")]
    DeadLetters(DeadLetters),
    /// Have this release read a stored payment event once more
    #[command(after_help = "Example:
  export HOLDFAST_API=https://… HOLDFAST_SHOP=dress HOLDFAST_ADMIN_TOKEN=…
  holdfast replay event --gateway cashfree --event-key '…'")]
    Event(Event),
}

/// The options of `replay dead-letters`.
#[derive(Debug, Args)]
pub struct DeadLetters {
    /// URL of the dead-letter queue
    #[arg(long, value_name = "URL")]
    pub(crate) from: String,
    /// URL of the queue of payment events
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Move at most this many messages
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) max: usize,
    /// Only list the messages; move nothing
    #[arg(long)]
    pub(crate) look: bool,
}

/// The options of `replay event`.
#[derive(Debug, Args)]
pub struct Event {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The sender: cashfree, stripe or razorpay
    #[arg(long)]
    pub(crate) gateway: String,
    /// The event's key, as a search shows it
    #[arg(long, value_name = "KEY")]
    pub(crate) event_key: String,
}
