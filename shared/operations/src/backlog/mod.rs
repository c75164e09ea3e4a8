//! The backlog: due holds, unsent messages, parked events, lock waits.

pub mod read;

pub use read::{Backlog, read};
