//! Sweeping one shop: expire.

pub mod expire;

pub use expire::{BATCH_MAX, Expired, expire};
