//! One test binary: everything that needs a real PostgreSQL, a real SQS API or real function
//! processes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod admin;
mod alarms;

mod cashfree;
mod checkout;
mod cores;
mod coupon;
mod crossings;
mod desk;
mod dispatcher;
mod docs;
mod edge;
mod faults;
mod handlers;
mod import;
mod import_api;
mod import_races;
mod interleavings;
mod layers;
mod limits;
mod manifest;
mod migrate_step;
mod migrations;
mod mixed;
mod model;
mod no_oversell;
mod office;
mod openapi;
mod order;
mod payment;
mod promises;
mod queue;
mod rehearsal;
mod restock;
mod runbooks;

mod shops;
mod shrinkage;
mod shrinkage_races;
mod sold_out;
mod stock;
mod sweep;
mod telemetry;
mod tidy;
mod tls;
mod webhook;
