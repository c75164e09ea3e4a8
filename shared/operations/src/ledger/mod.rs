//! All stock movements: list.

pub mod list;

pub use list::{Filter, Position, list};
