//! The history of purchases: search, timeline.

pub mod search;
pub mod timeline;

pub use search::{Found, SearchText, search};
pub use timeline::{Entry, Happened, Line, Timeline, timeline};
