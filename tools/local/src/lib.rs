//! The local stack: everything that the functions need, on one machine, from real parts.
//!
//! - [`up`], [`database`], [`upgrade`]: the commands of `holdfast`; `command` runs what `--run`
//!   names
//! - [`stack`] starts and ends everything in order
//! - [`postgres`] starts a throw-away PostgreSQL from the installed server binaries; `citus` makes
//!   databases on the nodes of Citus
//! - [`lambda`] runs the functions as processes behind the Lambda Runtime API
//! - `http_api` is API Gateway, `queue` with `ministack` is SQS, `schedule` is EventBridge,
//!   [`sign_in`] is the console's OpenID Connect provider; `python` starts two of them
//! - [`roles`] has the database roles and their passwords
//! - `payment_gateways` simulates the gateways, with an account of each demo shop
//! - [`functions`] finds the functions' binaries, [`demo`] has the two demo shops
//! - `control` breaks the stack for a rehearsal
//! - [`logs`] gives each running stack a folder for its logs
//! - `reaper` ends every process and removes every folder that could outlive ours
//! - [`error`] says why the stack does not start, and what to do

mod citus;
mod command;
mod control;
pub mod database;
pub mod demo;
pub mod error;
pub mod functions;
mod http_api;
pub mod lambda;
mod listener;
pub mod logs;
mod ministack;
mod payment_gateways;
pub mod postgres;
pub mod project;
mod python;
pub mod queue;
mod reaper;
pub mod roles;
mod schedule;
pub mod sign_in;
pub mod stack;
pub mod up;
pub mod upgrade;

pub use error::Error;
pub use functions::Binaries;
pub use lambda::{FunctionOptions, FunctionProcess, Host, InvokeError};
pub use postgres::{Cluster, ClusterOptions};
pub use queue::QueueOptions;
pub use stack::{Stack, StackOptions};
