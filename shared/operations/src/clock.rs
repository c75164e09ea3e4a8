//! A clock for elapsed times that also counts while the process is frozen.

use std::time::{Duration, Instant, SystemTime};

/// A point in time of this process.
///
/// Lambda freezes an environment between two requests. The monotonic clock may stand still
/// meanwhile. The wall clock goes on, but an operator may set it. The longer of the two times
/// counts: at worst a check comes too early.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    monotonic: Instant,
    wall: SystemTime,
}

impl Reading {
    /// The current time.
    #[must_use]
    pub fn now() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// The time since this reading.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.monotonic
            .elapsed()
            .max(self.wall.elapsed().unwrap_or_default())
    }
}
