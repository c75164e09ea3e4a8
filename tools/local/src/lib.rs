//! The local stack: everything the functions need, on one machine, from real parts.
//!
//! A reader's tour:
//! - [`stack`] starts and stops everything, in order;
//! - [`postgres`] starts a throw-away PostgreSQL from whatever server binaries there are;
//! - [`lambda`] runs the functions as processes behind the Lambda Runtime API;
//! - `gateway` is the HTTP front, `queue` with `ministack` is SQS, `schedule` is EventBridge;
//! - [`roles`] are the database roles and their passwords;
//! - `payment_gateways` starts the simulated payment gateways, with an account of each demo shop;
//! - [`functions`] are the functions' binaries, `catalogue` loads the demo's two shops;
//! - `control` is what a rehearsal may do to all this;
//! - [`logs`] gives each stack that runs a folder for its logs;
//! - [`guardian`] makes sure that no process and no folder survives ours;
//! - [`error`] holds what can go wrong and what the user should do about it.

mod catalogue;
mod command;
mod control;
pub mod database;
pub mod error;
mod examples;
pub mod functions;
mod gateway;
pub mod guardian;
pub mod lambda;
pub mod logs;
mod ministack;
mod payment_gateways;
pub mod postgres;
pub mod project;
pub mod queue;
pub mod roles;
mod schedule;
pub mod stack;
mod stopping;
pub mod up;
pub mod upgrade;

pub use error::Error;
pub use functions::Binaries;
pub use lambda::{FunctionOptions, FunctionProcess, Host, HostOptions, InvokeError};
pub use postgres::{Cluster, ClusterOptions};
pub use queue::QueueOptions;
pub use stack::{Stack, StackOptions};
