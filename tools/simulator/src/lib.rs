//! Cashfree, Stripe and Razorpay on loopback, as far as a shop needs them.
//!
//! Each gateway speaks its documented API (orders or sessions, payments, refunds) with its own
//! shapes, credentials, idempotency keys and errors, and signs its webhooks as the real one does. A
//! control API plays the shoppers and the banks, and makes the gateways fail ([`faults`]).
//!
//! - `server`: HTTP, credentials, idempotency keys and faults; `control`: the control API
//! - `state`: orders, payments and refunds; `sender`: sends the webhooks
//! - `gateway`: what all gateways have in common; `cashfree`, `stripe`, `razorpay`: one each, as
//!   `api` (calls), `events` (webhooks) and `objects` (JSON)

mod account;
mod call;
pub mod cashfree;
pub mod command;
mod control;
pub mod faults;
mod gateway;
mod gateways;
mod razorpay;
mod sender;
mod server;
mod signature;
mod simulation;
mod simulator;
mod state;
mod stripe;

pub use account::{Account, Gateway};
pub use faults::Faults;
pub use simulator::Simulator;
