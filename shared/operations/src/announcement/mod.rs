//! The optional announcements of a shop: put, read.

pub mod put;
pub mod read;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use put::put;
pub use read::read;

/// The optional announcements of a shop.
// The database writes them as JSON of this shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Announcements {
    /// `checkout.expired`, one for each checkout that expires: in a flash sale as many as
    /// shoppers. Off for a new shop.
    pub checkout_expired: bool,
}
