//! Sends some messages of one shop: claim, send, mark.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{BATCH_MAX, Fate, LEASE, Message, Queue, claim, mark};
use crate::cause::causes;
use crate::db::{Database, Failure};
use crate::telemetry::{self, Metric};

/// What is left of the lease when sending ends: a call to the queue that hangs must not outlive it.
const MARGIN: Duration = Duration::from_secs(20);

/// What one claim came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// Messages that were claimed.
    pub claimed: usize,
    /// Messages that the queue has.
    pub sent: usize,
    /// Messages that the queue refused.
    pub refused: usize,
    /// Why the queue could not be asked, where it could not: the rest is free for the next relay.
    pub failure: Option<String>,
}

/// Sends up to `limit` messages of a shop, of these groups or of any, until `deadline`. Locks: the
/// messages, in claiming and in marking; none while it sends.
///
/// # Errors
/// [`Failure`] when the database could not answer. What was sent and could not be marked is sent
/// again.
pub async fn relay(
    db: &Database,
    shop: &str,
    groups: Option<&[String]>,
    limit: i32,
    queue: &dyn Queue,
    deadline: Instant,
) -> Result<Relayed, Failure> {
    let claim_id = Uuid::now_v7();
    let until = deadline.min(Instant::now() + LEASE.saturating_sub(MARGIN));
    let messages = claim(&db.until(deadline), shop, groups, claim_id, limit).await?;
    if messages.is_empty() {
        return Ok(Relayed::default());
    }
    let mut relayed = Relayed {
        claimed: messages.len(),
        ..Relayed::default()
    };
    let (fates, failure) = send(messages, queue, until).await;
    for (message, fate) in &fates {
        match fate {
            Fate::Sent => relayed.sent += 1,
            Fate::Refused(error) => {
                relayed.refused += 1;
                let (message_id, kind) = (&message.id, &message.kind);
                tracing::error!(shop, message_id, kind, error, "an announcement is refused");
            }
            Fate::Untried => {}
        }
    }
    relayed.failure = failure;
    telemetry::count(Metric::AnnouncementsSent, relayed.sent);
    telemetry::count(Metric::AnnouncementsRefused, relayed.refused);
    mark(&db.until(deadline), shop, claim_id, &fates).await?;
    Ok(relayed)
}

/// Round after round, the first message of each group: a batch may succeed by half, and then the
/// second of a group must not have gone before its first.
async fn send(
    messages: Vec<Message>,
    queue: &dyn Queue,
    until: Instant,
) -> (Vec<(Message, Fate)>, Option<String>) {
    let mut groups: BTreeMap<String, VecDeque<Message>> = BTreeMap::new();
    for message in messages {
        let group = groups.entry(message.group.clone()).or_default();
        group.push_back(message);
    }
    let mut fates = Vec::new();
    let mut failure = None;
    while failure.is_none() && Instant::now() < until {
        let heads: Vec<Message> = groups
            .values_mut()
            .filter_map(VecDeque::pop_front)
            .collect();
        if heads.is_empty() {
            break;
        }
        for batch in heads.chunks(BATCH_MAX) {
            let answers = if failure.is_some() || Instant::now() >= until {
                None
            } else {
                let answered = queue.send(batch).await;
                let answers = answered.map_err(|cause| failure = Some(causes(&*cause)));
                answers.ok().filter(|answers| answers.len() == batch.len())
            };
            for (n, message) in batch.iter().enumerate() {
                let fate = match answers.as_ref().map(|answers| answers[n].clone()) {
                    Some(None) => Fate::Sent,
                    Some(Some(error)) => Fate::Refused(error),
                    None => Fate::Untried,
                };
                if fate != Fate::Sent
                    && let Some(behind) = groups.remove(&message.group)
                {
                    fates.extend(behind.into_iter().map(|message| (message, Fate::Untried)));
                }
                fates.push((message.clone(), fate));
            }
        }
    }
    let left = groups.into_values().flatten();
    fates.extend(left.map(|message| (message, Fate::Untried)));
    (fates, failure)
}
