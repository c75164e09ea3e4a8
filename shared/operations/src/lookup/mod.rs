//! Look-ups at the gateways, because webhooks get lost: claim.

pub mod claim;

pub use claim::{Limits, Lookup, claim};
