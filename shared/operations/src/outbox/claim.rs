//! Claims messages to send, with a lease.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::Message;
use crate::db::{Database, Failure, ShopCode};
use crate::utc::Utc;

/// The lease of claimed messages. If too low, the messages of a slow relay are sent twice. If too
/// high, the messages of a dead relay wait.
pub const LEASE: Duration = Duration::from_secs(60);
const LEASE_MINUTES: i32 = 1;

/// The payload, in the form of Standard Webhooks.
#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'a str,
    timestamp: Utc,
    data: &'a Value,
}

/// Claims up to `limit` messages of a shop, of these groups or of any, sorted by number. Each group
/// begins with its oldest message. Locks: the messages (SKIP LOCKED).
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn claim(
    db: &Database,
    shop: &str,
    groups: Option<&[String]>,
    claim_id: Uuid,
    limit: i32,
) -> Result<Vec<Message>, Failure> {
    let rows = db
        .call(
            "select * from holdfast.outbox_claim($1, $2, $3, $4, make_interval(mins => $5))",
            &[&ShopCode(shop), &groups, &claim_id, &limit, &LEASE_MINUTES],
        )
        .await?;
    rows.iter().map(|row| message(shop, row)).collect()
}

fn message(shop: &str, row: &Row) -> Result<Message, Failure> {
    let kind: String = row.get("o_topic");
    let payload = payload(shop, &kind, row.get("o_created_at"), row.get("o_body"))?;
    Ok(Message {
        id: row.get("o_message_id"),
        shop: shop.to_owned(),
        group: row.get("o_group"),
        number: row.get("o_number"),
        subject: row.get("o_subject"),
        payload,
        kind,
    })
}

/// The payload of a message, the same for every try.
pub(crate) fn payload(
    shop: &str,
    topic: &str,
    created_at: OffsetDateTime,
    mut data: Value,
) -> Result<String, Failure> {
    // The shop's name: one queue has the messages of all shops.
    if let Value::Object(members) = &mut data {
        members.insert("shop".to_owned(), Value::from(shop));
    }
    let payload = Payload {
        r#type: topic,
        timestamp: created_at.into(),
        data: &data,
    };
    serde_json::to_string(&payload).map_err(|error| Failure::Internal(error.into()))
}
