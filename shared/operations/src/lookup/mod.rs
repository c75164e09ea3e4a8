//! What is to be looked up at the gateways, because webhooks get lost: claim.

pub mod claim;

pub use claim::{Limits, Lookup, claim};
