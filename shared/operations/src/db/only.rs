//! Statements that return one row.

use tokio_postgres::Row;

use super::failure::Failure;

/// The only row.
///
/// # Errors
/// [`Failure::Internal`] when there is none, or more than one.
pub(super) fn only(statement: &str, mut rows: Vec<Row>) -> Result<Row, Failure> {
    match (rows.pop(), rows.is_empty()) {
        (Some(row), true) => Ok(row),
        _ => Err(Failure::Internal(
            format!("{statement}: not exactly one row").into(),
        )),
    }
}
