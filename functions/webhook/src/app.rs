//! The state of one process.

use std::sync::Arc;

use crate::queue::Queue;
use crate::secrets::Keyring;

/// The state of one process.
pub struct App {
    /// The gateways' secrets.
    pub secrets: Keyring,
    /// The queue of verified webhooks.
    pub queue: Queue,
}

/// The state of the handlers.
pub type Shared = Arc<App>;
