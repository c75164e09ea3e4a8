//! The history of purchases: search, timeline.

pub mod outline;
pub mod search;
pub mod timeline;

pub use outline::{Outline, Outlined, outline};
pub use search::{Found, SearchText, search};
pub use timeline::{Entry, Happened, Line, Timeline, timeline};
