//! Refusals of a whole import. Its report has the refusals of single rows.

use serde_json::json;

use super::Problem;
use operations::import::{ALL_OR_NOTHING_ROWS_MAX, ApplyError, StageError};

fn closed() -> Problem {
    Problem::new(
        409,
        "import_closed",
        "The import is closed",
        "It is being applied or is done: its parts and its mode are final. Import under another \
         id.",
    )
}

impl From<&StageError> for Problem {
    fn from(error: &StageError) -> Self {
        match error {
            StageError::UnknownShop => Self::not_found("shop"),
            StageError::Closed => closed(),
            StageError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&ApplyError> for Problem {
    fn from(error: &ApplyError) -> Self {
        match error {
            ApplyError::NotFound => Self::not_found("import"),
            ApplyError::Closed => closed(),
            ApplyError::Incomplete { next_part } => Self::new(
                409,
                "import_incomplete",
                "The import is not complete",
                "Nothing was applied: the staged parts are not exactly the parts 1 to `parts`. \
                 `next_part` is the first missing part.",
            )
            .with("next_part", json!(next_part)),
            ApplyError::TooLarge { rows } => Self::new(
                422,
                "import_too_large",
                "Too many rows for all or nothing",
                format!(
                    "All or nothing is one transaction of at most {ALL_OR_NOTHING_ROWS_MAX} rows. \
                     Split the file, or apply the good rows only."
                ),
            )
            .with("rows", json!(rows)),
            ApplyError::Failure(failure) => failure.into(),
        }
    }
}
