//! The promises: the rows that break one, page by page on demand, and by laps with each sweep.

pub mod breached;
pub mod due;
pub mod list;
pub mod recheck;
pub mod sweep;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use breached::{Breached, breached};
pub use due::{Due, due};
pub use list::{Position, list};
pub use recheck::recheck;
pub use sweep::{Lap, Swept, sweep};

use crate::page::ListRow;

/// A promise that is broken, and the rows that show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The shop whose rows show it.
    #[schema(value_type = crate::ids::Shop)]
    pub shop: String,
    /// The promise, as named in docs/invariants.md.
    #[schema(example = "never_oversold")]
    pub promise: String,
    /// The rows that break it.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

impl ListRow for Violation {
    const ROWS: &'static str = "violations";
}
