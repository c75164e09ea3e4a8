//! Money: a gateway's verified message, what it means, and what it does to an order.

pub mod cashfree;
pub mod delivery;
pub mod record_event;
pub mod retry_parked;

pub use delivery::{Delivery, DeliveryError, Gateway};
pub use record_event::{Event, EventKind, Outcome, Recorded, record_event};
pub use retry_parked::{Retried, retry_parked};
