//! The causes of an error, for the log.

use tokio_postgres::error::DbError;

/// The cause of an error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error and the chain of its causes: for the log, never for a client.
#[must_use]
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = told(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&told(error));
        cause = error.source();
    }
    text
}

/// The text of one error. The database's DETAIL is left out: it is the row that broke a rule, with
/// the customer's name and address. The code and the constraint's name say enough.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let Some(refusal) = error.downcast_ref::<DbError>() else {
        return error.to_string();
    };
    let code = refusal.code().code();
    let text = format!("{}: {} ({code}", refusal.severity(), refusal.message());
    match (refusal.constraint(), refusal.table()) {
        (Some(constraint), Some(table)) => format!("{text}, {constraint} of {table})"),
        _ => text + ")",
    }
}
