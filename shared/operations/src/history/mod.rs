//! The history of purchases: search.

pub mod search;

pub use search::{Found, SearchText, search};
