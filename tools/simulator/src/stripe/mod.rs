//! Stripe: checkout sessions, payment intents and refunds below `/v1`, and webhooks.

mod api;
mod events;
mod objects;

pub(crate) use api::Stripe;
