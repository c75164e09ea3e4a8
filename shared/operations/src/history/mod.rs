//! What became of a purchase: search.

pub mod search;

pub use search::{Found, Query, search};
