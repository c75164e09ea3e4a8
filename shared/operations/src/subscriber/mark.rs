//! Records the results of deliveries.

use tokio_postgres::types::Type;

use super::Delivery;
use crate::db::{Database, Failure};

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

impl DeliveryResult {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed(_) => "failed",
            Self::Gone => "gone",
            Self::Untried => "untried",
        }
    }

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
    let topics: Vec<&str> = marks.iter().map(|(of, _)| of.topic.as_str()).collect();
    let subjects: Vec<&str> = marks.iter().map(|(of, _)| of.subject.as_str()).collect();
    let results: Vec<&str> = marks.iter().map(|(_, is)| is.as_str()).collect();
    let errors: Vec<Option<&str>> = marks.iter().map(|(_, is)| is.error()).collect();
    db.call(
        "select holdfast.subscriber_mark($1, $2, $3, $4, $5, $6)",
        &[
            (&shop, Type::TEXT),
            (&name, Type::TEXT),
            (&topics, Type::TEXT_ARRAY),
            (&subjects, Type::TEXT_ARRAY),
            (&results, Type::TEXT_ARRAY),
            (&errors, Type::TEXT_ARRAY),
        ],
    )
    .await?;
    Ok(())
}
