//! The local stack: everything the functions need, on one machine, from real parts.
//!
//! A reader's tour:
//! - [`postgres`] starts a throw-away PostgreSQL from whatever server binaries there are;
//! - [`lambda`] runs the functions as processes behind the Lambda Runtime API;
//! - [`guardian`] makes sure that no process and no folder survives ours;
//! - [`error`] holds what can go wrong and what the user should do about it.

pub mod error;
pub mod guardian;
pub mod lambda;
pub mod postgres;
pub mod project;
mod stopping;

pub use error::Error;
pub use lambda::{FunctionOptions, FunctionProcess, Host, HostOptions, InvokeError};
pub use postgres::{Cluster, ClusterOptions};
