//! The events of a batch that go together: one call for each shop.

use std::collections::BTreeMap;
use std::time::Duration;

use operations::cause::causes;
use operations::db::Database;
use operations::ids::Shop;
use operations::payment::{self, EVENTS_MAX, EventKind, Recorded};
use operations::telemetry::{self, Metric};

use crate::message::{Message, Said};

/// Time for a connection, and then for the call. A usual batch takes a few milliseconds. If
/// one of its orders is locked for long, the call fails after half a second
/// (`payment_record_events`) and keeps nothing locked: its events go alone, and only that one
/// waits.
const CALL_MAX: Duration = Duration::from_secs(1);

/// Records what can go together, and answers for each message. `None`: it must go alone.
pub(crate) async fn record(db: &Database, messages: &[Message]) -> Vec<Option<Recorded>> {
    let mut answers = vec![None; messages.len()];
    let mut shops: BTreeMap<&Shop, Vec<(usize, &Said)>> = BTreeMap::new();
    for (nth, message) in messages.iter().enumerate() {
        if let Ok(said) = &message.said {
            shops.entry(&said.shop).or_default().push((nth, said));
        }
    }
    for (shop, said) in shops {
        let paid = |(_, said): &&(usize, &Said)| said.event.kind == EventKind::Paid;
        if said.iter().filter(paid).count() < 2 {
            continue;
        }
        // All of them: an event tells which others are about the same payment.
        for part in said.chunks(EVENTS_MAX) {
            let events: Vec<_> = part.iter().map(|(_, s)| (s.gateway, &s.event)).collect();
            match payment::record_events(db, shop, &events, CALL_MAX).await {
                Ok(recorded) => {
                    for ((nth, _), recorded) in part.iter().zip(recorded) {
                        answers[*nth] = recorded;
                    }
                }
                // One event may be to blame, or the server may be away: each one finds out.
                Err(failure) => {
                    telemetry::count(Metric::DatabaseRetries, 1);
                    let causes = causes(&failure);
                    tracing::warn!(%shop, causes, "the events of a batch go alone");
                    if failure.is_out_of_reach() && !db.has_nodes() {
                        return answers;
                    }
                }
            }
        }
    }
    answers
}
