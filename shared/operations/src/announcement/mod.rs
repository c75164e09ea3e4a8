//! The optional announcements of a shop: put, read.

pub mod put;
pub mod read;

use serde::{Deserialize, Serialize};

pub use put::put;
pub use read::read;

/// The optional announcements that a shop wants, as the database writes them in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcements {
    /// `checkout.expired`, for each expired checkout.
    pub checkout_expired: bool,
}
