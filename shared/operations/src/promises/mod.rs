//! The promises: check.

pub mod check;

pub use check::{Violation, check};
