//! What waits for a person or is late in one shop: read.

pub mod read;

pub use read::{Health, read};
