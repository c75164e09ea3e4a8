//! What one round has to do at the gateways, and what came of it.

use std::collections::BTreeMap;

use gateways::{GatewayError, Gateways, KnownOrder, KnownRefund};
use operations::db::{Database, Failure};
use operations::ids::Shop;
use operations::payment::Gateway;
use operations::refund::Claimed;
use tokio::time::Instant;

/// Refunds, look-ups and closings of one shop in one round, each.
pub(super) const BATCH_MAX: i32 = 20;

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Refunds that were sent, however they ended.
    pub refunds_sent: u32,
    /// Payments and refunds that were looked up.
    pub looked_up: u32,
    /// Events of payments that a look-up found and that had been unknown.
    pub found: u32,
    /// Orders that nobody can begin to pay any more.
    pub closed: u32,
    /// Calls that a gateway did not answer, or refused.
    pub failed: u32,
    /// Of these, those whose gateway did not take the credentials.
    pub unauthorized: u32,
    /// Left for the next round: the time was over, or the gateway was down.
    pub left: u32,
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
    }
}

/// What was claimed is as much as there may be in a batch.
pub(super) fn is_full(claimed: usize, most: i32) -> bool {
    usize::try_from(most).is_ok_and(|most| claimed >= most.max(1))
}

/// What every step of one shop's round needs.
pub(super) struct Work<'a> {
    pub(super) db: &'a Database,
    pub(super) gateways: &'a Gateways,
    pub(super) shop: &'a Shop,
    pub(super) until: Instant,
}

/// Something to do at one gateway.
pub(super) enum Task {
    Refund(Claimed),
    LookUpPayment(KnownOrder),
    LookUpRefund(KnownRefund),
    Close(KnownOrder),
}

/// What is to be done, by gateway.
#[derive(Default)]
pub(super) struct Lines(pub(super) BTreeMap<Gateway, Vec<Task>>);

impl Lines {
    pub(super) fn push(&mut self, gateway: Gateway, task: Task) {
        self.0.entry(gateway).or_default().push(task);
    }
}

/// What a step did, and why its gateway did not do its part.
pub(super) type Step = Result<(Round, Option<GatewayError>), Failure>;

impl Work<'_> {
    /// Waits for a gateway as long as there is time.
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
