//! Which of the announcements that a shop can do without it wants: put, read.

pub mod put;
pub mod read;

use serde::{Deserialize, Serialize};

pub use put::put;
pub use read::read;

/// What a shop wants. The database writes it as JSON; this type is what that JSON must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcements {
    /// `checkout.expired`, for each checkout that runs out.
    pub checkout_expired: bool,
}
