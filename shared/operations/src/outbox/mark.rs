//! Records the result of claimed messages.

use uuid::Uuid;

use super::Message;
use crate::db::{Database, Failure, ShopCode, sent_as};

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

sent_as!(Fate, &str, |fate| match fate {
    Fate::Sent => "sent",
    Fate::Refused(_) => "refused",
    Fate::Untried => "untried",
});

impl Fate {
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
    let topics: Vec<&String> = fates.iter().map(|(of, _)| &of.kind).collect();
    let subjects: Vec<&String> = fates.iter().map(|(of, _)| &of.subject).collect();
    let results: Vec<&Fate> = fates.iter().map(|(_, fate)| fate).collect();
    let errors: Vec<Option<&str>> = fates.iter().map(|(_, fate)| fate.error()).collect();
    let row = db
        .call_one(
            "select holdfast.outbox_mark($1, $2, $3, $4, $5, $6)",
            &[
                &ShopCode(shop),
                &claim_id,
                &topics,
                &subjects,
                &results,
                &errors,
            ],
        )
        .await?;
    Ok(row.get(0))
}
