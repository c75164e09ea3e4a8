//! Payments: verified webhooks, their events, and the effect on an order.

pub mod accept;
pub mod account;
pub mod cashfree;
pub mod event;
pub mod gateway;
mod json;
pub mod queued_webhook;
pub mod razorpay;
pub mod record_event;
pub mod record_events;
pub mod redrive;
pub mod retry_parked;
pub mod stripe;
pub mod webhook;

pub use accept::{Accept, AcceptError, Accepted, accept};
pub use account::Account;
pub use event::{Event, EventKind};
pub use gateway::Gateway;
pub use queued_webhook::{QueuedWebhook, QueuedWebhookError};
pub use record_event::{Outcome, Recorded, record_event};
pub use record_events::{EVENTS_MAX, record_events};
pub use redrive::{Redrive, RedriveError, redrive};
pub use retry_parked::{Retried, retry_parked};
