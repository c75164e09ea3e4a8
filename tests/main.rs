//! One test binary: everything that needs a real PostgreSQL, a real SQS API or real function processes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod checkout;
mod edge;
mod handlers;
mod openapi;
mod order;
mod payment;
mod sweep;
