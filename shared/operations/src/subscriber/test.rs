//! Sends a test message to one subscriber.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Name, SUBSCRIBER_DISABLED};
use crate::db::{Database, Failure};
use crate::ids::{Actor, Shop, TestId};
use crate::refusals;

/// A test message.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriberTest)]
pub struct Test {
    /// Made by the caller: a repeated request sends no second message.
    pub test_id: TestId,
}

/// The message waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriberTested)]
pub struct Tested {
    pub test_id: Uuid,
}

refusals! {
    /// Why no test message is sent.
    pub enum TestError {
        NotFound => Said::not_found("subscriber");
        Disabled => SUBSCRIBER_DISABLED;
    }
}

/// Has the next sweep send a message of the type `subscriber.test` to this subscriber alone. Locks:
/// the subscriber FOR KEY SHARE.
///
/// # Errors
/// [`TestError`]; a refusal changes nothing.
pub async fn test(
    db: &Database,
    shop: &Shop,
    name: &Name,
    actor: &Actor,
    test: Test,
) -> Result<Tested, TestError> {
    let row = db
        .call_one(
            "select holdfast.subscriber_test($1, $2, $3, $4)",
            &[&shop, &name, &test.test_id, &actor],
        )
        .await?;
    match row.get(0) {
        "sent" => Ok(Tested {
            test_id: *test.test_id.as_uuid(),
        }),
        "not_found" => Err(TestError::NotFound),
        "disabled" => Err(TestError::Disabled),
        other => Err(Failure::unknown_outcome("subscriber_test", other).into()),
    }
}
