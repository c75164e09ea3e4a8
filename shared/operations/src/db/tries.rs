//! The tries of one operation.

use std::time::Duration;

use rand::Rng as _;
use tokio::time::Instant;

use super::failure::Failure;
use crate::cause::causes;
use crate::telemetry::{self, Metric};

/// Tries of one operation. With their pauses they take longer than a shopper waits. Fewer would be
/// used up by a failover of a few seconds.
const TRIES_MAX: u32 = 24;
/// The longest pause between two tries. The first pause is a hundredth of it. Pauses double, with
/// full jitter.
const PAUSE_MAX: Duration = Duration::from_millis(1000);

/// How often an operation was tried, and until when it may be tried again.
pub(crate) struct Tries {
    deadline: Instant,
    made: u32,
    pause: Duration,
    before: Option<Failure>,
}

impl Tries {
    pub(super) fn until(deadline: Instant) -> Self {
        Self {
            deadline,
            made: 0,
            pause: PAUSE_MAX / 100,
            before: None,
        }
    }

    /// The end of the operation's time.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits until the next try.
    ///
    /// # Errors
    /// The failure, if another try can't mend it, or if the tries or the time ran out.
    pub(crate) async fn again_after(&mut self, failure: Failure) -> Result<(), Failure> {
        let failure = failure.or_why(self.before.take());
        self.made += 1;
        let next = rand::rng().random_range(Duration::ZERO..=self.pause);
        let worth_it = matches!(failure, Failure::Unavailable(_))
            && self.made < TRIES_MAX
            && Instant::now() + next < self.deadline;
        if !worth_it {
            // A constraint that refused the statement is an answer: the caller handles it.
            telemetry::count(
                Metric::DatabaseFailures,
                usize::from(failure.constraint().is_none()),
            );
            return Err(failure);
        }
        telemetry::count(Metric::DatabaseRetries, 1);
        tracing::debug!(tries = self.made, cause = causes(&failure), "trying again");
        self.before = Some(failure);
        tokio::time::sleep(next).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }
}
