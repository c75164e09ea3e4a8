//! Records the results of deliveries.

use super::Delivery;
use crate::db::{Database, Failure, ShopCode, sent_as};

/// The result of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The subscriber accepted it.
    Delivered,
    /// It failed, with the reason. It is tried again after a pause.
    Failed(String),
    /// The subscriber answered 410 Gone: it wants no more.
    Gone,
    /// It was not tried.
    Untried,
}

sent_as!(DeliveryResult, &str, |result| match result {
    DeliveryResult::Delivered => "delivered",
    DeliveryResult::Failed(_) => "failed",
    DeliveryResult::Gone => "gone",
    DeliveryResult::Untried => "untried",
});

impl DeliveryResult {
    fn error(&self) -> Option<&str> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Gone => Some("410 Gone"),
            Self::Delivered | Self::Untried => None,
        }
    }
}

/// Marks deliveries to one subscriber. Locks: the subscriber, then the deliveries.
///
/// # Errors
/// [`Failure`] when the database could not answer: they are made again.
pub async fn mark(
    db: &Database,
    shop: &str,
    name: &str,
    marks: &[(Delivery, DeliveryResult)],
) -> Result<(), Failure> {
    let topics: Vec<&String> = marks.iter().map(|(of, _)| &of.topic).collect();
    let subjects: Vec<&String> = marks.iter().map(|(of, _)| &of.subject).collect();
    let results: Vec<&DeliveryResult> = marks.iter().map(|(_, is)| is).collect();
    let errors: Vec<Option<&str>> = marks.iter().map(|(_, is)| is.error()).collect();
    db.call(
        "select holdfast.subscriber_mark($1, $2, $3, $4, $5, $6)",
        &[
            &ShopCode(shop),
            &name,
            &topics,
            &subjects,
            &results,
            &errors,
        ],
    )
    .await?;
    Ok(())
}
