//! Payments: verified webhooks, their events, and the effect on an order.

pub mod accept;
pub mod account;
pub mod cashfree;
pub mod event;
pub mod event_dismiss;
pub mod event_retry;
pub mod gateway;
mod json;
pub mod parked_list;
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
pub use event_dismiss::{Dismiss, DismissError, Dismissed, event_dismiss};
pub use event_retry::{Retry, RetryEventError, event_retry};
pub use gateway::Gateway;
pub use parked_list::{ParkedEvent, parked_list};
pub use queued_webhook::{QueuedWebhook, QueuedWebhookError};
pub use record_event::{Outcome, Recorded, record_event};
pub use record_events::{EVENTS_MAX, record_events};
pub use redrive::{Redrive, RedriveError, redrive};
pub use retry_parked::{Retried, retry_parked};
