//! What is promised, and whether it is kept.

pub mod check;

pub use check::{Violation, check};
