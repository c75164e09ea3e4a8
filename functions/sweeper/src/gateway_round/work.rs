//! The tasks of one round at the gateways, and their results.

use std::collections::BTreeMap;

use gateways::{GatewayError, Gateways, KnownOrder, KnownRefund};
use operations::db::{Database, Failure};
use operations::ids::Shop;
use operations::payment::Gateway;
use operations::refund::Claimed;
use tokio::time::Instant;

/// Refunds, look-ups and closings of one shop in one round, each.
pub(super) const BATCH_MAX: i32 = 20;

/// The result of a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Refunds that were sent, whatever their result.
    pub refunds_sent: u32,
    /// Payments and refunds that were looked up.
    pub looked_up: u32,
    /// Payment events that a look-up found and that were unknown before.
    pub found: u32,
    /// Orders that no shopper can begin to pay any more.
    pub closed: u32,
    /// Calls that a gateway did not answer, or refused.
    pub failed: u32,
    /// Failed calls whose credentials the gateway refused.
    pub unauthorized: u32,
    /// Tasks left for the next round, because the time was up or the gateway was down.
    pub left: u32,
    /// Shops whose round the database stopped. Their claimed work comes again.
    pub stopped: u32,
}

impl std::ops::AddAssign for Round {
    fn add_assign(&mut self, other: Self) {
        self.refunds_sent += other.refunds_sent;
        self.looked_up += other.looked_up;
        self.found += other.found;
        self.closed += other.closed;
        self.failed += other.failed;
        self.unauthorized += other.unauthorized;
        self.left += other.left;
        self.stopped += other.stopped;
    }
}

/// Whether a claim returned a full batch, so there may be more.
pub(super) fn is_full(claimed: usize, most: i32) -> bool {
    usize::try_from(most).is_ok_and(|most| claimed >= most.max(1))
}

/// The inputs that all tasks of one shop's round share.
pub(super) struct Work<'a> {
    pub(super) db: &'a Database,
    pub(super) gateways: &'a Gateways,
    pub(super) shop: &'a Shop,
    pub(super) until: Instant,
}

/// A task at one gateway.
pub(super) enum Task {
    Refund(Claimed),
    LookUpPayment(KnownOrder),
    LookUpRefund(KnownRefund),
    Close(KnownOrder),
}

/// The tasks, by gateway.
#[derive(Default)]
pub(super) struct Lines(pub(super) BTreeMap<Gateway, Vec<Task>>);

impl Lines {
    pub(super) fn push(&mut self, gateway: Gateway, task: Task) {
        self.0.entry(gateway).or_default().push(task);
    }
}

/// The result of a task, and the gateway's error if there was one.
pub(super) type Step = Result<(Round, Option<GatewayError>), Failure>;

impl Work<'_> {
    /// Waits for a gateway until the round's time is up.
    pub(super) async fn in_time<T>(
        &self,
        gateway: Gateway,
        answer: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        tokio::time::timeout_at(self.until, answer)
            .await
            .unwrap_or(Err(GatewayError::Unavailable {
                gateway,
                reason: "the invocation's time is over",
            }))
    }
}
