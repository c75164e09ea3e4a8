//! Bulk import of skus and stock: a file is staged in parts, then applied step by step.
//!
//! [`csv`] and [`jsonl`] parse a part into [`Row`]s. [`stage`] stores them in the database.
//! [`apply`] compares them with the catalogue and writes the changes. [`report`] shows the result
//! of each row. One path serves every mode and size, within the limits of a Lambda function.

pub mod apply;
pub mod csv;
mod encoding;
pub mod jsonl;
pub mod purge;
pub mod report;
pub mod row;
pub mod stage;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::Kind;

use crate::db::sent_as;

pub use apply::{Apply, ApplyError, Progress, apply};
pub use purge::purge;
pub use report::{Change, Filter, Position, Report, RowOutcome, report};
pub use row::{Refusal, Row};
pub use stage::{StageError, Staged, stage};

/// Rows in one part at most.
pub const PART_ROWS_MAX: usize = 5_000;
/// Rows of a file that a caller has as a whole: ten parts. A larger one is sent part by part.
pub const FILE_ROWS_MAX: usize = 10 * PART_ROWS_MAX;
/// Rows of an all-or-nothing import. It is one transaction, and shoppers of its changed skus wait
/// for its end.
pub const ALL_OR_NOTHING_ROWS_MAX: i32 = 10_000;

/// The parts and the mode of an import are final once it is being applied.
pub(crate) const IMPORT_CLOSED: Kind = Kind {
    status: 409,
    code: "import_closed",
    title: "The import is closed",
    detail: "It is being applied or is done: its parts and its mode are final. Import under \
             another id.",
};

/// What happens to the good rows if there are bad rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportMode, example = "good_rows_only")]
pub enum Mode {
    /// Good rows are applied, and bad rows are left out.
    #[default]
    GoodRowsOnly,
    /// If one row is refused, nothing changes.
    AllOrNothing,
}

sent_as!(Mode, &str, |mode| match mode {
    Mode::GoodRowsOnly => "good_rows_only",
    Mode::AllOrNothing => "all_or_nothing",
});

/// `open`: parts may come. `trying`, `tried`: a dry run is under way, or complete; parts may still
/// come. `applying`, `done`: the rows are final. `rejected`: with all or nothing, a row was refused
/// and nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportStatus, example = "done")]
pub enum Status {
    /// Parts may come.
    Open,
    /// A dry run is under way; parts may still come.
    Trying,
    /// A dry run is complete; parts may still come.
    Tried,
    /// It is being applied; its rows are final.
    Applying,
    /// It is applied.
    Done,
    /// All or nothing, with a refused row: nothing was changed.
    Rejected,
}

impl Status {
    /// Whether nothing is left to do in the pass that it names.
    #[must_use]
    pub fn is_complete(self) -> bool {
        !matches!(self, Self::Open | Self::Trying | Self::Applying)
    }
}

/// Why a part cannot be parsed. Nothing of it was staged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Unreadable {
    /// The column, or `body`.
    pub field: String,
    /// A sentence that follows the field's name.
    pub message: String,
}

impl Unreadable {
    fn new(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: field.chars().take(80).collect(),
            message: message.into(),
        }
    }

    fn too_many(most: usize) -> Self {
        Self::new("body", format!("has more than {most} rows"))
    }
}
