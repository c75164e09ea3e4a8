//! Cashfree: API version 2025-01-01 below `/pg`, and webhooks.

mod api;
mod events;
mod objects;
pub mod webhook;

pub(crate) use api::Cashfree;
