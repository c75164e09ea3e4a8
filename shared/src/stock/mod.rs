//! Stock as a storefront sees it.

pub mod availability;

pub use availability::{Availability, SkuAvailability, availability};
