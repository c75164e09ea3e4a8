//! The operations of Holdfast: one typed function per routine of the database.
//!
//! PL/pgSQL routines (`migrations/routines/`) do the work, with one call and one round trip per
//! operation. A module has the name of its routine: [`checkout::begin`] calls
//! `holdfast.checkout_begin`.
//!
//! - [`ids`], [`quantity`], [`money`], [`text`], [`day`], [`utc`]: input, parsed once into types
//!   that cannot be wrong;
//! - one folder per noun, such as [`checkout`], [`order`], [`payment`], [`stock`]: one file per
//!   verb;
//! - [`outbox`] and [`subscriber`]: announcements and their delivery;
//! - [`refusal`]: what an operation refuses, declared once; [`object`]: strict JSON;
//! - [`page`]: pages of long lists, and their cursors;
//! - [`config`], [`login`], [`secret`], [`db`]: settings, the login, TLS, the pool, and bounded
//!   retries around every call;
//! - `combine`: requests that wait for a connection, to go together;
//! - [`backlog`], [`telemetry`]: the backlog, logs and metrics.
//!
//! This crate depends on no Lambda and no AWS crate.

pub mod announcement;
pub mod backlog;
pub mod cause;
pub mod checkout;
pub mod clock;
mod combine;
pub mod config;
pub mod coupon;
pub mod day;
pub mod db;
pub mod delivery;
pub mod departure;
pub mod gateway_order;
pub mod health;
pub mod history;
pub mod hold;
pub mod ids;
pub mod import;
pub mod ledger;
pub mod login;
pub mod lookup;
pub mod money;
mod number;
pub mod object;
pub mod order;
pub mod outbox;
pub mod page;
pub mod payment;
pub mod promises;
pub mod quantity;
pub mod refund;
pub mod refusal;
pub mod sale;
mod schema;
pub mod secret;
pub mod shop;
pub mod sku;
pub mod stock;
pub mod subscriber;
pub mod sweep;
pub mod telemetry;
pub mod text;
pub mod utc;
