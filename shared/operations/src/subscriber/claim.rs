//! Takes deliveries that are to be made now.

use tokio_postgres::types::Type;

use crate::db::{Database, Failure};
use crate::outbox::payload;

/// One message to one subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The subscriber.
    pub name: String,
    /// Where it is told.
    pub url: String,
    /// What happened.
    pub topic: String,
    /// To what; with the topic, the message's key.
    pub subject: String,
    /// `webhook-id`: the same for every try.
    pub id: String,
    /// The body, as in the queue.
    pub payload: String,
}

/// The shops that have a delivery to make now. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn waiting(db: &Database) -> Result<Vec<String>, Failure> {
    let rows = db
        .call("select * from holdfast.subscriber_waiting()", &[])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Takes deliveries of a shop, up to `limit` of each subscriber, sorted by subscriber. They are to
/// be marked within two minutes; then somebody else takes them. Locks: the deliveries (SKIP
/// LOCKED).
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn claim(db: &Database, shop: &str, limit: i32) -> Result<Vec<Delivery>, Failure> {
    let rows = db
        .call(
            "select * from holdfast.subscriber_claim($1, $2)",
            &[(&shop, Type::TEXT), (&limit, Type::INT4)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let topic: String = row.get("o_topic");
            let payload = payload(shop, &topic, row.get("o_created_at"), row.get("o_body"))?;
            Ok(Delivery {
                name: row.get("o_name"),
                url: row.get("o_url"),
                subject: row.get("o_subject"),
                id: row.get("o_message_id"),
                topic,
                payload,
            })
        })
        .collect()
}
