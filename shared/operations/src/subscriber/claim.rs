//! Claims due deliveries.

use crate::db::{Database, Failure, ShopCode};
use crate::outbox::payload;

/// One delivery: a message to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The subscriber.
    pub name: String,
    pub url: String,
    pub topic: String,
    /// The subject. With the topic, it is the message's key.
    pub subject: String,
    /// `webhook-id`: the same for every try.
    pub id: String,
    /// The body, as in the queue.
    pub payload: String,
}

/// The shops with a due delivery; in a cluster, those on the nodes that answer. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn waiting(db: &Database) -> Result<Vec<String>, Failure> {
    let rows = db
        .call_each("select * from holdfast.subscriber_waiting($1)")
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Claims deliveries of a shop, up to `limit` of each subscriber, sorted by subscriber. They must
/// be marked within two minutes. After that another run claims them. Locks: the deliveries (SKIP
/// LOCKED).
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn claim(db: &Database, shop: &str, limit: i32) -> Result<Vec<Delivery>, Failure> {
    let rows = db
        .call(
            "select * from holdfast.subscriber_claim($1, $2)",
            &[&ShopCode(shop), &limit],
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
