//! Everything the functions share: one typed function per routine of the database.
//!
//! The work itself is done by PL/pgSQL routines (`migrations/routines/`), one call and one round
//! trip per operation. A module here carries the same name as its routine: [`checkout::begin`]
//! calls `holdfast.checkout_begin`. What a reader meets, from the edge inwards:
//!
//! - [`ids`], [`quantity`], [`money`], [`text`], [`utc`]: input, parsed once at the edge into types
//!   that can't be wrong;
//! - [`checkout`], [`order`], [`payment`], [`refund`], [`gateway_order`], [`lookup`], [`sweep`],
//!   [`promises`], and for the stock office [`shop`], [`sku`], [`stock`], [`coupon`], [`ledger`],
//!   [`hold`], [`history`], [`import`] and [`announcement`]: one file per verb;
//! - [`outbox`]: the messages that they leave to be sent, and the relay that sends them;
//!   [`subscriber`]: who is told of them at a URL;
//! - [`page`]: pages of long lists, and the cursors between them;
//! - [`problem`]: refusals and failures as RFC 9457 problems, the only module that knows all of
//!   them;
//! - [`config`], [`login`], [`secret`], [`db`]: the database's address, who comes to it, TLS, the
//!   pool, and the bounded retries around every call;
//! - [`migrate`], [`iam_login`]: the schema and the routines, applied under a lock, and who may log
//!   in without a password;
//! - [`backlog`]: what waits, and for how long;
//! - [`telemetry`]: JSON logs and metrics.
//!
//! This crate depends on no Lambda and no AWS crate.

pub mod announcement;
pub mod backlog;
pub mod cause;
pub mod checkout;
pub mod clock;
pub mod config;
pub mod coupon;
pub mod db;
pub mod gateway_order;
pub mod history;
pub mod hold;
pub mod ids;
pub mod import;
pub mod ledger;
pub mod login;
pub mod lookup;
pub mod money;
pub mod order;
pub mod outbox;
pub mod page;
pub mod payment;
pub mod promises;
pub mod quantity;
pub mod refund;
pub mod secret;
pub mod shop;
pub mod sku;
pub mod stock;
pub mod subscriber;
pub mod sweep;
pub mod telemetry;
pub mod text;
pub mod utc;
