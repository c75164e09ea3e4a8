//! How long ago something was, also across a freeze.

use std::time::{Duration, Instant, SystemTime};

/// A point in time of this process.
///
/// Lambda freezes an environment between two requests, and the monotonic clock may stand still
/// meanwhile; the wall clock goes on, but somebody may set it. The longer of the two counts: at
/// worst something is looked at again too early.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    monotonic: Instant,
    wall: SystemTime,
}

impl Reading {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// How long ago it was.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.monotonic
            .elapsed()
            .max(self.wall.elapsed().unwrap_or_default())
    }
}
