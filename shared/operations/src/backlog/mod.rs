//! What waits, and for how long: due holds, unsent messages, parked events, locks.

pub mod read;

pub use read::{Backlog, read};
