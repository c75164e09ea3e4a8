//! One test binary: everything that needs a real PostgreSQL, a real SQS API or real function
//! processes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod admin;
mod authorities;
mod cashfree;
mod checkout;
mod connections;
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
mod migrations;
mod mixed;
mod model;
mod no_oversell;
mod office;
mod openapi;
mod order;
mod ownership;
mod payment;
mod promises;
mod queue;
mod rehearsal;

mod release_load;
mod releases;
mod restock;
mod rights;
mod roles;
mod secrets;
mod shops;
mod shrinkage;
mod shrinkage_races;
mod sold_out;
mod stock;
mod supply_chain;
mod sweep;
mod tidy;
mod tls;
mod upgrades;
mod webhook;
