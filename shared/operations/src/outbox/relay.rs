//! Sends some messages of one shop: claim, send, mark.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{BATCH_MAX, Fate, LEASE, Message, Queue, claim, mark};
use crate::cause::causes;
use crate::db::{Database, Failure};
use crate::telemetry::{self, Metric};

/// The part of the lease that stays unused, so a hanging call to the queue does not outlive the
/// lease.
const MARGIN: Duration = Duration::from_secs(20);

/// The result of one claim.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// Claimed messages.
    pub claimed: usize,
    /// Messages that the queue accepted.
    pub sent: usize,
    /// Messages that the queue refused.
    pub refused: usize,
    /// Why the queue could not be reached. The next relay may claim the rest.
    pub failure: Option<String>,
}

/// Sends up to `limit` messages of a shop, of these groups or of any, until `deadline`. Locks: the
/// messages, while claiming and while marking; none while sending.
///
/// # Errors
/// [`Failure`] when the database could not answer. Messages that were sent and could not be marked
/// are sent again.
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

/// Sends the first message of each group, then the second, and so on. A batch may half succeed, and
/// the second message of a group must not go before the first.
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
