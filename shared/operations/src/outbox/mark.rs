//! Records the result of claimed messages.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Message;
use crate::db::{Database, Failure};

/// The result of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The queue accepted it.
    Sent,
    /// The queue refused it, with the reason. It is tried again later, and its group waits.
    Refused(String),
    /// Unknown or not tried. The next relay may claim it.
    Untried,
}

impl Fate {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Refused(_) => "refused",
            Self::Untried => "untried",
        }
    }

    fn error(&self) -> Option<&str> {
        match self {
            Self::Refused(error) => Some(error),
            Self::Sent | Self::Untried => None,
        }
    }
}

/// Marks claimed messages. Returns how many are marked as sent. Locks: the messages.
///
/// # Errors
/// [`Failure`] when the database could not answer: they are sent again when the lease is over.
pub async fn mark(
    db: &Database,
    shop: &str,
    claim_id: Uuid,
    fates: &[(Message, Fate)],
) -> Result<i32, Failure> {
    let topics: Vec<&str> = fates.iter().map(|(of, _)| of.kind.as_str()).collect();
    let subjects: Vec<&str> = fates.iter().map(|(of, _)| of.subject.as_str()).collect();
    let results: Vec<&str> = fates.iter().map(|(_, fate)| fate.as_str()).collect();
    let errors: Vec<Option<&str>> = fates.iter().map(|(_, fate)| fate.error()).collect();
    let row = db
        .call_one(
            "select holdfast.outbox_mark($1, $2, $3, $4, $5, $6)",
            &[
                (&shop, Type::TEXT),
                (&claim_id, Type::UUID),
                (&topics, Type::TEXT_ARRAY),
                (&subjects, Type::TEXT_ARRAY),
                (&results, Type::TEXT_ARRAY),
                (&errors, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(row.get(0))
}
