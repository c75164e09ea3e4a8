//! The shared parts of the HTTP functions.
//!
//! - [`Route`] and [`route!`]: a handler with its path and its contract;
//! - [`serve()`] and [`answer`]: one request, from its log span to its response;
//! - [`Path`], [`Query`], [`List`], [`Json`]: what a handler takes, parsed strictly;
//! - [`Json`], [`Made`], [`Versioned`], [`Listed`], [`Lines`]: what it answers;
//! - [`Problem`] and [`Refused`]: errors as RFC 9457 problems;
//! - [`contract`]: what a handler's types say in openapi.yaml;
//! - [`caller`]: the caller, as an authorizer reports it.

mod body;
pub mod caller;
pub mod contract;
mod path;
pub mod problem;
mod query;
mod reply;
mod route;
mod serve;

pub use body::{JSON, Json, bytes, media_type};
pub use path::{Path, PathParameter, text};
pub use problem::{Problem, Refused, found};
pub use query::{List, NoFilter, Query, fields};
pub use reply::{Answer, Lines, Listed, Made, Versioned};
pub use route::{Route, routed};
pub use serve::{Front, about_order, answer, router, serve};

#[doc(hidden)]
pub use pastey;
